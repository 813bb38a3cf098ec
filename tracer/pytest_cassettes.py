"""Cassettes inside tests: the fixtures and markers, and which cassette belongs to which test.

Like the plugin, which takes them over, it imports nothing of tracer before a test uses it.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tracer.api import Cassette, Playback

_SLASH = "\u2215"
"""Stands for a slash in a parameter, which is no folder; a real one of these cannot be in a test's name."""
_PLAYED = ".playback"
"""Ends the name of the cassette that a test plays, which may be beside one that it is compared with."""

USED = pytest.StashKey[dict[str, str]]()
"""What each cassette that a test used did."""
DOUBTS = pytest.StashKey[list[str]]()
"""What makes a recording say less than it seems to, with the cassette."""


@pytest.fixture
def tracer_cassette(request: pytest.FixtureRequest) -> Callable[..., Cassette]:
    """Return a function like `tracer.cassette` whose default name is the test's own.

    A second cassette in one test needs a name; it is kept beside the test's own.
    """
    item = request.node

    def cassette(name: str | None = None, **options: Any) -> Cassette:
        return _cassette(item, _named(cassette_name(item.nodeid), name), options)

    return cassette


@pytest.fixture
def tracer_playback(request: pytest.FixtureRequest) -> Callable[..., Playback]:
    """Return a function like `tracer.playback` whose default cassette is the test's own; a name gives another one beside it."""
    item = request.node

    def playback(name: str | None = None, **options: Any) -> Playback:
        return _playback(item, _named(cassette_name(item.nodeid) + _PLAYED, name), options)

    return playback


def _named(own: str, name: str | None) -> str:
    return f"{own}.{name}" if name else own


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, None]:
    """Put a cassette around a test that carries a marker, so that a change or a miss fails the test itself.

    Around the function and not around this hook: whatever runs an async test, or a `unittest` one, runs the function.
    """
    if not isinstance(item, pytest.Function):
        yield
        return
    plain = around = item.obj
    for name, suffix, make in (("tracer_playback", _PLAYED, _playback), ("tracer", "", _cassette)):
        marker = item.get_closest_marker(name)
        if marker is not None:
            around = make(item, *_marked(item, marker, suffix))(around)
    if around is not plain:
        item.obj = around
    yield
    if around is not plain:
        item.obj = plain


def _marked(item: pytest.Function, marker: pytest.Mark, suffix: str = "") -> tuple[str, dict[str, Any]]:
    """Return the cassette's name and options as the marker gives them. The cases of a parametrised test never share one."""
    options = dict(marker.kwargs)
    name = options.pop("name", None) or (marker.args[0] if marker.args else None)
    if name is None:
        return cassette_name(item.nodeid) + suffix, options
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


def own_name(item: pytest.Item | None, nodeid: str) -> str:
    """Return the name of the cassette a test has for itself."""
    marker = item.get_closest_marker("tracer") if item is not None else None
    return (
        _marked(item, marker)[0] if marker is not None and isinstance(item, pytest.Function) else cassette_name(nodeid)
    )


def tell_basetemp(config: pytest.Config) -> None:
    """Tell whatever records here by now which folder takes the place of pytest's temporary one."""
    if "tracer.recording.child" in sys.modules:
        _tell_recorders(config)


def _tell_recorders(config: pytest.Config) -> None:
    from tracer.recording.child import pytest_begins  # noqa: PLC0415  (loaded already, or about to be needed)

    basetemp = config.getoption("basetemp", None)
    pytest_begins(os.path.abspath(basetemp) if basetemp else None)  # noqa: PTH100  (as pytest takes it)


def _cassette(item: pytest.Item, name: str, options: dict[str, Any]) -> Cassette:
    from tracer.api import Cassette  # noqa: PLC0415  (nothing of tracer is loaded before a test uses it)

    def doubt(sentence: str) -> None:
        item.config.stash[DOUBTS].append(f"{name}: {sentence}")

    return Cassette(name, **_noted(item, name, options), on_doubt=doubt)


def _playback(item: pytest.Item, name: str, options: dict[str, Any]) -> Playback:
    from tracer.api import Playback  # noqa: PLC0415  (as above)

    return Playback(name, **_noted(item, name, options))


def _noted(item: pytest.Item, name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a cassette in a test: the command line's mode wins, and what came of it is kept for the summary."""
    _tell_recorders(item.config)
    used = item.config.stash[USED]

    def note(outcome: str) -> None:
        used[name] = outcome

    used[name] = "unused"
    mode = item.config.getoption("--tracer-mode") or options.get("mode")
    return {**options, "mode": mode, "on_outcome": note}
