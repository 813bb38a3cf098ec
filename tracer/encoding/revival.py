"""One snapshot being made live again: the way back of `tracer.encoding.walk`, with its numbering of shared containers.

What each type is made of, `tracer.encoding.revive` and the codecs say; here is what they share: the order of things, references,
sets and mappings, values that stand inside themselves.

A codec's reviving half is a generator: it yields where a part stands and the part, and gets it back live. So the depth of a value
is no depth of calls. What can be changed later is entered before its parts are made, so that they can refer to it; what cannot
(a named tuple) is promised, and a list, mapping or object among its parts that refers to it gets it as soon as it is there.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tracer.encoding.causes import Cause, Refused
from tracer.encoding.promises import Promise, frozen, given, hashed, held_bytes
from tracer.errors import CannotRevive
from tracer.render import render
from tracer.values import (
    Atom,
    Key,
    Mapping,
    Named,
    Object,
    Opaque,
    Redacted,
    Reference,
    Scalar,
    Sequence,
    Truncated,
    Value,
    ValuePath,
)
from tracer.wire import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from tracer.encoding.constants import Constants
    from tracer.encoding.paths import PathRestorer
    from tracer.encoding.places import Setter
    from tracer.encoding.resolve import Resolver

Step: TypeAlias = "str | int | Key | Value"
"""Where a part stands in its whole: a name, a position, or a mapping's key as it was recorded."""

Steps: TypeAlias = "Generator[tuple[Step, Value], Any, Any]"
"""A value being made: parts go out, live parts come in, the live value is what is returned."""

StandIn: TypeAlias = "Callable[[Value, ValuePath], object]"

_NO_PART: Final = object()
_BARE: Final = {
    Opaque: Cause.OPAQUE,
    Truncated: Cause.CUT,
    Redacted: Cause.REDACTED,
}


class Revival:
    """One snapshot, or the arguments of one call, being made live. Not reused.

    `make` gives the steps of an `Object`, `atom` the value of an `Atom`; `constants` finds those that are not to be made.
    """

    def __init__(
        self,
        resolver: Resolver,
        paths: PathRestorer,
        stand_in: StandIn | None,
        make: Callable[[Revival, Object], Steps],
        atom: Callable[[Revival, Atom], Any],
        constants: Constants | None = None,
    ) -> None:
        self.resolver = resolver
        self.paths = paths
        self._stand_in = stand_in
        self._make = make
        self._atom_of = atom
        self.constants = constants
        self._entered: list[Any] = []
        self._opaques: dict[int, Any] = {}
        self._where: list[Step] = []
        self._late: list[tuple[Callable[[], None], list[Step]]] = []
        self._leaves: dict[type, Callable[[Any], Any]] = {
            Scalar: self.scalar,
            Atom: self._atom,
            Named: self._named,
            Opaque: self._opaque,
            Reference: self._reference,
            Redacted: self._redacted,
        }

    def revive(self, value: Value, path: ValuePath) -> Any:
        """Return the live form of a value that stands at `path`. Several may be made one after another; they share containers.

        Raises:
            CannotRevive: some part has no live form.
        """
        self._where = list(path.steps)
        with self._told():
            return self._run(value)

    def finish(self) -> None:
        """Fill what could be filled only once all was there: sets and mappings whose keys have a hash of their own.

        Raises:
            CannotRevive: a key cannot be hashed.
        """
        with self._told():
            for fill, where in self._late:
                self._where = where
                fill()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell a refusal with the place of the value it is about."""
        try:
            yield
        except Refused as refusal:
            raise _error(refusal, self._path(), "") from refusal

    def _run(self, value: Value) -> Any:
        frames: list[Steps] = []
        part: Any = value
        made: Any = None
        while True:
            leaf = self._leaves.get(type(part))
            if leaf is not None:
                made = leaf(part)
            elif part is not _NO_PART:
                if len(frames) >= MAX_DEPTH:
                    raise Refused(Cause.TOO_DEEP)
                frames.append(self._steps(part))
                made = None
            if leaf is not None or part is _NO_PART:
                if not frames:
                    return made
                self._where.pop()
            try:
                step, part = frames[-1].send(made)
            except StopIteration as stop:
                frames.pop()
                made, part = stop.value, _NO_PART
            else:
                self._where.append(step)

    def _steps(self, value: Value) -> Steps:
        match value:
            case Sequence():
                return self._sequence(value)
            case Mapping(items=pairs):
                return self._mapping(pairs)
            case Object():
                return self._object(value)
            case Truncated(head=head):
                return self._instead(value, Refused(Cause.CUT, value.type), [(0, each) for each in head])
            case _:
                raise Refused(Cause.DAMAGED)

    def enter(self, live: Any) -> None:
        """Give a container the next ordinal, as the walk did when it entered it."""
        self._entered.append(live)

    def entered(self, ordinal: int, more: list[Any]) -> Any:
        """Return what a reference refers to, if `more` were entered too; None, or a promise, where nothing is there yet."""
        at = ordinal - len(self._entered)
        if at < 0:
            found = self._entered[ordinal]
            return found.live if type(found) is Promise else found
        return more[at] if at < len(more) else None

    def promise(self) -> Promise:
        """Give the next ordinal to a value that can be made only from its parts."""
        promise = Promise(len(self._entered))
        self._entered.append(promise)
        return promise

    def settle(self, promise: Promise, live: Any) -> Any:
        """Put the value in place of its promise."""
        self._entered[promise.place] = live
        promise.keep(live)
        return live

    def scalar(self, value: Scalar) -> Any:
        """Return what a scalar holds, the paths in a text those of this machine."""
        held = value.value
        return self.paths.text(held) if type(held) is str else held

    def leaf(self, value: Value) -> Any:
        """Return a value that has no parts.

        Raises:
            Refused: it has some, or no live form.
        """
        match value:
            case Scalar():
                return self.scalar(value)
            case Atom():
                return self._atom_of(self, value)
            case Opaque() | Truncated() | Redacted():
                raise Refused(_BARE[type(value)], "" if isinstance(value, Redacted) else value.type)
            case _:
                raise Refused(Cause.DAMAGED)

    def named(self, value: Named) -> Any:
        """Return what a name stands for.

        Raises:
            Refused: as `Resolver.named`.
        """
        return self.resolver.named("method" if value.bound else value.kind, value.name)

    def items(self, values: tuple[Value, ...], live: Any, base: Any = list) -> Steps:
        """Make the items of a list, or of another sequence that `base` knows to change, and put them into it."""
        for at, each in enumerate(values):
            made = self.scalar(each) if type(each) is Scalar else (yield at, each)
            if type(made) is Promise:
                made = made.meant(partial(base.__setitem__, live, at))
            base.append(live, made)
        return live

    def parts(self, values: tuple[Value, ...]) -> Steps:
        """Make the items of something that has to have them all when it is made."""
        live: list[Any] = []
        for at, each in enumerate(values):
            live.append(given(self.scalar(each) if type(each) is Scalar else (yield at, each)))
        return live

    def members(self, values: tuple[Value, ...]) -> Steps:
        """Make the items of a set. Each is numbered from where the set stands, and forgotten after it."""
        live: list[Any] = []
        for at, each in enumerate(values):
            containers, opaques = len(self._entered), len(self._opaques)
            live.append(given((yield at, each)))
            del self._entered[containers:]
            for ordinal in [ordinal for ordinal in self._opaques if ordinal >= opaques]:
                del self._opaques[ordinal]
        return live

    def setters(self, cls: type, value: Object, more: dict[str, Setter] | None = None) -> tuple[Setter, ...]:
        """Return what puts each field of an object in its place.

        Raises:
            Refused: the class has other fields today.
        """
        return self.resolver.setters(cls, tuple([name for name, _ in value.fields]), more)

    def attributes(self, live: Any, setters: Iterable[Setter], fields: Iterable[tuple[str, Value]]) -> Steps:
        """Make the attributes of an instance and put them in."""
        for put, (name, each) in zip(setters, fields, strict=True):
            made = self.scalar(each) if type(each) is Scalar else (yield name, each)
            if type(made) is Promise:
                made = made.meant(partial(put, live))
            try:
                put(live, made)
            except (TypeError, AttributeError, ValueError) as error:  # a C type's own attribute may take few values
                raise Refused(Cause.MISFIT) from error
        return live

    def fill_set(self, values: tuple[Value, ...], live: Any, add: Callable[[Any, Any], object]) -> Steps:
        """Make the items of a set and put them in, at the end where they have a hash of their own."""
        made = yield from self.members(values)

        def fill() -> None:
            hashed(lambda: [add(live, each) for each in made])
            if set.__len__(live) != len(made):
                raise Refused(Cause.COLLIDING)

        self._fill(fill, values)
        return live

    def fill_mapping(
        self, pairs: tuple[tuple[Value, Value], ...], live: Any, put: Callable[[Any, Any, Any], object]
    ) -> Steps:
        """Make the pairs of a mapping and put them in, at the end where the keys have a hash of their own."""
        made: list[tuple[Any, Any]] = []
        for key, value in pairs:
            name = self.scalar(key) if type(key) is Scalar else given((yield key, key))
            made.append((name, self.scalar(value) if type(value) is Scalar else (yield key, value)))

        def fill() -> None:
            hashed(lambda: _put_all(put, live, made))
            if dict.__len__(live) != len(made):
                raise Refused(Cause.COLLIDING)

        self._fill(fill, tuple(key for key, _ in pairs))
        return live

    def _fill(self, fill: Callable[[], None], keys: tuple[Value, ...]) -> None:
        if all(map(_is_data, keys)):
            fill()
        else:
            self._late.append((fill, [*self._where]))

    def _sequence(self, value: Sequence) -> Steps:
        if value.type == "list":
            live: Any = []
            self.enter(live)
            return (yield from self.items(value.items, live))
        if value.type == "tuple":
            return tuple((yield from self.parts(value.items)))
        if value.type == "set":
            live = set()
            self.enter(live)
            return (yield from self.fill_set(value.items, live, set.add))
        if value.type == "frozenset":
            made = yield from self.members(value.items)
            return frozen(frozenset, made)
        live = bytearray(held_bytes(value))
        self.enter(live)
        return live

    def _mapping(self, pairs: tuple[tuple[Value, Value], ...]) -> Steps:
        live: dict[Any, Any] = {}
        self.enter(live)
        return (yield from self.fill_mapping(pairs, live, dict.__setitem__))

    def _object(self, value: Object) -> Steps:
        before = len(self._entered)
        try:
            return (yield from self._make(self, value))
        except Refused as refusal:
            if len(self._entered) > before:  # other parts may refer to it already
                raise
            refused = refusal
        below: list[tuple[Step, Value]] = [*value.fields]
        payload = value.payload
        if isinstance(payload, Sequence):
            below += enumerate(payload.items)
        elif isinstance(payload, Mapping):
            below += [(key, each) for key, item in payload.items for each in (key, item)]
        elif payload is not None:
            below.append(("", payload))
        return (yield from self._instead(value, refused, below, enters=True))

    def _instead(
        self, value: Object | Truncated, refused: Refused, below: list[tuple[Step, Value]], *, enters: bool = False
    ) -> Steps:
        """Return what stands for a value. Its parts are made all the same: later ones may refer to them, and they take ordinals."""
        live = self._other(value, refused)
        if enters:
            self.enter(live)
        for part in below:  # noqa: UP028  (what is sent in must not reach the list)
            yield part
        return live

    def _other(self, value: Value, refused: Refused) -> Any:
        """Return what stands for a value without a live form.

        Raises:
            CannotRevive: nothing does.
        """
        if self._stand_in is None:
            raise _error(refused, self._path(), getattr(value, "type", "")) from refused
        return self._stand_in(value, self._path())

    def _atom(self, value: Atom) -> Any:
        try:
            return self._atom_of(self, value)
        except Refused as refusal:
            return self._other(value, refusal)

    def _named(self, value: Named) -> Any:
        try:
            return self.named(value)
        except Refused as refusal:
            return self._other(value, refusal)

    def _opaque(self, value: Opaque) -> Any:
        if value.ordinal not in self._opaques:
            self._opaques[value.ordinal] = self._other(value, Refused(Cause.OPAQUE, value.type))
        return self._opaques[value.ordinal]

    def _reference(self, value: Reference) -> Any:
        if value.ordinal >= len(self._entered):
            raise Refused(Cause.DAMAGED)
        return self._entered[value.ordinal]

    def _redacted(self, value: Redacted) -> Any:
        return self._other(value, Refused(Cause.REDACTED))

    def _path(self) -> ValuePath:
        steps = [step if isinstance(step, (str, int, Key)) else Key(render(step)) for step in self._where]
        return ValuePath(tuple(step for step in steps if step != ""))


def _put_all(put: Callable[[Any, Any, Any], object], live: Any, pairs: list[tuple[Any, Any]]) -> None:
    for name, value in pairs:
        put(live, name, value.meant(partial(put, live, name)) if type(value) is Promise else value)


def _is_data(value: Value) -> bool:
    """Say whether a key's hash is none of the user's: text, numbers, names, and tuples of them."""
    pending = [value]
    while pending:
        match pending.pop():
            case Scalar() | Atom() | Named():
                pass
            case Sequence(type="tuple" | "frozenset", items=items):
                pending += items
            case _:
                return False
    return True


def _error(refused: Refused, path: ValuePath, type_name: str) -> CannotRevive:
    return CannotRevive(refused.type_name or type_name, str(path), refused.cause.value, refused.remedy)
