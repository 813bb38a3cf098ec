"""Watches the few places of the standard library where work is handed on: threads, executors, tasks, child processes.

They are watched by the same engine as everything else, so no name in the standard library is replaced, and undo is the same.
Modules that are not loaded yet are watched from their import on.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from importlib import import_module
from sys import _getframe
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from tracer.encoding.faults import is_ours
from tracer.instrument.engines import default_engine
from tracer.instrument.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType, ModuleType

    from tracer.recording.recorder import Recorder

_forking: WeakSet[Recorder] = WeakSet()
_turn = threading.RLock()


class Observers:
    """The observers of one recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._engine = default_engine()
        self._modules: dict[str, Callable[[ModuleType], None]] = {
            "asyncio.base_events": self._observe_asyncio,
            "concurrent.futures.thread": self._observe_executors,
            "multiprocessing.process": self._observe_multiprocessing,
            "subprocess": self._observe_subprocess,
            "_pytest.config": self._observe_pytest,
            "_pytest.assertion": self._observe_rewriting,
        }

    def attach(self) -> None:
        """Start to watch."""
        _forking.add(self._recorder)
        self.watch(threading.Thread.start, began=self._thread_starts)
        for name, observe in self._modules.items():
            module = sys.modules.get(name)
            if module is not None:
                self._guarded(observe)(module)
            else:
                self._recorder.instrumentation.when_imported(name, self._guarded(observe))

    def _guarded(self, observe: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
        def guarded(module: ModuleType) -> None:
            try:
                observe(module)
            except Exception as error:  # noqa: BLE001  (a module laid out otherwise costs lane names, never the host's import)
                self._recorder.lose(module.__name__, f"cannot be observed: {type(error).__name__}")

        return guarded

    def detach(self) -> tuple[str, ...]:
        """Stop watching."""
        _forking.discard(self._recorder)
        with _turn:
            return self._engine.detach()

    def watch(
        self,
        function: Any,
        *,
        began: Callable[[FrameType, tuple[Any, ...]], Any] = lambda frame, arguments: None,
        returned: Callable[[Any, Any], None] = lambda token, value: None,
        raised: Callable[[Any], None] = lambda token: None,
    ) -> None:
        """Call `began(frame of the caller, arguments)` and `returned(what began returned, result)` around a function.

        Where it raises, `raised(what began returned)` is called instead; neither where `began` could not run.
        """
        recorder = self._recorder

        def quietly(hook: Callable[..., Any], *arguments: Any) -> tuple[Any, ...]:
            """Run a hook while this thread counts as busy and return what it returned; () where it could not. A failure is a loss."""
            state = recorder.lanes.state()
            if state.busy:
                return ()
            state.busy = True
            try:
                return (hook(*arguments),)
            except Exception as error:
                if not is_ours(error):
                    raise
                recorder.lose(function.__qualname__, f"tracer failed: {type(error).__name__}")
                return ()
            finally:
                state.busy = False

        def ended(hook: Callable[..., None], token: tuple[Any, ...], *result: Any) -> None:
            if token:
                quietly(hook, token[0], *result)

        probe = Probe(
            entered=lambda: True if recorder.active else None,
            began=lambda _, arguments: quietly(began, _getframe(1).f_back, arguments),
            returned=lambda token, value: ended(returned, token, value),
            raised=lambda token, error: ended(raised, token),
            yielded=lambda token, value: None,
            resumed=lambda token, value: None,
        )

        def probe_of(code: CodeType) -> Probe | None:
            return probe if code is original else None

        with _turn:
            original = self._engine.original(function.__code__)
            self._engine.attach_function(function, probe_of)

    # -- threads and executors -----------------------------------------------------------------------------------------------

    def _thread_starts(self, frame: FrameType, arguments: tuple[Any, ...]) -> None:
        thread = arguments[0]
        pools = sys.modules.get("concurrent.futures.thread")
        # How many threads a pool starts depends on how fast they are; its jobs have lanes of their own.
        pooled = pools is not None and vars(thread).get("_target") is pools._worker  # noqa: SLF001
        self._recorder.lanes.thread_started(thread, frame, pooled=pooled)

    def _observe_executors(self, module: ModuleType) -> None:
        lanes = self._recorder.lanes
        item = module._WorkItem  # noqa: SLF001  (the one place every job of a thread pool goes through)
        self.watch(item.__init__, began=lambda frame, arguments: lanes.job_submitted(arguments[0], frame))
        self.watch(
            item.run,
            began=lambda _, arguments: lanes.job_began(arguments[0]),
            returned=lambda lane, _: lanes.restore(lane),
            raised=lanes.restore,
        )

    # -- tasks ---------------------------------------------------------------------------------------------------------------

    def _observe_asyncio(self, module: ModuleType) -> None:
        lanes = self._recorder.lanes
        lanes.watch_asyncio(sys.modules["asyncio.events"], sys.modules["asyncio.tasks"])
        self.watch(
            module.BaseEventLoop.create_task,
            began=lambda frame, _: frame,
            returned=lambda frame, task: lanes.task_created(task, frame),
        )

    # -- processes -----------------------------------------------------------------------------------------------------------

    def _observe_subprocess(self, module: ModuleType) -> None:
        lanes = self._recorder.lanes

        def began(frame: FrameType, arguments: tuple[Any, ...]) -> Any:
            # Named before the child exists: a forking Popen names no second lane for the same child.
            kind = "process" if _starts_python(arguments[1]) else "command"
            lane = self._recorder.announced_lane = lanes.submitted(kind, frame)
            return (arguments[0], lane)

        self.watch(module.Popen.__init__, began=began, returned=self._popen_returned, raised=self._not_started)

    def _popen_returned(self, started: Any, _: Any) -> None:
        popen, lane = started
        self._recorder.announced_lane = None
        if lane is not None:
            self._recorder.child_started(popen.pid, lane)

    def _not_started(self, _: Any) -> None:
        self._recorder.announced_lane = None

    def _observe_multiprocessing(self, module: ModuleType) -> None:
        lanes = self._recorder.lanes

        def began(frame: FrameType, arguments: tuple[Any, ...]) -> Any:
            lane = self._recorder.announced_lane = lanes.submitted("process", frame)
            return (arguments[0], lane)

        def returned(started: Any, _: Any) -> None:
            process, lane = started
            self._recorder.announced_lane = None
            popen = vars(process).get("_popen")
            if lane is not None and popen is not None:
                self._recorder.child_started(popen.pid, lane)

        self.watch(module.BaseProcess.start, began=began, returned=returned, raised=self._not_started)
        # Such a child ends by os._exit, so nothing registered with atexit runs in it.
        self.watch(module.BaseProcess._bootstrap, returned=lambda _, code: self._recorder.finish())  # noqa: SLF001

    # -- guests --------------------------------------------------------------------------------------------------------------

    def _observe_pytest(self, module: ModuleType) -> None:
        recorder = self._recorder

        def configured(_: object, config: Any) -> None:
            # By name and not by an import above: the plugin is a door, and it needs all of pytest to be there.
            import_module("tracer.pytest_plugin").attach(config, recorder)

        self.watch(module.get_config, returned=configured)

    def _observe_rewriting(self, module: ModuleType) -> None:
        # Right after this, pytest imports the packages that bring plugins, all of their modules by the finder it has put in front.
        self.watch(module.install_importhook, returned=lambda *_: self._recorder.instrumentation.come_first())


def _starts_python(command: Any) -> bool:
    """Whether a command line names a Python. Looks only at exact builtin types: anything else is the host's code."""
    program = command
    if type(command) in {list, tuple} and command:
        program = command[0]
    if type(program) is bytes:
        program = program.decode("utf-8", "replace")
    if type(program) is not str:
        return False
    name = program.split()[0] if type(command) is str and program.split() else program
    return name.rpartition("/")[2].startswith(("python", "pypy"))


def _before_fork() -> None:
    for recorder in list(_forking):
        with suppress(Exception):
            recorder.before_fork()


def _after_fork_in_child() -> None:
    for recorder in list(_forking):
        with suppress(Exception):
            recorder.after_fork_in_child()


def _renew_lock() -> None:
    global _turn  # noqa: PLW0603  (a thread that the child does not have may hold it)
    _turn = threading.RLock()


# Registered once for the process: there is no way to take such a registration back.
os.register_at_fork(after_in_child=_renew_lock)
os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
