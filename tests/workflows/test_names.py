"""The workflows by name: each is found where it is said to be, and none is loaded before it is asked for."""

from __future__ import annotations

import subprocess
import sys

from tracer import workflows


def test_every_name_is_found_and_no_other_is_known() -> None:
    assert sorted(workflows._HOME_OF) == workflows.__all__ == sorted(workflows.__all__)
    assert all(getattr(workflows, name) is not None for name in workflows.__all__)
    assert not hasattr(workflows, "nothing")


def test_a_command_loads_none_of_what_the_others_do() -> None:
    """Asking for the version loads no comparer, no replayer and no recorder."""
    code = "import sys; from tracer.cli.command_line import run; run(['--version']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(done.stdout.split())
    assert "tracer.cli.command_line" in loaded
    assert not loaded & {
        "tracer.compare.compare",
        "tracer.replay.task",
        "tracer.recording.recorder",
        "deepdiff",
        "asyncio",
    }
