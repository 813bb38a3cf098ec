"""One line that tells of long work, on a terminal only."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_PATIENCE_SECONDS = 1.0
_PACE_SECONDS = 0.2
_BAR_COLUMNS = 24


class LiveLine:
    """Shows and rewrites one line on `stream` once the work has taken a second; leaves nothing behind at its end.

    Where `quiet` is set it says nothing: a command that writes to the same terminal would have its own lines erased.
    """

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet or not stream.isatty()
        self._shown = False
        self._next = monotonic() + _PATIENCE_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def tick(self, text: str) -> None:
        """Show `text`, unless the stream is no terminal or the last one is too fresh."""
        now = monotonic()
        if self._quiet or now < self._next:
            return
        self._next = now + _PACE_SECONDS
        self._shown = True
        self._stream.write(f"\r\x1b[K{text}")
        self._stream.flush()

    def progress(self, done: int, total: int) -> None:
        """Show how far a comparison is, in calls, as a bar."""
        share = done / total if total else 1.0
        bar = "#" * round(share * _BAR_COLUMNS)
        self.tick(f"tracer: comparing [{bar:<{_BAR_COLUMNS}}] {share:4.0%} of {total:,} calls")
