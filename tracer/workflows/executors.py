"""Who carries out tasks: processes of this machine, or any executor; and what is told where one breaks."""

from __future__ import annotations

import os
import signal
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TYPE_CHECKING, Any

from tracer.errors import TracerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@contextmanager
def processes(workers: int, prepare: Callable[..., None] | None = None, *given: Any) -> Iterator[Executor]:
    """Give an executor of up to so many processes, started afresh when there is work, so that nothing of this one is in them.

    Each calls `prepare(*given)` first. What was not begun at the end of the block is given up, and whatever ends this process ends them.
    """
    executor = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(prepare, given)
    )
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _begin(prepare: Callable[..., None] | None, given: tuple[Any, ...]) -> None:
    signal.signal(
        signal.SIGINT, signal.SIG_DFL
    )  # a keyboard's goes to all: it ends us without a word, whoever started us tells of it
    Thread(target=_end_with_parent, daemon=True).start()
    if prepare is not None:
        prepare(*given)


def _end_with_parent() -> None:
    """End this process as soon as the one that started it is gone, which could not tell it."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def answers(futures: Iterable[Future[Any]], action: str, kind: type[TracerError]) -> Iterator[None]:
    """Wait for answers in the block; those still open are given up at its end.

    Raises:
        TracerError: of that kind, where the executor, or one of those that work for it, is gone; else as the tasks do.
    """
    try:
        yield
    except TracerError:
        raise
    except CancelledError as error:
        cause = "the scheduler was lost, or took the work back"
        raise kind(action, cause, "See that it is up, and run it again: nothing was changed.") from error
    except BrokenProcessPool as error:
        raise kind(action, "a worker process ended before its time", "Run it again.") from error
    except Exception as error:  # whatever an executor raises
        raise kind(action, *_broken(error)) from error
    finally:
        for future in futures:
            future.cancel()


def _broken(error: Exception) -> tuple[str, str]:
    name, text = type(error).__name__, str(error).strip().partition("\n")[0]
    if isinstance(error, ImportError):
        return f"a worker cannot load tracer ({text})", "Install the same tracer where the workers run."
    if name == "KilledWorker":
        return "several workers died of one task", "See their logs; they may be short of memory."
    return f"a worker failed ({name}: {text})", "See that all workers have the same tracer and Python."
