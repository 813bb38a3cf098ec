"""Classes whose methods are made from text are instrumented as they are made, while their module's are watched and no longer."""

from __future__ import annotations

import dataclasses
import importlib
from typing import TYPE_CHECKING

import attr._make

from tests.instrument.watching import Watch, write

if TYPE_CHECKING:
    from pathlib import Path

MAKING = """
    import dataclasses
    def made(name):
        @dataclasses.dataclass
        class Local:
            __annotations__ = {name: int}
        return Local
"""


def test_a_class_of_a_function_is_watched_when_it_is_made_and_makers_are_restored(modules: Path) -> None:
    write(modules, {"making.py": MAKING})
    before = dataclasses._process_class.__code__, attr._make._ClassBuilder.build_class.__code__  # type: ignore[attr-defined]

    with Watch("making") as watch:
        module = importlib.import_module("making")
        first, again, other = module.made("x"), module.made("x"), module.made("y")
        first(1), again(2), other(3)
    late = module.made("x")
    late(4)

    assert watch.names.count("making:made.<locals>.Local.__init__") == 2
    assert watch.names.count("making:made.<locals>.Local.__init__#2") == 1
    assert before == (dataclasses._process_class.__code__, attr._make._ClassBuilder.build_class.__code__)  # type: ignore[attr-defined]
    assert first.__init__.__code__ == late.__init__.__code__
    assert first(5).x == 5


def test_classes_of_modules_that_are_not_watched_are_left_alone(modules: Path) -> None:
    write(modules, {"making.py": MAKING, "aside.py": ""})

    with Watch("aside"):
        kind = importlib.import_module("making").made("x")
        code = kind.__init__.__code__

    assert kind.__init__.__code__ is code
