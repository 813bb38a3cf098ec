"""docs/past-one-machine.md shows only what works: each of its commands is one that a test runs against a store or a cluster."""

from __future__ import annotations

import re
import shlex
import sys

from tests.helpers import REPOSITORY
from tests.workflows.test_cluster import DIFF, REPLAY
from tests.workflows.test_object_store import STEPS

PAGE = (REPOSITORY / "docs" / "past-one-machine.md").read_text(encoding="utf-8")
SCHEDULER = ["--scheduler", "tcp://10.0.0.1:8786"]
NOT_OF_THE_PAGE = ["--format", "json"]


def test_every_command_is_one_that_is_tried() -> None:
    blocks = re.findall(r"^```\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    shown = [shlex.split(line)[1:] for line in "".join(blocks).splitlines() if line.startswith("tracer ")]
    tried = [[*REPLAY, *SCHEDULER], [*DIFF, *SCHEDULER]]
    for step in filter(lambda step: isinstance(step, list), STEPS):
        words = ["python" if word == sys.executable else word for word in step]
        tried.append(words[:-2] if words[-2:] == NOT_OF_THE_PAGE else words)

    assert len(shown) == 11
    assert [words for words in shown if words not in tried] == []
