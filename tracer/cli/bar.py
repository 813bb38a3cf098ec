"""A progress bar on a terminal, gone when the work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress, TaskID
    from typing_extensions import Self


class Bar:
    """Shows how far work is on `stream`, if that is a terminal."""

    def __init__(self, stream: TextIO, verb: str) -> None:
        self._stream = stream
        self._verb = verb
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def progress(self, done: int, total: int) -> None:
        """Show that `done` of `total` calls are done. One thread at a time."""
        if not self._stream.isatty():
            return
        if self._bar is None:
            self._bar = _make(self._stream)
            self._task = self._bar.add_task(f"tracer: {self._verb}", total=total)
            self._bar.start()
        assert self._task is not None
        self._bar.update(self._task, completed=done, total=total)


def _make(stream: TextIO) -> Progress:
    from rich.console import Console  # noqa: PLC0415  (heavy, and of use on a terminal only)
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(file=stream), transient=True)
