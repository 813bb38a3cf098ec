"""Components in layers from callers to callees, and how high each stands in its layer; the same for the same edges.

The method is that of Sugiyama, Tagawa and Toda (1981): turn the edges round that close cycles, give each component the layer below its
lowest caller, put stations on edges that pass layers, order each layer by the mean place of its neighbours, then set the heights.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.compare.context import Edge

HEIGHT: Final = 46
"""Of a component's box."""
_GAP: Final = 26  # between what stands in one layer
_STATION: Final = 10
_SWEEPS: Final = 6

Spot: TypeAlias = "tuple[int, str]"
"""A station on an edge by number, or (-1, name) for a component."""


class Layers:
    """Components and the stations of their edges in layers: `middles` tells how high each stands, `turned` which edges point upwards.

    `chains` holds what each edge passes, from its upper end to its lower one, whichever of them calls.
    """

    def __init__(self, names: Sequence[str], edges: Sequence[Edge]) -> None:
        self._names = names
        self._edges = edges
        self.turned = self._back_edges()
        self.layer: dict[Spot, int] = {(-1, name): layer for name, layer in self._component_layers().items()}
        self.chains = [self._chain(number, edge) for number, edge in enumerate(edges)]
        self.rows: list[list[Spot]] = [[] for _ in range(max(self.layer.values()) + 1)]
        for spot in sorted(self.layer):
            self.rows[self.layer[spot]].append(spot)
        self._before: dict[Spot, list[Spot]] = defaultdict(list)
        self._after: dict[Spot, list[Spot]] = defaultdict(list)
        for chain in self.chains:
            for one, other in pairwise(chain):
                self._after[one].append(other)
                self._before[other].append(one)
        self.middles: dict[Spot, float] = {}
        self._order()
        self._set_heights()

    def _ends(self, number: int, edge: Edge) -> tuple[str, str]:
        return (edge.callee, edge.caller) if number in self.turned else (edge.caller, edge.callee)

    def _back_edges(self) -> set[int]:
        """Return the edges that lead back to a component on the way to them; those with most calls are followed first."""
        out: dict[str, list[tuple[int, Edge]]] = defaultdict(list)
        for number, edge in enumerate(self._edges):
            out[edge.caller].append((number, edge))
        for found in out.values():
            found.sort(key=lambda each: (-max(each[1].old, each[1].new), each[1].callee))
        called = {edge.callee for edge in self._edges}
        turned: set[int] = set()
        done: set[str] = set()
        for start in sorted(self._names, key=lambda name: (name in called, name)):
            self._walk(start, out, done, turned)
        return turned

    @staticmethod
    def _walk(start: str, out: dict[str, list[tuple[int, Edge]]], done: set[str], turned: set[int]) -> None:
        if start in done:
            return
        way, pending = {start}, [(start, iter(out[start]))]
        while pending:
            name, rest = pending[-1]
            for number, edge in rest:
                if edge.callee in way:
                    turned.add(number)
                elif edge.callee not in done:
                    way.add(edge.callee)
                    pending.append((edge.callee, iter(out[edge.callee])))
                    break
            else:
                pending.pop()
                way.discard(name)
                done.add(name)

    def _component_layers(self) -> dict[str, int]:
        layers = dict.fromkeys(self._names, 0)
        for _ in self._names:
            for number, edge in enumerate(self._edges):
                start, end = self._ends(number, edge)
                layers[end] = max(layers[end], layers[start] + 1)
        return layers

    def _chain(self, number: int, edge: Edge) -> list[Spot]:
        """Return what an edge passes, from the layer of its upper end to that of its lower one."""
        start, end = self._ends(number, edge)
        first, last = self.layer[-1, start], self.layer[-1, end]
        stations = [(number, f"{layer:06}") for layer in range(first + 1, last)]
        self.layer |= {station: layer for layer, station in enumerate(stations, first + 1)}
        return [(-1, start), *stations, (-1, end)]

    def _order(self) -> None:
        for sweep in range(_SWEEPS):
            down = sweep % 2 == 0
            neighbours = self._before if down else self._after
            place = {spot: at for row in self.rows for at, spot in enumerate(row)}
            for row in self.rows if down else reversed(self.rows):
                row.sort(key=lambda spot: (mean([place[each] for each in neighbours[spot]], place[spot]), spot))
                place |= {spot: at for at, spot in enumerate(row)}

    def _set_heights(self) -> None:
        """Move each spot towards its neighbours, keeping the order and the distances of its layer."""
        for row in self.rows:
            self._settle(row, [0.0] * len(row))
        for sweep in range(_SWEEPS):
            down = sweep % 2 == 0
            for row in self.rows if down else reversed(self.rows):
                neighbours = self._before if down else self._after
                middles = self.middles
                self._settle(row, [mean([middles[each] for each in neighbours[spot]], middles[spot]) for spot in row])
        top = min(self.middles.values()) - HEIGHT / 2
        self.middles = {spot: middle - top for spot, middle in self.middles.items()}

    def _settle(self, row: list[Spot], wanted: list[float]) -> None:
        floor = float("-inf")
        placed = []
        for spot, want in zip(row, wanted, strict=True):
            half = (HEIGHT if spot[0] < 0 else _STATION) / 2
            middle = max(want, floor + half)
            placed.append(middle)
            floor = middle + half + _GAP
        shift = mean([want - middle for want, middle in zip(wanted, placed, strict=True)], 0)
        self.middles |= {spot: middle + shift for spot, middle in zip(row, placed, strict=True)}


def mean(numbers: Sequence[float], otherwise: float) -> float:
    """Return the mean, or `otherwise` of nothing."""
    return sum(numbers) / len(numbers) if numbers else otherwise
