"""Whole test files: a head with imports and helpers, then the tests of one or several callables."""

from __future__ import annotations

import re
import sys
from ast import get_source_segment, parse
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from tracer.export.cases import Ending
from tracer.export.functions import FunctionWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tracer.export.cases import Case, CaseWriter
    from tracer.model import Callable

_HEAD: Final = '''"""Calls that tracer recorded, as tests. Written by `tracer export --pytest`."""
'''
_ORDER: Final = ("make", "same", "public", "driven", "taken")
_NEEDED_BY_HELPERS: Final = {"same": "sys"}


@dataclass(frozen=True, slots=True)
class Subject:
    """A callable with its cases, in the order they are written, and how many calls of it were recorded."""

    known: Callable
    writer: CaseWriter
    cases: tuple[Case, ...]
    calls: int


@dataclass(frozen=True, slots=True)
class TestFile:
    """The text of a test file; `tests` maps pytest's name of each test to its case."""

    __test__ = False

    text: str
    tests: dict[str, Case]


def write_file(subjects: Sequence[Subject]) -> TestFile:
    """Return the test file of some callables, the same text for the same cases."""
    imports = {name for subject in subjects for case in subject.cases for name in case.imports}
    helpers = {name for subject in subjects for case in subject.cases for name in case.helpers}
    roots = {name.partition(".")[0] for name in imports}
    names = _Naming(roots)
    functions: list[str] = []
    tests: dict[str, Case] = {}
    for subject in subjects:
        for cases in _by_manner(subject.cases):
            function = FunctionWriter(subject.writer, subject.known, cases, roots)
            name = names.of(subject.known, cases[0])
            functions.append(function.text(name, subject.calls))
            tests.update(zip(function.test_names(name), cases, strict=True))
            imports |= function.imports
            helpers |= function.helpers
    imports |= {module for helper, module in _NEEDED_BY_HELPERS.items() if helper in helpers}
    parts = [_HEAD + _import_lines(imports), *(_helper(name) for name in _ORDER if name in helpers), *functions]
    return TestFile("\n\n".join(part.rstrip("\n") + "\n" for part in parts), tests)


def file_name(component: str) -> str:
    """Return the name of the test file of a component."""
    return f"test_{re.sub(r'[^A-Za-z0-9_]', '_', component)}.py"


def _by_manner(cases: Iterable[Case]) -> list[list[Case]]:
    """Return cases that one test function can hold together."""
    groups: dict[object, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.manner, []).append(case)
    return list(groups.values())


class _Naming:
    """Gives test functions names: after the callable, with its module where two are called alike."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def of(self, known: Callable, case: Case) -> str:
        module, _, qualname = known.name.partition(":")
        ending = "" if case.ending in (Ending.RETURNS, Ending.BUILDS, Ending.YIELDS) else f"_{case.ending.value}"
        for base in (qualname, f"{module}.{qualname}"):
            name = f"test_{_plain(base)}{ending}{'_changing' if case.after else ''}"
            if name not in self._taken:
                break
        number, first = 2, name
        while name in self._taken:
            name, number = f"{first}_{number}", number + 1
        self._taken.add(name)
        return name


def _plain(name: str) -> str:
    """Return a dotted name as a part of another name: `Cart.__len__` as `Cart_len`."""
    return "_".join(part.strip("_") or "_" for part in name.split("."))


def _import_lines(imports: Iterable[str]) -> str:
    """Return the import statements, the standard library's first."""
    own = sorted(name for name in imports if name.partition(".")[0] not in sys.stdlib_module_names)
    standard = sorted(set(imports) - set(own))
    blocks = ["".join(f"import {name}\n" for name in block) for block in (standard, own) if block]
    return "\n" + "\n".join(blocks)


@cache
def _helper(name: str) -> str:
    """Return the source of a helper."""
    source = resources.files("tracer.export").joinpath("support.py").read_text(encoding="utf-8")
    (found,) = (node for node in parse(source).body if getattr(node, "name", "") == name)
    segment = get_source_segment(source, found)
    assert segment is not None
    return segment + "\n"
