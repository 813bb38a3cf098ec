"""One line that tells of long work, on a terminal only."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_PATIENCE_SECONDS = 1.0
_PACE_SECONDS = 0.2


class LiveLine:
    """Shows and rewrites one line on `stream` once the work has taken a second; leaves nothing behind at its end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
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
        if now < self._next or not self._stream.isatty():
            return
        self._next = now + _PACE_SECONDS
        self._shown = True
        self._stream.write(f"\r\x1b[K{text}")
        self._stream.flush()

    def progress(self, done: int, total: int) -> None:
        """Show how far a comparison is, in calls."""
        share = f" ({done / total:.0%})" if total else ""
        self.tick(f"tracer: comparing {done:,} of {total:,} calls{share}")
