"""Places for the boxes and arrows of a component map, callers left, callees right."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from tracer.report.html.layers import HEIGHT, Layers
from tracer.report.safe import plain, squeeze

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tracer.compare.context import Edge
    from tracer.report.html.layers import Spot

    _Point: TypeAlias = "tuple[float, float]"

MOST: Final = 40
_AISLE: Final = 104  # between layers
_MARGIN: Final = 16
_LETTER: Final = 7.9
_NARROWEST: Final = 118
_LONGEST_NAME: Final = 30
_PORT: Final = 8  # between the ends of arrows on one side of a box
_PORTS: Final = 32  # for all of them
_NEAR_END: Final = 0.68  # where on its last bend the label of an arrow stands


@dataclass(frozen=True, slots=True)
class Box:
    """A component on the map, with the calls into it."""

    name: str
    label: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge as a path of SVG from box number `start` to box number `end`; its label stands at `at`."""

    edge: Edge
    start: int
    end: int
    path: str
    at: tuple[float, float]


@dataclass(frozen=True, slots=True)
class ComponentMap:
    """The picture, in pixels. `left` components with the fewest calls are not on it."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    left: int = 0


def lay_out(edges: Iterable[Edge], most: int = MOST) -> ComponentMap:
    """Return the map of at most `most` components, those with findings and with most calls first."""
    between = [edge for edge in edges if edge.caller != edge.callee]
    kept, left = _kept(between, most)
    drawn = sorted(
        (edge for edge in between if edge.caller in kept and edge.callee in kept),
        key=lambda edge: (edge.caller, edge.callee),
    )
    if not drawn:
        return ComponentMap(0, 0, (), (), left)
    return _Drawing(sorted(kept), drawn).map(left)


def _kept(edges: Sequence[Edge], most: int) -> tuple[set[str], int]:
    weight: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for edge in edges:
        for name in (edge.caller, edge.callee):
            findings, calls = weight[name]
            weight[name] = findings + edge.findings, calls + max(edge.old, edge.new)
    ranked = sorted(weight, key=lambda name: (-weight[name][0], -weight[name][1], name))
    return set(ranked[:most]), max(len(ranked) - most, 0)


class _Drawing:
    def __init__(self, names: Sequence[str], edges: Sequence[Edge]) -> None:
        self._names = names
        self._edges = edges
        self._layers = layers = Layers(names, edges)
        self._widths = [max(_width(spot) for spot in row) for row in layers.rows]
        self._starts = [_MARGIN + sum(self._widths[:n]) + n * _AISLE for n in range(len(self._widths))]
        self._boxes = {name: self._box(name) for name in names}

    def map(self, left: int) -> ComponentMap:
        """Return all of it."""
        ways = [self._way(number, edge) for number, edge in enumerate(self._edges)]
        _spread(ways, self._edges)
        numbers = {name: number for number, name in enumerate(self._names)}
        arrows = (
            Arrow(edge, numbers[edge.caller], numbers[edge.callee], _path(way), _label_place(way))
            for edge, way in zip(self._edges, ways, strict=True)
        )
        width = self._starts[-1] + self._widths[-1] + _MARGIN
        height = max(self._layers.middles.values()) + HEIGHT / 2 + 2 * _MARGIN
        return ComponentMap(width, height, tuple(self._boxes.values()), tuple(arrows), left)

    def _box(self, name: str) -> Box:
        spot = (-1, name)
        layer, width = self._layers.layer[spot], _width(spot)
        x = self._starts[layer] + (self._widths[layer] - width) / 2
        y = self._layers.middles[spot] - HEIGHT / 2 + _MARGIN
        return Box(plain(name), _label(name), round(x, 1), round(y, 1), round(width, 1), HEIGHT)

    def _way(self, number: int, edge: Edge) -> list[_Point]:
        """Return the points an arrow goes through: straight through the layers it passes, bent between them."""
        first, last = self._boxes[edge.caller], self._boxes[edge.callee]
        passed = []
        for station in self._layers.chains[number][1:-1]:
            layer, y = self._layers.layer[station], self._layers.middles[station] + _MARGIN
            passed += [(self._starts[layer], y), (self._starts[layer] + self._widths[layer], y)]
        start, end = (first.x + first.width, first.y + HEIGHT / 2), (last.x, last.y + HEIGHT / 2)
        if number in self._layers.turned:
            start, end = (first.x, start[1]), (last.x + last.width, end[1])
            passed.reverse()
        return [start, *passed, end]


def _spread(ways: list[list[_Point]], edges: Sequence[Edge]) -> None:
    """Give the ends of arrows that meet at one side of a box places of their own, in the order of where they come from."""
    sides: dict[tuple[str, float], list[tuple[float, int, int]]] = defaultdict(list)
    for number, (way, edge) in enumerate(zip(ways, edges, strict=True)):
        sides[edge.caller, way[0][0]].append((way[1][1], number, 0))
        sides[edge.callee, way[-1][0]].append((way[-2][1], number, -1))
    for ends in sides.values():
        step = min(_PORT, _PORTS / len(ends))
        for place, (_, number, end) in enumerate(sorted(ends)):
            x, y = ways[number][end]
            ways[number][end] = (x, y + (place - (len(ends) - 1) / 2) * step)


def _path(way: Sequence[_Point]) -> str:
    (x, y), *rest = way
    parts = [f"M{x:.1f} {y:.1f}"]
    for to_x, to_y in rest:
        middle = (x + to_x) / 2
        parts.append(f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    return " ".join(parts)


def _label_place(way: Sequence[_Point]) -> _Point:
    """Return a point near the end of the last bend, a cubic curve whose handles are level."""
    (x, y), (to_x, to_y) = way[-2:]
    t = _NEAR_END
    u = 1 - t
    across = (u**3 + 1.5 * u * u * t + 1.5 * u * t * t) * x + (1.5 * u * u * t + 1.5 * u * t * t + t**3) * to_x
    down = (u**3 + 3 * u * u * t) * y + (3 * u * t * t + t**3) * to_y
    return round(across, 1), round(down - 4, 1)


def _width(spot: Spot) -> float:
    return 0 if spot[0] >= 0 else max(_NARROWEST, len(_label(spot[1])) * _LETTER + 54)


def _label(name: str) -> str:
    return squeeze(plain(name), _LONGEST_NAME)
