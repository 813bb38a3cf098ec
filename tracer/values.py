"""The closed tree of snapshots: what a recorded value looks like when it is read back, and paths into it.

A snapshot is inert. Types are names, never classes; reading one imports and runs nothing.
Recording never builds this tree (`tracer.encoding.encode` writes its bytes directly); `tracer.decode` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

WHOLE_DIGEST: Final = 16
SAMPLED_DIGEST: Final = 8

_WRITABLE: Final = 2_048  # bits; Python writes no int of more than 4,300 digits, and long ones slowly


class Form(str, Enum):
    """How the fields of an `Object` were found, which also says what they are worth."""

    PLAIN = "plain"  # __dict__ and slots
    DATACLASS = "dataclass"
    ATTRS = "attrs"
    NAMEDTUPLE = "namedtuple"
    PYDANTIC = "pydantic"
    EXCEPTION = "exception"  # fields args, notes, cause, and the instance's own attributes
    ARRAY = "array"  # numpy: fields dtype and shape; payload is the flat sequence of items
    TABLE = "table"  # pandas: fields columns, index, dtypes; payload the columns


@dataclass(frozen=True, slots=True)
class Scalar:
    """An exact None, bool, int, float, str or bytes."""

    value: bool | int | float | str | bytes | None


def scalar_text(value: bool | float | str | bytes | None) -> str:
    """Return a scalar as Python writes it; an int of more digits than Python writes in hexadecimal."""
    return hex(value) if isinstance(value, int) and value.bit_length() > _WRITABLE else repr(value)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list, tuple, set or frozenset (`type` says which), or a bytearray as its one bytes item.

    Sets come sorted by the encoded bytes of their items.
    """

    type: str
    items: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """An exact dict, in insertion order. Order carries no meaning when two are compared."""

    items: tuple[tuple[Value, Value], ...]


@dataclass(frozen=True, slots=True)
class Object:
    """An instance: its type's name (`module:qualname`), its fields, and for a subclass of a builtin its content.

    Fields whose name starts with an underscore are internal.
    """

    type: str
    form: Form
    fields: tuple[tuple[str, Value], ...]
    payload: Value | None = None


@dataclass(frozen=True, slots=True)
class Atom:
    """A value with one canonical text: Decimal, Fraction, datetime, UUID, path, range, complex, enum member by name."""

    type: str
    text: str


@dataclass(frozen=True, slots=True)
class Named:
    """A class, function or module, by name. `kind` is "class", "function" or "module".

    `bound` says of a function that it was a method bound to something; that makes no difference when two are compared.
    """

    kind: str
    name: str
    bound: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value nothing can be said of but its type. `ordinal` counts opaque values of one call, from 0."""

    type: str
    ordinal: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A mutable container met before in the same snapshot.

    `ordinal` counts lists, dicts, sets, bytearrays and objects in the order they were first entered, from 0.
    """

    ordinal: int


@dataclass(frozen=True, slots=True)
class Truncated:
    """A value past its budget: its type, how large it was (None where nobody looked), its head, and a digest of what was looked at beyond.

    `digest` has `WHOLE_DIGEST` bytes where it covers the whole, `SAMPLED_DIGEST` where it covers samples, and is empty where
    nothing beyond the head was looked at; in the last two cases two of them are only partly compared.
    A mapping's or object's head holds tuples of key (or field name) and value.
    """

    type: str
    size: int | None
    head: tuple[Value, ...]
    digest: bytes = b""

    @property
    def partial(self) -> bool:
        """Whether some of the value was not looked at, so that an equal one need not be equal."""
        return len(self.digest) != WHOLE_DIGEST


@dataclass(frozen=True, slots=True)
class Redacted:
    """A secret that was never stored. Two of them compare equal."""


Value: TypeAlias = Scalar | Sequence | Mapping | Object | Atom | Named | Opaque | Reference | Truncated | Redacted


@dataclass(frozen=True, slots=True)
class ValuePath:
    """Where inside a call a value stands: `return.total`, `argument.cart.items[3]`, `raised.args[0]`, `yielded[2]`.

    `steps` are attribute names (str, rendered with a dot), positions (int) and mapping keys (`Key`).
    """

    steps: tuple[str | int | Key, ...] = ()

    def child(self, step: str | int | Key) -> ValuePath:
        """Return the path one step further down."""
        return ValuePath((*self.steps, step))

    @property
    def internal(self) -> bool:
        """Whether the path goes through an attribute with a leading underscore."""
        return any(isinstance(step, str) and step.startswith("_") and not _is_dunder(step) for step in self.steps)

    @property
    def general(self) -> ValuePath:
        """Return the path with every position replaced by `[*]`, under which repeats collapse."""
        return ValuePath(tuple(Key("*") if isinstance(step, int) else step for step in self.steps))

    def __str__(self) -> str:
        text = ""
        for step in self.steps:
            if isinstance(step, str):
                text += f".{step}" if text else step
            else:
                text += f"[{step}]"
        return text


@dataclass(frozen=True, slots=True)
class Key:
    """A mapping key inside a `ValuePath`, as the text shown between brackets (a str key with its quotes)."""

    text: str

    def __str__(self) -> str:
        return self.text


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
