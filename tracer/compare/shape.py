"""Two snapshots -> how their shapes differ: types, keys and fields, and whether something may be absent. Values and lengths do not count.

The items of a list have one shape together: a key that all of them had and some have no longer became optional, a type that none of
them had is another shape, one that is not among them any more is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracer.compare.delta import Change, Delta, Difference
from tracer.compare.parts import listed_parts, named_parts, type_name
from tracer.values import Form, Key, Mapping, Object, Redacted, Truncated, Value, ValuePath

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tracer.compare.fingerprint import Fingerprints

_MOST_CHANGES: Final = 2_000
_MOST_STEPS: Final = 100_000
_DEEPEST: Final = 64  # steps of a path, so that cycles end
_ITEM: Final = Key("*")
_ITEMS: Final = frozenset({"list", "tuple", "set", "frozenset"})
_KINDS_OF_ARRAYS: Final = {Form.ARRAY: "dtype", Form.TABLE: "dtypes"}


def shape_delta(old: tuple[Fingerprints, Value], new: tuple[Fingerprints, Value], path: ValuePath) -> Delta:
    """Return how the shapes of two nodes differ, each given with the fingerprints of the snapshot that it is part of."""
    if old[0].of(old[1]) == new[0].of(new[1]):
        return Delta()
    return _Comparing(old[0], new[0]).run(path, old[1], new[1])


class _Comparing:
    """One comparison, top down. What stands at one place is a list: of one value, or of all the items of a list."""

    def __init__(self, old: Fingerprints, new: Fingerprints) -> None:
        self._old = old
        self._new = new
        self._changes: list[Change] = []
        self._objects: dict[ValuePath, str] = {}
        self._todo: list[tuple[ValuePath, list[Value], list[Value]]] = []

    def run(self, path: ValuePath, old: Value, new: Value) -> Delta:
        self._todo.append((path, [old], [new]))
        for _ in range(_MOST_STEPS):
            if not self._todo or len(self._changes) >= _MOST_CHANGES:
                break
            self._place(*self._todo.pop())
        return Delta(tuple(self._changes))

    def _change(self, path: ValuePath, difference: Difference, before: Value | None, after: Value | None) -> None:
        heads = (ValuePath(path.steps[:length]) for length in range(len(path.steps) + 1)) if self._objects else ()
        inside = tuple(self._objects[head] for head in heads if head in self._objects)
        self._changes.append(Change(path, difference, before, after, inside))

    def _place(self, path: ValuePath, olds: list[Value], news: list[Value]) -> None:
        before, after = _by_type(map(self._old.resolve, olds)), _by_type(map(self._new.resolve, news))
        if not before or not after or len(path.steps) > _DEEPEST:
            return
        come, gone = [name for name in after if name not in before], [name for name in before if name not in after]
        if come or (gone and len(olds) == len(news) == 1):
            self._change(path, Difference.TYPE, _any(before, gone), _any(after, come))
        for name in before:
            if name in after:
                self._alike(path, name, before[name], after[name])

    def _alike(self, path: ValuePath, name: str, olds: list[Value], news: list[Value]) -> None:
        """Compare what is of one type."""
        if name in _ITEMS:
            self._items(path, name, olds, news)
        elif any(isinstance(value, Mapping | Object | Truncated) for value in olds):
            if name != "dict":
                self._objects[path] = name
            self._parts(path, olds, news)
            self._kinds_of_items(path, olds, news)

    def _items(self, path: ValuePath, name: str, olds: list[Value], news: list[Value]) -> None:
        before, after = [listed_parts(value) for value in olds], [listed_parts(value) for value in news]
        lengths = {len(items) for items in (*before, *after)}
        if name != "tuple" or (len(lengths) > 1 and len(olds) + len(news) > 2):  # noqa: PLR2004  (one on each side)
            self._todo.append((path.child(_ITEM), _joined(before), _joined(after)))
        elif len(lengths) > 1:
            self._change(path, Difference.TYPE, olds[0], news[0])
        else:
            for n in range(*lengths):
                self._todo.append((path.child(n), [items[n] for items in before], [items[n] for items in after]))

    def _parts(self, path: ValuePath, olds: list[Value], news: list[Value]) -> None:
        """Compare keys or fields: which are always there, which may be absent."""
        before, after = [named_parts(value) for value in olds], [named_parts(value) for value in news]
        whole_before, whole_after = _is_whole(olds), _is_whole(news)
        for step in dict.fromkeys(step for parts in (*before, *after) for step in parts):
            held = [parts[step] for parts in before if step in parts]
            holds = [parts[step] for parts in after if step in parts]
            if len(held) == len(before) and len(holds) < len(after) and whole_after:
                self._change(path.child(step), Difference.KEY_REMOVED, held[0], None)
            elif not held and whole_before:
                self._change(path.child(step), Difference.KEY_ADDED, None, holds[0])
            if held and holds:
                self._todo.append((path.child(step), held, holds))

    def _kinds_of_items(self, path: ValuePath, olds: list[Value], news: list[Value]) -> None:
        """Compare what arrays and tables say of the type of their items."""
        for old, new in zip(olds, news, strict=False):
            field = _KINDS_OF_ARRAYS.get(old.form) if isinstance(old, Object) else None
            before, after = (named_parts(value).get(field or "") for value in (old, new))
            if before is not None and after is not None and self._old.of(before) != self._new.of(after):
                self._change(path.child(field or ""), Difference.TYPE, before, after)


def _by_type(values: Iterable[Value]) -> dict[str, list[Value]]:
    found: dict[str, list[Value]] = {}
    for value in values:
        if not isinstance(value, Redacted):
            found.setdefault(type_name(value), []).append(value)
    return found


def _any(by_type: dict[str, list[Value]], wanted: Sequence[str]) -> Value:
    """Return a value of one of the types that are wanted, any where there is none."""
    return by_type[next(iter(wanted), next(iter(by_type)))][0]


def _is_whole(values: Iterable[Value]) -> bool:
    return not any(isinstance(value, Truncated) for value in values)


def _joined(parts: Iterable[tuple[Value, ...]]) -> list[Value]:
    return [value for each in parts for value in each]
