"""Who carries out tasks: processes of this machine, or any executor; and what is told where one breaks."""

from __future__ import annotations

from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from tracer.errors import TracerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@contextmanager
def processes(workers: int) -> Iterator[Executor]:
    """Give an executor of so many processes, started afresh, so that nothing of this one is in them."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
        yield executor


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
