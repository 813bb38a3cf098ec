"""The walk through what waits, in a terminal: one keystroke for each decision."""

from __future__ import annotations

import os
import re
import sys
import termios
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tracer.cli.terminal import color, say, width
from tracer.render import short
from tracer.report.safe import clip, plain
from tracer.report.sentences import counted
from tracer.report.text import render_finding
from tracer.workflows import Decision, tree_around

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tracer.compare.result import Finding
    from tracer.workflows import Review

_ESCAPE: Final = re.compile(rb"\x1b(?:[\[O][0-?]*[ -/]*[@-~]?)?")
"""What arrow and function keys send."""
_END: Final = b"\x04"
_NAME: Final = 24
_MARGIN: Final = "  "
_DECISIONS: Final = {"a": Decision.ACCEPTED, "r": Decision.REJECTED, "s": Decision.SKIPPED}
_MANY: Final[dict[str, Callable[[Review, int], tuple[int, ...]]]] = {
    "c": lambda review, number: review.same_callable(number),
    "e": lambda review, number: review.with_effects(number),
    "A": lambda review, number: review.open,
}


def walk(review: Review, keys: Iterator[str]) -> None:
    """Show each open finding and decide it by a key; returns at `q` or when all is decided."""
    while review.open:
        number = review.open[0]
        _show(review, number)
        while True:
            key = next(keys, "q")
            if key == "q":
                say("quit\n")
                return
            if key == "t":
                _show_tree(*review.subjects[number])
                _prompt(review, number)
            elif key in _MANY:
                say(f"accepted {review.accept_many(_MANY[key](review, number))}\n\n")
                break
            elif key in _DECISIONS:
                review.decide(number, _DECISIONS[key])
                say(f"{_DECISIONS[key].value}\n\n")
                break
            else:
                say("one of a, r, s, e, c, A, t, q\n")
                _prompt(review, number)


@contextmanager
def keystrokes() -> Iterator[Iterator[str]]:
    """Give the keys of the terminal one by one as they are pressed, unshown; Ctrl-C interrupts as ever."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield _keys(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _keys(descriptor: int) -> Iterator[str]:
    while True:
        pressed = _ESCAPE.sub(b"", os.read(descriptor, 64))
        for byte in pressed:
            if bytes([byte]) == _END:
                return
            yield chr(byte)
        if not pressed and not os.isatty(descriptor):
            return


def _show(review: Review, number: int) -> None:
    cassette, finding = review.subjects[number]
    columns, painted = width(sys.stdout), color(sys.stdout)
    head = f"{number + 1}/{len(review.subjects)}  {plain(str(cassette))}"
    say(f"{clip(head, columns)}\n\n{render_finding(finding, number + 1, columns, painted)}    key      {finding.key}\n")
    _prompt(review, number)


def _prompt(review: Review, number: int) -> None:
    name = clip(plain(short(review.subjects[number][1].callable)), _NAME)
    same, effects, left = len(review.same_callable(number)), len(review.with_effects(number)) - 1, len(review.open)
    keys = ["a accept", "r reject", "s skip"]
    keys += [f"e accept with its {counted(effects, 'effect')}"] if effects else []
    keys += [f"c accept all {same} of {name}"] if same > 1 else []
    keys += [f"A accept all {left} left"] if left > 1 else []
    say(f"\n{_in_rows([*keys, 't call tree', 'q quit'], width(sys.stdout))} > ")


def _in_rows(words: list[str], columns: int) -> str:
    """Return words side by side, on as many lines as they need."""
    rows = [""]
    for word in words:
        if rows[-1] and len(rows[-1]) + len(word) > columns - len("   > "):
            rows.append("")
        rows[-1] += f"   {word}" if rows[-1] else word
    return "\n".join(rows)


def _show_tree(cassette: Path, finding: Finding) -> None:
    say("call tree\n\n")
    columns = width(sys.stdout) - len(_MARGIN)
    for line in tree_around(cassette, finding, columns // 3):
        if not say(f"{_MARGIN}{clip(line, columns)}\n"):
            return
