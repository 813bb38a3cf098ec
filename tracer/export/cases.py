"""One recorded call as one case of a test: what goes in, what is expected, each as source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from tracer.decode import decode, decode_arguments
from tracer.export import names as reasons
from tracer.export.layout import Expression, Group, Item, Leaf, flat
from tracer.export.literals import is_name
from tracer.export.names import Names, Unwritable
from tracer.export.objects import Certain, is_builtin
from tracer.export.source import Writer
from tracer.model import CallableKind, Flow, ItemKind, ParameterKind, Raised, Returned
from tracer.values import Atom, Form, Mapping, Named, Object, Opaque, Scalar, Sequence, Value

if TYPE_CHECKING:
    from collections.abc import Callable as Function

    from tracer.model import Call, Callable, Parameter

UNFINISHED: Final = "a call that had not ended"
THROWN: Final = "a generator that an exception was thrown into"
SUMMED: Final = "a generator of some of whose items only sums were kept"
DROPPED: Final = "a generator that was dropped while values were sent into it"
BASE: Final = "a constructor that ran for a subclass"
SETTER: Final = "a property that was set or deleted"
GONE: Final = "a callable that the cassette does not describe"


class Ending(Enum):
    """How a case ends, which is also how its test is written."""

    RETURNS = ""
    RAISES = "raises"  # with a message that is known
    FAILS = "fails"  # with arguments that are known
    BUILDS = "builds"
    YIELDS = "yields"
    BEGINS = "begins"  # a generator that was not driven to its end
    DRIVEN = "driven"  # one that returned something, or was sent something


class Exactness(Enum):
    """How what is expected is compared, from the plainest to the strictest."""

    IS = "is"
    EQUALS = "=="
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Column:
    """One value of a case. `default` says that the parameter's own default gives it, `left_out` that nothing else can."""

    value: Expression
    default: bool = False
    left_out: bool = False
    exactness: Exactness = Exactness.SAME


@dataclass(frozen=True, slots=True)
class Case:
    """One case. `receiver` is None where there is none; `explicit` says that the method of exactly this class is to be called on it.

    `arguments` has one column per parameter after the receiver. `expected` holds what its ending needs: what was returned; the error's
    type and message or arguments; the items; the items, what was sent and what was returned. `after` are arguments that the call
    changed, by place (the receiver's is -1), with what they show then.
    """

    ending: Ending
    receiver: Column | None
    explicit: bool
    arguments: tuple[Column, ...]
    expected: tuple[Column, ...]
    after: tuple[tuple[int, Column], ...]
    label: str
    imports: frozenset[str] = frozenset()
    helpers: frozenset[str] = frozenset()

    @property
    def manner(self) -> tuple[Ending, tuple[int, ...], tuple[int, ...]]:
        """What cases of one test have in common: how they end, which arguments they change and which are left to their defaults."""
        left = tuple(place for place, column in enumerate(self.arguments) if column.left_out)
        return self.ending, tuple(place for place, _ in self.after), left


class CaseWriter:
    """Writes the calls of one callable as cases.

    Raises:
        Unwritable: no call of it can be written.
    """

    def __init__(self, known: Callable, may_import: Function[[str], bool], certain: Certain) -> None:
        self._known = known
        self._may_import = may_import
        self._names = names = Names(may_import)
        self._certain = certain
        self.owner, _, self.method = known.name.rpartition(".") if "." in known.name.partition(":")[2] else ("", "", "")
        self.target = names.recorded(known.name)
        self.receives = known.bound and bool(self.owner) and self.method != "__new__"
        if self.receives:
            self.owner_source = names.recorded(self.owner)
        if not all(is_name(parameter.name) for parameter in known.parameters):
            raise Unwritable(reasons.UNKNOWN)
        if known.kind is CallableKind.FOREIGN and not known.parameters:
            raise Unwritable(reasons.UNKNOWN)

    def case(self, call: Call) -> Case:
        """Return the case of one call.

        Raises:
            Unwritable: it has none; the reason is one of a closed set.
        """
        self._names = Names(self._may_import)
        self._names.recorded(self._known.name)
        case = self._case(call)
        return replace(case, imports=frozenset(self._names.imports), helpers=frozenset(self._names.helpers))

    def _case(self, call: Call) -> Case:
        values = decode_arguments(call.arguments)
        if len(values) != len(self._known.parameters):
            raise Unwritable(reasons.OPAQUE)
        if self._known.kind is CallableKind.PROPERTY and len(values) != 1:
            raise Unwritable(SETTER)
        writer = Writer(Sequence("list", values), self._names, self._certain)
        shower = Writer(Sequence("list", values), self._names, self._certain, shows=True)
        if self.receives and self.method == "__init__":
            return self._constructor(call, values, writer)
        first = 1 if self.receives else 0
        receiver = self._receiver(values[0], writer) if first else None
        arguments = self._arguments(values, first, writer)
        ending, expected, label = self._ending(call)
        after = self._after(call, values, first, shower)
        explicit = bool(first) and self._is_other(values[0])
        return Case(ending, receiver, explicit, arguments, expected, after, label)

    # -- what goes in -----------------------------------------------------------------------------------------------------

    def _receiver(self, value: Value, writer: Writer) -> Column:
        return Column(writer.bounded(value))

    def _is_other(self, receiver: Value) -> bool:
        """Say whether the receiver is of another class than the one that defines the method, which may have one of its own."""
        if isinstance(receiver, Named):
            return receiver.name != self.owner and self._known.kind is not CallableKind.CLASS_METHOD
        return isinstance(receiver, Object | Atom) and receiver.type != self.owner

    def _arguments(self, values: tuple[Value, ...], first: int, writer: Writer) -> tuple[Column, ...]:
        pairs = list(zip(self._known.parameters[first:], values[first:], strict=True))
        starred = any(
            parameter.kind is ParameterKind.VAR_POSITIONAL and value != Sequence("tuple", ())
            for parameter, value in pairs
        )
        return tuple(self._argument(parameter, value, writer, starred) for parameter, value in pairs)

    @staticmethod
    def _argument(parameter: Parameter, value: Value, writer: Writer, starred: bool) -> Column:
        """Write an argument; what only its own default can have been is left to it."""
        default = parameter.default
        if default is not None and isinstance(value, Opaque) and default == f"<{_default_type(value.type)}>":
            positional = parameter.kind is ParameterKind.POSITIONAL_OR_KEYWORD and not starred
            if positional or parameter.kind is ParameterKind.KEYWORD_ONLY:
                return Column(Leaf("..."), default=True, left_out=True)
        if isinstance(value, Scalar):
            return Column(writer.bounded(value), default=default is not None and repr(value.value) == default)
        return Column(writer.bounded(value))

    def _constructor(self, call: Call, values: tuple[Value, ...], writer: Writer) -> Case:
        """Write a call of the class, which builds what the receiver was at the end of `__init__`."""
        made = values[0]
        if not isinstance(made, Object) or made.type != self.owner:
            raise Unwritable(BASE)
        arguments = self._arguments(values, 1, writer)
        if isinstance(call.outcome, Raised):
            ending, expected, label = self._ending(call)
            return Case(ending, None, False, arguments, expected, (), label)
        if not isinstance(call.outcome, Returned):
            raise Unwritable(UNFINISHED)
        image = dict(call.after).get(0)
        ended = decode(image) if image is not None else made
        column = self._shown(ended)
        return Case(Ending.BUILDS, None, False, arguments, (column,), (), _label(ended))

    # -- how it ends -------------------------------------------------------------------------------------------------------

    def _ending(self, call: Call) -> tuple[Ending, tuple[Column, ...], str]:
        if call.flow in (Flow.GENERATOR, Flow.ASYNC_GENERATOR) and not isinstance(call.outcome, Raised):
            return self._items(call)
        match call.outcome:
            case Returned(value):
                tree = decode(value)
                return Ending.RETURNS, (self._shown(tree),), _label(tree)
            case Raised(error):
                return self._error(decode(error))
            case _:
                raise Unwritable(UNFINISHED)

    def _items(self, call: Call) -> tuple[Ending, tuple[Column, ...], str]:
        kinds = {item.kind for item in call.items}
        if ItemKind.THROWN in kinds:
            raise Unwritable(THROWN)
        if ItemKind.SUMMED in kinds:
            raise Unwritable(SUMMED)
        yielded = [self._shown(decode(item.value)) for item in call.items if item.kind == ItemKind.YIELDED]
        items = _listed(yielded)
        if not isinstance(call.outcome, Returned):
            if ItemKind.SENT in kinds:
                raise Unwritable(DROPPED)
            if not yielded:
                raise Unwritable(UNFINISHED)
            return Ending.BEGINS, (items, Column(Leaf(str(len(yielded))))), f"first-{len(yielded)}"
        value = decode(call.outcome.value)
        if value == Scalar(None) and ItemKind.SENT not in kinds:
            return Ending.YIELDS, (items,), _counted(len(yielded))
        if call.flow is Flow.ASYNC_GENERATOR:
            raise Unwritable(DROPPED)
        return Ending.DRIVEN, (items, self._sent(call), self._shown(value)), _counted(len(yielded))

    def _sent(self, call: Call) -> Column:
        """Return what was sent after each item, one for one."""
        sent: list[Expression] = []
        for item in call.items:
            if item.kind == ItemKind.YIELDED:
                sent.append(Leaf("None"))
            elif sent:
                tree = decode(item.value)
                sent[-1] = Writer(tree, self._names, self._certain).bounded(tree)
        return Column(Group("[", tuple(map(Item, sent)), "]"))

    def _error(self, error: Value) -> tuple[Ending, tuple[Column, ...], str]:
        arguments = dict(error.fields).get("args") if isinstance(error, Object) else None
        if not isinstance(error, Object) or error.form is not Form.EXCEPTION or not isinstance(arguments, Sequence):
            raise Unwritable(reasons.UNKNOWN)
        kind = Column(Leaf(self._names.recorded(error.type)))
        label = _short(error.type)
        match arguments.items:
            case (Scalar(value=str()) as message,) if is_builtin(error.type) and error.type != "builtins:KeyError":
                return (
                    Ending.RAISES,
                    (kind, Column(Writer(message, self._names, self._certain).bounded(message))),
                    label,
                )
        return Ending.FAILS, (kind, self._shown(arguments)), label

    def _shown(self, tree: Value) -> Column:
        writer = Writer(tree, self._names, self._certain, shows=True)
        return Column(writer.bounded(tree), exactness=_exactness(tree))

    # -- what it changed ---------------------------------------------------------------------------------------------------

    def _after(
        self, call: Call, values: tuple[Value, ...], first: int, shower: Writer
    ) -> tuple[tuple[int, Column], ...]:
        """Return what the changed arguments show after the call, where that is something else than before."""
        found = []
        for position, image in call.after:
            if position < len(values):
                column = self._shown(decode(image))
                if flat(column.value) != flat(shower.bounded(values[position])):
                    found.append((position - first, column))
        return tuple(found)


def _listed(columns: list[Column]) -> Column:
    exactness = Exactness.SAME if any(each.exactness is Exactness.SAME for each in columns) else Exactness.EQUALS
    return Column(Group("[", tuple(Item(each.value) for each in columns), "]"), exactness=exactness)


def _exactness(value: Value) -> Exactness:  # noqa: PLR0911  (one per kind)
    """Return how a value is to be compared: by identity, by `==` where that is exact, else with the help of `same`."""
    match value:
        case Scalar(value=None | bool()):
            return Exactness.IS
        case Scalar(value=float() as number):
            return Exactness.EQUALS if number and number == number else Exactness.SAME  # noqa: PLR0124  (nan)
        case Scalar():
            return Exactness.EQUALS
        case Sequence(items=items):
            return _loosest(items)
        case Mapping(items=pairs):
            return _loosest(tuple(item for _, item in pairs))
        case Atom(type=name):
            return Exactness.SAME if name == "decimal:Decimal" else Exactness.EQUALS
        case Named():
            return Exactness.EQUALS
        case _:
            return Exactness.SAME


def _loosest(items: tuple[Value, ...]) -> Exactness:
    return Exactness.SAME if any(_exactness(item) is Exactness.SAME for item in items) else Exactness.EQUALS


def _label(value: Value) -> str:  # noqa: PLR0911  (one per kind)
    """Return a word or two for what a case shows."""
    match value:
        case Scalar(value=None | bool() as scalar):
            return str(scalar)
        case Scalar(value=scalar):
            return type(scalar).__name__
        case Sequence(type=name, items=items):
            return f"{name}-of-{len(items)}" if items else f"empty-{name}"
        case Mapping(items=pairs):
            return f"dict-of-{len(pairs)}" if pairs else "empty-dict"
        case Object(type=name) | Atom(type=name):
            return _short(name)
        case Named(kind=kind):
            return kind
        case _:
            return "other"


def _default_type(name: str) -> str:
    """Return a type's name as a signature tells of a default that is no constant: of builtins without their module."""
    return name.removeprefix("builtins:").replace(":", ".")


def _short(name: str) -> str:
    last = name.rpartition(":")[2].rpartition(".")[2]
    return last if is_name(last) and last.isascii() else "object"


def _counted(items: int) -> str:
    return "no-item" if not items else f"{items}-items" if items > 1 else "1-item"
