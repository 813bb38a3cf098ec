"""The benchmark of mutants counts what was found, and whether the changed function was named first; and applies what it keeps."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "mutants"


def loaded(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"mutant_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def scorer() -> Any:
    yield loaded("score")
    del sys.modules["mutant_score"]


@pytest.fixture(scope="module")
def projects() -> Any:
    path = sys.path.copy()
    yield loaded("projects")
    sys.path[:] = path
    del sys.modules["mutant_projects"]


def finding(name: str, role: str = "origin", severity: str = "changed", **more: Any) -> dict[str, Any]:
    return {"callable": name, "role": role, "severity": severity, "inner": [], "callers": [], "made_by": "", **more}


@pytest.mark.parametrize(
    ("findings", "found", "place", "counted"),
    [
        ([], False, 0, 0),
        ([finding("m:f")], True, 1, 1),
        ([finding("m:g"), finding("m:f")], True, 2, 2),
        ([finding("m:g", role="effect"), finding("m:f")], True, 1, 2),
        ([finding("m:f", role="effect")], True, 0, 1),
        ([finding("m:f", severity="compatible")], False, 0, 0),
        ([finding("m:g", inner=["m:f"])], True, 1, 1),
        ([finding("n:g", made_by="m:f")], True, 1, 1),
        ([finding("n:f")], True, 0, 1),
        ([finding("n:g", callers=["m"])], True, 0, 1),
    ],
)
def test_a_mutant_is_found_by_what_counts_and_named_by_origins(
    scorer: Any, findings: list[dict[str, Any]], found: bool, place: int, counted: int
) -> None:
    result = scorer.score(findings, "m", "f")

    assert (result.found, result.place, result.findings) == (found, place, counted)


@pytest.mark.parametrize(
    ("origin", "named"),
    [
        (finding("n:g", callers=["m"]), True),
        (finding("m:h"), True),
        (finding("n:g", made_by="m:h"), True),
        (finding("n:g"), False),
    ],
)
def test_what_a_class_body_holds_shows_in_its_module(scorer: Any, origin: dict[str, Any], named: bool) -> None:
    assert scorer.names(origin, "m", "Class") is named


def test_figures_are_counted(scorer: Any) -> None:
    scores = [scorer.Score(True, 1, "m:f", 1), scorer.Score(True, 2, "m:g", 1), scorer.Score(False, 0, "", 0)]

    assert str(scorer.tally(scores)) == "2 of 3 found, 1 with the function as the first origin"


def test_a_mutant_changes_one_place(projects: Any) -> None:
    mutant = projects.Mutant("x", "f.py", 2, 13, 2, "arith", "/", "f", "yes", "value", "")

    assert mutant.apply("def f(a):\n    return a // 2\n") == "def f(a):\n    return a / 2\n"


def test_the_corpus_can_be_read(projects: Any) -> None:
    found = projects.projects()

    assert set(found) == {"humanize", "sqlparse"}
    for project in found.values():
        mutants = project.mutants()
        assert len({mutant.id for mutant in mutants}) == len(mutants) > 0
        assert {mutant.observable for mutant in mutants} == {"yes", "maybe", "no"}
        assert all(project.module_of(mutant).split(".")[0] == project.package for mutant in mutants)
