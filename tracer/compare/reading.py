"""Reads the values of recorded calls and compares them pair by pair."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from tracer import wire
from tracer.compare.defaults import changed_defaults, holds_default
from tracer.compare.delta import Change, Delta, Difference, Resemblance, delta, delta_inside
from tracer.compare.fingerprint import ARGUMENTS, Fingerprints, children
from tracer.compare.shape import shape_delta
from tracer.decode import decode
from tracer.errors import CassetteDamaged
from tracer.model import Call, Callable, Raised, Returned
from tracer.values import Form, Mapping, Named, Object, Opaque, Scalar, Sequence, Truncated, Value, ValuePath

if TYPE_CHECKING:
    import typing

    from tracer.compare.lenience import Lenience

ARGUMENT = "argument"
_UNREADABLE = Opaque("<unreadable>", 0)
_OPAQUE_CODE, _TRUNCATED_CODE = bytes((wire.OPAQUE,)), bytes((wire.TRUNCATED,))
_PARAMETER = 2  # the steps of a path that ends at a parameter
MOST_UNSEEN = 8
_REMEMBERED = 2_048
_TREES = 16  # one pair of calls is read in several places
_FEWEST_TREES = 4  # arguments and outcomes of that pair are kept whatever their size
_TREE_BYTES = 8 * 1024 * 1024  # of snapshots whose trees are kept; a tree takes many times as much
_REMEMBERED_BYTES = 4_096
_ASKED = 300  # pairs of lists whose elements are paired by what they resemble
_MOST_UNREADABLE = 10_000
_DIGEST = 8


class Reader:
    """Decodes and compares the values of paired calls, remembering recent small pairs: one cause often shows in thousands of calls."""

    def __init__(self, *, shapes_only: bool = False) -> None:
        self._unreadable: set[bytes] = set()
        self.lenience: Lenience | None = None  # what rules say about the values of the callable that is being compared
        self.shapes_only = shapes_only
        self._resemblance = Resemblance(_ASKED)
        self._known: dict[tuple[object, ...], Delta] = {}
        self._known_here: dict[tuple[object, ...], Delta] = {}  # what may come out otherwise elsewhere
        self._trees: dict[bytes, Value] = {}

    @property
    def unreadable(self) -> frozenset[bytes]:
        """Digests of the snapshots that could not be read, up to some thousands."""
        return frozenset(self._unreadable)

    def begin(self, asks: int) -> None:
        """Begin a part, of which nothing may depend on what was compared before. So many pairs of lists are paired by resemblance."""
        self._resemblance = Resemblance(asks)
        self._known_here = {}

    def under(self, lenience: Lenience | None) -> Reader:
        """Return this reader for a callable whose values are compared under rules. What one remembers the other knows."""
        if lenience is self.lenience:
            return self
        reader = copy(self)
        reader.lenience = lenience
        return reader

    def read(self, data: bytes) -> Value:
        """Return the tree of a snapshot; a damaged one is opaque, and counted. The trees of the last few are kept, of fewer where they are giant."""
        tree = self._trees.get(data)
        if tree is None:
            self._make_room(len(data))
            tree = self._trees[data] = self._decoded(data)
        return tree

    def _make_room(self, coming: int) -> None:
        """Forget the oldest trees, so that few giant ones are held at once. It is done before the next one is built."""
        held = coming + sum(map(len, self._trees))
        while len(self._trees) >= _TREES or (len(self._trees) >= _FEWEST_TREES and held > _TREE_BYTES):
            oldest = next(iter(self._trees))
            held -= len(oldest)
            del self._trees[oldest]

    def _decoded(self, data: bytes) -> Value:
        try:
            return decode(data)
        except CassetteDamaged:
            if len(self._unreadable) < _MOST_UNREADABLE:
                self._unreadable.add(blake2b(data, digest_size=_DIGEST).digest())
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

    def arguments_delta(self, old: Call, new: Call, before: Callable | None, after: Callable | None) -> Delta:
        """Return what differs between the arguments of two calls, paired by the parameters' names.

        Parameters that only one side has, and those left at a default that is another one now, are the signature's change, not the
        callers'.
        """
        names, others = parameter_names(before), parameter_names(after)
        if old.arguments == new.arguments and names == others:
            return Delta()
        found = self._remembered(
            (old.arguments, new.arguments, names, others),
            lambda: self.compare(self.arguments(old, names), self.arguments(new, others), ValuePath((ARGUMENT,))),
        )
        silent = self._left_at_defaults(old, new, before, after)
        return replace(
            found,
            changes=tuple(
                each for each in found.changes if not _one_sided(each) and not silent.intersection(each.path.steps[1:2])
            ),
        )

    def _left_at_defaults(self, old: Call, new: Call, before: Callable | None, after: Callable | None) -> set[str]:
        changed = changed_defaults(before, after)
        if not changed:
            return set()
        passed, passed_now = self.arguments(old, parameter_names(before)), self.arguments(new, parameter_names(after))
        return {
            name
            for name, (default, default_now) in changed.items()
            if holds_default(passed, name, default) and holds_default(passed_now, name, default_now)
        }

    def compare(self, old: Value, new: Value, path: ValuePath) -> Delta:
        """Return what differs between two trees that come of different bytes. Two that cannot be read are a change."""
        if old is new is _UNREADABLE:
            return Delta((Change(path, Difference.VALUE, old, new),))
        if self.shapes_only:
            return shape_delta((Fingerprints(old), old), (Fingerprints(new), new), path)
        return delta(old, new, path, self._resemblance, self.lenience)

    def inside(self, old: tuple[Fingerprints, Value], new: tuple[Fingerprints, Value], path: ValuePath) -> Delta:
        """Return what differs between two nodes, each given with the fingerprints of the snapshot that it is part of."""
        if self.shapes_only:
            return shape_delta(old, new, path)
        return delta_inside(old, new, path, self._resemblance, self.lenience)

    def _remembered(self, key: tuple[object, ...], compare: typing.Callable[[], Delta]) -> Delta:
        key = (*key, self.lenience)
        found = self._known.get(key) or self._known_here.get(key)
        if found is None:
            asked = self._resemblance.asked
            found = compare()
            if sum(len(part) for part in key[:2] if isinstance(part, bytes)) <= _REMEMBERED_BYTES:
                pure = self._resemblance.asked == asked and self.lenience is None
                known = self._known if pure else self._known_here
                if len(known) >= _REMEMBERED:
                    known.clear()
                known[key] = found
        return found


def unseen_inputs(call: Call, callable_: Callable | None, reader: Reader) -> tuple[str, ...]:
    """Return the paths of a call's arguments that hold something opaque or cut, bounded."""
    if _OPAQUE_CODE not in call.arguments and _TRUNCATED_CODE not in call.arguments:
        return ()  # without these bytes there can be no such extension
    root = reader.arguments(call, parameter_names(callable_))
    if not isinstance(root, Object):
        return (ARGUMENT,)
    return tuple(f"{ARGUMENT}.{name}" for name, value in root.fields if _hides_something(value))[:MOST_UNSEEN]


def cut_types(call: Call, callable_: Callable | None, reader: Reader) -> frozenset[str]:
    """Return the types of a call's arguments that were not recorded in full."""
    if _TRUNCATED_CODE not in call.arguments:
        return frozenset()
    root = reader.arguments(call, parameter_names(callable_))
    values = [value for _, value in root.fields] if isinstance(root, Object) else []
    return frozenset(value.type for value in values if isinstance(value, Truncated))


def looked_at_again(call: Call, arguments: Value) -> bool:
    """Whether arguments without an after-image are known to be left as they were.

    Past the first crossings of a callable recorders only name objects and do not look at them again, so that then no after-image says
    nothing. What shows that they looked: another after-image, a container with content, or nothing but scalars and one flat container.
    """
    if call.after:
        return True
    values = [value for _, value in arguments.fields] if isinstance(arguments, Object) else [arguments]
    others = [value for value in values if not isinstance(value, Scalar)]
    if any(not isinstance(value, Truncated) and any(True for _ in children(value)) for value in others):
        return True
    return len(others) <= 1 and all(isinstance(value, Sequence | Mapping) for value in others)


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


def _one_sided(change: Change) -> bool:
    return len(change.path.steps) == _PARAMETER and change.difference in (Difference.KEY_ADDED, Difference.KEY_REMOVED)
