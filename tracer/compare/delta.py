"""Two snapshots -> what differs, with paths. The only home of deepdiff, which loads on first need.

Equal subtrees are skipped by fingerprint, elements of lists are aligned before they are paired. What is left are a few unequal elements that
stand in the same gap; where these are containers and their number differs, deepdiff says which resembles which.
Nothing else of it is used: its keys and texts stop here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

from tracer.compare.align import Gap, align, gaps
from tracer.compare.fingerprint import UNORDERED, Fingerprints, children
from tracer.compare.parts import common_heads, digest, key_text, same_start, size, type_name, without
from tracer.values import (
    WHOLE_DIGEST,
    Atom,
    Form,
    Key,
    Mapping,
    Named,
    Object,
    Opaque,
    Redacted,
    Scalar,
    Sequence,
    Truncated,
    Value,
    ValuePath,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.compare.lenience import Lenience

    _Placed: TypeAlias = tuple[int, Value]  # an element and its place in its list

_MOST_CHANGES = 2_000  # of one pair of values; they collapse by general path anyway
_MOST_STEPS = 200_000
_MOST_ALIKE = 12  # elements on each side of a gap that deepdiff is asked about
_MOST_NODES = 400  # nodes in such a gap
_MOST_RULED = 2_000  # nodes in a gap whose elements rules are asked about
_PLAIN_DEPTH = 5
_ROOT = ValuePath()


class Difference(str, Enum):
    """What is different at a path. Keys are those of mappings and the fields of objects."""

    VALUE = "value"
    TYPE = "type"
    KEY_ADDED = "key-added"
    KEY_REMOVED = "key-removed"
    ITEM_ADDED = "item-added"
    ITEM_REMOVED = "item-removed"
    ORDER = "order"  # the same items in another order
    EQUIVALENT = "equivalent"  # another value, which a comparator of the user's calls equal


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `before` or `after` is None where there was nothing.

    `inside` are the types of the objects that the path leads into, outermost first; that of an object which differs as a whole counts.
    """

    path: ValuePath
    difference: Difference
    before: Value | None
    after: Value | None
    inside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delta:
    """All that differs between two values, and the paths where they could be compared only in part."""

    changes: tuple[Change, ...] = ()
    unseen: tuple[ValuePath, ...] = ()


class Resemblance:
    """Says which elements of two short lists resemble each other, by deepdiff's distance.

    It answers `calls` times, each some milliseconds; after that, and where deepdiff fails, elements are paired by position. `asked` is how often
    it was asked, answer or not: what was found without asking does not depend on how often it had answered before.
    """

    def __init__(self, calls: int = 300) -> None:
        self._left = calls
        self.asked = 0

    def pairs(self, old: list[Value], new: list[Value]) -> dict[int, int]:
        """Return position in `old` -> position in `new`, for those that resemble each other."""
        in_order = {n: n for n in range(min(len(old), len(new)))}
        if len(old) == len(new) or not self._worth_asking(old, new):
            return in_order
        self.asked += 1
        if self._left <= 0:
            return in_order
        self._left -= 1
        try:
            return _resembling([_plain(value) for value in old], [_plain(value) for value in new])
        except Exception:  # noqa: BLE001  (another package's heuristic must not end a comparison; positions do instead)
            return in_order

    @staticmethod
    def _worth_asking(old: list[Value], new: list[Value]) -> bool:
        return (
            bool(old)
            and bool(new)
            and len(old) <= _MOST_ALIKE
            and len(new) <= _MOST_ALIKE
            and any(isinstance(value, Sequence | Mapping | Object) for value in (*old, *new))
            and _count_nodes((*old, *new), _MOST_NODES) < _MOST_NODES
        )


def delta(
    old: Value,
    new: Value,
    path: ValuePath = _ROOT,
    resemblance: Resemblance | None = None,
    lenience: Lenience | None = None,
) -> Delta:
    """Return what differs between two whole snapshots.

    There are no changes exactly where their fingerprints are equal, or where all that may differ could not be seen.
    """
    return delta_inside((Fingerprints(old), old), (Fingerprints(new), new), path, resemblance, lenience)


def delta_inside(
    old: tuple[Fingerprints, Value],
    new: tuple[Fingerprints, Value],
    path: ValuePath,
    resemblance: Resemblance | None = None,
    lenience: Lenience | None = None,
) -> Delta:
    """Return what differs between two nodes, each given with the fingerprints of the snapshot that it is part of.

    With `lenience` what rules call equal is paired with what it is equal to. It is told all the same: rules are applied to differences.
    """
    return _Comparing(old[0], new[0], resemblance or Resemblance(), lenience).run(path, old[1], new[1])


class _Comparing:
    """One comparison of two values, top down with a stack of its own."""

    def __init__(
        self, old: Fingerprints, new: Fingerprints, resemblance: Resemblance, lenience: Lenience | None = None
    ) -> None:
        self._old = old
        self._new = new
        self._resemblance = resemblance
        self._lenience = lenience
        self._changes: list[Change] = []
        self._unseen: list[ValuePath] = []
        self._todo: list[tuple[ValuePath, Value, Value]] = []
        self._seen: set[tuple[int, int]] = set()
        self._objects: dict[ValuePath, str] = {}  # the types of those that were entered

    def run(self, path: ValuePath, old: Value, new: Value) -> Delta:
        if self._old.of(old) == self._new.of(new):
            return Delta()
        self._todo.append((path, old, new))
        for _ in range(_MOST_STEPS):
            if not self._todo or len(self._changes) >= _MOST_CHANGES:
                break
            self._step(*self._todo.pop())
        if not self._changes and not self._unseen:
            self._change(path, Difference.VALUE, old, new)
        return Delta(tuple(self._changes), tuple(self._unseen))

    def _change(self, path: ValuePath, difference: Difference, before: Value | None, after: Value | None) -> None:
        heads = (ValuePath(path.steps[:length]) for length in range(len(path.steps) + 1)) if self._objects else ()
        inside = tuple(self._objects[head] for head in heads if head in self._objects)
        self._changes.append(Change(path, difference, before, after, inside))

    def _push(self, pairs: Iterable[tuple[ValuePath, Value, Value]]) -> None:
        self._todo.extend(reversed([each for each in pairs if self._old.of(each[1]) != self._new.of(each[2])]))

    def _step(self, path: ValuePath, old: Value, new: Value) -> None:
        """Compare one pair of nodes whose fingerprints differ; the same pair met again (shared, or in a cycle) is told once."""
        old, new = self._old.resolve(old), self._new.resolve(new)
        if self._is_settled(path, old, new):
            return
        match old, new:
            case (Redacted(), _) | (_, Redacted()):
                self._change(path, Difference.VALUE, old, new)
            case _ if type_name(old) != type_name(new):
                self._change(path, Difference.TYPE, old, new)
            case (Truncated(), _) | (_, Truncated()):
                self._truncated(path, old, new)
            case (Opaque(), _) | (_, Opaque()):
                self._unseen.append(path)
            case Mapping(), Mapping():
                self._mapping(path, old, new)
            case Object(), Object():
                self._object(path, old, new)
            case Sequence(type=kind), Sequence() if kind in UNORDERED:
                self._set(path, old, new)
            case Sequence(type="list" | "tuple"), Sequence():
                self._list(path, old, new)
            case _:
                self._change(path, Difference.VALUE, old, new)

    def _is_settled(self, path: ValuePath, old: Value, new: Value) -> bool:
        """Whether there is nothing more to tell of a pair: it was met, is equal, or a comparator of the user's calls it so."""
        if (id(old), id(new)) in self._seen or self._old.of(old) == self._new.of(new):
            return True
        self._seen.add((id(old), id(new)))
        lenience = self._lenience
        if lenience is None or not lenience.equivalent(path, (old, self._old.resolve), (new, self._new.resolve)):
            return False
        self._change(path, Difference.EQUIVALENT, old, new)
        return True

    def _mapping(self, path: ValuePath, old: Mapping, new: Mapping) -> None:
        before = {self._old.of(key): (key, value) for key, value in old.items}
        after = {self._new.of(key): (key, value) for key, value in new.items}
        for number, (key, value) in before.items():
            if number not in after:
                self._change(path.child(Key(key_text(key))), Difference.KEY_REMOVED, value, None)
        for number, (key, value) in after.items():
            if number not in before:
                self._change(path.child(Key(key_text(key))), Difference.KEY_ADDED, None, value)
        common = [(before[number], after[number]) for number in before if number in after]
        self._push((path.child(Key(key_text(key))), value, other) for (key, value), (_, other) in common)

    def _object(self, path: ValuePath, old: Object, new: Object) -> None:
        self._objects[path] = old.type
        before, after = dict(old.fields), dict(new.fields)
        for name in before.keys() - after.keys():
            self._change(path.child(name), Difference.KEY_REMOVED, before[name], None)
        for name in after.keys() - before.keys():
            self._change(path.child(name), Difference.KEY_ADDED, None, after[name])
        common = [name for name in before if name in after]
        reshaped = [name for name in common if self._reshaped(old.form, name, before[name], after[name])]
        for name in reshaped:
            self._change(path.child(name), Difference.TYPE, before[name], after[name])
        self._push((path.child(name), before[name], after[name]) for name in common if name not in reshaped)
        if not reshaped:
            self._payload(path, old, new)

    def _reshaped(self, form: Form, name: str, old: Value, new: Value) -> bool:
        """Whether a field says that an array or table has another type or shape: its items are then not comparable one by one."""
        shape = {Form.ARRAY: ("dtype", "shape"), Form.TABLE: ("dtypes",)}.get(form, ())
        return name in shape and self._old.of(old) != self._new.of(new)

    def _payload(self, path: ValuePath, old: Object, new: Object) -> None:
        if old.payload is not None and new.payload is not None:
            self._push([(path, old.payload, new.payload)])
        elif old.payload is not new.payload:
            self._change(path, Difference.VALUE, old, new)

    def _set(self, path: ValuePath, old: Sequence, new: Sequence) -> None:
        before = {self._old.of(item): item for item in old.items}
        after = {self._new.of(item): item for item in new.items}
        gone = [item for number, item in before.items() if number not in after]
        come = [item for number, item in after.items() if number not in before]
        alike = self._alike(path.child(Key("*")), gone, come, in_order=False)
        self._items(path, [(0, item) for item in gone], [(0, item) for item in come], alike, Key("*"))

    def _list(self, path: ValuePath, old: Sequence, new: Sequence) -> None:
        before = [self._old.of(item) for item in old.items]
        after = [self._new.of(item) for item in new.items]
        if old.type == "tuple" and len(before) != len(after) and len(path.steps) == 1:
            self._change(path, Difference.TYPE, old, new)  # the callable returns another number of values
            return
        if len(before) == len(after) and sorted(before) == sorted(after):
            self._change(path, Difference.ORDER, old, new)
            return
        if self._lenience and self._lenience.unordered(path):
            self._any_order(path, (old, before), (new, after))
            return
        if old.type == "tuple" and self._is_record(old, new):
            self._push((path.child(n), a, b) for n, (a, b) in enumerate(zip(old.items, new.items, strict=True)))
            return
        for gap in gaps(align((before, after)), Gap(0, len(before), 0, len(after))):
            gone = [(n, old.items[n]) for n in range(gap.old_start, gap.old_end)]
            come = [(n, new.items[n]) for n in range(gap.new_start, gap.new_end)]
            self._items(path, gone, come, self._paired(path, gone, come))

    def _is_record(self, old: Sequence, new: Sequence) -> bool:
        """Whether two tuples hold different types, each the same ones at the same places: places have a meaning then, as fields have."""
        types = [
            [type_name(side.resolve(item)) for item in of.items] for side, of in ((self._old, old), (self._new, new))
        ]
        return types[0] == types[1] and len(set(types[0])) > 1

    def _any_order(self, path: ValuePath, old: tuple[Sequence, list[int]], new: tuple[Sequence, list[int]]) -> None:
        """Compare two lists as multisets: what both hold is taken out, wherever it stands."""
        gone = without(new[1], zip(old[1], enumerate(old[0].items), strict=True))
        come = without(old[1], zip(new[1], enumerate(new[0].items), strict=True))
        self._items(path, gone, come, self._paired(path, gone, come, in_order=False))

    def _paired(
        self, path: ValuePath, gone: list[_Placed], come: list[_Placed], *, in_order: bool = True
    ) -> dict[int, int]:
        """Return which unequal elements belong together: those that rules call equal, of the others those that resemble each other."""
        olds, news = [item for _, item in gone], [item for _, item in come]
        alike = self._alike(path.child(0), olds, news, in_order=in_order)
        left = [i for i in range(len(olds)) if i not in alike]
        taken = set(alike.values())
        others = [j for j in range(len(news)) if j not in taken]
        more = self._resemblance.pairs([olds[i] for i in left], [news[j] for j in others])
        return {**alike, **{left[i]: others[j] for i, j in more.items()}}

    def _alike(self, path: ValuePath, olds: list[Value], news: list[Value], *, in_order: bool) -> dict[int, int]:
        """Return pairs of elements that rules for scalars call equal, where the number of elements or their order leaves a choice."""
        lenience = self._lenience
        if (
            not lenience
            or (in_order and len(olds) == len(news))
            or _count_nodes((*olds, *news), _MOST_RULED) == _MOST_RULED
        ):
            return {}
        return lenience.pairs(
            olds, news, lambda old, new: self._equal_by_rules(lenience, path, old, new), in_order=in_order
        )

    def _equal_by_rules(self, lenience: Lenience, path: ValuePath, old: Value, new: Value) -> bool:
        found = _Comparing(self._old, self._new, Resemblance(0)).run(path, old, new)
        return not found.unseen and all(lenience.alike(each.path, each.before, each.after) for each in found.changes)

    def _items(
        self,
        path: ValuePath,
        gone: list[tuple[int, Value]],
        come: list[tuple[int, Value]],
        alike: dict[int, int],
        step: Key | None = None,
    ) -> None:
        """Tell of the unequal elements of a gap: those that resemble each other go on, the rest went or came."""
        for number, (place, item) in enumerate(gone):
            if number not in alike:
                self._change(path.child(step or place), Difference.ITEM_REMOVED, item, None)
        taken = set(alike.values())
        for number, (place, item) in enumerate(come):
            if number not in taken:
                self._change(path.child(step or place), Difference.ITEM_ADDED, None, item)
        self._push((path.child(step or come[j][0]), gone[i][1], come[j][1]) for i, j in alike.items())

    def _truncated(self, path: ValuePath, old: Value, new: Value) -> None:
        """Compare what both sides hold: sizes, heads, and digests where there are two."""
        self._objects[path] = type_name(old)
        sizes = size(old), size(new)
        if None not in sizes and sizes[0] != sizes[1]:
            self._change(path, Difference.VALUE, old, new)
            return
        heads = common_heads(old, new)
        if any(self._old.of(a) != self._new.of(b) for _, a, b in heads):
            self._push((path.child(step), a, b) for step, a, b in heads)
        elif not same_start(old, new) or (_comparable(digest(old), digest(new)) and digest(old) != digest(new)):
            self._change(path, Difference.VALUE, old, new)
        if not (len(digest(old)) == len(digest(new)) == WHOLE_DIGEST):
            self._unseen.append(path)


def _comparable(old: bytes, new: bytes) -> bool:
    return bool(old) and len(old) == len(new)


def _count_nodes(values: Iterable[Value], limit: int) -> int:
    todo, count = list(values), 0
    while todo and count < limit:
        count += 1
        todo.extend(children(todo.pop()))
    return count


def _plain(value: Value, depth: int = _PLAIN_DEPTH) -> Any:  # noqa: PLR0911  (one per case)
    """Return a snapshot as plain containers and texts, which is what deepdiff measures best; what lies deeper is left out."""
    if depth == 0:
        return type_name(value)
    match value:
        case Scalar(value=plain):
            return plain
        case Sequence(items=items):
            return [_plain(item, depth - 1) for item in items]
        case Mapping(items=pairs):
            return {key_text(key): _plain(item, depth - 1) for key, item in pairs}
        case Object(type=kind, fields=fields):
            return {"": kind, **{name: _plain(item, depth - 1) for name, item in fields}}
        case Atom(text=text) | Named(name=text):
            return text
        case _:
            return type_name(value)


def _resembling(old: list[Any], new: list[Any]) -> dict[int, int]:
    from deepdiff import DeepDiff  # noqa: PLC0415  (loads in 230 ms: only when two lists need it)

    found = DeepDiff(
        old, new, ignore_order=True, view="tree", max_passes=200, max_diffs=2_000, cutoff_intersection_for_pairs=1
    )
    pairs: dict[int, int] = {}
    for levels in found.values():
        for level in levels:
            before, after = level.path(output_format="list"), level.path(output_format="list", use_t2=True)
            if len(before) > 1 and len(after) > 1 and before[0] not in pairs and after[0] not in pairs.values():
                pairs[before[0]] = after[0]
    return pairs
