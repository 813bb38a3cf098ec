"""Whatever tracer writes, others may not write it, and a link in its place is never written through."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from tests.helpers import Project
from tracer.cli.app import app
from tracer.cli.command_line import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FILES = {
    "shop/__init__.py": "",
    "shop/tax.py": """
        import os
        def vat(amount):
            return amount * int(os.environ.get("RATE", "2"))
        """,
    "app.py": "from shop.tax import vat\nprint(vat(3), vat(4))\n",
    "test_shop.py": """
        import pytest
        from shop.tax import vat
        @pytest.mark.tracer
        def test_vat(tracer_cassette):
            assert vat(5) == 10
        """,
}
RUN = ("--", sys.executable, "app.py")
OTHER = {"RATE": "3"}

# Each command, the environment it has, its exit codes, and the files that it writes: all that may be told where to write does so here.
DOORS: tuple[tuple[Sequence[str], dict[str, str], int, Sequence[str]], ...] = (
    (("record", "--timings", "-o", "old.cassette", *RUN), {}, 0, ["old.cassette", "old.cassette.timings"]),
    (("record", "-o", "new.cassette", *RUN), OTHER, 0, ["new.cassette"]),
    *(
        (("diff", "old.cassette", "new.cassette", "--format", form, "-o", f"report.{form}"), {}, 1, [f"report.{form}"])
        for form in ("text", "json", "markdown", "html", "junit", "sarif", "github")
    ),
    (("diff", "old.cassette", *RUN), OTHER, 1, []),
    (("replay", "old.cassette", "--format", "json", "-o", "replayed.json"), {}, 0, ["replayed.json"]),
    (("accept", "old.cassette", "--all", "--reason", "as planned"), {}, 0, []),
    (("merge", "--force", "both.cassette", "old.cassette", "new.cassette"), {}, 0, ["both.cassette"]),
    (("export", "old.cassette", "--pytest", "test_recorded.py", "--no-check", "--force"), {}, 0, ["test_recorded.py"]),
    (("export", "old.cassette", "--perfetto", "trace.json", "--force"), {}, 0, ["trace.json"]),
    (("noise", "learn", "old.cassette", *RUN), OTHER, 0, []),
    (("playback", "played.cassette", "-c", "shop.tax", "--mode", "new_episodes", *RUN), {}, 0, []),
)


@pytest.fixture
def mask() -> Iterator[None]:
    """Nothing is masked: what is written says by itself who may write it."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_every_door_leaves_files_that_others_cannot_write_and_what_links_lead_to_alone(
    tmp_path: Path, mask: None
) -> None:
    del mask
    project = Project(tmp_path / "project", FILES)
    project.write()
    ours = {path for path in project.folder.rglob("*")}
    outside = tmp_path / "outside"
    outside.write_text("not ours", encoding="ascii")
    for words, env, code, written in DOORS:
        for name in written:
            (project.folder / name).symlink_to(outside)
        done = project.tracer(*words, env=env)
        assert done.exit == code, (words, done.stdout, done.stderr)
        for name in written:
            path = project.folder / name
            assert path.is_file(), (words, name)
            assert not path.is_symlink(), (words, name)

    assert outside.read_text(encoding="ascii") == "not ours"
    made = [path for path in project.folder.rglob("*") if path not in ours and "__pycache__" not in path.parts]
    assert len(made) > len(DOORS)
    assert [path for path in made if path.lstat().st_mode & stat.S_IWOTH] == []


def test_each_command_that_is_told_where_to_write_is_among_the_doors() -> None:
    """By the help of its options and arguments, each of which says what it is there for."""
    load("")
    waiting: list[tuple[tuple[str, ...], Any]] = [((), get_command(app))]
    told = []
    while waiting:
        command, found = waiting.pop()
        waiting += [((*command, name), inner) for name, inner in getattr(found, "commands", {}).items()]
        for parameter in found.params:
            says = str(getattr(parameter, "help", "")).partition(".")[0]
            writes = says.startswith("Write ") or (says.endswith("to write") or "to write," in says)
            if writes and not getattr(parameter, "is_flag", False):
                told.append((command, parameter))

    unopened = [
        (command, parameter.name)
        for command, parameter in told
        if not any(
            tuple(words[: len(command)]) == command
            and (parameter.param_type_name == "argument" or set(parameter.opts) & set(words))
            for words, *_ in DOORS
        )
    ]
    assert {name for (name, *_), _ in told} == {"record", "diff", "replay", "export", "merge"}
    assert unopened == []


@pytest.mark.parametrize(
    "name", ["../up", "/abs/olute", "a/../../up", "nul\0byte", "new\nline", "..", ".", "", "a" * 300]
)
def test_cassettes_of_tests_stay_in_their_folder_whatever_they_are_called(tmp_path: Path, name: str) -> None:
    program = f"""
        import tracer
        from shop.tax import vat
        with tracer.cassette({name!r}, boundaries=["shop"]):
            vat(1)
        """
    project = Project(tmp_path / "project", {**FILES, "named.py": program})
    done = project.run("python", "named.py")

    assert "Traceback" not in done.stderr or "Error: Couldn't" in done.stderr, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["project"]
    kept = [path for path in project.folder.rglob("*.cassette")]
    assert all((project.folder / "cassettes") in path.parents for path in kept)
    assert done.exit != 0 or len(kept) == 1


def test_a_report_may_go_to_a_device(tmp_path: Path) -> None:
    project = Project(tmp_path, FILES)
    project.tracer("record", "-o", "old.cassette", *RUN)
    done = project.tracer("diff", "old.cassette", "old.cassette", "--format", "json", "-o", "/dev/stdout")

    assert (done.exit, '"verdict": "same"' in done.stdout) == (0, True)
