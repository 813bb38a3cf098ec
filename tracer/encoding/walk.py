"""The budgeted walk over one snapshot's values: live objects to canonical bytes, identity and cycles included.

What each type's content is, `tracer.encoding.plans` and the codecs say; here is what they share: budgets, shared references,
redaction by key, flat runs in one call of the C packer, cutting.

Numbering, which `tracer.decode.containers` repeats: every list, dict, set, bytearray and object gets the next ordinal when it is
entered. The payload of an object is the object, and takes none. The items of a set have no order before they are encoded, so each is
numbered from where the set stands, and what was first met inside one is forgotten after it; opaque values likewise.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from tracer import wire
from tracer.encoding import cut
from tracer.encoding.budget import FEW_ITEMS, FLAT_NODES, FLAT_WEIGHT, MAX_LEVELS, NEIGHBOUR_NODES, SHORT_TEXT
from tracer.encoding.faults import is_ours
from tracer.encoding.looks import heavy
from tracer.encoding.redact import Secrecy, is_data

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from itertools import count

    from tracer.encoding.budget import Limit
    from tracer.encoding.redact import Judge
    from tracer.encoding.texts import Texts

REDACTED: Final = wire.extension(wire.REDACTED, b"")
UNPACKABLE = (OverflowError, UnicodeEncodeError)  # an int beyond 64 bits, a str with lone surrogates
_NONE = type(None)
_SIZED: Final = {id(kind): kind.__name__ for kind in (list, tuple, dict, set, frozenset)}
_REMEMBERED_SHAPES: Final = 4096  # shapes of objects, after which the table starts anew


Shape: TypeAlias = "tuple[bytes, tuple[Secrecy, ...] | None]"
"""The first bytes of an object, up to its field names, and how secret its fields are."""


class State(NamedTuple):
    """Where all is that there is to an instance, for the walk in C, which looks itself.

    `more` is the name and the getter of an attribute that no dictionary shows, and `content` gives the payload.
    """

    form: str
    dictionary: bool
    slots: tuple[str, ...]
    more: tuple[str, Callable[[Any], Any]] | None = None
    content: Callable[[Walk, Any], bytes] | None = None


class Plan(NamedTuple):
    """How values of one type are encoded. Holds no reference to the type.

    `attributes` says that they are told by their attributes, so that past a budget there is only their type to tell; `state` says where
    those are, if nothing else is to be told but a content.
    """

    name: str
    encode: Callable[[Walk, Any], bytes]
    attributes: bool = False
    state: State | None = None


class Name(NamedTuple):
    """What is said of each object of one type that is not looked at, and how often it was said."""

    snapshot: bytes
    missed: count[int]


class Shared(NamedTuple):
    """What all walks of one encoder have in common. The walk in C takes them by their order.

    `counter` returns what counts the losses for one reason and name.
    """

    plan_of: Callable[[type], Plan]
    plans: dict[int, Plan]
    judge: Judge
    texts: Texts
    shapes: dict[tuple[str, ...], Shape]
    counter: Callable[[str, str], count[int]]
    names: dict[int, Name]
    bare: dict[tuple[str, int], bytes]

    def lost(self, reason: str, name: str) -> None:
        """Count what was not (fully) kept."""
        next(self.counter(reason, name))


def measure(items: Any) -> tuple[int, int]:
    """Return the characters and bytes in exact scalars, -1 where another type is among them, and how many are of another type."""
    size = others = 0
    for item in items:
        kind = type(item)
        if kind is str or kind is bytes:
            size += len(item)
        elif not (kind is int or kind is _NONE or kind is bool or kind is float):
            others += 1
    return (-1 if others else size), others


def all_str(items: Any) -> bool:
    """Say whether all are exact str, which may be hashed and compared without running foreign code."""
    for item in items:  # noqa: SIM110  (three times as fast as all() over a generator, and on the way of every object)
        if type(item) is not str:
            return False
    return True


def is_flat(value: Any, kind: type) -> bool:
    """Say whether a value is a list, tuple or dict of few exact scalars, a dict under exact str."""
    if kind is dict:
        return 0 < len(value) <= FEW_ITEMS and all_str(value) and not heavy(value.values())
    return (kind is list or kind is tuple) and 0 < len(value) <= FEW_ITEMS and not heavy(value)


class Walk:
    """One snapshot being made. Not reused; safe to be entered again by another walk at any point."""

    __slots__ = (
        "bytes",
        "keep",
        "level",
        "memo",
        "names_only",
        "nodes",
        "opaque_memo",
        "opaques",
        "pack",
        "plans",
        "shared",
    )

    def __init__(self, shared: Shared, pack: Callable[[Any], bytes], limit: Limit) -> None:
        self.shared = shared
        self.plans = shared.plans
        self.pack = pack
        self.nodes = limit.nodes
        self.names_only = limit.nodes <= 0
        self.bytes = limit.bytes
        self.level = 0
        self.memo: dict[int, int] = {}
        self.keep: list[Any] = []  # entered containers by ordinal; holding them keeps their ids theirs
        self.opaque_memo: dict[int, int] = {}
        self.opaques: list[Any] = []

    def value(self, value: Any) -> bytes:
        """Return the bytes of any value. Where its type's codec fails, an opaque."""
        kind = type(value)
        if kind is str:
            return self.text(value)
        if kind is int or kind is _NONE or kind is float or kind is bool:
            try:
                return self.pack(value)
            except OverflowError:
                return cut.big_int(self, value)
        return self._other(value, kind)

    def _other(self, value: Any, kind: type) -> bytes:
        """As `value`, for one that is no scalar, or bytes."""
        known = self.memo.get(id(value))
        if known is not None:  # a container entered before, whatever its type
            return wire.extension(wire.REFERENCE, self.pack(known))
        plan = self.plans.get(id(kind)) or self.shared.plan_of(kind)
        whole = self.names_only and not self.level and is_flat(value, kind)
        if whole:
            self.nodes = FLAT_NODES
        elif self.nodes <= 0:
            unseen = self.shared.names.get(id(kind))
            if unseen is not None:
                next(unseen.missed)
                return unseen.snapshot
            if id(kind) in _SIZED and value:
                return cut.bare(self, _SIZED[id(kind)], len(value))
        level, containers, opaques = self.level, len(self.keep), len(self.opaques)
        try:
            return plan.encode(self, value)
        except Exception as error:  # the one place where a hostile object or an unknown internal ends
            self.level = level
            self.forget(containers, opaques)
            if not is_ours(error):
                raise
            return self.opaque(value, plan.name, "failed " + type(error).__name__)
        finally:
            if whole:
                self.nodes = 0

    def values(self, items: list[Any], size: int, left: int) -> bytes:
        """Return an array of values, `left` of them no scalars; a flat run (`size` is what `measure` said) in one call of the packer."""
        if 0 <= size <= self.bytes:
            data = self.flat(items)
            if data is not None:
                return data
        return wire.array_header(len(items)) + b"".join(self.shares(items, left))

    def shares(self, items: Sequence[Any], left: int, judged: Sequence[int] | None = None) -> list[bytes]:
        """Return the bytes of each item. For each later one that is no scalar a few nodes are kept back, at most an equal share.

        So what is near is kept before what is far: the first item cannot use up what its neighbours need for their own fields. `left` is how many are no scalars; `judged` says how secret each is, None
        where none is.
        """
        other, pack = self._other, self.pack
        packed = []
        for item, secret in zip(items, judged or repeat(0), strict=False):
            kind = type(item)
            if secret:
                packed.append(self.argument(item, secret))
            elif kind is str:
                packed.append(self.text(item))
            elif kind is int or kind is _NONE or kind is bool or kind is float:
                try:
                    packed.append(pack(item))
                except OverflowError:
                    packed.append(cut.big_int(self, item))
            elif left <= 1 or kind is bytes:
                packed.append(other(item, kind))
            else:
                kept = min(self.nodes - self.nodes // left, (left - 1) * NEIGHBOUR_NODES)
                left -= 1
                self.nodes -= kept
                packed.append(other(item, kind))
                self.nodes += kept
        return packed

    def argument(self, value: Any, secret: int) -> bytes:
        """Return the bytes of one value that stands under a name which is as secret as said."""
        return REDACTED if secret and (secret != Secrecy.DATA or is_data(value)) else self.value(value)

    def flat(self, items: Any) -> bytes | None:
        """Return the packed form of a flat container; None where an item needs a closer look."""
        try:
            data = self.pack(items)
        except UNPACKABLE:
            return None
        if self.shared.texts.found(data):
            return None
        self.bytes -= len(data)
        return data

    def text(self, text: str) -> bytes:
        """Return the bytes of an exact str, its paths normalised, its secrets gone."""
        if len(text) > self.bytes and len(text) > SHORT_TEXT:
            return cut.long_text(self, text)
        try:
            data = self.pack(text)
        except UnicodeEncodeError:
            data = wire.extension(wire.STR, self.shared.texts.text(text).encode("utf-8", "surrogatepass"))
        else:
            if self.shared.texts.found(data):
                data = self.pack(self.shared.texts.text(text))
        self.bytes -= len(data)
        return data

    def enter(self, value: Any) -> None:
        """Give a container the next ordinal."""
        self.memo[id(value)] = len(self.keep)
        self.keep.append(value)

    def forget(self, containers: int, opaques: int) -> None:
        """Go back to that many containers and opaque values."""
        while len(self.keep) > containers:
            self.memo.pop(id(self.keep.pop()), None)
        while len(self.opaques) > opaques:
            self.opaque_memo.pop(id(self.opaques.pop()), None)

    def admits(self, count: int) -> bool:
        """Say whether a container of that many items, if it is flat, is within the budget."""
        return count <= self.nodes * FLAT_WEIGHT and self.level < MAX_LEVELS

    def charge(self, count: int, nodes: int) -> bool:
        """Pay for a container of `count` items, `nodes` of them no scalars, that is about to be encoded; False where the budget does not reach."""
        weight = 1 + nodes + (count - nodes) // FLAT_WEIGHT
        if (weight > self.nodes and count) or self.level >= MAX_LEVELS:
            return False
        self.nodes = max(0, self.nodes - weight)
        return True

    def sequence(self, name: str, items: list[Any], owner: Any = None, code: int = 0) -> bytes:
        """Return an array of a container's items, within the budget, or the container cut.

        `owner` is entered when not None; `code` is the extension the array goes into, 0 for none.
        """
        size, left = measure(items)
        if not self.charge(len(items), left):
            return cut.container(self, name, len(items), items)
        if owner is not None:
            self.enter(owner)
        self.level += 1
        data = self.values(items, size, left)
        self.level -= 1
        return wire.extension(code, data) if code else data

    def unordered(self, name: str, items: list[Any], owner: Any, code: int) -> bytes:
        """Return the items of a set, sorted by their bytes.

        Their order is not known before they are encoded, so none may depend on another: each has an equal share of the
        budget, numbers from the same start, and leaves nothing behind.
        """
        flat, left = measure(items)
        if not self.charge(len(items), left):
            return cut.truncated(self, name, len(items), [])
        if owner is not None:
            self.enter(owner)
        nodes, size = self.nodes, self.bytes
        share = (nodes, size) if 0 <= flat < size or not items else (nodes // len(items), max(size, 0) // len(items))
        containers, opaques = len(self.keep), len(self.opaques)
        packed = []
        self.level += 1
        for item in items:
            self.nodes, self.bytes = share
            packed.append(self.value(item))
            nodes -= share[0] - self.nodes
            size -= share[1] - self.bytes
            self.forget(containers, opaques)
        self.level -= 1
        self.nodes, self.bytes = nodes, size
        return wire.extension(code, wire.array_header(len(packed)) + b"".join(sorted(packed)))

    def mapping(self, name: str, keys: list[Any], values: list[Any], owner: Any = None) -> bytes:
        """Return a map of a dict's pairs (an array of them, where a key is no exact str), within the budget, or the dict cut."""
        (size, left), (keys_size, odd) = measure(values), measure(keys)
        size = -1 if left or odd else size + keys_size
        if not self.charge(2 * len(keys), left + odd):
            return cut.pairs(self, name, len(keys), keys, values)
        if owner is not None:
            self.enter(owner)
        self.level += 1
        data = self._named_pairs(keys, values, size) if all_str(keys) else self._any_pairs(keys, values, size)
        self.level -= 1
        return data

    def small_dict(self, value: dict[Any, Any]) -> bytes | None:
        """Return an exact dict packed in one call: few exact str keys, none secret, over scalars. None for any other."""
        if not all_str(value):
            return None
        copy = value.copy()  # with exact keys this runs no foreign code; another thread may be changing the original
        size, _ = measure(copy.values())
        if size < 0:
            return None
        keys = tuple(copy)
        size += sum(map(len, keys))
        nodes = self.nodes
        if size > self.bytes or self.shared.judge.names(keys) is not None or not self.charge(2 * len(keys), 0):
            return None
        data = self.flat(copy)
        if data is None:
            self.nodes = nodes
        else:
            self.enter(value)
        return data

    def _named_pairs(self, keys: list[str], values: list[Any], size: int) -> bytes:
        judged = self.shared.judge.names(tuple(keys))
        if judged is None and 0 <= size <= self.bytes:
            data = self.flat(dict(zip(keys, values, strict=True)))
            if data is not None:
                return data
        packed = [self.text(key) for key in keys]
        hidden = self.shares(values, heavy(values), judged)
        body = b"".join([part for pair in zip(packed, hidden, strict=True) for part in pair])
        # Two keys may become one when their paths are normalised or they are cut; then it is no map any more.
        if len({*packed}) == len(packed) and all(key[0] & 0xE0 == 0xA0 or 0xD9 <= key[0] <= 0xDB for key in packed):  # noqa: PLR2004  (msgpack's str markers)
            return wire.map_header(len(keys)) + body
        return wire.extension(wire.MAPPING, wire.array_header(2 * len(keys)) + body)

    def _any_pairs(self, keys: list[Any], values: list[Any], size: int) -> bytes:
        if 0 <= size <= self.bytes and not any(type(key) is str or type(key) is bytes for key in keys):
            both: list[Any] = [None] * (2 * len(keys))
            both[::2], both[1::2] = keys, values
            data = self.flat(both)
            if data is not None:
                return wire.extension(wire.MAPPING, data)
        secrecy = [self.shared.judge.key(key) for key in keys]
        items = [part for pair in zip(keys, values, strict=True) for part in pair]
        judged = [part for secret in secrecy for part in (Secrecy.NONE, secret)]
        return wire.extension(
            wire.MAPPING, wire.array_header(len(items)) + b"".join(self.shares(items, heavy(items), judged))
        )

    def shape(self, name: str, form: str, payload: bool, names: list[str]) -> Shape:
        """Return the first bytes of an object, up to its field names, and how secret its fields are. Remembered."""
        shapes = self.shared.shapes
        key = (name, form, "+" if payload else "", *names)
        try:
            return shapes[key]
        except KeyError:
            pass
        head = wire.array_header(5 if payload else 4) + self.pack(name) + self.pack(form) + self.pack(names)
        shape = head, self.shared.judge.names(tuple(names))
        if len(shapes) >= _REMEMBERED_SHAPES:
            shapes.clear()
        shapes[key] = shape
        return shape

    def object(
        self,
        value: Any,
        name: str,
        form: str,
        names: list[Any],
        values: list[Any],
        payload: Callable[[Walk, Any], bytes] | None = None,
    ) -> bytes:
        """Return an object with its fields, within the budget, or the object cut. `payload` gives the content of a builtin's subclass."""
        if not all_str(names):  # an instance dictionary may hold any key; only exact text is a name
            kept = [(each, item) for each, item in zip(names, values, strict=True) if type(each) is str]
            names, values = [each for each, _ in kept], [item for _, item in kept]
        return self.shaped(value, name, self.shape(name, form, payload is not None, names), names, values, payload)

    def shaped(
        self,
        value: Any,
        name: str,
        shape: Shape,
        names: Any,
        values: list[Any],
        payload: Callable[[Walk, Any], bytes] | None = None,
    ) -> bytes:
        """As `object`, for one whose first bytes are known."""
        head, judged = shape
        size, left = measure(values)
        weight = 1 + left + (len(values) - left) // FLAT_WEIGHT
        if (weight > self.nodes and values) or self.level >= MAX_LEVELS:
            return cut.pairs(self, name, len(values), list(names), values)
        self.nodes = max(0, self.nodes - weight)
        self.memo[id(value)] = len(self.keep)
        self.keep.append(value)
        if judged is None and payload is None and 0 <= size <= self.bytes:
            data = self.flat(values)
            if data is not None:
                return wire.extension(wire.OBJECT, head + data)
        self.level += 1
        reserve = 0 if payload is None else self.nodes // (left + 1)
        self.nodes -= reserve
        if judged is None:
            valued = self.values(values, size, left)
        else:
            valued = wire.array_header(len(values)) + b"".join(self.shares(values, left, judged))
        self.nodes += reserve
        content = b"" if payload is None else payload(self, value)
        self.level -= 1
        return wire.extension(wire.OBJECT, head + valued + content)

    def atom(self, name: str, text: str) -> bytes:
        """Return a value that has one canonical text."""
        if len(text) > max(self.bytes, SHORT_TEXT):
            return cut.long_text(self, text, name)
        return wire.extension(wire.ATOM, wire.array_header(2) + self.pack(name) + self.text(text))

    def number(self, name: str, text: str) -> bytes:
        """Return a number that has one canonical text, in which nothing is a path or a secret."""
        if len(text) > max(self.bytes, SHORT_TEXT):
            return cut.long_text(self, text, name)
        data = self.pack(text)
        self.bytes -= len(data)
        return wire.extension(wire.ATOM, wire.array_header(2) + self.pack(name) + data)

    def named(self, kind: str, name: str) -> bytes:
        """Return a class, function or module by name."""
        return wire.extension(wire.NAMED, wire.array_header(2) + self.pack(kind) + self.pack(name))

    def opaque(self, value: Any, name: str, reason: str = "opaque") -> bytes:
        """Return the mark of a value nothing can be said of, and count it."""
        ordinal = self.opaque_memo.get(id(value))
        if ordinal is None:
            ordinal = self.opaque_memo[id(value)] = len(self.opaques)
            self.opaques.append(value)
            self.shared.lost(reason, name)
        return wire.extension(wire.OPAQUE, wire.array_header(2) + self.pack(name) + self.pack(ordinal))
