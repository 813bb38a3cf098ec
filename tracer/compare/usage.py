"""What callers were seen to rely on of a signature: parameters that no one passed anything for may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tracer.compare.defaults import holds_default
from tracer.compare.reading import Reader, parameter_names
from tracer.model import Callable, Parameter, ParameterKind
from tracer.values import Mapping, Object, Sequence, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.model import Call, RecordedRun

_VARIADIC: Final = frozenset({ParameterKind.VAR_POSITIONAL, ParameterKind.VAR_KEYWORD})


class Usage:
    """For which of some parameters callers passed anything of their own, in any call of a run.

    A value that equals a default which signatures keep only by its type (a list, a sentinel) counts as passed.
    """

    def __init__(self, wanted: dict[str, set[str]], callables: dict[str, Callable]) -> None:
        self._open = {name: set(parameters) for name, parameters in wanted.items() if name in callables}
        self._callables = callables
        self._reader = Reader()
        self._passed: set[tuple[str, str]] = set()

    def read(self, run: RecordedRun) -> None:
        """Look through the calls of a run, until nothing is left to find."""
        for lane in run.lanes if self._open else ():
            for call in run.calls(lane.name):
                if self._open.get(call.callable):
                    self._look(call)

    def passed(self, name: str, parameter: str) -> bool:
        """Whether a caller passed something for a parameter of a callable."""
        return (name, parameter) in self._passed

    def _look(self, call: Call) -> None:
        callable_ = self._callables[call.callable]
        arguments = self._reader.arguments(call, parameter_names(callable_))
        names = self._open[call.callable]
        found = {each.name for each in _of(callable_, names) if not _left_alone(arguments, each)}
        self._passed |= {(call.callable, name) for name in found}
        names -= found


def _of(callable_: Callable, names: set[str]) -> Iterable[Parameter]:
    return (each for each in callable_.parameters if each.name in names)


def _left_alone(arguments: Value, parameter: Parameter) -> bool:
    if parameter.kind in _VARIADIC:
        fields = dict(arguments.fields) if isinstance(arguments, Object) else {}
        return _is_empty(fields.get(parameter.name))
    default = parameter.default
    return default is not None and not default.startswith("<") and holds_default(arguments, parameter.name, default)


def _is_empty(value: Value | None) -> bool:
    match value:
        case Sequence(items=()) | Mapping(items=()):
            return True
        case _:
            return False
