"""The command line: forms, formats and exit codes, and one sentence for whatever cannot be done."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.helpers import Project, clean_environment
from tracer import workflows
from tracer.cli.command_line import run
from tracer.report.formats import FORMATS

if TYPE_CHECKING:
    from pathlib import Path

OLD = {
    "tracer.toml": f"command = [{sys.executable!r}, 'app.py']\n",
    "shop/__init__.py": "",
    "shop/tax.py": "def vat(amount): return amount * 2\n",
    "shop/cart.py": "from shop import tax\ndef total(*prices): return sum(tax.vat(price) for price in prices)\n",
    "app.py": "from shop import cart\nprint(cart.total(1, 2))\n",
}
NEW = {"shop/tax.py": "def vat(amount): return amount * 3\n"}
PYTHON = sys.executable


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Recorded twice: old.cassette, and new.cassette after a change, which stays."""
    project = Project(tmp_path_factory.mktemp("cli") / "project").with_files(OLD)
    project.commit("old")
    assert project.tracer("record", "-o", "old.cassette", "--", PYTHON, "app.py").exit == 0
    project = project.with_files(NEW)
    assert project.tracer("record", "-o", "new.cassette", PYTHON, "app.py").exit == 0
    return project


@pytest.fixture
def here(shop: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(shop.folder)
    monkeypatch.delenv("TRACER_MODE", raising=False)
    return shop.folder


def tracer(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(words)
    out, err = capsys.readouterr()
    return code, out, err


COMMANDS = (
    "record",
    "diff",
    "review",
    "accept",
    "prune",
    "show",
    "stats",
    "list",
    "verify",
    "recover",
    "noise",
    "demo",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], command: str) -> None:
    code, out, _ = tracer(capsys, command, "--help")
    _, overview, _ = tracer(capsys, "--help")

    assert code == 0
    assert out.startswith(f"Usage: tracer {command}")
    assert f"  {command} " in overview


def test_exit_codes_of_a_comparison_follow_the_level(capsys: pytest.CaptureFixture[str], here: Path) -> None:
    def code(*words: str) -> int:
        return tracer(capsys, "diff", *words)[0]

    assert code("old.cassette", "old.cassette") == 0
    assert code("old.cassette", "new.cassette") == 1
    assert code("old.cassette", "new.cassette", "--fail-on", "breaking") == 0
    assert code("old.cassette", "new.cassette", "--fail-on", "grave") == 2
    assert code("old.cassette", "new.cassette", "--level", "shape") == 0
    assert code("old.cassette", "new.cassette", "--level", "value") == 1
    assert code("old.cassette", "new.cassette", "--level", "form") == 2
    assert code("old.cassette", "new.cassette", "--format", "prose") == 2
    assert code("old.cassette", "new.cassette", "third.cassette") == 2
    assert code("old.cassette", "new.cassette", "--", "command") == 2
    assert code("--base", "HEAD", "old.cassette") == 2
    assert code("--base", "HEAD") == 2
    assert code() == 2


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_goes_to_the_screen_or_a_file(
    capsys: pytest.CaptureFixture[str], here: Path, tmp_path: Path, format_: str
) -> None:
    words = ("diff", "old.cassette", "new.cassette", "--format", format_)

    shown = tracer(capsys, *words)
    written = tracer(capsys, *words, "-o", str(tmp_path / "report"))
    unwritable = tracer(capsys, *words, "-o", str(tmp_path / "no" / "report"))

    assert shown[0] == written[0] == 1
    assert "shop.tax:vat" in shown[1]
    assert (tmp_path / "report").read_text("utf-8") == shown[1]
    assert written[1] == ""
    assert unwritable[0] == 2
    assert "Couldn't write the report" in unwritable[2]


def test_a_page_that_cannot_be_written_is_told_before_anything_is_compared(
    capsys: pytest.CaptureFixture[str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)

    code, out, err = tracer(capsys, "diff", "absent.cassette", "new.cassette", "--format", "html")

    assert (code, out) == (2, "")
    assert err.startswith("tracer: Couldn't write the HTML report: jinja2 is not installed. Install it with ")


def test_formats_for_code_hosts_name_the_file_and_line_of_the_definition(
    capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    def report(format_: str) -> str:
        return tracer(capsys, "diff", "old.cassette", "new.cassette", "--format", format_)[1]

    assert "file=shop/tax.py,line=1," in report("github")
    assert '"uri": "shop/tax.py"' in report("sarif")
    assert '"file": "shop/tax.py",\n      "line": 1' in report("json")
    assert "```mermaid" in report("markdown")


def test_a_comparison_runs_the_command_it_is_given_knows_or_is_told_in_settings(shop: Project) -> None:
    given = shop.tracer("diff", "old.cassette", "--format", "json", "--", PYTHON, "app.py")
    remembered = shop.tracer("diff", "old.cassette")
    shop.run("rm", "-r", ".tracer")
    configured = shop.tracer("diff", "new.cassette", "-v")
    stranger = shop.with_files({"tracer.toml": ""})
    refused = stranger.tracer("diff", "old.cassette")
    allowed = stranger.tracer("diff", "old.cassette", "--rerun-recorded", "--fail-on", "breaking")
    unknown = stranger.run(
        "sh",
        "-c",
        f"mv old.cassette.side.json x; {PYTHON} -m tracer diff old.cassette --rerun-recorded; e=$?; mv x old.cassette.side.json; exit $e",
    )
    shop.write()

    report = json.loads(given.stdout)
    assert (given.exit, report["verdict"]) == (1, "changed")
    assert [finding["callable"] for finding in report["findings"] if finding["role"] == "origin"] == ["shop.tax:vat"]
    assert (report["new"]["cassette"], given.stderr[:4]) == (
        "this run",
        "9\n9\n",
    )  # once more before it is called a change
    assert given.stderr[4:] == (
        "tracer: the new recording waits in old.cassette.pending: `tracer review old.cassette`\n"
    )
    assert remembered.exit == 1
    assert (configured.exit, configured.stdout[:4]) == (0, "SAME")
    assert refused.exit == 2
    assert (
        "is known only from a file beside it. Give it after two dashes, or allow it with --rerun-recorded."
        in refused.stderr
    )
    assert "9" not in refused.stdout + refused.stderr
    assert allowed.exit == 0
    assert (unknown.exit, "no command is known for it here" in unknown.stderr) == (2, True)


def test_a_comparison_with_a_revision_runs_both(shop: Project) -> None:
    done = shop.tracer("diff", "--base", "HEAD", "--format", "json", "--", PYTHON, "app.py")
    wrong = shop.tracer("diff", "--base", "nowhere", "--", PYTHON, "app.py")
    silent = shop.tracer("diff", "--base", "HEAD", "--", "true")

    report = json.loads(done.stdout)
    said = [line for line in done.stderr.splitlines() if not line.startswith("tracer: ")]
    assert (done.exit, said) == (1, ["6", "9", "9"])
    assert (report["old"]["cassette"], report["new"]["cassette"]) == ("HEAD", "working tree")
    assert "shop.tax:vat" in {finding["callable"] for finding in report["findings"]}
    assert (wrong.exit, silent.exit) == (2, 2)
    assert "git knows no such revision" in wrong.stderr
    assert "No Python that the command started could be recorded" in silent.stderr
    assert shop.run("git", "worktree", "list").stdout.count("\n") == 1


@pytest.mark.parametrize("command", ["show", "verify", "diff", "recover"])
def test_each_way_a_file_can_be_unreadable_has_its_own_sentence(
    capsys: pytest.CaptureFixture[str], here: Path, tmp_path: Path, command: str
) -> None:
    whole = (here / "old.cassette").read_bytes()
    head, _, rest = whole.partition(b"\n")
    files = {
        "absent": None,
        "empty": b"",
        "truncated": whole[: len(whole) // 2],
        "damaged": whole[:-60] + b"\xff" + whole[-59:],
        "newer": whole.replace(b"format 1\n", b"format 9\n", 1),
        "mangled": b"<<<<<<< HEAD\n" + whole,
        "foreign": b"PK\x03\x04 something else",
        "folder": None,
    }
    (tmp_path / "folder").mkdir()
    told = {}
    for name, content in files.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        code, out, err = tracer(capsys, command, str(path), *(["old.cassette"] if command == "diff" else []))
        if command == "recover" and code == 0:
            continue
        assert (code, out) == (2, ""), (name, out)
        assert err.startswith("tracer: Couldn't ")
        assert err.count("\n") == 1
        told[name] = err.replace(str(path), "FILE")

    assert len(set(told.values())) == len(told), told
    assert head
    assert rest


def test_lists_shows_verifies_and_records_into_the_cassette_folder(shop: Project) -> None:
    recorded = shop.tracer("record", "--runs", "2", "--", PYTHON, "app.py")
    listed = shop.tracer("list")
    shown = shop.tracer("show", "cassettes/run.cassette", "--callable", "shop.tax:*", "--flat", "--limit", "1")
    verified = shop.tracer("verify", "cassettes/run.cassette")

    assert (recorded.exit, recorded.stdout) == (0, "9\n9\n")
    assert "run.cassette" in listed.stdout
    assert "  shop.cart -> shop.tax:vat(amount=1) -> 3\n\n… only the first 1 call shown" in shown.stdout
    assert "is whole: 3 calls in 1 blocks of 1 lanes." in verified.stdout
    assert "-> 3" in shown.stdout


def test_statistics_name_edges_and_coverage_and_exit_by_it(capsys: pytest.CaptureFixture[str], here: Path) -> None:
    def stats(*words: str) -> tuple[int, str, str]:
        return tracer(capsys, "stats", *words)

    code, out, _ = stats("old.cassette")
    both = json.loads(stats("old.cassette", "new.cassette", "--format", "json")[1])
    one = json.loads(stats("old.cassette", "-c", "shop.tax", "--format", "json")[1])

    assert (code, out.splitlines()[0]) == (0, "old.cassette: 3 calls over 2 edges, 4 components watched")
    assert "shop.cart -> shop.tax: vat 2" in out
    assert (both["came"], both["went"]) == ([], [])
    assert [each["component"] for each in one["components"]] == ["shop.tax"]
    assert stats("old.cassette", "--fail-under", "100")[0] == 0
    assert stats("old.cassette", "--component", "nowhere")[0] == 2
    assert stats("old.cassette", "--component", "shop.ta")[0] == 2
    assert stats("old.cassette", "--format", "prose")[0] == 2
    assert stats("old.cassette", "--fail-under", "101")[0] == 2
    assert stats("no.cassette")[0] == 2


def test_statistics_under_the_wanted_coverage_exit_with_1(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project = project.with_files({**OLD, "shop/tax.py": f"{OLD['shop/tax.py']}def spare(): pass\n"})
    assert project.tracer("record", "-o", "x.cassette", "--", PYTHON, "app.py").exit == 0
    path = str(project.folder / "x.cassette")

    under = tracer(capsys, "stats", path, "-c", "shop.tax", "--fail-under", "50.5")
    enough = tracer(capsys, "stats", path, "-c", "shop.tax", "--fail-under", "50")
    nothing = tracer(capsys, "stats", path, "-c", "app", "--fail-under", "50")

    assert (under[0], under[2]) == (1, "tracer: 50.0 % of the public callables were crossed, under 50.5 %.\n")
    assert (enough[0], enough[2]) == (0, "")
    assert nothing[0] == 2
    assert "knows no public callable" in nothing[2]


NOISY = {
    "shop/__init__.py": "",
    "shop/ids.py": "import itertools, time\ndef stamp(name): return {'name': name, 'at': time.time_ns()}\n",
    "shop/use.py": "from shop.ids import stamp\ndef both(): return [stamp('a')['name'], stamp('b')['name']]\n",
    "app.py": "from shop.use import both\nprint(both())\n",
    "pyproject.toml": "",
}


def test_what_differs_between_runs_of_the_same_code_is_learned_and_no_longer_told(project: Project) -> None:
    project = project.with_files(NOISY)
    once = project.tracer("record", "-o", "once.cassette", "--", PYTHON, "app.py")
    learned = project.tracer("record", "-o", "learned.cassette", "--runs", "3", "--", PYTHON, "app.py")
    before = project.tracer("diff", "once.cassette", "--no-confirm", "--", PYTHON, "app.py")
    after = project.tracer("diff", "learned.cassette", "--", PYTHON, "app.py")
    changed = project.with_files({"shop/use.py": NOISY["shop/use.py"].replace("'b'", "'c'")})
    real = changed.tracer("diff", "learned.cassette", "--", PYTHON, "app.py")

    assert (once.exit, learned.exit) == (0, 0)
    assert learned.stdout.count("\n") == 3
    assert "were learned" in " ".join(learned.stderr.split())
    assert (before.exit, after.exit, real.exit) == (1, 0, 1), after.stdout
    assert "hidden" in after.stdout


def test_what_nobody_foresaw_ends_with_2_and_asks_for_a_report(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by design")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workflows, "verify", fail)
    code, out, err = tracer(capsys, "verify", "x")
    monkeypatch.setattr(workflows, "verify", interrupt)
    interrupted = tracer(capsys, "verify", "x")

    assert (code, out) == (2, "")
    assert "ZeroDivisionError: by design" in err
    assert "This is a defect of tracer" in err.splitlines()[-1]
    assert "Please report it" in err.splitlines()[-1]
    assert interrupted == (130, "", "")


@pytest.mark.parametrize(
    "words", [["--nix"], ["nix"], ["show"], ["record", "--runs", "0", "--", "x"], ["record", "--nix", "x"]]
)
def test_wrong_usage_ends_with_2(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    code, out, err = tracer(capsys, *words)

    assert (code, out) == (2, "")
    assert "Usage: tracer" in err


def test_a_reader_that_goes_away_is_no_error(shop: Project) -> None:
    for words, code in ((("show", "old.cassette"), 0), (("diff", "old.cassette", "new.cassette"), 1)):
        started = subprocess.Popen(
            [
                PYTHON,
                "-c",
                f"import os, sys, time; time.sleep(0.5); sys.argv = ['tracer', *{words!r}]; from tracer.cli import main; main()",
            ],
            cwd=shop.folder,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert started.stdout is not None
        started.stdout.close()
        _, err = started.communicate(timeout=60)

        assert (started.returncode, err) == (code, b"")


def test_version_and_no_words_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert tracer(capsys, "--version")[:2] == (0, "tracer 0.1.0\n")
    assert tracer(capsys)[0] == 2
