"""Recorded runs made up in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracer.encoding.encode import Encoder
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.model import Call, CallableKind, Flow, LaneSummary, Parameter, ParameterKind, Recording, Returned
from tracer.model import Callable as Noun
from tracer.playing.matchers import Matchers
from tracer.playing.recorded import Recorded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ENCODER = Encoder(redactor=Redactor(), paths=PathNormaliser())
PLAIN, MORE = ParameterKind.POSITIONAL_OR_KEYWORD, ParameterKind.VAR_KEYWORD
SEND = Noun("gate:send", "gate", CallableKind.FUNCTION, Flow.CALL, (Parameter("text", PLAIN), Parameter("more", MORE)))
NOUNS = (
    SEND,
    Noun("gate:outer", "gate", CallableKind.FUNCTION, Flow.CALL, ()),
    Noun("shop:x", "shop", CallableKind.FUNCTION, Flow.CALL, ()),
)


@dataclass
class Run:
    """A recorded run in memory."""

    made: Sequence[Call]
    recording: Recording = field(default_factory=lambda: Recording(callables=NOUNS))

    @property
    def lanes(self) -> list[LaneSummary]:
        return [LaneSummary("main", len(self.made), b"")]

    def calls(self, lane: str, block: int | None = None) -> Iterator[Call]:
        return iter(self.made)


def arguments(text: object, **more: object) -> bytes:
    return ENCODER.arguments([text, more], None, full=True)


def call(text: object, result: object = None, *, name: str = "gate:send", parent: int = 0, **more: object) -> Call:
    given = arguments(text, **more) if name == "gate:send" else ENCODER.arguments([], None, full=True)
    return Call(name, "shop", parent, Flow.CALL, given, Returned(ENCODER.value(result)))


def recorded(*made: Call, using: Matchers = Matchers(), repeat: bool = False) -> Recorded:  # noqa: B008
    return Recorded(Run(made), ["gate"], using, repeat=repeat)  # type: ignore[arg-type]
