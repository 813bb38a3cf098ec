"""Workflows and commands by name: each is found where it is said to be, and none is loaded before it is asked for."""

from __future__ import annotations

import subprocess
import sys

from tracer import workflows
from tracer.cli import command_line
from tracer.cli.app import app


def test_every_name_is_found_and_no_other_is_known() -> None:
    assert sorted(workflows._HOME_OF) == workflows.__all__ == sorted(workflows.__all__)
    assert all(getattr(workflows, name) is not None for name in workflows.__all__)
    assert not hasattr(workflows, "nothing")


def loaded_by(*words: str) -> set[str]:
    """The modules that a process holds after a command line."""
    code = "import sys; from tracer.cli.command_line import run; run(sys.argv[1:]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_each_command_is_registered_by_the_module_that_is_said_to() -> None:
    command_line.load("")

    callbacks = [(each.name, each.callback) for each in app.registered_commands if each.callback is not None]
    homes = {name or callback.__name__: callback.__module__ for name, callback in callbacks}
    homes |= {str(group.name): f"tracer.cli.{group.name}" for group in app.registered_groups}
    said = {name: f"tracer.cli.{home}" for home, names in command_line.COMMANDS.items() for name in names}
    assert homes == said


def test_a_command_loads_no_other_and_no_format_before_a_report_in_it() -> None:
    loaded = loaded_by("record", "--help")

    assert "tracer.cli.running" in loaded
    others = {f"tracer.cli.{home}" for home in command_line.COMMANDS} - {"tracer.cli.running"}
    assert not loaded & {*others, "tracer.report.text", "tracer.report.markdown", "tracer.report.html.page"}


def test_what_is_no_command_is_told_with_all_there_are() -> None:
    assert {f"tracer.cli.{home}" for home in command_line.COMMANDS} <= loaded_by("recrod")


def test_a_command_loads_none_of_what_the_others_do() -> None:
    """Asking for the version loads no comparer, no replayer and no recorder."""
    loaded = loaded_by("--version")

    assert "tracer.cli.command_line" in loaded
    assert not loaded & {
        "tracer.compare.compare",
        "tracer.replay.task",
        "tracer.recording.recorder",
        "deepdiff",
        "asyncio",
    }
