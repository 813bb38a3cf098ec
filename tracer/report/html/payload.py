"""What the page's script reads: findings, trees and map as JSON, repeated texts once, the whole of a bounded size."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tracer.compare.result import Confidence, Kind, Role, Severity
from tracer.report.html.layout import lay_out
from tracer.report.places import places_of, spelled
from tracer.report.safe import clip, plain
from tracer.report.sentences import WHOLE_PATHS, change_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tracer.compare.context import Edge, Moment, NearCall, Place
    from tracer.compare.result import Comparison, Finding
    from tracer.report.html.layout import ComponentMap

MOST_FINDINGS: Final = 20_000
MOST_BYTES: Final = 9_000_000
_NAME: Final = 300
_NAMES: Final = 8
_SAME, _HERE = 1, 2
_SEVERITIES: Final = tuple(Severity)
_KINDS: Final = tuple(Kind)


def payload(comparison: Comparison) -> str:
    """Return the data of the page as JSON that can stand inside a script element; findings that find no room are counted."""
    return _Payload(comparison).text()


def component_count(comparison: Comparison) -> int:
    """Return how many components the map is about."""
    edges = comparison.context.edges if comparison.context else ()
    return len({name for edge in edges for name in (edge.caller, edge.callee) if edge.caller != edge.callee})


class _Payload:
    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        edges = comparison.context.edges if comparison.context else ()
        self._components = {name for edge in edges for name in (edge.caller, edge.callee)}
        self._numbers: dict[str, int] = {}
        self._size = 0  # of the texts in `_numbers`, encoded

    def text(self) -> str:
        context = self._comparison.context
        trees = {plain(key): [self._near(call) for call in tree] for key, tree in context.trees} if context else {}
        rest: dict[str, Any] = {
            "severities": [severity.value for severity in _SEVERITIES],
            "kinds": [{"name": kind.value, "told": change_of(kind), "whole": sorted(WHOLE_PATHS)} for kind in _KINDS],
            "trees": trees,
            "map": _map(lay_out(context.edges), context.edges) if context else _map(lay_out(()), ()),
        }
        rows = self._rows(MOST_BYTES - len(_encoded(rest).encode()))
        rest["left"] = len(self._comparison.findings) - len(rows)
        rest["strings"] = list(self._numbers)
        head = _encoded(rest)
        return f'{head[:-1]},"findings":[{",".join(rows)}]}}'

    def _rows(self, room: int) -> list[str]:
        """Return the encoded findings that fit into so many bytes, the texts they share included."""
        places = places_of(self._comparison)
        rows: list[str] = []
        for finding in self._comparison.findings[:MOST_FINDINGS]:
            row = _encoded(self._row(finding, places))
            room -= len(row.encode()) + 1
            if room < self._size:
                break
            rows.append(row)
        return rows

    def _row(self, finding: Finding, places: Mapping[str, Place]) -> list[Any]:
        example, place = finding.example, places.get(finding.callable)
        return [
            plain(finding.key),
            self._number(finding.callable),
            self._number(self._component(finding.callable)),
            _KINDS.index(finding.kind),
            _SEVERITIES.index(finding.severity),
            int(finding.role is Role.ORIGIN),
            int(finding.confidence is Confidence.HIGH),
            finding.count,
            finding.calls,
            self._several(finding.callers),
            self._number(finding.path),
            plain(finding.before),
            plain(finding.after),
            self._number(example.lane if example else ""),
            plain(example.arguments) if example else "",
            self._several(finding.unseen),
            self._several(finding.inner),
            self._number(spelled(place) if place else ""),
            plain(finding.explained_by),
            self._number(finding.made_by),
        ]

    def _component(self, name: str) -> str:
        """Return the component on the map that a callable belongs to, else its module."""
        module = name.partition(":")[0]
        parts = module.split(".")
        prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next((prefix for prefix in prefixes if prefix in self._components), module)

    def _near(self, call: NearCall) -> list[Any]:
        flags = _SAME * call.same | _HERE * call.here
        caller, name = self._number(call.caller), self._number(call.callable)
        return [call.depth, name, caller, flags, self._moment(call.old), self._moment(call.new)]

    def _moment(self, moment: Moment | None) -> list[Any] | None:
        if moment is None:
            return None
        arguments, passed = self._pairs(moment.arguments), self._pairs(moment.passed)
        return [arguments, plain(moment.outcome), int(moment.raised), passed]

    def _pairs(self, pairs: Iterable[tuple[str, str]]) -> list[list[Any]]:
        return [[self._number(name), plain(text)] for name, text in pairs]

    def _several(self, names: tuple[str, ...]) -> list[int]:
        more = len(names) - _NAMES
        return [self._number(name) for name in (*names[:_NAMES], *([f"… and {more:,} more"] if more > 0 else []))]

    def _number(self, text: str) -> int:
        """Return the number of a text that may occur often."""
        shown = clip(plain(text), _NAME)
        if shown not in self._numbers:
            self._numbers[shown] = len(self._numbers)
            self._size += len(_encoded(shown).encode()) + 1
        return self._numbers[shown]


def _map(picture: ComponentMap, edges: Iterable[Edge]) -> dict[str, Any]:
    into: dict[str, list[Edge]] = {}
    for edge in edges:
        into.setdefault(plain(edge.callee), []).append(edge)
    return {
        "width": round(picture.width, 1),
        "height": round(picture.height, 1),
        "left": picture.left,
        "nodes": [
            {
                "name": box.name,
                "label": box.label,
                "x": box.x,
                "y": box.y,
                "width": box.width,
                "height": box.height,
                **_counts(into.get(box.name, [])),
            }
            for box in picture.boxes
        ],
        "edges": [
            {"from": arrow.start, "to": arrow.end, "path": arrow.path, "at": arrow.at, **_counts([arrow.edge])}
            for arrow in picture.arrows
        ],
    }


def _counts(edges: list[Edge]) -> dict[str, Any]:
    worst = min((edge.worst for edge in edges if edge.worst), key=lambda each: each.rank, default=None)
    return {
        "old": sum(edge.old for edge in edges),
        "new": sum(edge.new for edge in edges),
        "findings": sum(edge.findings for edge in edges),
        "worst": worst.value if worst else "",
    }


def _encoded(value: Any) -> str:
    """Return JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
