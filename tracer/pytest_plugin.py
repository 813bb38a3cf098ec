"""The only home of pytest: a lane for each test while a run is recorded, and cassettes inside tests.

Loaded by every pytest run where tracer is installed, so nothing of tracer is imported before it is used.

    def test_checkout(tracer_cassette):
        with tracer_cassette(boundaries=["shop.pricing"]):      # the name comes from the test
            checkout(cart)

    @pytest.mark.tracer(boundaries=["shop.pricing"])            # the same around the whole test
    def test_checkout(): ...

    @pytest.mark.tracer_playback(components=["shop.gateway"])   # answered from a cassette; `tracer_playback` is the fixture
    def test_payment(): ...
"""

from __future__ import annotations

import os
import re
import sys
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import pytest

from tracer.errors import TracerError
from tracer.pytest_cassettes import (
    DOUBTS,
    USED,
    cassette_name,
    own_name,
    pytest_runtest_call,
    tell_basetemp,
    tracer_cassette,
    tracer_playback,
)

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tracer.recording.recorder import Recorder

MODES = ("none", "once", "new_episodes", "all", "off")
_OUTCOMES = {
    "recorded": "recorded",
    "compared": "compared",
    "changed": "changed",
    "replaced": "recorded again",
    "played": "played",
    "added": "added to",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that switches how cassettes inside tests behave."""
    group = parser.getgroup("tracer", "recorded behaviour at module boundaries")
    group.addoption(
        "--tracer-mode",
        choices=MODES,
        default=None,
        help="how cassettes behave: once (record when missing, else compare), none (never record), "
        "new_episodes (new calls are welcome), all (record again), off. Wins over a test's own mode. Default: TRACER_MODE, the settings, once.",
    )
    group.addoption(
        "--tracer-shard",
        metavar="I/N",
        default="",
        help="this run is the I-th of N that together run all tests: `tracer prune` then judges by all N",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and start counting what cassettes did."""
    config.addinivalue_line(
        "markers",
        "tracer(name=None, boundaries=None, mode=None): record the calls of the test at its boundaries, or compare them "
        "with what was recorded before.",
    )
    config.addinivalue_line(
        "markers",
        "tracer_playback(name=None, components=[...], mode=None, strict=False): answer calls into the components from what was recorded "
        "before, or record it.",
    )
    global pid  # noqa: PLW0603  (there is one process)
    pid = os.getpid()
    shard = config.getoption("--tracer-shard")
    if shard and not re.fullmatch(r"0*([1-9]\d*)/0*([1-9]\d*)", shard):
        raise pytest.UsageError(f"--tracer-shard {shard!r}: write it as 1/3, the first of three")
    config.stash[USED] = {}
    config.stash[DOUBTS] = []
    config.stash[_RUN] = _Run(config, shard)
    tell_basetemp(config)
    config.pluginmanager.register(config.stash[_RUN], "tracer.run")
    config.pluginmanager.register(_Lanes(), "tracer.lanes")


__all__ = ["pytest_runtest_call", "tracer_cassette", "tracer_playback"]

pid = 0
"""The process in which pytest runs: a child forked by a test is another one."""


# -- the summary ---------------------------------------------------------------------------------------------------------------


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say in one line what the cassettes did; nothing where none was used."""
    here, elsewhere = config.stash[USED], config.stash.get(_FROM_WORKERS, _NONE)
    used = here | elsewhere
    if not used:
        return
    counts = {text: list(used.values()).count(outcome) for outcome, text in _OUTCOMES.items()}
    told = ", ".join(f"{count} {text}" for text, count in counts.items() if count)
    terminalreporter.write_sep("-", "tracer")
    terminalreporter.write_line(f"{len(used)} cassettes: {told or 'none used'}")
    unused, problem = config.stash[_RUN].unused, config.stash[_RUN].problem
    if problem:
        terminalreporter.write_line(f"which cassettes are used was not kept: {problem}")
    if unused:
        noun = "cassette" if len(unused) == 1 else "cassettes"
        terminalreporter.write_line(f"{len(unused)} unused {noun}: `tracer prune` deletes what no test used")
    for path in unused[:_SHOWN_UNUSED]:
        terminalreporter.write_line(f"unused: {os.path.relpath(path, config.invocation_params.dir)}")
    doubts = config.stash[DOUBTS]
    for doubt in doubts[:_SHOWN_DOUBTS]:
        terminalreporter.write_line(f"doubt: {doubt}")
    if len(doubts) > _SHOWN_DOUBTS:
        terminalreporter.write_line(f"and {len(doubts) - _SHOWN_DOUBTS} doubts more")


_NONE: dict[str, str] = {}
_SHOWN_UNUSED = 10
_SHOWN_DOUBTS = 20
_FROM_WORKERS = pytest.StashKey[dict[str, str]]()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Gather what the cassettes of an xdist worker did."""
    del error
    used = node.config.stash.setdefault(_FROM_WORKERS, {})
    output = getattr(node, "workeroutput", {})
    used.update(output.get("tracer_used", {}))
    node.config.stash[DOUBTS].extend(output.get("tracer_doubts", ()))
    node.config.stash[_RUN].name = node.workerinput.get("testrunuid", "")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep which cassettes were used; hand what they did from an xdist worker to the main process."""
    session.config.stash[_RUN].end(session)
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["tracer_used"] = session.config.stash[USED]
        output["tracer_doubts"] = session.config.stash[DOUBTS]


# -- which cassettes are used ----------------------------------------------------------------------------------------------------


class _Run:
    """What one process knows of the tests of a run, and whether they were all."""

    def __init__(self, config: pytest.Config, shard: str) -> None:
        self._config = config
        self._began = time.time()
        self._shard = shard
        self._tests: dict[str, pytest.Item] = {}
        self._partial: list[str] = []
        self._ran: dict[str, bool] = {}
        self._skipped: dict[str, str] = {}
        worker = getattr(config, "workerinput", {})
        self._process = worker.get("workerid", "main")
        self.name: str = worker.get("testrunuid", "")
        self.unused: tuple[str, ...] = ()
        self.problem = ""

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, Any, None]:
        """See all tests before any is left out."""
        self._tests = {item.nodeid: item for item in items}
        yield

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that could not be collected hides how many tests there are; one that was skipped keeps its cassettes."""
        if report.failed:
            self._partial.append(f"{report.nodeid or 'some tests'} could not be collected")
        elif report.skipped:
            self._skipped[report.nodeid] = cassette_name(report.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test that failed may not have come to all of its cassettes."""
        if report.skipped:
            self._skipped[report.nodeid] = own_name(self._tests.get(report.nodeid), report.nodeid)
        elif report.when == "call":
            self._ran[report.nodeid] = report.passed
        elif report.failed:
            self._ran[report.nodeid] = False

    def end(self, session: pytest.Session) -> None:
        """Keep the list of this process; in the main one, see what no test used."""
        if self._in_use():
            try:
                self._keep(session)
            except TracerError as error:
                self.problem = str(error)

    def _keep(self, session: pytest.Session) -> None:
        from tracer import workflows  # noqa: PLC0415  (nothing of tracer is loaded before a test uses it)

        config = workflows.settings(folder=self._config.invocation_params.dir)
        self.name = self.name or os.urandom(6).hex()
        if self._tests and (self._ran or self._skipped):  # the main process of xdist collects none itself
            usage = workflows.UsageList(
                run=self.name,
                process=self._process,
                partial=() if self._shard and not self._partial else (*self._partial, *_paths_given(self._config)),
                narrowed=(*_left_out(self._config), *_stopped(session)),
                shard=self._shard,
                ran=tuple(test for test, passed in self._ran.items() if passed),
                skipped=self._skipped,
            )
            workflows.keep_usage(usage, config, self._tests)
        if self._process == "main":
            self.unused = workflows.end_run(self.name, self._began, config)

    def _in_use(self) -> bool:
        """Whether a test used a cassette, now or in an earlier run here."""
        loaded = sys.modules.get("tracer.workflows.usage")
        if self._config.stash[USED] or self._config.stash.get(_FROM_WORKERS, _NONE) or (loaded and loaded.noted()):
            return True
        return any(
            (folder / ".tracer" / "usage").is_dir()
            for folder in (self._config.invocation_params.dir, self._config.rootpath)
        )


_RUN = pytest.StashKey[_Run]()


def _paths_given(config: pytest.Config) -> list[str]:
    """Return why not all tests were collected: tests or paths were named, or pytest was started below its root."""
    option, root = config.option, config.rootpath
    reasons = [
        f"--{name}"
        for name in ("lf", "ignore", "ignore_glob")
        if getattr(option, name, None) and _on_command_line(config, name)
    ]
    source = getattr(config, "args_source", None)
    where = {(config.invocation_params.dir / argument.partition("::")[0]).resolve() for argument in config.args}
    everything = {path.resolve() for text in config.getini("testpaths") for path in _expanded(root, text)} or {
        root.resolve()
    }
    if any("::" in argument for argument in config.args) or not (where >= everything or root.resolve() in where):
        below = source is not None and source.name == "INVOCATION_DIR"
        reasons.append("run below the project" if below else f"only {' '.join(config.args[:3])}")
    return reasons


def _expanded(root: Path, text: str) -> list[Path]:
    """Return the paths that an entry of `testpaths` stands for."""
    return list(root.glob(text)) if set("*?[") & set(text) else [root / text]


def _on_command_line(config: pytest.Config, name: str) -> bool:
    """Whether an option was given for this run, and not in the settings."""
    words = (f"--{name.replace('_', '-')}", "--last-failed") if name == "lf" else (f"--{name.replace('_', '-')}",)
    return any(str(word).startswith(words) for word in config.invocation_params.args)


def _left_out(config: pytest.Config) -> list[str]:
    """Return the options by which tests were left out."""
    option = config.option
    told = [
        ("-k", getattr(option, "keyword", "")),
        ("-m", getattr(option, "markexpr", "")),
        ("--deselect", " ".join(getattr(option, "deselect", None) or ())),
    ]
    return [f"{name} {value}" for name, value in told if value]


def _stopped(session: pytest.Session) -> list[str]:
    stopped = session.shouldfail or session.shouldstop
    return [str(stopped)] if stopped else []


# -- lanes while a whole run is recorded ---------------------------------------------------------------------------------------


def attach(config: Any, recorder: Recorder) -> None:
    """Let the first pytest session of a recorded process load this plugin, installed there or not.

    A session that a test starts inside the process stays part of that test.
    """
    global _attached  # noqa: PLW0603  (there is one process)
    if _attached:
        return
    _attached = True
    if config.pluginmanager.get_plugin(__name__) is None:
        config.pluginmanager.register(sys.modules[__name__], __name__)
    recorder.observe(
        sys.modules["_pytest.fixtures"].FixtureDef.finish,
        began=lambda _, arguments: _switch(recorder, _fixture_lanes.get(arguments[0])),
        returned=lambda before, _: recorder.lanes.restore(before),
        raised=recorder.lanes.restore,
    )


_attached = False
_fixture_lanes: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def fixture_lane(fixturedef: Any, request: Any) -> str | None:
    """Return the lane of a fixture wider than a function: by its own name, whichever test happens to need it first."""
    if fixturedef.scope == "function":
        return None
    where = f"{fixturedef.baseid}::" if fixturedef.baseid else ""
    parameter = f"[{request.param_index}]" if hasattr(request, "param") else ""
    lane = _fixture_lanes[fixturedef] = f"fixture {fixturedef.scope} {where}{fixturedef.argname}{parameter}"
    return lane


def _switch(recorder: Recorder, lane: str | None) -> Any:
    return recorder.lanes.switch(lane) if lane is not None else recorder.lanes.state().lane


class _Lanes:
    """Names the lane each test and each wider fixture runs in. Does nothing where the process is not being recorded.

    The hooks are wrappers of the old style, which every pytest understands that a recorded project may pin.
    """

    depth = 0

    def __init__(self) -> None:
        child = sys.modules.get("tracer.recording.child")
        self._recorder: Recorder | None = child.process_recorder() if child is not None and not _Lanes.depth else None

    def _in_lane(self, lane: str | None) -> Generator[None, Any, None]:
        if self._recorder is None or not self._recorder.active:
            yield
            return
        before = _switch(self._recorder, lane)
        _Lanes.depth += 1
        yield
        _Lanes.depth -= 1
        self._recorder.lanes.restore(before)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, None]:
        """One lane for one test, with its function-scoped fixtures."""
        yield from self._in_lane(f"test {item.nodeid}")

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, Any, None]:
        """One lane for a fixture wider than a function."""
        yield from self._in_lane(fixture_lane(fixturedef, request))

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, Any, None]:
        """One lane for what collecting calls."""
        yield from self._in_lane("session collection")
