"""A Dask cluster as an executor. The only home of distributed, which is loaded when a scheduler is named."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tracer.errors import ReplayError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

CONNECT_SECONDS: Final = 10
"""How long a scheduler has to answer, and again to be back after the connection to it was lost."""
WORKER_SECONDS: Final = 30
"""How long a cluster has to bring its first worker."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A connection to a cluster: what carries out tasks, and how many at a time."""

    executor: Executor
    workers: int


@contextmanager
def on_cluster(address: str) -> Iterator[Cluster]:
    """Give the cluster whose scheduler listens at `address` (`tcp://10.0.0.1:8786`).

    Tasks of a worker that dies go to the others.

    Raises:
        ReplayError: Dask is not installed, or there is no scheduler or no worker.
    """
    action = f"use the scheduler {address!r}"
    try:
        from distributed import Client  # noqa: PLC0415  (an extra, and most of a second for those who have no cluster)
    except ImportError as error:
        cause = f"Dask is not installed ({error})"
        raise ReplayError(action, cause, "Install it with pip install 'tracer[dask]'.") from error
    _be_quiet()
    client = _connected(Client, address, action)
    try:
        yield Cluster(client.get_executor(), _workers(client, action))
    finally:
        client.close(timeout=CONNECT_SECONDS)


def _connected(client: Any, address: str, action: str) -> Any:
    try:
        with warnings.catch_warnings():  # of other versions of Dask: what does not work then is told when it does not
            warnings.simplefilter("ignore")
            return client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception as error:  # an address that is none raises this and that
        cause = "no scheduler answers there" if isinstance(error, OSError) else str(error).partition("\n")[0]
        raise ReplayError(action, cause, "Check the address, and that the scheduler is up.") from error


def _workers(client: Any, action: str) -> int:
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except Exception as error:  # its TimeoutError is another one with each Python
        raise ReplayError(action, "it has no worker", "Start one with `dask worker ADDRESS`.") from error
    return sum(client.nthreads().values())


def _be_quiet() -> None:
    """Let errors be told once, by tracer: Dask writes what it makes of them to standard error as well."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    for name in ("distributed.client", "distributed.comm", "distributed.batched", "distributed.core"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
