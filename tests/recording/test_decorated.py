"""A call through decorators of other components is one call, under the name it was made by, however many wrappers are on the way."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.helpers import Project, doctor
from tracer.storage.reader import open_cassette

if TYPE_CHECKING:
    from pathlib import Path

DECORATORS = """
    from functools import wraps
    def {name}(function):
        @wraps(function)
        def {name}ed(*arguments): return function(*arguments)
        return {name}ed
"""
FILES = {
    "first.py": DECORATORS.format(name="first"),
    "second.py": DECORATORS.format(name="second"),
    "shop.py": """
        import operator
        from first import first
        from second import second
        def make(operation):
            @first
            def of(self, other): return operation(self.size, other)
            return of
        class Box:
            size = 3
            plus = make(operator.add)
            minus = make(operator.sub)
        @second
        @first
        def twice(number): return number
        @first
        @second
        @first
        def thrice(number): return number
        @first
        @first
        def alike(number): return number
        @second
        @first
        def factorial(number): return number * factorial(number - 1) if number else 1
    """,
}
CALLS = {
    "Box().plus(1), Box().plus(2), Box().minus(3)": {"Box.plus": 2, "Box.minus": 1},
    "shop.twice(1), shop.twice(2)": {"twice": 2},
    "shop.thrice(1)": {"thrice": 1},
    "shop.alike(1)": {"alike": 1},
    "shop.factorial(3)": {"factorial": 4},
    "shop.twice.__wrapped__(1)": {"twice.__wrapped__": 1},
    "shop.twice.__wrapped__.__wrapped__(1)": {"twice.__wrapped__.__wrapped__": 1},
}


@pytest.mark.parametrize(("calls", "expected"), CALLS.items())
def test_a_call_through_wrappers_is_one(tmp_path: Path, calls: str, expected: dict[str, int]) -> None:
    """Of functions that share their code too, at any depth, each time a function calls itself; and the doctor's witness says so."""
    project = Project(tmp_path, {**FILES, "app.py": f"import shop\nfrom shop import Box\nprint({calls})\n"})
    done = project.tracer("record", "-o", "run.cassette", "--", sys.executable, "app.py")
    assert (done.exit, done.stdout) == (0, project.run(sys.executable, "app.py").stdout)
    with open_cassette(project.folder / "run.cassette") as cassette:
        found = Counter(call.callable for call in cassette.calls("main"))
    of_shop = {name.removeprefix("shop:"): times for name, times in found.items() if name.startswith("shop:")}
    assert of_shop == expected
    crossed = doctor(project, "--", sys.executable, "app.py")["run"]["crossed"]
    assert [each for each in crossed if each["seen"] != each["kept"]] == []
