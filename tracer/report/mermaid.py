"""The calls around an example as a mermaid sequence diagram, which GitHub and GitLab draw inside Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tracer.report.contrast import windows
from tracer.report.safe import clip, plain, squeeze

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracer.compare.context import Moment, NearCall

MOST_CALLS: Final = 14
_ENCLOSING: Final = 3
_NAME: Final = 40
_LABEL: Final = 48
_STEERING: Final = re.compile(r"[^\w .,()=+/-]|--|\bend\b", re.ASCII | re.IGNORECASE)
_CHANGED: Final = "rect rgba(240, 180, 41, 0.18)"


def sequence_diagram(tree: Sequence[NearCall]) -> str:
    """Return the diagram of a tree: what encloses the example, the example, what it calls, and what is else not the same.

    Recorded text is written in entity codes wherever it could be more than text.
    """
    calls = _chosen(tree)
    names = list(dict.fromkeys(name for call in calls for name in (call.caller, call.component)))
    people = {name: f"p{number}" for number, name in enumerate(names)}
    lines = ["sequenceDiagram", *(f"    participant {people[name]} as {_text(name, _NAME)}" for name in names)]
    open_calls: list[NearCall] = []
    for call in calls:
        while open_calls and open_calls[-1].depth >= call.depth:
            lines += _ended(open_calls.pop(), people)
        lines += _begun(call, people)
        open_calls.append(call)
    for call in reversed(open_calls):
        lines += _ended(call, people)
    return "\n".join(lines)


def _chosen(tree: Sequence[NearCall]) -> list[NearCall]:
    here = next((place for place, call in enumerate(tree) if call.here), 0)
    level = tree[here].depth if tree else 0
    shown = []
    for place, call in enumerate(tree):
        encloses = place < here and level - _ENCLOSING <= call.depth < level
        inside = place > here and call.depth > level
        if call.here or encloses or inside or not call.same:
            shown.append(call)
    return shown[: max(MOST_CALLS, here + 1)]


def _begun(call: NearCall, people: dict[str, str]) -> Iterator[str]:
    if call.here:
        yield f"    {_CHANGED}"
    name = call.callable.partition(":")[2] or call.callable
    asked = " / ".join(dict.fromkeys(_arguments(side) for side in (call.old, call.new) if side is not None))
    come = "" if call.old and call.new else " (only before)" if call.old else " (only now)"
    label = f"{_text(name, _NAME)}({_text(asked, _LABEL)}){come}"
    yield f"    {people[call.caller]}->>{people[call.component]}: {label}"


def _ended(call: NearCall, people: dict[str, str]) -> Iterator[str]:
    sides = [side for side in (call.old, call.new) if side is not None]
    arrow = "--x" if sides[-1].raised else "-->>"
    outcomes = list(dict.fromkeys(f"{'raises ' if side.raised else ''}{plain(side.outcome)}" for side in sides))
    told = _text(outcomes[0], _LABEL)
    if len(outcomes) > 1:
        before, now = windows(outcomes[0], outcomes[1], _LABEL)
        told = f"before {_text(str(before), _LABEL)}, now {_text(str(now), _LABEL)}"
    yield f"    {people[call.component]}{arrow}{people[call.caller]}: {told}"
    if call.here:
        yield "    end"


def _arguments(moment: Moment) -> str:
    return ", ".join(f"{name}={squeeze(text, _NAME)}" for name, text in moment.arguments if name != "self")


def _text(text: str, width: int) -> str:
    """Return text that mermaid takes as it is: all but letters, digits and a few signs as entity codes."""
    return _STEERING.sub(lambda found: "".join(f"#{ord(char)};" for char in found[0]), clip(plain(text), width)) or " "
