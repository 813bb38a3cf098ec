"""Two paired calls -> what changed, in the words of the report: arguments, outcome, arguments after, items."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from tracer.compare.align import Gap, align, gaps
from tracer.compare.delta import Change, Delta, Difference
from tracer.compare.fingerprint import Fingerprints, mark_of, print_of
from tracer.compare.parts import without
from tracer.compare.reading import ARGUMENT, MOST_UNSEEN, Reader, looked_at_again, parameter_names
from tracer.compare.result import Kind
from tracer.model import Call, Callable, Flow, ItemKind, Raised, Returned
from tracer.sums import items_together, written
from tracer.values import Key, Object, Opaque, Sequence, Truncated, Value, ValuePath

if TYPE_CHECKING:
    import typing
    from collections.abc import Iterable, Iterator

    from tracer.model import Item
    from tracer.sums import Sum

    Items: TypeAlias = "typing.Sequence[Item]"

SUMS: Final = Key("sums")
"""The last step of the path of a difference of which only sums tell: `return[sums]`."""

AFTER, RETURN, RAISED = "after", "return", "raised"
_GENERATOR = Opaque("builtins:generator", 0)
_ITEM_NAMES = {ItemKind.YIELDED: "yielded", ItemKind.SENT: "sent", ItemKind.THROWN: "thrown"}


@dataclass(frozen=True, slots=True)
class CallChange:
    """One change of a paired call. `before` or `after` is None where there was nothing.

    `entering` says that it was there when the call began: it is an input of the call, not something that the call did.
    `inside` are the types of the objects that the path leads into, outermost first. `mark` is what the value was and is, as
    fingerprints that hold in every process, by which the same change of a value is known elsewhere.
    """

    kind: Kind
    path: ValuePath
    difference: Difference
    before: Value | None
    after: Value | None
    entering: bool = False
    inside: tuple[str, ...] = ()
    mark: tuple[int, int] = (0, 0)

    @property
    def internal(self) -> bool:
        """Whether only private state is concerned. A parameter's own name does not make it private."""
        start = 2 if self.path.steps[:1] in ((ARGUMENT,), (AFTER,)) else 1
        return ValuePath(self.path.steps[start:]).internal


@dataclass(frozen=True, slots=True)
class CallDelta:
    """All changes of one pair of calls, and the paths of values that could be compared only in part."""

    changes: tuple[CallChange, ...]
    unseen: tuple[str, ...] = ()


def compare_calls(
    old: Call,
    new: Call,
    callables: tuple[Callable | None, Callable | None],
    reader: Reader,
    is_own: typing.Callable[[tuple[str, ...]], bool] = lambda inside: False,
) -> CallDelta:
    """Return what changed between two calls that belong together.

    `callables` are those of the old and of the new call. `is_own` says of the types that a path leads into whether what lies there is
    kept by the called component itself: then it is state, no argument.
    """
    arguments = reader.arguments_delta(old, new, *callables)
    outcomes = _lazily(old, new, reader) if old.flow != new.flow else None
    parts = [
        CallDelta(tuple(_input(change, is_own) for change in arguments.changes), _texts(arguments.unseen)),
        *((outcomes,) if outcomes else (*_items(old, new, reader), _outcome(old, new, reader))),
    ]
    if old.after or new.after:
        parts.append(_after(old, new, callables, reader))
    return CallDelta(
        tuple(change for part in parts for change in part.changes),
        tuple(path for part in parts for path in part.unseen)[:MOST_UNSEEN],
    )


def _texts(paths: Iterable[ValuePath]) -> tuple[str, ...]:
    return tuple(str(path) for path in paths)


def _made(kind: Kind, change: Change, *, entering: bool = False) -> CallChange:
    mark = (_everywhere(change.before), _everywhere(change.after))
    return CallChange(kind, change.path, change.difference, change.before, change.after, entering, change.inside, mark)


def _everywhere(value: Value | None) -> int:
    return 0 if value is None else mark_of(value)


def _print(value: Value | None) -> int:
    return 0 if value is None else print_of(value)


def _input(change: Change, is_own: typing.Callable[[tuple[str, ...]], bool]) -> CallChange:
    made = _made(Kind.ARGUMENT_PASSED, change, entering=True)
    return replace(made, kind=Kind.STATE) if made.internal or is_own(change.inside) else made


def _sent(change: Change) -> CallChange:
    return _input(change, lambda inside: False)


def _lazily(old: Call, new: Call, reader: Reader) -> CallDelta | None:
    """Compare a generator with what a function returns: what its callers were given are an iterator and that value.

    None for other flows, and where one of the two raised.
    """
    given = [_given(call, reader) for call in (old, new)]
    if {old.flow, new.flow} != {Flow.CALL, Flow.GENERATOR} or given[0] is None or given[1] is None:
        return None
    found = reader.compare(given[0], given[1], ValuePath((RETURN,)))
    return CallDelta(tuple(_returned(change) for change in found.changes), (RETURN,))


def _given(call: Call, reader: Reader) -> Value | None:
    if isinstance(call.outcome, Raised):
        return None
    return _GENERATOR if call.flow is Flow.GENERATOR else reader.outcome(call)


def _outcome(old: Call, new: Call, reader: Reader) -> CallDelta:
    if old.outcome == new.outcome:
        return CallDelta(())
    match old.outcome, new.outcome:
        case Returned(value=before), Returned(value=after):
            found = reader.delta(before, after, ValuePath((RETURN,)))
            return CallDelta(tuple(_returned(change) for change in found.changes), _texts(found.unseen))
        case Raised(error=before), Raised(error=after):
            found = reader.delta(before, after, ValuePath((RAISED,)))
            return CallDelta(tuple(_raised(change) for change in found.changes), _texts(found.unseen))
        case _, Raised():
            kind, path = Kind.RAISED, RAISED
        case Raised(), _:
            kind, path = Kind.NO_LONGER_RAISED, RAISED
        case _:
            kind, path = Kind.RETURNED_VALUE, RETURN
    shown = reader.outcome(old), reader.outcome(new)
    return CallDelta((_made(kind, Change(ValuePath((path,)), Difference.VALUE, *shown)),))


def _returned(change: Change) -> CallChange:
    return _made(Kind.RETURNED_TYPE if change.difference is Difference.TYPE else Kind.RETURNED_VALUE, change)


def _raised(change: Change) -> CallChange:
    other = change.difference is Difference.TYPE and len(change.path.steps) == 1
    return _made(Kind.EXCEPTION_TYPE if other else Kind.EXCEPTION_MESSAGE, change)


def _items(old: Call, new: Call, reader: Reader) -> Iterator[CallDelta]:
    """Compare what passed through a generator; what was sent or thrown in is an input."""
    if old.items == new.items:
        return
    olds, news, rest = _in_detail(old.items, new.items)
    for kind, name in _ITEM_NAMES.items():
        before = [item.value for item in olds if item.kind == kind]
        after = [item.value for item in news if item.kind == kind]
        make = _yielded if kind == ItemKind.YIELDED else _sent
        for found in _items_of(before, after, ValuePath((name,)), reader):
            yield CallDelta(tuple(make(change) for change in found.changes), _texts(found.unseen))
    yield rest


def _in_detail(old: Items, new: Items) -> tuple[Items, Items, CallDelta]:
    """Return the items to hold against one another one by one, and what comparing the sums of those behind them came to.

    Where one side keeps only sums from some item on, what the other keeps in detail from there on is summed up too. The last items in detail that
    have no partner may be among those the other side summed up, if items were inserted or left out before.
    """
    cuts = [place for items in (old, new) if (place := _kept(items)) < len(items)]
    if not cuts:
        return old, new, CallDelta(())
    runs = align((old[: _kept(old)], new[: _kept(new)]))
    i, j = (runs[-1].old + runs[-1].length, runs[-1].new + runs[-1].length) if runs else (0, 0)
    if items_together(old[i:]) == items_together(new[j:]):
        return old[:i], new[:j], CallDelta(())
    cut = min(cuts)
    return old[:cut], new[:cut], CallDelta(tuple(map(_yielded, _sums(old[cut:], new[cut:], cut))))


def _sums(old: Items, new: Items, before: int) -> Iterator[Change]:
    """Yield what the sums of items differ in, of which there were others `before` them: the first run, where both sides keep the same runs."""
    ours, theirs = ([items_together((item,)) for item in items] for items in (old, new))
    if [count for count, _ in ours] == [count for count, _ in theirs]:
        for was, now in zip(ours, theirs, strict=True):
            if was != now:
                yield _summed(was, now, before)
                return
            before += was[0]
    elif (was := items_together(old)) != (now := items_together(new)):
        yield _summed(was, now, before)


def _summed(old: tuple[int, Sum], new: tuple[int, Sum], before: int) -> Change:
    was, now = (_shown(*each, before) for each in (old, new))
    return Change(ValuePath((_ITEM_NAMES[ItemKind.YIELDED], SUMS)), Difference.VALUE, was, now)


def _shown(count: int, found: Sum, before: int) -> Truncated:
    proof = written(found)
    told = f"items {before + 1:,} to {before + count:,}, in sum {proof.hex()[:12]}" if count else "no more items"
    return Truncated(told, None, (), proof)


def _kept(items: Items) -> int:
    """Count the items before the first of which only a sum is kept."""
    return next((n for n, item in enumerate(items) if item.kind is ItemKind.SUMMED), len(items))


def _items_of(before: list[bytes], after: list[bytes], path: ValuePath, reader: Reader) -> Iterator[Delta]:
    if before != after and reader.lenience and reader.lenience.unordered(path):
        yield _in_any_order(before, after, path, reader)
        return
    for gap in gaps(align((before, after)), Gap(0, len(before), 0, len(after))):
        yield _gap(before, after, gap, path, reader)


def _in_any_order(before: list[bytes], after: list[bytes], path: ValuePath, reader: Reader) -> Delta:
    """Compare items as multisets: what both sides have is taken out, wherever it came."""
    gone = without(after, zip(before, before, strict=True))
    come = without(before, zip(after, after, strict=True))
    if gone or come:
        return _gap(gone, come, Gap(0, len(gone), 0, len(come)), path, reader)
    old, new = (Sequence("list", tuple(map(reader.read, items))) for items in (before, after))
    return Delta((Change(path, Difference.ORDER, old, new),))


def _gap(before: list[bytes], after: list[bytes], gap: Gap, path: ValuePath, reader: Reader) -> Delta:
    """Compare the items of a gap one by one; what one side has more was added or removed."""
    common = min(gap.old_end - gap.old_start, gap.new_end - gap.new_start)
    changes: list[Change] = []
    unseen: list[ValuePath] = []
    for n in range(common):
        found = reader.delta(before[gap.old_start + n], after[gap.new_start + n], path.child(gap.new_start + n))
        changes.extend(found.changes)
        unseen.extend(found.unseen)
    changes.extend(
        Change(path.child(n), Difference.ITEM_REMOVED, reader.read(before[n]), None)
        for n in range(gap.old_start + common, gap.old_end)
    )
    changes.extend(
        Change(path.child(n), Difference.ITEM_ADDED, None, reader.read(after[n]))
        for n in range(gap.new_start + common, gap.new_end)
    )
    return Delta(tuple(changes), tuple(unseen))


def _yielded(change: Change) -> CallChange:
    return _made(Kind.YIELDED, change)


_Part: TypeAlias = tuple[Fingerprints, Value]


@dataclass(frozen=True, slots=True)
class _Image:
    """One argument as it was passed and as it was left, the same where the call changed nothing; `known` says that someone looked."""

    passed: _Part
    left: _Part
    known: bool


def _after(old: Call, new: Call, callables: tuple[Callable | None, Callable | None], reader: Reader) -> CallDelta:
    """Compare the arguments as the call left them, less the differences that they came with."""
    before = _images(old, parameter_names(callables[0]), reader)
    after = _images(new, parameter_names(callables[1]), reader)
    changes: list[CallChange] = []
    unseen: list[str] = []
    for name in [name for name in before if name in after]:
        path = ValuePath((AFTER, name))
        if not (before[name].known and after[name].known):
            unseen.append(str(path))
            continue
        brought = reader.inside(before[name].passed, after[name].passed, path)
        found = reader.inside(before[name].left, after[name].left, path)
        known = {_mark(change) for change in brought.changes}
        changes.extend(_left(change) for change in found.changes if _mark(change) not in known)
        unseen.extend(_texts(found.unseen))
    return CallDelta(tuple(changes), tuple(unseen))


def _images(call: Call, names: tuple[str, ...], reader: Reader) -> dict[str, _Image]:
    """Return the images of a call's arguments by parameter."""
    root = reader.arguments(call, names)
    if not isinstance(root, Object):
        return {}
    prints = Fingerprints(root)
    known = looked_at_again(call, root)
    images = {name: _Image((prints, value), (prints, value), known) for name, value in root.fields}
    for position, data in call.after:
        name = names[position] if position < len(names) else str(position)
        value = reader.read(data)
        if name in images:
            images[name] = replace(images[name], left=(Fingerprints(value), value))
    return images


def _left(change: Change) -> CallChange:
    made = _made(Kind.ARGUMENT_AFTER, change)
    return replace(made, kind=Kind.STATE) if made.internal else made


def _mark(change: Change) -> tuple[object, ...]:
    """Return what two tellings of the same difference have in common."""
    return (change.path, change.difference, _print(change.before), _print(change.after))
