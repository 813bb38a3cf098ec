"""A program that looks at another component in every way there is sees the same with recording as without; what it can see is documented and told."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.helpers import REPOSITORY, Completed, Project
from tracer.recording import native

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = REPOSITORY / "tests" / "samples" / "transparent"
ITEMS = (
    *(
        "signatures",
        "sources",
        "names_and_kinds",
        "code_objects",
        "typing_tools",
        "dunder_wrapped",
        "doctests",
        "loaders",
    ),
    *("pickles", "pickles_by_value", "copies", "clones", "code_assigned", "mocks", "reloads", "trace_functions"),
    *("tracebacks", "warned_places", "logged_places", "frames", "lifetimes", "generators", "interpreter"),
)
REFERENCES = 3 if sys.version_info >= (3, 11) else 4
KNOWN = {
    "known_marshal": ("marshal 3", "marshal raises ValueError unmarshallable object"),
    "known_references": (f"{REFERENCES} 2", f"{REFERENCES + 1} 2"),
    "known_type_of_a_cache": (
        "<class 'functools._lru_cache_wrapper'> True",
        "<class 'tracer.instrument.proxies.wrapper_type.<locals>.ForeignWrapper'> True",
    ),
}
"""What cannot be hidden, with what is seen without and with recording; docs/trust.md says why, the doctor where."""
LEVELS = 0 if native.in_use() and sys.version_info >= (3, 11) else 10
"""How many levels of the recursion limit recording may take: hooks in Python are calls like any other."""
ZERO, BOUNDARY = "no configuration", "a boundary"


@dataclass(frozen=True)
class Seen:
    """What the program printed under each item, how it ended, and what the doctor found."""

    bare: dict[str, str]
    traced: dict[str, dict[str, str]]
    ends: tuple[Completed, ...]
    doctor: str


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    project = make_project(tmp_path_factory.mktemp("transparent"))
    # A child's hash seed is set where the user sets none, and is among what the program looks at.
    run = {"PYTHONHASHSEED": "0"}
    bare = project.run("python", "app.py", env=run)
    command = ("--", sys.executable, "app.py")
    zero = project.tracer("record", "-o", "zero.cassette", *command, env=run)
    boundary = project.tracer("record", "-o", "boundary.cassette", "-b", "shop", *command, env=run)
    doctor = project.tracer("doctor", "--json", *command, env=run)
    traced = {ZERO: by_item(zero), BOUNDARY: by_item(boundary)}
    return Seen(by_item(bare), traced, (bare, zero, boundary), doctor.stdout)


def make_project(folder: Path) -> Project:
    files = {str(path.relative_to(SAMPLE)): path.read_text("utf-8") for path in SAMPLE.rglob("*.py")}
    return Project(folder).with_files({**files, "pyproject.toml": ""})


def by_item(done: Completed) -> dict[str, str]:
    parts = re.split(r"^\[(\w+)\]\n", done.stdout, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_item_is_looked_at(seen: Seen) -> None:
    assert set(seen.bare) == {*ITEMS, *KNOWN, "recursion", "uncaught"}
    assert all(seen.bare[name] for name in {*ITEMS, *KNOWN})


@pytest.mark.parametrize("how", [ZERO, BOUNDARY])
@pytest.mark.parametrize("item", ITEMS)
def test_the_program_sees_the_same(seen: Seen, item: str, how: str) -> None:
    assert seen.traced[how][item] == seen.bare[item]


@pytest.mark.parametrize("how", [ZERO, BOUNDARY])
@pytest.mark.parametrize("item", KNOWN)
def test_what_cannot_be_hidden_is_what_is_documented(seen: Seen, item: str, how: str) -> None:
    bare, traced = KNOWN[item]

    assert (seen.bare[item].strip(), seen.traced[how][item].strip()) == (bare, traced)


@pytest.mark.parametrize("how", [ZERO, BOUNDARY])
def test_recursion_goes_as_deep(seen: Seen, how: str) -> None:
    bare, traced = ([int(n) for n in re.findall(r"\d+", each["recursion"])] for each in (seen.bare, seen.traced[how]))

    assert len(bare) == len(traced) == 3
    assert all(0 <= without - recorded <= LEVELS for without, recorded in zip(bare, traced, strict=True))


def test_the_program_ends_with_the_same_traceback(seen: Seen) -> None:
    bare, *traced = seen.ends

    assert "worse" in bare.stderr
    assert [(done.exit, done.stderr.startswith(bare.stderr)) for done in traced] == [(bare.exit, True)] * 2


def test_the_doctor_tells_what_cannot_be_hidden(seen: Seen) -> None:
    hazards = {(each["what"], each["callable"]) for each in json.loads(seen.doctor)["run"]["hazards"]}

    assert hazards >= {
        ("marshal.dumps", "shop.looks:closure"),
        ("getrefcount", "shop.looks:refcount"),
        ("co_consts", "objects:pickles_by_value"),
        ("wrapper in place", "shop.looks:cached"),
        ("function made of the code", "shop.looks:double"),
        ("watched __code__ assigned", "shop.looks:double"),
        ("sys.settrace", ""),
    }
