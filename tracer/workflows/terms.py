"""What a comparison is asked for, beside its two sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracer.compare.context import NOTHING, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.compare.result import Severity
    from tracer.rules import Rule


@dataclass(frozen=True, slots=True)
class Terms:
    """How to compare.

    request: what the report shows beside the findings.
    level: "value" or "shape"; None for what the settings say.
    failing: the severity from which on a difference is a change; None for what the settings say.
    confirm: whether the new side of a red comparison runs once more before anything is called a change.
    rules: which differences do not count, beside those of the settings and those learned.
    allow_imports: call the functions that rules name; finding them runs code of the user's.
    progress: called now and then with the calls done and all calls.
    workers: processes that look at calls, this one alone for 1. Others are started, afresh, only where there is much to compare.
    """

    request: Request = NOTHING
    level: str | None = None
    failing: Severity | None = None
    confirm: bool = True
    rules: tuple[Rule, ...] = ()
    allow_imports: bool = False
    progress: Callable[[int, int], None] | None = None
    workers: int = 1


PLAIN = Terms()
