"""The only home of pytest: a lane for each test while a run is recorded, and cassettes inside tests.

Loaded by every pytest run where tracer is installed, so nothing of tracer is imported before it is used.

    def test_checkout(tracer_cassette):
        with tracer_cassette(boundaries=["shop.pricing"]):      # the name comes from the test
            checkout(cart)

    @pytest.mark.tracer(boundaries=["shop.pricing"])            # the same around the whole test
    def test_checkout(): ...
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tracer.api import Cassette
    from tracer.recording.recorder import Recorder

MODES = ("none", "once", "new_episodes", "all", "off")
_SLASH = "\u2215"
"""Stands for a slash in a parameter, which is no folder; a real one of these cannot be in a test's name."""
_OUTCOMES = {"recorded": "recorded", "compared": "compared", "changed": "changed", "replaced": "recorded again"}


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


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and start counting what cassettes did."""
    config.addinivalue_line(
        "markers",
        "tracer(name=None, boundaries=None, mode=None): record the calls of the test at its boundaries, or compare them "
        "with what was recorded before.",
    )
    config.stash[_USED] = {}
    _tell_basetemp(config)
    config.pluginmanager.register(_Lanes(), "tracer.lanes")


def _tell_basetemp(config: pytest.Config) -> None:
    """Tell whatever records here which folder takes the place of pytest's temporary one."""
    child = sys.modules.get("tracer.recording.child")
    if child is not None:
        basetemp = config.getoption("basetemp", None)
        child.pytest_begins(os.path.abspath(basetemp) if basetemp else None)  # noqa: PTH100  (as pytest takes it)


_USED = pytest.StashKey[dict[str, str]]()


# -- cassettes inside tests ----------------------------------------------------------------------------------------------------


@pytest.fixture
def tracer_cassette(request: pytest.FixtureRequest) -> Callable[..., Cassette]:
    """Return a function like `tracer.cassette` whose default name is the test's own.

    A second cassette in one test needs a name; it is kept beside the test's own.
    """
    item = request.node

    def cassette(name: str | None = None, **options: Any) -> Cassette:
        own = cassette_name(item.nodeid)
        return _cassette(item, f"{own}.{name}" if name else own, options)

    return cassette


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, None]:
    """Put a cassette around a test that carries the marker, so that a change fails the test itself.

    Around the function and not around this hook: whatever runs an async test, or a `unittest` one, runs the function.
    """
    marker = item.get_closest_marker("tracer")
    if marker is None or not isinstance(item, pytest.Function):
        yield
        return
    plain = item.obj
    item.obj = _cassette(item, *_marked(item, marker))(plain)
    yield
    item.obj = plain


def _marked(item: pytest.Function, marker: pytest.Mark) -> tuple[str, dict[str, Any]]:
    """Return the cassette's name and options as the marker gives them. The cases of a parametrised test never share one."""
    options = dict(marker.kwargs)
    name = options.pop("name", None) or (marker.args[0] if marker.args else None)
    if name is None:
        return cassette_name(item.nodeid), options
    _, bracket, parameters = item.nodeid.partition("[")
    return name + (bracket + parameters).replace("/", _SLASH), options


def cassette_name(nodeid: str) -> str:
    """Return the name of a test's cassette: a folder for each test file. What a file name cannot hold is seen to where files are named.

    >>> cassette_name("tests/test_cart.py::test_total[a-b]")
    'tests/test_cart/test_total[a-b]'
    """
    path, _, rest = nodeid.partition("::")
    test, bracket, parameters = rest.partition("[")
    return f"{path.removesuffix('.py')}/{test.replace('::', '.')}{bracket}{parameters.replace('/', _SLASH)}"


def _cassette(item: pytest.Item, name: str, options: dict[str, Any]) -> Cassette:
    from tracer.api import Cassette  # noqa: PLC0415  (nothing of tracer is loaded before a test uses it)

    _tell_basetemp(item.config)
    used = item.config.stash[_USED]

    def note(outcome: str) -> None:
        used[name] = outcome

    used[name] = "unused"
    own = options.pop("mode", None)
    mode = item.config.getoption("--tracer-mode") or own
    return Cassette(name, mode=mode, on_outcome=note, **options)


# -- the summary ---------------------------------------------------------------------------------------------------------------


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say in one line what the cassettes did; nothing where none was used."""
    here, elsewhere = config.stash[_USED], config.stash.get(_FROM_WORKERS, _NONE)
    used = here | elsewhere
    if not used:
        return
    counts = {text: list(used.values()).count(outcome) for outcome, text in _OUTCOMES.items()}
    told = ", ".join(f"{count} {text}" for text, count in counts.items() if count)
    terminalreporter.write_sep("-", "tracer")
    terminalreporter.write_line(f"{len(used)} cassettes: {told or 'none used'}")
    for path in _unused(config.stash.get(_COLLECTED, ())):
        terminalreporter.write_line(f"unused: {path}")


_NONE: dict[str, str] = {}
_FROM_WORKERS = pytest.StashKey[dict[str, str]]()
_COLLECTED = pytest.StashKey[tuple[str, ...]]()
"""The ids of all tests of the files that were collected; not kept where only some of them were selected."""


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Remember which tests there are, unless the user asked for some of them only."""
    config = session.config
    chosen = any("::" in argument for argument in config.args)
    if not chosen and not config.stash.get(_DESELECTED, False):
        config.stash[_COLLECTED] = tuple(item.nodeid for item in session.items)


_DESELECTED = pytest.StashKey[bool]()


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Remember that only some tests run."""
    for item in items[:1]:
        item.config.stash[_DESELECTED] = True


def _unused(nodeids: tuple[str, ...]) -> list[str]:
    """Return the cassettes of no test, in the folders of test files that were collected whole."""
    from tracer import workflows  # noqa: PLC0415  (a test has used it)

    tests: dict[str, list[str]] = {}
    for nodeid in nodeids:
        folder, _, test = cassette_name(nodeid).rpartition("/")
        tests.setdefault(folder, []).append(test)
    return workflows.unused_cassettes(tests)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Gather what the cassettes of an xdist worker did."""
    del error
    used = node.config.stash.setdefault(_FROM_WORKERS, {})
    used.update(getattr(node, "workeroutput", {}).get("tracer_used", {}))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what the cassettes did from an xdist worker to the main process."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["tracer_used"] = session.config.stash[_USED]


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
