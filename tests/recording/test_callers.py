"""Who calls is found alike by the hook in C and by the search in Python, through frames of modules that are in no component."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.recording import native
from tracer.recording.crossing import LOOK_THROUGH, Callers

if TYPE_CHECKING:
    from collections.abc import Callable

OWN, APP, OUTSIDE = 1, 5, 9
NUMBERS: dict[Any, int] = {"own": OWN, "app": APP}


def callers() -> Callers:
    return Callers(lambda name, _: NUMBERS.get(name, 0), OUTSIDE)


def through(modules: list[Any], watched: Callable[[], Any]) -> Any:
    """Call `watched` through a frame of each module, the nearest last."""
    call = watched
    for name in reversed(modules):
        space: dict[str, Any] = {"__name__": name, "call": call}
        exec("def step():\n    return call()", space)
        call = space["step"]
    return call()


@given(st.lists(st.sampled_from(["own", "app", "library", "other", 3, None]), max_size=LOOK_THROUGH + 2))
def test_the_nearest_component_is_the_caller(modules: list[Any]) -> None:
    """Whatever the modules above are called, also by no text, met for the first time or again."""
    found = callers()
    hook = found.check(OWN)

    def watched() -> Any:
        return hook(), found.search(sys._getframe(1), OWN)

    for _ in range(3):
        told, expected = through(modules, watched)

        assert told == expected


@pytest.mark.skipif(not native.in_use(), reason="tracer was built without a C compiler, or TRACER_PURE is set")
def test_frames_of_modules_known_to_be_in_no_component_are_passed_without_python() -> None:
    """Most calls of a class with mixins of the standard library have such a frame in between; one too many, and Python looks."""
    found = callers()
    asked = []
    hook = native.entered(found.known, OWN, lambda: asked.append(1))

    def watched() -> int | None:
        return hook()

    found.known.update(library=0, app=APP, own=OWN)

    assert through(["app", *["library"] * (LOOK_THROUGH - 1)], watched) == APP
    assert through(["own", "library"], watched) is None
    assert asked == []
    through(["app", *["library"] * LOOK_THROUGH], watched)
    assert asked == [1]
