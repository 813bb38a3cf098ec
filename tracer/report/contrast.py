"""Two texts cut into what they share and where they part."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_WORD_BEGUN: Final = re.compile(r"[\w.+-]*\Z")
"""The start of a word or number in which two texts part: without it `12.90` would be shown as `0`."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A text in three: the head and tail it shares with its counterpart, and the middle that differs."""

    head: str
    middle: str
    tail: str

    def __str__(self) -> str:
        return self.head + self.middle + self.tail


def contrast(before: str, after: str) -> tuple[Parts, Parts]:
    """Cut both texts around their longest common head and then their longest common tail."""
    head = _shared(before, after)
    left, right = before[head:], after[head:]
    tail = _shared(left[::-1], right[::-1])
    return _cut(before, head, tail), _cut(after, head, tail)


def windows(before: str, after: str, width: int) -> tuple[Parts, Parts]:
    """Cut both texts as `contrast` does and shorten them to `width` characters around the place where they part.

    Heads are shortened alike, so that what differs stands in the same column on both lines.
    """
    left, right = contrast(before, after)
    if max(len(before), len(after)) <= width:
        return left, right
    differing = max(len(left.middle), len(right.middle))
    room = max(width - differing, width // 3)
    word = min(len(_WORD_BEGUN.findall(left.head[-max(width, 1) :])[0]), width // 2)
    head = _last(left.head, max(room * 2 // 3, room - len(left.tail), word + 1))
    return _fit(left, head, width), _fit(right, head, width)


def _shared(left: str, right: str) -> int:
    """Return the length of the longest common head."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(left), len(right)))


def _cut(text: str, head: int, tail: int) -> Parts:
    end = len(text) - tail
    return Parts(text[:head], text[head:end], text[end:])


def _fit(parts: Parts, head: str, width: int) -> Parts:
    room = width - len(head)
    if len(parts.middle) > room:
        return Parts(head, f"{parts.middle[: room - 1]}…", "")
    room -= len(parts.middle)
    tail = parts.tail if len(parts.tail) <= room else f"{parts.tail[: room - 1]}…" if room else ""
    return Parts(head, parts.middle, tail)


def _last(text: str, width: int) -> str:
    return text if len(text) <= width else f"…{text[len(text) - width + 1 :]}"
