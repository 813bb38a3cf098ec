"""Watches pools of threads and processes: each job has a lane of its own, whichever worker takes it.

A worker process sees the number of a job, and nothing of where it was submitted; the process that submitted it knows both. So the
worker names the lane by the number, the submitter tells which lane that is, and closing the recording joins the two. Nothing of what the
host puts into a queue is changed.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from tracer.recording.identity import NamesByIdentity

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, ModuleType

    from tracer.recording.lanes import Lane
    from tracer.recording.recorder import Recorder

    _Waiting = tuple[Callable[[Lane, FrameType, Any], None], Lane, FrameType]

EXECUTORS: Final = (
    "concurrent.futures.process",
    "loky.process_executor",
    "joblib.externals.loky.process_executor",
)
"""Modules with a `ProcessPoolExecutor` laid out as the standard library's."""

_POOL: Final = "multiprocessing.pool"
_WORKERS: Final = {**dict.fromkeys(EXECUTORS, "_process_worker"), _POOL: "worker"}
"""The functions that take jobs in a worker process, by module."""
_RECEIVERS: Final = {**dict.fromkeys(EXECUTORS, "wait_result_broken_or_wakeup"), _POOL: "_handle_results"}
"""The functions that receive results, each in a thread of its own, by module."""


class Pools:
    """The pools of one process. `watch` is `Observers.watch`."""

    def __init__(self, recorder: Recorder, watch: Callable[..., None]) -> None:
        self._recorder = recorder
        self._watch = watch
        # Pools by the queue that carries their jobs, which is all that a worker has of its pool; jobs by their futures.
        self._pools = NamesByIdentity()
        self._jobs = NamesByIdentity()
        # Whether a module with pools is loaded: until then queues and pipes are the host's own business.
        self._in_use = False

    def observed(self) -> dict[str, Callable[[ModuleType], None]]:
        """Return what is to be called with which module once it is loaded."""
        return {
            "concurrent.futures.thread": self._observe_threads,
            **dict.fromkeys(EXECUTORS, self._observe_executors),
            _POOL: self._observe_pools,
            "multiprocessing.queues": self._observe_queues,
            "multiprocessing.connection": self._observe_connections,
        }

    def lane_of_worker(self, process: object, frame: FrameType) -> str | None:
        """Return the lane that all workers of a pool share; None for a process that is no worker.

        How many workers a pool starts, and when, depends on how fast they are; a `multiprocessing.Pool` starts its first as it is made.
        """
        arguments = vars(process).get("_args")
        if type(arguments) is not tuple or not arguments:
            return None
        pools = sys.modules.get(_POOL)
        if pools is not None and vars(process).get("_target") is pools.worker and self._pools.get(arguments[0]) is None:
            self._pool_made(arguments[0], frame)
        return self._pools.get(arguments[0])

    # -- submitters ----------------------------------------------------------------------------------------------------------

    def _pool_made(self, queue: Any, frame: FrameType) -> None:
        name = self._recorder.lanes.submitted("pool", frame)
        if name is not None:
            self._pools.enter(queue, name)

    def _job_made(self, queue: object, job: str, handle: Any, frame: FrameType) -> None:
        pool = self._pools.get(queue)
        lane = self._recorder.lanes.submitted("job", frame) if pool is not None else None
        if pool is not None and lane is not None:
            self._recorder.job_submitted(pool, job, lane)
            self._jobs.enter(handle, lane)

    # -- executors -----------------------------------------------------------------------------------------------------------

    def _observe_threads(self, module: ModuleType) -> None:
        lanes = self._recorder.lanes
        item = module._WorkItem  # noqa: SLF001  (the one place every job of a thread pool goes through)
        self._watch(item.__init__, began=lambda frame, arguments: lanes.job_submitted(arguments[0], frame))
        self._watch(
            item.run,
            began=lambda _, arguments: lanes.job_began(arguments[0]),
            returned=lambda lane, _: lanes.leave(lane),
            raised=lanes.leave,
        )

    def _observe_executors(self, module: ModuleType) -> None:
        self._in_use = True

        def submitted(frame: FrameType, arguments: list[Any]) -> None:
            # Made by `submit` under the executor's lock, right before it gives the item this number.
            executor = vars(frame.f_locals["self"])
            self._job_made(executor["_call_queue"], str(executor["_queue_count"]), arguments[1], frame)

        self._watch(
            module.ProcessPoolExecutor.__init__,
            began=lambda frame, arguments: (frame, arguments[0]),
            returned=lambda began, _: self._pool_made(vars(began[1])["_call_queue"], began[0]),
        )
        self._watch(module._WorkItem.__init__, began=submitted)  # noqa: SLF001  (as for threads)

    # -- multiprocessing.Pool --------------------------------------------------------------------------------------------------

    def _observe_pools(self, module: ModuleType) -> None:
        self._in_use = True

        def submitted(began: tuple[FrameType, Any], _: object) -> None:
            frame, result = began
            queue = vars(vars(result)["_pool"])["_inqueue"]
            self._job_made(queue, str(vars(result)["_job"]), result, frame)

        for result in (module.ApplyResult, module.IMapIterator):
            self._watch(result.__init__, began=lambda frame, arguments: (frame, arguments[0]), returned=submitted)

    # -- workers and results ---------------------------------------------------------------------------------------------------

    def _observe_queues(self, module: ModuleType) -> None:
        for queue in (module.Queue, module.SimpleQueue):
            self._watch(
                queue.get,
                wanted=lambda: self._in_use,
                began=lambda frame, _: self._await(self._take_job, frame) if _is_in(frame, _WORKERS) else None,
                returned=_received,
                raised=_failed,
            )

    def _observe_connections(self, module: ModuleType) -> None:
        def began(frame: FrameType, _: object) -> _Waiting | None:
            if _is_in(frame, _RECEIVERS):
                return self._await(self._take_result, frame)
            # A pool may have queues of its own around a connection.
            theirs = frame.f_code.co_name == "get" and _is_in(frame.f_back, _WORKERS)
            return self._await(self._take_job, frame) if theirs else None

        self._watch(
            module.Connection.recv,
            wanted=lambda: self._in_use,
            began=began,
            returned=_received,
            raised=_failed,
        )

    def _await(self, take: Callable[[Lane, FrameType, Any], None], frame: FrameType) -> _Waiting | None:
        """Go on in a lane to be named by what comes: what unpickling that calls belongs to it already."""
        lane = self._recorder.lanes.await_work()
        return (take, lane, frame) if lane is not None else None

    def _take_job(self, lane: Lane, _: FrameType, task: Any) -> None:
        job = _job(task)
        if job is None:
            self._recorder.lanes.take_nothing(lane)
        else:
            self._recorder.lanes.take_job(lane, job)

    def _take_result(self, lane: Lane, frame: FrameType, result: Any) -> None:
        name = self._jobs.get(_handle(frame, result)) if result is not None else None
        if name is None:
            self._recorder.lanes.take_nothing(lane)
        else:
            self._recorder.lanes.take_result(lane, f"{name}/{result[1]}" if type(result) is tuple else name)


def _received(waiting: _Waiting | None, message: Any) -> None:
    if waiting is not None:
        take, lane, frame = waiting
        take(lane, frame, message)


def _failed(waiting: _Waiting | None) -> None:
    _received(waiting, None)


def _is_in(frame: FrameType | None, functions: dict[str, str]) -> bool:
    if frame is None:
        return False
    name = frame.f_globals.get("__name__")
    return type(name) is str and functions.get(name) == frame.f_code.co_name


def _job(task: Any) -> str | None:
    """Return what a worker knows a job by, None for a message that is none."""
    if type(task) is tuple:
        return f"{task[0]}/{task[1]}" if [type(part) for part in task[:2]] == [int, int] else None
    number = getattr(task, "__dict__", {}).get("work_id")
    return str(number) if type(number) is int else None


def _handle(frame: FrameType, result: Any) -> object:
    """Return the object that the submitter waits with for a result, None for a message that is no result."""
    if type(result) is tuple:
        return frame.f_locals["cache"].get(result[0])
    number = getattr(result, "__dict__", {}).get("work_id")
    item = vars(frame.f_locals["self"])["pending_work_items"].get(number)
    return item.future if item is not None else None
