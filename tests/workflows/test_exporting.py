"""Exported tests: recorded from a real program, run by a real pytest, against the code they were recorded from and against changed code."""

from __future__ import annotations

import ast
import re
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from tests.helpers import Project

if TYPE_CHECKING:
    from pathlib import Path

KINDS = """
import asyncio
import os
import random
import time
from dataclasses import dataclass
from enum import Enum

class Color(Enum):
    RED = "r"

class Refused(Exception):
    def __init__(self, code):
        super().__init__(code, "refused")
        self.code = code

@dataclass
class Item:
    name: str
    price: float

@dataclass
class Strict:
    name: str
    def __post_init__(self):
        self.name = self.name.upper()

class Cart:
    limit = 3
    def __init__(self, owner):
        self.owner = owner
        self.items = []
        self._log = []
    def add(self, item, *more, times=1, **marks):
        self.items.extend([item, *more] * times)
        self._log.append(item.name)
        return len(self.items) + len(marks)
    @property
    def total(self):
        return sum(item.price for item in self.items)
    @classmethod
    def of(cls, owner):
        return cls(owner)
    @staticmethod
    def rounded(value):
        return round(value, 1)
    def each(self):
        for item in self.items:
            yield item.name
        return "end"
    def __len__(self):
        return len(self.items)

def divide(a, b):
    return a / b

def refuse(code):
    raise Refused(code)

def change(target, key="k"):
    target[key] = target.get(key, 0) + 1

def count(n):
    yield from range(n)

def adding():
    total = 0
    while total < 7:
        total += yield total
    return "done"

def forever():
    n = 0
    while True:
        yield n
        n += 1

async def fetched(name):
    await asyncio.sleep(0)
    return {"name": name}

async def stream(n):
    for each in range(n):
        yield each

def paint(color, *, strict=False):
    return (color, strict)

def odd(value):
    return float("nan") if value is None else value * float("inf")

def by_chance():
    return random.random()

def login(user, password):
    return user + "!"

def shouted(strict):
    return strict.name * 2

def sentinel(value, default=object()):
    return value

def slow(seconds):
    time.sleep(seconds)
    return seconds

def leave(code):
    if os.environ.get("MAY_LEAVE") != "no":
        os._exit(code)
    return code
"""

LOYAL = """
from parts.kinds import Cart

class Loyal(Cart):
    def add(self, item):
        return super().add(item) * 100
"""

MAIN = """
import asyncio
import os
os.environ["MAY_LEAVE"] = "no"
from parts.kinds import *
from parts.loyal import Loyal

cart = Cart("Ana")
cart.add(Item("tea", 2.5))
cart.add(Item("cup", 1.0), Item("mat", 1.5), gift=True)
cart.total
Cart.of("Bo")
Cart.rounded(1.25)
list(cart.each())
len(cart)
Loyal("Cy").add(Item("tea", 2.5))
divide(6, 3)
for bad in (lambda: divide(1, 0), lambda: refuse(4)):
    try:
        bad()
    except Exception:
        pass
change({})
list(count(3))
adder = adding(); next(adder); adder.send(5)
try:
    adder.send(2)
except StopIteration:
    pass
for n in forever():
    if n == 2:
        break
asyncio.run(fetched("x"))
async def drain():
    return [each async for each in stream(2)]
asyncio.run(drain())
paint(Color.RED)
paint("it's \\"quoted\\"", strict=True)
odd(None), odd(2.0)
by_chance()
login("ana", "hunter2")
shouted(Strict("a"))
sentinel(1)
slow(0.01)
leave(3)
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with callables of every kind, recorded once."""
    files = {
        "parts/__init__.py": "",
        "parts/kinds.py": KINDS,
        "parts/loyal.py": LOYAL,
        "main.py": MAIN,
        "pyproject.toml": "",
    }
    project = Project(tmp_path_factory.mktemp("export"), files)
    done = project.tracer("record", "-o", "run.cassette", "--", sys.executable, "main.py")
    assert done.exit == 0, done.stderr
    return project


@pytest.fixture(scope="module")
def exported(recorded: Project) -> str:
    """What is exported from it, checked, into one file."""
    done = recorded.tracer("export", "run.cassette", "--pytest", "test_recorded.py")
    assert done.exit == 0, done.stderr
    (recorded.folder / "summary.txt").write_text(done.stdout)
    return (recorded.folder / "test_recorded.py").read_text()


def outcome(project: Project, *words: str) -> str:
    done = project.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *words)
    return done.stdout.strip().splitlines()[-1]


def test_exported_tests_pass_on_the_code_they_were_recorded_from(recorded: Project, exported: str) -> None:
    told = outcome(recorded, "test_recorded.py")

    assert "passed" in told
    assert "failed" not in told
    assert "error" not in told


@pytest.mark.parametrize(
    "line",
    [
        "    assert same(parts.kinds.Cart(owner), expected)",
        "    returned = receiver.add(item, *more, **marks)",
        "    assert same(receiver, receiver_after)",
        "    assert receiver.total == expected",
        "    assert same(parts.kinds.Cart.of(owner), expected)",
        "    assert parts.kinds.Cart.rounded(value) == expected",
        "    items, returned = driven(receiver.each(), sent)",
        "    items, returned = driven(parts.kinds.adding(), sent)",
        "    assert parts.kinds.divide(a, b) == expected",
        "    with pytest.raises(ZeroDivisionError, match=re.escape(message)):",
        "    with pytest.raises(parts.kinds.Refused) as caught:",
        "    assert target == target_after",
        "    assert list(parts.kinds.count(n)) == items",
        "    assert list(itertools.islice(parts.kinds.forever(), 3)) == items",
        "    assert asyncio.run(parts.kinds.fetched(name)) == expected",
        "    assert asyncio.run(taken(parts.kinds.stream(n))) == items",
        "    assert parts.kinds.paint(color, strict=strict) == expected",
        "    assert same(parts.kinds.odd(value), expected)",
        "    assert parts.kinds.sentinel(value) == expected",
    ],
)
def test_each_kind_of_callable_is_called_as_a_person_would_write_it(exported: str, line: str) -> None:
    assert line in exported.splitlines()


def test_values_are_written_as_what_they_are(exported: str) -> None:
    assert "parts.kinds.Color.RED" in exported
    assert 'parts.kinds.Item(name="tea", price=2.5)' in exported
    assert 'float("nan")' in exported
    assert 'make(parts.kinds.Strict, {"name": "A"})' in exported  # its constructor does more than set fields


def test_what_depends_on_more_than_its_arguments_is_left_out_and_counted(recorded: Project, exported: str) -> None:
    summary = (recorded.folder / "summary.txt").read_text()

    assert "by_chance" not in exported
    assert "did not pass when it was run" in summary
    assert "def test_leave" not in exported
    assert "a test that ended the process" in summary


def test_secrets_are_never_in_the_file(recorded: Project, exported: str) -> None:
    assert "hunter2" not in exported
    assert "def test_login" not in exported
    assert "a secret that was never stored" in (recorded.folder / "summary.txt").read_text()


def test_the_file_is_formatted_as_ruff_formats_it(recorded: Project, exported: str) -> None:
    ruff = shutil.which("ruff", path=str(sys.prefix) + "/bin")
    if ruff is None:
        pytest.skip("ruff is not installed")
    for width in ("88", "120"):
        done = recorded.run(
            ruff, "format", "--isolated", "--no-cache", "--line-length", width, "--diff", "test_recorded.py"
        )
        assert done.exit == 0, done.stdout


def test_the_same_cassette_gives_the_same_bytes(recorded: Project, exported: str) -> None:
    done = recorded.tracer(
        "export", "run.cassette", "--pytest", "test_recorded.py", "--force", env={"PYTHONHASHSEED": "7"}
    )

    assert done.exit == 0, done.stderr
    assert (recorded.folder / "test_recorded.py").read_text() == exported


def test_changed_code_fails_the_tests_of_what_changed(recorded: Project, exported: str, tmp_path: Path) -> None:
    changes = {
        "a / b": "a // b + 1",
        '"refused"': '"Refused"',
        "target.get(key, 0) + 1": "2",
        "yield from range(n)": "yield from [n]",
    }
    text = KINDS
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    changed = Project(tmp_path, {**recorded.files, "parts/kinds.py": text, "test_recorded.py": exported})
    done = changed.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rf", "test_recorded.py")
    failed = {
        line.partition("::")[2].partition("[")[0] for line in done.stdout.splitlines() if line.startswith("FAILED")
    }

    assert failed == {"test_divide", "test_divide_raises", "test_refuse_fails", "test_change_changing", "test_count"}


def test_only_a_prefix_into_a_folder_without_running_anything(recorded: Project) -> None:
    done = recorded.tracer(
        "export", "run.cassette", "--pytest", "out", "--only", "parts.kinds:Cart", "--no-check", "--examples", "2"
    )
    text = (recorded.folder / "out" / "test_parts_kinds.py").read_text()
    names = [
        node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name.startswith("test")
    ]

    assert done.exit == 0, done.stderr
    assert names
    assert all(name.startswith("test_Cart") for name in names)
    assert re.search(r"`parts.kinds:Cart.add`: [23] of 3 recorded calls", text)


def test_files_that_are_there_are_not_written_over(recorded: Project, exported: str) -> None:
    again = recorded.tracer("export", "run.cassette", "--pytest", "test_recorded.py")

    assert again.exit == 2
    assert "is there already. Write over it with --force." in again.stderr
    assert (recorded.folder / "test_recorded.py").read_text() == exported


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "nothing was asked for"),
        (("--pytest", "x.py", "--only", "parts.kindz"), "no callable of the cassette has that name"),
        (("--pytest", "x.py", "-b", "elsewhere"), "no call of it can be a test"),
    ],
)
def test_what_cannot_be_exported_is_said_in_a_sentence(
    recorded: Project, words: tuple[str, ...], sentence: str
) -> None:
    done = recorded.tracer("export", "run.cassette", *words)

    assert done.exit == 2
    assert sentence in done.stderr
    assert not (recorded.folder / "x.py").exists()
