"""Everything tracer raises on purpose.

    TracerError
    ├── ConfigError              a setting is unknown or its value is bad
    ├── SelectionError           a boundary or pattern matches nothing, or cannot be read
    ├── RecordingError           a run could not be recorded, or captured nothing
    ├── ComparisonError          two recordings cannot be compared
    ├── ReviewError              what waits, what was accepted or which recordings are used cannot be judged
    ├── ReplayError              recorded calls cannot be replayed, played back or exported
    │   └── CannotRevive         a recorded value cannot become a live object
    └── CassetteError            a cassette could not be read or written
        ├── CassetteNotFound     there is no file of that name
        ├── CassetteDamaged      it is a cassette, but its bytes are not whole
        ├── CassetteTooNew       a later tracer wrote it
        ├── CassetteMangled      a text merge or line-ending conversion went through it
        └── NotACassette         it never was one

    BehaviourChanged(AssertionError)   raised by the context manager and the pytest fixture when a run differs
    CallNotRecorded(AssertionError)    raised by a playback for a call that its cassette does not hold
    CallsNotPlayed(AssertionError)     raised by a strict playback when recorded calls were not made

Every `TracerError` is one sentence of the shape "Couldn't <do> <thing>: <cause>. <remedy>"; the parts stay
on the exception. The command line prints it and exits with 2.
"""

from __future__ import annotations


class TracerError(Exception):
    """Base of every error tracer raises on purpose.

    `action` says what could not be done ("read cassette 'a.cassette'"), `cause` why, `remedy` what to do about it.
    """

    def __init__(self, action: str, cause: str, remedy: str = "") -> None:
        self.action = action
        self.cause = cause
        self.remedy = remedy
        super().__init__(action, cause, remedy)

    def __str__(self) -> str:
        sentence = f"Couldn't {self.action}: {self.cause.rstrip('.')}."
        return f"{sentence} {self.remedy}" if self.remedy else sentence


class ConfigError(TracerError):
    """A setting is unknown or its value is bad; the valid ones are named."""


class SelectionError(TracerError):
    """A boundary or a pattern cannot be read, or matches nothing."""


class RecordingError(TracerError):
    """A run could not be recorded, or captured no call."""


class ComparisonError(TracerError):
    """Two recordings cannot be compared."""


class ReviewError(TracerError):
    """What waits for a decision, what was accepted, or which recordings are used cannot be judged."""


class ReplayError(TracerError):
    """Recorded calls cannot be replayed, played back or exported."""


class CannotRevive(ReplayError):
    """A recorded value cannot become a live object.

    `type` is the recorded name of the type in question (`module:qualname`, "" where there is none), `path` where inside the
    call it stands (`argument.cart.items[3]`), `cause` why, in words that are the same for all values of one kind.
    """

    def __init__(self, type_name: str, path: str, cause: str, remedy: str = "") -> None:
        self.type = type_name
        self.path = path
        super().__init__(f"revive {path or 'a value'}", cause, remedy)


class CassetteError(TracerError):
    """A cassette could not be read or written."""


class CassetteNotFound(CassetteError):
    """There is no file of that name."""


class CassetteDamaged(CassetteError):
    """The file is a cassette, but some of its bytes are missing or changed."""


class CassetteTooNew(CassetteError):
    """The file was written by a later format than this tracer reads."""


class CassetteMangled(CassetteError):
    """A text merge or a line-ending conversion went through the file."""


class NotACassette(CassetteError):
    """The file never was a cassette."""


class BehaviourChanged(AssertionError):
    """A run differs from its recording.

    `comparison` is the frozen `tracer.Comparison`; the message is its text report.
    """

    def __init__(self, comparison: object, report: str) -> None:
        self.comparison = comparison
        super().__init__(report)


class CallNotRecorded(AssertionError):
    """A call into a component that is played back, which the cassette does not hold, or not once more.

    `callable` is its name (`module:qualname`), `arguments` what it was called with and `nearest` what the recorded call most like it
    was, both as text ("" where there is none), `field` where the two differ (`argument.amount`), `recorded` and `called` what stands there,
    `cassette` the file, `cause` why nothing could be played. No text holds anything that is redacted.
    """

    def __init__(
        self,
        callable_: str,
        arguments: str,
        cassette: str,
        cause: str,
        *,
        nearest: str = "",
        field: str = "",
        recorded: str = "",
        called: str = "",
        remedy: str = "",
    ) -> None:
        self.callable = callable_
        self.arguments = arguments
        self.cassette = cassette
        self.cause = cause
        self.nearest = nearest
        self.field = field
        self.recorded = recorded
        self.called = called
        self.remedy = remedy
        super().__init__(self._text())

    def _text(self) -> str:
        text = f"Couldn't play back {self.callable}{self.arguments}: {self.cause}."
        if self.nearest:
            text += f"\n  nearest recorded call: {self.nearest}"
        if self.field:
            text += f"\n  it differs at {self.field}: {self.recorded} was recorded, {self.called} is called"
        return f"{text}\n{self.remedy}" if self.remedy else text


class CallsNotPlayed(AssertionError):
    """Calls that a strict playback was to play, and that the program did not make.

    `calls` holds each as text, in recorded order; `cassette` is the file.
    """

    def __init__(self, calls: tuple[str, ...], cassette: str) -> None:
        self.calls = calls
        self.cassette = cassette
        shown = "".join(f"\n  {call}" for call in calls[:10])
        more = f"\n  and {len(calls) - 10} more" if len(calls) > 10 else ""  # noqa: PLR2004  (as many as above)
        super().__init__(f"{len(calls)} recorded calls of {cassette} were not played:{shown}{more}")
