"""Recordings that wait: left by red runs, reviewed in a terminal, accepted without one, and what was accepted is not told again."""

from __future__ import annotations

import json
import re
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from tests.helpers import Project
from tests.terminal import Terminal
from tracer.cli.command_line import run
from tracer.report.sentences import counted
from tracer.rules import Rule
from tracer.storage.reader import open_cassette, verify
from tracer.storage.rewrite import write_rules
from tracer.storage.store import pending_path

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = sys.executable
OLD = {
    "tracer.toml": "",
    "shop/__init__.py": "",
    "shop/tax.py": "def vat(amount): return amount * 2\ndef name(): return ['vat']\n",
    "shop/cart.py": """
        from shop import tax
        def total(*prices): return sum(tax.vat(price) for price in prices) + len(tax.name())
        """,
    "app.py": "import sys\nfrom shop import cart\ncart.total(1, 2)\nsys.exit(len(sys.argv) - 1)\n",
}
RED = {"shop/tax.py": "def vat(amount): return amount * 3\ndef name(): return ['VAT']\n"}
REDDER = {"shop/tax.py": "def vat(amount): return amount * 4\ndef name(): return ['VAT']\n"}
RERUN = ("diff", "base.cassette", "--", PYTHON, "app.py")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A baseline, base.cassette, and a red run beside it."""
    project = Project(tmp_path_factory.mktemp("review") / "project").with_files(OLD)
    assert project.tracer("record", "-o", "base.cassette", "--runs", "2", "--", PYTHON, "app.py").exit == 0
    assert project.with_files(RED).tracer(*RERUN).exit == 1
    return project.folder


@pytest.fixture
def shop(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The same in a folder of this test's own, which is the working folder."""
    shutil.copytree(recorded, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delenv("TRACER_MODE", raising=False)
    return Project(tmp_path / "project").with_files({**OLD, **RED})


@pytest.fixture
def tracer(capsys: pytest.CaptureFixture[str]) -> Tracer:
    return Tracer(capsys)


class Tracer:
    """Runs command lines in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        code = run(words)
        return code, *self._capsys.readouterr()

    def keys(self) -> dict[str, str]:
        """Return the keys of what waits, by callable and path."""
        code, out, _ = self("accept", "--list", "base.cassette")
        assert code == 0
        rows = (line.split() for line in out.splitlines() if line.startswith("  "))
        return {f"{row[2]} {row[4].rstrip(':')}": row[0] for row in rows}

    def told(self) -> tuple[list[str], dict[str, int], list[str]]:
        """Compare what waits with its baseline; return the callables of findings, the counts, and the notes."""
        report = json.loads(self("diff", "base.cassette", "base.cassette.pending", "--format", "json")[1])
        return [f"{each['callable']} {each['path']}" for each in report["findings"]], report["summary"], report["notes"]


def test_a_red_run_leaves_its_recording_beside_the_baseline_and_a_green_one_removes_it(
    shop: Project, tracer: Tracer
) -> None:
    baseline = (shop.folder / "base.cassette").read_bytes()
    pending = pending_path(shop.folder / "base.cassette")
    first = pending.read_bytes()

    redder = shop.with_files(REDDER).tracer(*RERUN)
    second = pending.read_bytes()
    failed = shop.with_files({**OLD}).tracer("diff", "base.cassette", "--", PYTHON, "app.py", "fails")
    still = pending.exists()
    green = shop.with_files({**OLD}).tracer(*RERUN)

    assert redder.exit == 1
    assert "tracer: the new recording waits in base.cassette.pending: `tracer review base.cassette`\n" in redder.stderr
    assert first != second
    assert verify(shop.folder / "base.cassette").calls
    assert (failed.exit, still) == (0, True)  # a run that failed decides nothing
    assert (green.exit, pending.exists(), green.stderr) == (0, False, "")
    assert list(shop.folder.glob("*pending*")) == []
    assert (shop.folder / "base.cassette").read_bytes() == baseline


def test_what_is_accepted_by_key_is_not_told_again_until_it_is_another_change(shop: Project, tracer: Tracer) -> None:
    keys = tracer.keys()
    vat = keys["shop.tax:vat return"]

    accepted = tracer(
        "accept", vat[:6], "base.cassette", "--reason", "the rate of 2027\nsaid Bo", "--until", "2999-12-31"
    )
    told, summary, notes = tracer.told()
    report = tracer("diff", "base.cassette", "base.cassette.pending")[1]
    again = shop.with_files(REDDER).tracer("diff", "base.cassette", "--format", "json", "--", PYTHON, "app.py")

    text = (shop.folder / "base.cassette.accepted.toml").read_text("utf-8")
    assert accepted == (
        0,
        "base.cassette: 1 change accepted until 2999-12-31, written to base.cassette.accepted.toml.\n",
        "",
    )
    assert (
        f'{vat} = {{ callable = "shop.tax:vat", kind = "returned-value", path = "return", before = "2", after = "3", '
        in text
    )
    assert 'reason = "the rate of 2027\\\\nsaid Bo"' in text
    assert "until = 2999-12-31" in text
    assert "shop.tax:vat return" not in told
    assert "shop.tax:name return[*]" in told
    assert (summary["accepted"], notes) == (1, [])
    assert "1 accepted" in report
    redder = json.loads(again.stdout)
    assert "shop.tax:vat" in [finding["callable"] for finding in redder["findings"]]
    assert any("is not the change that was accepted any more" in note for note in redder["notes"])


def test_accepting_by_callable_takes_all_changes_of_those_it_matches(shop: Project, tracer: Tracer) -> None:
    before = tracer.told()[0]

    code, out, _ = tracer("accept", "--callable", "shop.tax:*", "base.cassette")
    after = tracer.told()[0]

    assert (code, out.count("accepted")) == (0, 2)
    assert {name for name in before if name.startswith("shop.tax:")}
    assert after == [name for name in before if not name.startswith("shop.tax:")]


def test_accepting_all_makes_what_waits_the_baseline_with_what_the_old_one_had_learned(
    shop: Project, tracer: Tracer
) -> None:
    rule = Rule("shop.tax:stamp", "returned-value", "return")
    cassette, pending = shop.folder / "base.cassette", pending_path(shop.folder / "base.cassette")
    learn(cassette, rule)
    with open_cassette(pending) as waiting:
        calls = {lane.name: list(waiting.calls(lane.name)) for lane in waiting.lanes}
        recording = waiting.recording
    tracer("accept", "--callable", "shop.tax:vat", "base.cassette")

    accepted = tracer("accept", "--all", "base.cassette")
    green = shop.tracer(*RERUN)

    assert accepted == (0, "base.cassette: the recording that waited is the baseline now.\n", "")
    assert green.exit == 0, green.stdout
    with open_cassette(cassette) as baseline:
        assert {lane.name: list(baseline.calls(lane.name)) for lane in baseline.lanes} == calls
        assert rule in baseline.recording.noise
        assert baseline.recording.callables == recording.callables
    assert verify(cassette).calls == sum(map(len, calls.values()))
    assert sorted(path.name for path in shop.folder.glob("base*")) == ["base.cassette", "base.cassette.side.json"]


def learn(cassette: Path, rule: Rule) -> None:
    write_rules(cassette, [rule])


def test_accepting_all_with_a_reason_or_an_end_writes_it_down_and_keeps_the_baseline(
    shop: Project, tracer: Tracer
) -> None:
    baseline = (shop.folder / "base.cassette").read_bytes()

    code, _, _ = tracer("accept", "--all", "--reason", "agreed", "base.cassette")
    green = shop.tracer(*RERUN)

    assert (code, green.exit) == (0, 0)
    assert "accepted" in green.stdout
    assert (shop.folder / "base.cassette").read_bytes() == baseline
    assert not pending_path(shop.folder / "base.cassette").exists()


def test_an_acceptance_that_ended_or_is_not_needed_is_told_in_a_note(shop: Project, tracer: Tracer) -> None:
    tracer("accept", "--callable", "shop.tax:vat", "--until", "2999-12-31", "base.cassette")
    path = shop.folder / "base.cassette.accepted.toml"
    path.write_text(path.read_text("utf-8").replace("2999-12-31", "2020-12-31"), "utf-8")

    told, summary, notes = tracer.told()
    gone = shop.with_files({**OLD}).tracer(*RERUN)

    assert "shop.tax:vat return" in told
    assert summary["accepted"] == 0
    assert any("was accepted until 2020-12-31, which is over" in note for note in notes)
    assert gone.exit == 0
    assert "which is over" in " ".join(gone.stdout.split())


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("accept", "base.cassette"), "nothing was chosen"),
        (("accept", "--all", "--callable", "x", "base.cassette"), "more than one of keys, --callable and --all"),
        (("accept", "ffffffffffff", "base.cassette"), "no change that waits has a key that begins so"),
        (("accept", "x*", "base.cassette"), "no change that waits has a key that begins so"),
        (("accept", "", "base.cassette"), "no change that waits has a key that begins so"),
        (("accept", "--callable", "shop.none:*", "base.cassette"), "there is no such change among what waits"),
        (("accept", "--all", "--until", "2020-01-01", "base.cassette"), "that day is over"),
        (("accept", "--all", "--until", "soon", "base.cassette"), "it is no date"),
        (("accept", "--all", "--until", "2027-02-30", "base.cassette"), "it is no date"),
        (("accept", "--all", "absent.cassette"), "no recording waits there"),
        (("accept", "--all"), "no recording waits in the cassette folder"),
        (("review", "base.cassette"), "standard input or output is no terminal. Use `tracer accept --list`"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence_and_nothing_changes(
    shop: Project, tracer: Tracer, words: tuple[str, ...], why: str
) -> None:
    before = {path.name: path.read_bytes() for path in shop.folder.glob("base*")}

    code, out, err = tracer(*words)

    assert (code, out) == (2, "")
    assert err.startswith("tracer: Couldn't ")
    assert err.count("\n") == 1
    assert why in err
    assert {path.name: path.read_bytes() for path in shop.folder.glob("base*")} == before


def test_a_beginning_that_several_keys_share_names_them(shop: Project, tracer: Tracer) -> None:
    keys = sorted(tracer.keys().values())
    shared = next((a[:1] for a, b in zip(keys, keys[1:], strict=False) if a[:1] == b[:1]), "")

    _, _, err = tracer("accept", shared, "base.cassette")

    assert all(key in err for key in keys if key.startswith(shared)) or "and" in err
    assert "Give more of the key." in err


def test_a_file_with_marks_of_a_merge_stops_every_door_and_is_not_touched(shop: Project, tracer: Tracer) -> None:
    tracer("accept", "--callable", "shop.tax:vat", "base.cassette")
    path = shop.folder / "base.cassette.accepted.toml"
    text = path.read_text("utf-8") + "<<<<<<< HEAD\n"
    path.write_text(text, "utf-8")

    told = [
        tracer("diff", "base.cassette", "base.cassette.pending"),
        tracer(*RERUN),
        tracer("accept", "--callable", "shop.tax:name", "base.cassette"),
        tracer("accept", "--list", "base.cassette"),
    ]

    assert {code for code, _, _ in told} == {2}
    assert all("line 3 is the marker of a merge that was not finished" in err for _, _, err in told)
    assert path.read_text("utf-8") == text


def test_a_recording_without_its_baseline_can_only_be_accepted_as_a_whole(shop: Project, tracer: Tracer) -> None:
    (shop.folder / "base.cassette").unlink()

    by_key = tracer("accept", "0", "base.cassette")
    listed = tracer("accept", "--list", "base.cassette")
    whole = tracer("accept", "--all", "base.cassette.pending")

    assert by_key[0] == 2
    assert "its baseline is not there. `tracer accept --all base.cassette` makes it the baseline" in by_key[2]
    assert "no baseline" in listed[1]
    assert whole[0] == 0
    assert verify(shop.folder / "base.cassette").calls


def test_a_failed_run_is_only_taken_as_a_whole_when_one_insists(shop: Project, tracer: Tracer) -> None:
    baseline = (shop.folder / "base.cassette").read_bytes()
    assert shop.tracer("diff", "base.cassette", "--", PYTHON, "app.py", "fails").exit == 1

    refused = tracer("accept", "--all", "base.cassette")
    after = (shop.folder / "base.cassette").read_bytes()
    forced = tracer("accept", "--all", "--force", "base.cassette")

    assert refused[0] == 2
    assert "the command that was recorded exited with 1" in refused[2]
    assert after == baseline
    assert forced[0] == 0


def test_a_filtered_run_never_replaces_a_baseline(shop: Project, tracer: Tracer) -> None:
    project = shop.with_files(
        {
            **OLD,
            "tests/test_cart.py": "from shop import cart\ndef test_one(): cart.total(1)\ndef test_two(): cart.total(2)\n",
        }
    )
    command = (PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert project.tracer("record", "-o", "suite.cassette", "--", *command).exit == 0
    assert project.with_files(RED).tracer("diff", "suite.cassette", "--", *command, "-k", "two").exit == 1
    pending = pending_path(shop.folder / "suite.cassette")

    refused = tracer("accept", "--all", "suite.cassette")
    green = project.tracer("diff", "suite.cassette", "--", *command, "-k", "two")

    assert refused[0] == 2
    assert "it lacks 1 test of the baseline" in refused[2]
    assert (green.exit, pending.exists()) == (0, True)


# -- cassettes in programs and tests -------------------------------------------------------------------------------------------

BLOCK = """
    import sys, tracer
    from shop import cart
    with tracer.cassette("checkout", boundaries=["shop.tax"]) as cassette:
        cart.total(1)
        if len(sys.argv) > 1: raise KeyError("fails")
    print(cassette.comparison and cassette.comparison.summary.accepted)
    """


def test_a_block_that_is_red_is_decided_in_the_same_way(shop: Project, tracer: Tracer) -> None:
    program = {"program.py": BLOCK}
    green = shop.with_files({**OLD, **program})
    red = shop.with_files(program)
    assert green.run("python", "program.py").stdout == "None\n"
    first = red.run("python", "program.py")
    ignored = (shop.folder / "cassettes/.gitignore").read_text("utf-8")
    accepted = tracer("accept", "--callable", "shop.tax:*")
    second = red.run("python", "program.py")
    waiting = list(shop.folder.glob("cassettes/*pending*"))
    path = shop.folder / "cassettes/checkout.cassette.accepted.toml"
    path.write_text(path.read_text("utf-8") + ">>>>>>> other\n", "utf-8")
    third = red.run("python", "program.py")

    assert first.exit == 1
    assert "waits in" in first.stderr
    assert "`tracer review cassettes/checkout.cassette` goes through its changes." in first.stderr
    assert "*.cassette.pending\n" in ignored
    assert accepted[0] == 0
    assert (second.exit, second.stdout, waiting) == (0, "2\n", []), second.stderr
    assert third.exit == 1
    assert "tracer.errors.ReviewError: Couldn't read the accepted changes" in third.stderr


def test_the_recording_of_a_block_that_failed_never_becomes_the_baseline(shop: Project, tracer: Tracer) -> None:
    project = shop.with_files({**OLD, "program.py": BLOCK})
    assert project.run("python", "program.py").exit == 0
    baseline = (shop.folder / "cassettes/checkout.cassette").read_bytes()
    failed = project.run("python", "program.py", "fails")

    refused = tracer("accept", "--all")

    assert "KeyError: 'fails'" in failed.stderr
    assert refused[0] == 2
    assert "an exception left the block that was recorded" in refused[2]
    assert (shop.folder / "cassettes/checkout.cassette").read_bytes() == baseline


# -- in a terminal -------------------------------------------------------------------------------------------------------------


def test_a_walk_shows_each_change_with_its_place_and_takes_one_key_for_each(shop: Project, tracer: Tracer) -> None:
    count = len(tracer.keys())
    with Terminal(shop.folder, "review", "base.cassette") as terminal:
        first = terminal.wait_for("q quit > ")
        terminal.press("x")
        wrong = terminal.wait_for("q quit > ")
        terminal.press("t")
        tree = terminal.wait_for("q quit > ")
        terminal.press("\x1b[A")  # an arrow key is no decision
        terminal.press("a")
        second = terminal.wait_for("q quit > ")
        terminal.press("r" + "s" * count)
        code, last = terminal.finish()

    number = re.search(r"1/(\d+)  base.cassette", first)
    assert number is not None
    assert int(number[1]) == count
    assert " 1. changed  returned-value  shop.tax:" in first
    assert "    before   " in first
    assert "a accept  r reject  s skip" in first
    assert wrong.startswith("one of a, r, s, c, A, t, q")
    assert "before, in lane main" in tree
    assert "now, in lane main" in tree
    assert tree.count("\n  > ") == 2
    assert "app -> shop.cart:total(*prices=(1, 2)) -> 7" in tree
    assert second.startswith("accepted\n\n2/")
    assert code == 1
    assert (
        f"{counted(count - 2, 'change')} not decided, 1 accepted, 1 rejected; the new recording still waits."
        in " ".join(last.split())
    )
    assert len(tracer.keys()) == count - 1


def test_a_walk_that_is_interrupted_keeps_what_was_decided_and_goes_on_there(shop: Project, tracer: Tracer) -> None:
    baseline = (shop.folder / "base.cassette").read_bytes()
    count = len(tracer.keys())
    with Terminal(shop.folder, "review", "base.cassette") as terminal:
        terminal.wait_for("q quit > ")
        terminal.press("a")
        terminal.wait_for("q quit > ")
        terminal.press("r")
        terminal.wait_for("q quit > ")
        terminal.press("\x03")
        code, shown = terminal.finish()
    with Terminal(shop.folder, "review", "base.cassette") as terminal:
        again = terminal.wait_for("q quit > ")
        terminal.press("A")
        ended, last = terminal.finish()

    assert (code, "interrupted; what was decided is kept" in shown) == (130, True)
    assert f"2/{count - 1}  base.cassette" in again  # the rejected one still counts, and is not asked for again
    assert ended == 1
    assert "1 rejected; the baseline stays, the recording that waited is gone." in last
    assert (shop.folder / "base.cassette").read_bytes() == baseline
    assert not pending_path(shop.folder / "base.cassette").exists()
    assert shop.tracer(*RERUN).exit == 1  # for the one that was rejected


def test_accepting_all_of_a_callable_and_then_the_rest_makes_the_baseline(shop: Project) -> None:
    waiting = pending_path(shop.folder / "base.cassette").read_bytes()
    with Terminal(shop.folder, "review", ".") as terminal:
        shown = terminal.wait_for("q quit > ")
        terminal.press("c" if " c accept all" in shown else "a")
        terminal.wait_for("q quit > ")
        terminal.press("A")
        code, last = terminal.finish()

    assert code == 0
    assert "base.cassette: the recording that waited is the baseline now." in last
    assert (shop.folder / "base.cassette").read_bytes() == waiting


def test_a_stray_recording_does_not_keep_others_from_review(shop: Project) -> None:
    shutil.copy(shop.folder / "base.cassette.pending", shop.folder / "stray.cassette.pending")
    with Terminal(shop.folder, "review", ".") as terminal:
        terminal.wait_for("q quit > ")
        terminal.press("q")
        code, last = terminal.finish()
    nothing = shop.with_files({"empty/x": ""})
    nothing.write()
    with Terminal(shop.folder, "review", "empty") as terminal:
        empty = terminal.finish()

    assert code == 2
    assert "stray.cassette.pending': its baseline is not there" in " ".join(last.split())
    assert empty == (0, "Nothing waits for a decision.\n")
