"""Fingerprints of snapshots: equal exactly where two values mean the same.

Order in mappings and sets carries no meaning; 1, 1.0 and True differ; NaN equals NaN; 0.0 and -0.0 differ (they print differently); a shared
reference equals the value it refers to; a cycle equals a cycle of the same length; redacted values equal each other; opaque values
equal those of their type; texts are equal that differ only in the addresses of a `<... at 0x7f...>`, which no program can mean.
"""

from __future__ import annotations

import re
from enum import Enum
from hashlib import blake2b
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from tracer.values import (
    Atom,
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
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ARGUMENTS = "arguments"
"""Type of the object that stands for a call's arguments. It is no recorded value, and takes no number."""
UNORDERED = frozenset({"set", "frozenset"})
_COUNTED = frozenset({"list", "set", "bytearray"})
_REDACTED = "redacted"
_ADDRESS = re.compile(r"(?<= at 0x)[0-9a-fA-F]{6,16}\b")


class _Step(Enum):
    ENTER = 0
    PAYLOAD = 1  # enter, without a number
    LEAVE = 2
    RESET = 3  # forget what was numbered inside the item of a set


class Fingerprints:
    """The fingerprint of every node of one snapshot, 61 bits each, and what its references refer to.

    They hold within one process only, unless something else than Python's own hash is given. The snapshot must stay alive as long as this does, which therefore keeps it.
    """

    def __init__(self, root: Value, hashed: Callable[[object], int] = hash) -> None:
        self.root = root
        self._hash = hashed
        self._prints: dict[int, int] = {}
        self._targets: list[Value] = []
        self._walk(root)

    def of(self, node: Value) -> int:
        """Return the fingerprint of a node of this snapshot."""
        return self._prints[id(node)]

    def resolve(self, node: Value) -> Value:
        """Return what a reference refers to, any other value as it is."""
        if isinstance(node, Reference) and 0 <= node.ordinal < len(self._targets):
            return self._targets[node.ordinal]
        return node

    def _walk(self, root: Value) -> None:
        """Visit children before parents with a stack of our own: snapshots may be deeper than Python's.

        Containers are numbered as the recorder did: an object's payload takes no number, and the items of a set, which had no order
        when they were numbered, all start from the same one.
        """
        depths: dict[int, int] = {}  # of the containers that are open at the moment
        todo: list[tuple[_Step, Value, int]] = [(_Step.ENTER, root, 0)]
        while todo:
            step, node, depth = todo.pop()
            if step is _Step.RESET:
                del self._targets[depth:]
            elif isinstance(node, Reference):
                self._prints[id(node)] = self._reference(node, depth, depths)
            elif step is _Step.LEAVE:
                depths.pop(id(node), None)
                self._prints[id(node)] = self._combine(node)
            else:
                if step is _Step.ENTER and _is_numbered(node):
                    self._targets.append(node)
                depths[id(node)] = depth
                todo.append((_Step.LEAVE, node, depth))
                todo.extend(self._inside(node, depth + 1))

    def _inside(self, node: Value, depth: int) -> list[tuple[_Step, Value, int]]:
        """Return the steps for what is inside a node, last first; leaves need none."""
        payload = node.payload if isinstance(node, Object) else None
        unordered = isinstance(node, Sequence) and node.type in UNORDERED
        steps: list[tuple[_Step, Value, int]] = []
        prints, hash_ = self._prints, self._hash
        for child in children(node):
            leaf = _LEAVES.get(type(child))
            if leaf is not None:
                prints[id(child)] = hash_(leaf(child))
            else:
                steps.append((_Step.PAYLOAD if child is payload else _Step.ENTER, child, depth))
                if unordered:
                    steps.append((_Step.RESET, node, len(self._targets)))
        return steps[::-1]

    def _reference(self, node: Reference, depth: int, depths: dict[int, int]) -> int:
        target = self.resolve(node)
        if id(target) in depths:
            return self._hash(("cycle", depth - depths[id(target)]))
        return self._prints.get(id(target), self._hash(("unknown", node.ordinal)))

    def _combine(self, node: Value) -> int:
        prints = self._prints
        match node:
            case Sequence(type=kind, items=items):
                inner = [prints[id(item)] for item in items]
                return self._hash((kind, tuple(sorted(inner) if kind in UNORDERED else inner)))
            case Mapping(items=pairs):
                return self._hash(("dict", tuple(sorted((prints[id(key)], prints[id(value)]) for key, value in pairs))))
            case Object(type=kind, form=form, fields=fields, payload=payload):
                named = tuple(sorted((name, prints[id(value)]) for name, value in fields))
                return self._hash(
                    ("object", kind, form.value, named, prints[id(payload)] if payload is not None else 0)
                )
            case Truncated(type=kind, size=size, head=head, digest=digest):
                return self._hash(
                    (
                        "truncated",
                        kind,
                        "" if size is None else hex(size),
                        tuple(prints[id(item)] for item in head),
                        digest,
                    )
                )
            case Reference():
                return self._hash(_REDACTED)
            case _:
                return self._hash(_LEAVES[type(node)](node))


def _digest(key: object) -> int:
    """Return what stands for a key of texts, numbers and tuples of these: Python's own hashes of texts are others in each process."""
    written = repr(key).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(written, digest_size=8).digest(), "big")


def print_of(value: Value, hashed: Callable[[object], int] = hash) -> int:
    """Return the fingerprint of a value by itself."""
    leaf = _LEAVES.get(type(value))
    return Fingerprints(value, hashed).of(value) if leaf is None else hashed(leaf(value))


def mark_of(value: Value) -> int:
    """Return the fingerprint of a value by itself, the same in every process and on every machine, at some times the price."""
    return print_of(value, _digest)


def children(node: Value) -> Iterable[Value]:
    """Return the values right inside another, in the order in which they were recorded."""
    match node:
        case Sequence(items=items) | Truncated(head=items):
            return items
        case Mapping(items=pairs):
            return chain.from_iterable(pairs)
        case Object(fields=fields, payload=payload):
            inside = [value for _, value in fields]
            return inside if payload is None else [*inside, payload]
        case _:
            return ()


def _is_numbered(node: Value) -> bool:
    return (
        isinstance(node, Mapping)
        or (isinstance(node, Object) and node.type != ARGUMENTS)
        or (isinstance(node, Sequence) and node.type in _COUNTED)
    )


def token(value: bool | float | str | bytes | None) -> object:
    """Return what is hashed of a scalar. Python gives equal hashes to -1 and -2, and to 0 and 2**61 - 1: numbers go as text."""
    if isinstance(value, str):
        return _ADDRESS.sub("", value) if " at 0x" in value else value
    if isinstance(value, int):
        return hex(value)
    return value if value is None or isinstance(value, bytes) else repr(value)


_LEAVES: Final[dict[type[Any], Callable[[Any], object]]] = {
    Scalar: lambda node: (type(node.value).__name__, token(node.value)),
    Atom: lambda node: ("atom", node.type, node.text),
    Named: lambda node: ("named", node.kind, node.name),
    Opaque: lambda node: ("opaque", node.type),
    Redacted: lambda node: _REDACTED,
}
"""What is hashed of what nothing is inside of."""
