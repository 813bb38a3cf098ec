"""Functions that make the methods of classes from text, `dataclass`, attrs and `namedtuple`: told of each class, when its module may have run long ago."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tracer.instrument.probe import function_at, hear_of, told_of_returns

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tracer.instrument.probe import Engine

MAKERS: Final = {
    "collections": "namedtuple",
    "dataclasses": "_process_class",
    "attr._make": "_ClassBuilder.build_class",
}
"""Functions that return a class when its methods are made, by their modules. Most are private; where there is none, nothing is told."""


def watch(engine: Engine, module: ModuleType, made: Callable[[Any], None]) -> None:
    """Call `made`, which does not raise, with each class that the maker in this module returns, until the engine detaches."""
    maker = function_at(module, MAKERS[module.__name__])
    hear_of(engine, maker, told_of_returns(lambda _, kind: made(kind)))
