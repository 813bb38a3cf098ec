"""The component map: every box in a place of its own, arrows from box to box, the same for the same edges."""

from __future__ import annotations

import re
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from tracer.compare.context import Edge
from tracer.compare.result import Severity
from tracer.report.html.layout import Box, ComponentMap, lay_out

NAMES = st.sampled_from([f"shop.part{letter}" for letter in "abcdefghij"])
EDGES = st.lists(
    st.builds(Edge, NAMES, NAMES, st.integers(0, 10**6), st.integers(0, 10**6)),
    max_size=40,
    unique_by=lambda edge: (edge.caller, edge.callee),
)


def box(drawn: ComponentMap, name: str) -> Box:
    return next(each for each in drawn.boxes if each.name == name)


def test_callers_stand_left_of_what_they_call() -> None:
    drawn = lay_out([Edge("a", "b", 1, 1), Edge("b", "c", 1, 1), Edge("a", "c", 1, 1)])

    assert box(drawn, "a").x < box(drawn, "b").x < box(drawn, "c").x


def test_of_a_cycle_the_edge_with_fewer_calls_points_back() -> None:
    drawn = lay_out([Edge("<outside>", "a", 1, 1), Edge("a", "b", 90, 90), Edge("b", "a", 2, 2)])

    assert box(drawn, "a").x < box(drawn, "b").x


def test_components_with_findings_stay_on_a_map_that_cannot_hold_all() -> None:
    busy = [Edge(f"m{n}", f"m{n + 1}", 1_000, 1_000) for n in range(60)]
    found = Edge("quiet", "small", 1, 1, 1, Severity.BREAKING)

    drawn = lay_out([*busy, found], most=20)

    assert len(drawn.boxes) == 20
    assert drawn.left == 61 + 2 - 20
    assert {"quiet", "small"} <= {each.name for each in drawn.boxes}


@given(edges=EDGES)
def test_boxes_never_overlap_and_arrows_join_the_sides_of_their_boxes(edges: list[Edge]) -> None:
    drawn = lay_out(edges)

    for one, other in combinations(drawn.boxes, 2):
        beside = one.x + one.width <= other.x or other.x + other.width <= one.x
        above = one.y + one.height <= other.y + 0.2 or other.y + other.height <= one.y + 0.2
        assert beside or above
    assert {(arrow.edge.caller, arrow.edge.callee) for arrow in drawn.arrows} == {
        (edge.caller, edge.callee) for edge in edges if edge.caller != edge.callee
    }
    for arrow in drawn.arrows:
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", arrow.path)]
        assert on_side(drawn.boxes[arrow.start], *numbers[:2])
        assert on_side(drawn.boxes[arrow.end], *numbers[-2:])


@given(edges=EDGES)
def test_all_of_the_map_lies_inside_its_frame_and_the_order_of_edges_does_not_matter(edges: list[Edge]) -> None:
    drawn = lay_out(edges)

    for each in drawn.boxes:
        assert each.x >= 0
        assert each.y >= 0
        assert each.x + each.width <= drawn.width
        assert each.y + each.height <= drawn.height
    assert lay_out(edges[::-1]) == drawn


def on_side(around: Box, x: float, y: float) -> bool:
    at_side = min(abs(x - around.x), abs(x - around.x - around.width)) < 0.2
    return at_side and around.y - 0.2 <= y <= around.y + around.height + 0.2
