"""Which of the recorded calls become tests: of each callable, for each shape of ending the smallest examples."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from tracer.export.shapes import Shapes
from tracer.model import Raised, Returned

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.export.shapes import Shape
    from tracer.model import Call, RecordedRun

MOST_SHAPES: Final = 16
"""So many tests of one callable are read; those with the smallest examples."""
SPARE: Final = 3
"""So many examples of one shape are kept beyond those wanted: some cannot be written, some do not pass."""
_MOST_KEPT: Final = 256

_Sized: TypeAlias = "tuple[tuple[int, bytes, bytes], Call]"


@dataclass(slots=True)
class Examples:
    """What is kept of one callable: how many calls it had, and by shape the smallest."""

    calls: int = 0
    by_shape: dict[Shape, list[_Sized]] = field(default_factory=dict)

    def chosen(self) -> tuple[tuple[Call, ...], ...]:
        """Return the examples of each shape, smallest first; the shapes by their smallest example."""
        shapes = sorted(self.by_shape.values(), key=lambda kept: kept[0][0])
        return tuple(tuple(call for _, call in kept) for kept in shapes[:MOST_SHAPES])


def choose(run: RecordedRun, wanted: Callable[[str], bool], examples: int) -> dict[str, Examples]:
    """Return what is kept of each callable that is wanted. Memory is bounded by callables and shapes, not by calls."""
    found: dict[str, Examples] = {}
    shapes = Shapes()
    for lane in run.lanes:
        for call in run.calls(lane.name):
            if not wanted(call.callable):
                continue
            known = found.setdefault(call.callable, Examples())
            known.calls += 1
            shape = shapes.of(call)
            if shape in known.by_shape or len(known.by_shape) < _MOST_KEPT:
                _keep(known.by_shape.setdefault(shape, []), call, examples + SPARE)
    return found


def _keep(kept: list[_Sized], call: Call, most: int) -> None:
    match call.outcome:
        case Returned(value) | Raised(value):
            pass
        case _:
            value = b""
    size = len(call.arguments) + len(value) + sum(len(item.value) for item in call.items)
    key = size, call.arguments, value
    if (len(kept) >= most and key >= kept[-1][0]) or any(each[0] == key for each in kept):
        return
    insort(kept, (key, call), key=lambda each: each[0])
    del kept[most:]
