"""Live values to snapshot bytes: two ways, one entry.

Exact scalars go through the C packer in one call. Everything else takes the budgeted walk (`tracer.encoding.walk`).
Both give the same bytes for the same value. Nothing here raises, and no code of the values' classes is run.
"""

from __future__ import annotations

import weakref
from functools import partial
from itertools import count
from operator import is_
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tracer import wire
from tracer.encoding import cut, plans
from tracer.encoding.budget import FEW_ITEMS, Budget, Limit
from tracer.encoding.faults import is_ours
from tracer.encoding.hiding import Secrets
from tracer.encoding.redact import Judge
from tracer.encoding.texts import Texts
from tracer.encoding.walk import UNPACKABLE, Name, Plan, Shared, all_str
from tracer.encoding.walks import Walks, make_walks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tracer.encoding.paths import PathNormaliser
    from tracer.encoding.redact import Redactor

_NONE = type(None)
_EMPTY_TUPLE: Final = wire.Extension(wire.TUPLE, wire.array_header(0))
LONG: Final = 1024
"""Characters; a longer text is looked at before it is packed."""

_DEFAULT: Final = Budget()

UNKNOWN: Final = wire.extension(wire.OPAQUE, wire.array_header(2) + wire.packer()("tracer:unencoded") + b"\x00")
"""What stands for a value where not even a frame of the interpreter was left to look at it."""


def immutable(values: Sequence[Any]) -> bool:
    """Say whether all are exact immutable scalars: then no call can change them."""
    for value in values:
        kind = type(value)
        if not (kind is str or kind is int or kind is _NONE or kind is bool or kind is float or kind is bytes):
            return False
    return True


def unchanged(before: list[Any], now: Sequence[Any]) -> bool:
    """Say whether containers hold the very objects that their copies in `before` do. If not, they may still be equal."""
    for copy, value in zip(before, now, strict=True):
        kind = type(copy)
        if kind is list or kind is dict:
            if len(copy) != len(value) or not all(map(is_, copy, list(value))):
                return False
            if kind is dict and not all(map(is_, copy.values(), list(value.values()))):
                return False
    return True


class Tables(NamedTuple):
    """What an encoder remembers and keeps to, for hooks that encode the simplest calls themselves and must do it alike.

    names: what is said of objects that are not looked at, by the id of their type.
    judged: verdicts on the keys of dicts, None for harmless ones.
    bare: what is said of containers that are not looked at, by the name of their type and their size.
    losses: counters of what was not kept.
    texts: has `needles`, what a path to rewrite begins with, as bytes.
    longest: characters of a text, bytes of bytes, that are packed without a look at them.
    largest: bytes of arguments with a flat container, or of one that came out.
    named: bytes of arguments that are only named; so few that none is cut.
    look: which texts may hold a secret.
    """

    names: dict[int, Name]
    judged: dict[tuple[str, ...], Any]
    bare: dict[tuple[str, int], bytes]
    losses: dict[tuple[str, str], count[int]]
    texts: Texts
    longest: int
    largest: int
    named: int
    look: int


class Encoder:
    """Encodes the values of calls. One serves all threads, and may be entered again while it works (by a finaliser).

    `redactor` judges names, `paths` rewrites texts, `secrets` takes what is secret out of them (what is by default, and by the names of `redactor`), `budget` limits what is looked at of one value. `names` holds what is said of
    objects that are not looked at, by the id of their type, for the types met so far. `pure` has everything done in Python.
    """

    def __init__(
        self,
        *,
        redactor: Redactor,
        paths: PathNormaliser,
        secrets: Secrets | None = None,
        budget: Budget = _DEFAULT,
        pure: bool = False,
    ) -> None:
        self._budget = budget
        self._short = min(LONG, budget.arguments.bytes, budget.outcome.bytes, budget.repeated.bytes)
        self._packers: list[Callable[[Any], bytes]] = [wire.packer()]
        # Functions rather than methods: they are called at every crossing.
        texts = Texts(paths, secrets or Secrets(redactor), pure=pure)
        self._pack_one = _make_pack(self._packers, texts.found)
        self.scalar = _make_scalar(self._pack_one)
        self._losses: dict[tuple[str, str], count[int]] = {}
        self._plans: dict[int, Plan] = {}
        self.names: dict[int, Name] = {}
        self._watches: dict[int, weakref.ref[type]] = {}
        self._shared = Shared(self._plan, self._plans, Judge(redactor), texts, {}, self._counter, self.names, {})
        self._walks = make_walks(self._shared, pure=pure)
        self._named = Limit(0, budget.arguments.bytes)

    @property
    def losses(self) -> dict[str, int]:
        """What was not (fully) kept: a reason and a type (`opaque socket:socket`, `truncated list`) with how often."""
        # A counter shows its next number only in its text; as one C object it counts right when threads take turns.
        losses = sorted(self._losses.copy().items())
        found = {f"{reason} {name}": int(repr(counter)[6:-1]) for (reason, name), counter in losses}
        return {loss: times for loss, times in found.items() if times}

    @property
    def first(self) -> int:
        """How many crossings of a callable in a lane are to be looked at in full."""
        return self._budget.first

    @property
    def tables(self) -> Tables:
        """What hooks that encode the simplest calls themselves go by."""
        shared, named = self._shared, self._budget.arguments.bytes - LONG
        return Tables(
            self.names,
            shared.judge.known,
            shared.bare,
            self._losses,
            shared.texts,
            LONG,
            self._short,
            named,
            shared.texts.look,
        )

    def arguments(self, values: Sequence[Any], secret: Sequence[int] | None, full: bool) -> bytes:
        """Return the snapshot of a list with one element per parameter. They share the budget of the call.

        `secret` holds what `Redactor.secret` said of each parameter's name, None where all are harmless. Without `full`, and unless
        all are scalars but for one small flat container, containers and objects are only named, containers with their size.
        """
        if secret is None:
            data = self.scalars(values)
            if data is not None:
                return data
            flat = self.flat(values)
            if flat is not None:
                return flat[0]
        return self.walked(values, secret, full)

    def walked(self, values: Sequence[Any], secret: Sequence[int] | None, full: bool) -> bytes:
        """As `arguments`, for those that neither `scalars` nor `flat` takes."""
        return _guard(self._walks.arguments, values, secret, self._budget.arguments if full else self._named)

    def whole(self, secret: Sequence[int] | None) -> Callable[[Sequence[Any]], bytes]:
        """Return `arguments` in full for one callable, prepared: in C one walk takes all of them, which is cheaper than looking first."""
        walk, limit = self._walks.arguments, self._budget.arguments
        if isinstance(self._walks, Walks):
            return partial(self.arguments, secret=secret, full=True)

        def whole(values: Sequence[Any]) -> bytes:
            try:
                return walk(values, secret, limit)
            except Exception as error:
                if not is_ours(error):  # as `_guard`
                    raise
                return UNKNOWN

        return whole

    def scalars(self, values: Sequence[Any]) -> bytes | None:
        """Return the snapshot of arguments that are all short exact scalars, so that no call can change them; None of any others."""
        return self._pack_one(list(values)) if _few_scalars(values) else None

    def flat(self, values: Sequence[Any]) -> tuple[bytes, list[Any]] | None:
        """Return the snapshot of arguments that are scalars but for at most one small flat container, so that none is shared.

        With it comes what was encoded, a copy in place of the container, for `unchanged`.
        """
        ready: list[Any] = []
        found = 0
        for value in values:
            kind = type(value)
            if kind is list or kind is dict:
                found += 1
                copy = self._small(value, kind) if found == 1 else None
                if copy is None:
                    return None
                ready.append(copy)
            elif kind is tuple and not value:
                ready.append(_EMPTY_TUPLE)
            elif kind is str or kind is bytes:
                if len(value) > LONG:
                    return None
                ready.append(value)
            elif kind is int or kind is _NONE or kind is float or kind is bool:
                ready.append(value)
            else:
                return None
        data = self._pack_one(ready)
        return (data, ready) if data is not None and len(data) <= self._short else None

    def value(self, value: Any, full: bool = True) -> bytes:
        """Return the snapshot of one value that came out of a call: returned, raised, yielded, sent.

        Of an exception that is its type, arguments, notes, cause and attributes; never its text or traceback.
        """
        kind = type(value)
        if kind is dict or kind is list:
            copy = self._small(value, kind)
            data = None if copy is None else self._pack_one(copy)
            if data is not None and len(data) > self._short:
                data = None
        else:
            data = self.scalar(value)
        if data is not None:
            return data
        return _guard(self._walks.value, value, self._budget.outcome if full else self._budget.repeated)

    def _small(self, value: Any, kind: type) -> Any:
        """Return a copy of a short flat list, or of a short flat dict without secret keys; None of any other."""
        if len(value) > FEW_ITEMS:
            return None
        if kind is dict and not all_str(value):  # copying a dict may compare its keys
            return None
        copy = value[:] if kind is list else value.copy()  # another thread may be changing the original
        if not _few_scalars(copy if kind is list else copy.values()):
            return None
        return copy if kind is list or self._shared.judge.names(tuple(copy)) is None else None

    def _plan(self, cls: type) -> Plan:
        """Return the plan of a type, deciding it on first need and forgetting it with the type."""
        plan = plans.plan_for(cls)
        key = id(cls)
        tables, forget = (self._plans, self.names, self._watches), self._walks.forget

        def gone(_: weakref.ref[type]) -> None:
            forget(key)
            for table in tables:
                table.pop(key, None)

        # The callback comes before another type can have the same id; the plan itself must not keep the type alive.
        self._watches[key] = weakref.ref(cls, gone)
        if plan.attributes:
            snapshot = cut.truncation(wire.packer(), plan.name, None, [])
            self.names[key] = Name(snapshot, self._counter("truncated", plan.name))
        self._plans[key] = plan  # the last, since another thread then takes all of it as decided
        return plan

    def _counter(self, reason: str, name: str) -> count[int]:
        key = reason, name
        return self._losses.get(key) or self._losses.setdefault(key, count())


def _guard(encode: Callable[..., bytes], *parts: Any) -> bytes:
    try:
        return encode(*parts)
    except Exception as error:
        # The host must not notice: the walk's own net needs a frame and memory too.
        if not is_ours(error):
            raise
        return UNKNOWN


def _few_scalars(items: Any) -> bool:
    """Say whether all are short exact scalars."""
    for item in items:
        kind = type(item)
        if kind is str or kind is bytes:
            if len(item) > LONG:
                return False
        elif not (kind is int or kind is _NONE or kind is float or kind is bool):
            return False
    return True


def _make_pack(packers: list[Callable[[Any], bytes]], found: Callable[[bytes], bool]) -> Callable[[Any], bytes | None]:
    """Return what packs scalars and flat containers; None where one needs the walk (a path, a secret, a large int, lone surrogates)."""
    # Popping is atomic, so no two threads, and no finaliser that runs in between, share a packer.
    take, give = packers.pop, packers.append

    def pack_one(value: Any) -> bytes | None:
        try:
            pack = take()
        except IndexError:
            pack = wire.packer()
        try:
            data = pack(value)
        except (*UNPACKABLE, TypeError):  # a TypeError: another thread has put another key in since keys were looked at
            return None
        finally:
            give(pack)
        return None if found(data) else data

    return pack_one


def _make_scalar(pack: Callable[[Any], bytes | None]) -> Callable[[Any], bytes | None]:
    """Return what gives the snapshot of an exact scalar, None for any other value."""

    def scalar(value: Any) -> bytes | None:
        kind = type(value)
        if kind is _NONE or kind is int or kind is bool or kind is float or (kind is str and len(value) <= LONG):
            return pack(value)
        return None

    return scalar
