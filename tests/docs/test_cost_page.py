"""docs/cost.md shows what scripts measured: each table has its place there, each target exists."""

from __future__ import annotations

import re

from tests.helpers import REPOSITORY

PAGE = (REPOSITORY / "docs" / "cost.md").read_text(encoding="utf-8")
BENCHMARKS = REPOSITORY / "benchmarks"


def test_every_table_that_a_script_publishes_has_its_place() -> None:
    """And a machine is named under each that was filled in."""
    sources = [path.read_text(encoding="utf-8") for path in BENCHMARKS.rglob("*.py")]
    published = {name for source in sources for name in re.findall(r'\bpublish\("([^"]+)"', source)}
    places = dict(re.findall(r"<!-- measured: (.*?) -->\n(.*?)<!-- end: \1 -->", PAGE, re.DOTALL))

    assert published
    assert published <= set(places)
    assert all("cores" in text for text in places.values() if text)


def test_every_target_and_file_it_names_exists() -> None:
    """`make bench` and its like, and what stands in `benchmarks/`."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"`make ([a-z-]+)", PAGE)
    files = re.findall(r"`(benchmarks/[^`*]+)`", PAGE)

    assert targets
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []
    assert [name for name in files if not (REPOSITORY / name).exists()] == []
