"""docs/trust.md tells only what holds: its limits are those of the code, its settings exist and its targets are there."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

from tests.helpers import REPOSITORY
from tracer import wire
from tracer.config import Config, load_config
from tracer.storage import blocks
from tracer.storage import format as form

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (REPOSITORY / "docs" / "trust.md").read_text(encoding="utf-8")


def test_the_limits_of_the_page_are_those_of_the_code() -> None:
    assert (wire.MAX_DEPTH, form.MOST_CALLS, form.MOST_RULES, form.MOST_WRITTEN_RULES) == (512, 65_536, 100_000, 500)
    assert (blocks.LARGEST_BLOCK >> 20, form.LARGEST_INDEX >> 20, form.LARGEST_ROW >> 20) == (64, 256, 4)
    assert (form.LEAST_EXPANSION >> 30, form.MOST_EXPANSION) == (1, 20_000)
    for told in (
        "512 levels",
        "64 MiB, 65,536 calls",
        "256 MiB; a row of it 4 MiB",
        "1 GiB and 20,000 times its size",
        "100,000, of them 500",
    ):
        assert told in PAGE


def test_the_settings_of_the_page_exist(tmp_path: Path) -> None:
    names = set(re.findall(r"`(redact\w*)`", PAGE))
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(example)

    assert names == {field.name for field in fields(Config) if field.name.startswith("redact")}
    assert load_config(tmp_path).redact_with == "shop.privacy:hide"


def test_the_targets_of_the_page_exist() -> None:
    targets = set(re.findall(r"`make ([a-z-]+)", PAGE))

    assert targets >= {"fuzz", "fuzz-guided", "transparency"}
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
