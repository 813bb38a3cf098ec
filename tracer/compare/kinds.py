"""Two paired calls -> what changed, in the words of the report: arguments, outcome, arguments after, items."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from tracer import wire
from tracer.compare.align import Gap, align, gaps
from tracer.compare.delta import Change, Delta, Difference, Resemblance, delta, delta_inside
from tracer.compare.fingerprint import ARGUMENTS, Fingerprints, children
from tracer.compare.result import Kind
from tracer.decode import decode
from tracer.errors import CassetteDamaged
from tracer.model import Call, Callable, ItemKind, Raised, Returned
from tracer.values import Form, Named, Object, Opaque, Sequence, Truncated, Value, ValuePath

if TYPE_CHECKING:
    import typing
    from collections.abc import Iterable, Iterator

ARGUMENT, AFTER, RETURN, RAISED = "argument", "after", "return", "raised"
_UNREADABLE = Opaque("<unreadable>", 0)
_OPAQUE_CODE, _TRUNCATED_CODE = bytes((wire.OPAQUE,)), bytes((wire.TRUNCATED,))
_PARAMETER = 2  # the steps of a path that ends at a parameter
_MOST_UNSEEN = 8
_REMEMBERED = 2_048
_REMEMBERED_BYTES = 4_096
_ITEM_NAMES = {ItemKind.YIELDED: "yielded", ItemKind.SENT: "sent", ItemKind.THROWN: "thrown"}


@dataclass(frozen=True, slots=True)
class CallChange:
    """One change of a paired call. `before` or `after` is None where there was nothing.

    `entering` says that it was there when the call began: it is an input of the call, not something that the call did.
    """

    kind: Kind
    path: ValuePath
    difference: Difference
    before: Value | None
    after: Value | None
    entering: bool = False

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


class Reader:
    """Decodes and compares the values of paired calls, remembering recent small pairs: one cause often shows in thousands of calls."""

    def __init__(self) -> None:
        self.unreadable = 0
        self._resemblance = Resemblance()
        self._known: dict[tuple[object, ...], Delta] = {}

    def read(self, data: bytes) -> Value:
        """Return the tree of a snapshot; a damaged one is opaque, and counted."""
        try:
            return decode(data)
        except CassetteDamaged:
            self.unreadable += 1
            return _UNREADABLE

    def arguments(self, call: Call, names: tuple[str, ...]) -> Value:
        """Return a call's arguments as one object with the parameters as its fields, those without a name numbered."""
        root = self.read(call.arguments)
        if not isinstance(root, Sequence):
            return root
        fields = tuple((names[n] if n < len(names) else str(n), value) for n, value in enumerate(root.items))
        return Object(ARGUMENTS, Form.PLAIN, fields)

    def outcome(self, call: Call) -> Value:
        """Return what a call returned or raised; a name that says so where it did not end."""
        match call.outcome:
            case Returned(value=data) | Raised(error=data):
                return self.read(data)
            case _:
                return Named("outcome", "unfinished")

    def delta(self, old: bytes, new: bytes, path: ValuePath) -> Delta:
        """Return what differs between two snapshots."""
        if old == new:
            return Delta()
        return self._remembered((old, new, path), lambda: self.compare(self.read(old), self.read(new), path))

    def arguments_delta(self, old: Call, new: Call, before: tuple[str, ...], after: tuple[str, ...]) -> Delta:
        """Return what differs between the arguments of two calls, paired by the parameters' names.

        Parameters that only one side has are the signature's change, not the callers'.
        """
        if old.arguments == new.arguments and before == after:
            return Delta()
        found = self._remembered(
            (old.arguments, new.arguments, before, after),
            lambda: self.compare(self.arguments(old, before), self.arguments(new, after), ValuePath((ARGUMENT,))),
        )
        if before == after:
            return found
        return replace(found, changes=tuple(change for change in found.changes if not _one_sided(change)))

    def compare(self, old: Value, new: Value, path: ValuePath) -> Delta:
        """Return what differs between two trees that come of different bytes. Two that cannot be read are a change."""
        if old is new is _UNREADABLE:
            return Delta((Change(path, Difference.VALUE, old, new),))
        return delta(old, new, path, self._resemblance)

    def _remembered(self, key: tuple[object, ...], compare: typing.Callable[[], Delta]) -> Delta:
        found = self._known.get(key)
        if found is None:
            found = compare()
            if sum(len(part) for part in key[:2] if isinstance(part, bytes)) <= _REMEMBERED_BYTES:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[key] = found
        return found


def compare_calls(
    old: Call, new: Call, old_callable: Callable | None, new_callable: Callable | None, reader: Reader
) -> CallDelta:
    """Return what changed between two calls that belong together."""
    before, after = parameter_names(old_callable), parameter_names(new_callable)
    arguments = reader.arguments_delta(old, new, before, after)
    parts = [
        CallDelta(tuple(_input(change) for change in arguments.changes), _texts(arguments.unseen)),
        *_items(old, new, reader),
        _outcome(old, new, reader),
    ]
    if old.after or new.after:
        parts.append(_after(old, new, (before, after), reader))
    return CallDelta(
        tuple(change for part in parts for change in part.changes),
        tuple(path for part in parts for path in part.unseen)[:_MOST_UNSEEN],
    )


def unseen_inputs(call: Call, callable_: Callable | None, reader: Reader) -> tuple[str, ...]:
    """Return the paths of a call's arguments that hold something opaque or cut, bounded."""
    if _OPAQUE_CODE not in call.arguments and _TRUNCATED_CODE not in call.arguments:
        return ()  # without these bytes there can be no such extension
    root = reader.arguments(call, parameter_names(callable_))
    if not isinstance(root, Object):
        return (ARGUMENT,)
    return tuple(f"{ARGUMENT}.{name}" for name, value in root.fields if _hides_something(value))[:_MOST_UNSEEN]


def parameter_names(callable_: Callable | None) -> tuple[str, ...]:
    """Return the names of the parameters, none for a callable that is not known."""
    return tuple(parameter.name for parameter in callable_.parameters) if callable_ else ()


def _hides_something(value: Value) -> bool:
    todo = [value]
    while todo:
        node = todo.pop()
        if isinstance(node, Opaque) or (isinstance(node, Truncated) and node.partial):
            return True
        todo.extend(children(node))
    return False


def _texts(paths: Iterable[ValuePath]) -> tuple[str, ...]:
    return tuple(str(path) for path in paths)


def _one_sided(change: Change) -> bool:
    return len(change.path.steps) == _PARAMETER and change.difference in (Difference.KEY_ADDED, Difference.KEY_REMOVED)


def _made(kind: Kind, change: Change, *, entering: bool = False) -> CallChange:
    return CallChange(kind, change.path, change.difference, change.before, change.after, entering)


def _input(change: Change) -> CallChange:
    made = _made(Kind.ARGUMENT_PASSED, change, entering=True)
    return replace(made, kind=Kind.STATE) if made.internal else made


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
    return CallDelta((CallChange(kind, ValuePath((path,)), Difference.VALUE, *shown),))


def _returned(change: Change) -> CallChange:
    return _made(Kind.RETURNED_TYPE if change.difference is Difference.TYPE else Kind.RETURNED_VALUE, change)


def _raised(change: Change) -> CallChange:
    other = change.difference is Difference.TYPE and len(change.path.steps) == 1
    return _made(Kind.EXCEPTION_TYPE if other else Kind.EXCEPTION_MESSAGE, change)


def _items(old: Call, new: Call, reader: Reader) -> Iterator[CallDelta]:
    """Compare what passed through a generator; what was sent or thrown in is an input."""
    if old.items == new.items:
        return
    for kind, name in _ITEM_NAMES.items():
        before = [item.value for item in old.items if item.kind == kind]
        after = [item.value for item in new.items if item.kind == kind]
        make = _yielded if kind == ItemKind.YIELDED else _input
        for gap in gaps(align((before, after)), Gap(0, len(before), 0, len(after))):
            found = _gap(before, after, gap, ValuePath((name,)), reader)
            yield CallDelta(tuple(make(change) for change in found.changes), _texts(found.unseen))


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


def _after(old: Call, new: Call, names: tuple[tuple[str, ...], tuple[str, ...]], reader: Reader) -> CallDelta:
    """Compare the arguments as the call left them, less the differences that they came with."""
    before, after = _passed_and_left(old, names[0], reader), _passed_and_left(new, names[1], reader)
    changes: list[CallChange] = []
    unseen: list[str] = []
    for name in [name for name in before if name in after]:
        path = ValuePath((AFTER, name))
        brought = delta_inside(before[name][0], after[name][0], path)
        found = delta_inside(before[name][1], after[name][1], path)
        known = {_mark(change) for change in brought.changes}
        changes.extend(_left(change) for change in found.changes if _mark(change) not in known)
        unseen.extend(_texts(found.unseen))
    return CallDelta(tuple(changes), tuple(unseen))


def _passed_and_left(call: Call, names: tuple[str, ...], reader: Reader) -> dict[str, tuple[_Part, _Part]]:
    """Return by parameter what was passed and what was left of it, the same where the call changed nothing."""
    root = reader.arguments(call, names)
    if not isinstance(root, Object):
        return {}
    prints = Fingerprints(root)
    both: dict[str, tuple[_Part, _Part]] = {name: ((prints, value), (prints, value)) for name, value in root.fields}
    for position, data in call.after:
        name = names[position] if position < len(names) else str(position)
        value = reader.read(data)
        if name in both:
            both[name] = (both[name][0], (Fingerprints(value), value))
    return both


def _left(change: Change) -> CallChange:
    made = _made(Kind.ARGUMENT_AFTER, change)
    return replace(made, kind=Kind.STATE) if made.internal else made


def _mark(change: Change) -> tuple[object, ...]:
    """Return what two tellings of the same difference have in common."""
    values = (Fingerprints(value).of(value) if value is not None else 0 for value in (change.before, change.after))
    return (change.path, change.difference, *values)
