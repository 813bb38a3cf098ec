"""`tracer playback`, and the fixture and marker in pytest, in real processes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.helpers import Project

GATE = """
    def send(amount):
        print("live", amount)
        return amount * 2
    """
SHOP = "import gate\ndef buy(amount): return gate.send(amount)\n"
PROGRAM = """
    import subprocess, sys
    import gate
    for amount in sys.argv[1:]:
        try:
            print(gate.send(int(amount)))
        except BaseException:
            print("swallowed")
    if "child" not in sys.argv[-1:] and "0" in sys.argv:
        subprocess.run([sys.executable, "program.py", "7"], check=True)
    """
TESTS = """
    import gate, pytest, shop

    def test_fixture(tracer_playback):
        with tracer_playback(components=["gate"], strict=True):
            assert gate.send(1) == 2
        with tracer_playback("second", components=["gate"]):
            assert gate.send(2) == 4

    @pytest.mark.tracer_playback(components=["gate"])
    @pytest.mark.parametrize("amount", [3, 4])
    def test_marker(amount):
        assert gate.send(amount) == amount * 2

    @pytest.mark.tracer_playback(components=["gate"], mode="all")
    @pytest.mark.tracer(boundaries=["shop"])
    def test_both():
        assert shop.buy(5) == 10
    """
PYTEST = ("-m", "pytest", "-q", "-p", "tracer.pytest_plugin", "-p", "no:cacheprovider")


@pytest.fixture
def gate(project: Project) -> Project:
    return project.with_files({"pyproject.toml": "", "gate.py": GATE, "shop.py": SHOP, "program.py": PROGRAM})


def test_a_command_is_recorded_once_and_then_played_with_its_children(gate: Project) -> None:
    words = ("playback", "g.cassette", "--components", "gate", "--strict", "--", sys.executable, "program.py", "0", "1")
    first = gate.tracer(*words)
    second = gate.tracer(*words)

    assert (first.exit, first.stdout.count("live")) == (0, 3), first.stderr
    assert (second.exit, second.stdout.split()) == (0, ["0", "2", "14"]), second.stderr
    assert "0 calls played, 3 recorded, 0 missed" in first.stderr
    assert "3 calls played, 0 recorded, 0 missed" in second.stderr


def test_a_miss_turns_the_exit_code_red_though_the_program_swallowed_it(gate: Project) -> None:
    words = ("playback", "g.cassette", "--components", "gate")
    gate.tracer(*words, "--", sys.executable, "program.py", "1", "2")
    missed = gate.tracer(*words, "--", sys.executable, "program.py", "1", "3")
    left = gate.tracer(*words, "--strict", "--", sys.executable, "program.py", "1")
    added = gate.tracer(*words, "--mode", "new_episodes", "--", sys.executable, "program.py", "1", "3")
    again = gate.tracer(*words, "--mode", "none", "--", sys.executable, "program.py", "1", "2", "3")

    assert (missed.exit, missed.stdout.split()) == (1, ["2", "swallowed"])
    assert "it differs at argument.amount: 1 was recorded, 3 is called" in missed.stderr
    assert left.exit == 1
    assert "gate:send(amount=2)" in left.stderr
    assert (added.exit, added.stdout.split()) == (0, ["2", "live", "3", "6"])
    assert (again.exit, again.stdout.split()) == (0, ["2", "4", "6"])


def test_bad_input_is_told_in_one_sentence_and_nothing_runs(gate: Project) -> None:
    command = ("--", sys.executable, "program.py", "1")
    gate.tracer("playback", "g.cassette", "-c", "gate", *command)
    (gate.folder / "bad.cassette").write_bytes(b"no cassette")
    done = [
        gate.tracer("playback", "g.cassette", "-c", "gate"),
        gate.tracer("playback", "g.cassette", *command),
        gate.tracer("playback", "none.cassette", "-c", "gate", "--mode", "none", *command),
        gate.tracer("playback", "g.cassette", "-c", "other", *command),
        gate.tracer("playback", "bad.cassette", "-c", "gate", *command),
    ]

    assert [each.exit for each in done] == [2] * 5
    assert [each.stdout for each in done] == [""] * 5
    assert all(each.stderr.startswith("tracer: Couldn't ") for each in done)


def test_a_process_that_cannot_be_played_back_does_not_run(gate: Project) -> None:
    """Unanswered, it would reach what it is to be kept from."""
    gate.tracer("playback", "g.cassette", "-c", "gate", "--", sys.executable, "program.py", "1")
    program = (
        "import os, subprocess, sys\nos.unlink('g.cassette')\nsubprocess.run([sys.executable, 'program.py', '1'])\n"
    )
    done = gate.with_files({"parent.py": program}).tracer(
        "playback", "g.cassette", "-c", "gate", "--", sys.executable, "parent.py"
    )

    assert (done.exit, done.stdout) == (2, "")
    assert "Couldn't play back in a process: tracer.errors.CassetteNotFound" in done.stderr


def test_fixture_and_marker_name_their_cassettes_by_the_test(gate: Project) -> None:
    gate = gate.with_files({"tests/test_gate.py": TESTS})
    first = gate.run("python", *PYTEST)
    second = gate.run(
        "python", *PYTEST, "-n", "2", "--tracer-mode", "none", "--deselect", "tests/test_gate.py::test_both"
    )
    names = sorted(path.name for path in (gate.folder / "cassettes").rglob("*.cassette"))

    assert first.exit == 0, first.stdout
    assert second.exit == 0, second.stdout
    assert "6 cassettes: 6 recorded" in first.stdout
    assert "4 cassettes: 4 played" in second.stdout
    assert names == [
        "test_both.cassette",
        "test_both.playback.cassette",
        "test_fixture.playback.cassette",
        "test_fixture.playback.second.cassette",
        "test_marker[3].playback.cassette",
        "test_marker[4].playback.cassette",
    ]


SURROUNDED = """
    import random, time, uuid
    import gate

    def buy(amount):
        return gate.charge(amount, time.time(), str(uuid.uuid4())), random.random()
    """
CHARGE = """
    def charge(amount, at, number):
        return f"{amount} {at} {number}"
    """
BUY = "import orders\nprint(orders.buy(3), orders.buy(4))\n"


@pytest.fixture
def surrounded(project: Project) -> Project:
    project = project.with_files({"pyproject.toml": "", "gate.py": CHARGE, "orders.py": SURROUNDED, "app.py": BUY})
    words = ("record", "--ambient", "--detail", "full", "-o", "run.cassette", "--", sys.executable, "app.py")
    done = project.tracer(*words)
    assert done.exit == 0, done.stderr
    return project


def test_the_other_modules_are_given_the_surroundings_that_were_recorded(surrounded: Project) -> None:
    """With them, calls whose arguments hold a clock and a uuid are found again, and the program says the same; without them they are missed."""
    app = ("--", sys.executable, "app.py")
    first = surrounded.tracer("playback", "run.cassette", "-c", "gate", "--strict", "--ambient", *app)
    second = surrounded.tracer("playback", "run.cassette", "-c", "gate", "--strict", "--ambient", *app)
    without = surrounded.tracer("playback", "run.cassette", "-c", "gate", *app)

    assert (first.exit, first.stdout) == (0, second.stdout)
    assert "6 reads of the surroundings were played back." in first.stderr
    assert "2 calls played, 0 recorded, 0 missed" in first.stderr
    assert without.exit == 1
    assert "it differs at argument.at" in without.stderr


def test_a_block_is_given_them_too_and_lets_them_go_at_its_end(surrounded: Project) -> None:
    block = """
        import time, tracer, orders
        with tracer.playback("run.cassette", components=["gate"], mode="none", ambient="all"):
            played = orders.buy(3)
        print(float(played[0].split()[1]) < time.time(), abs(orders.time.time() - time.time()) < 60, played)
        """
    done = surrounded.with_files({"block.py": block}).run(sys.executable, "block.py")
    recorded = surrounded.tracer("show", "run.cassette").stdout

    assert done.exit == 0, done.stderr
    assert done.stdout.startswith("True True")
    assert done.stdout.split("'")[1] in recorded


def test_surroundings_that_were_not_recorded_are_refused_before_anything_runs(surrounded: Project) -> None:
    """One sentence with the remedy, exit code 2."""
    words = (sys.executable, "app.py")
    surrounded.tracer("record", "-o", "plain.cassette", "--", *words)
    done = surrounded.tracer("playback", "plain.cassette", "-c", "gate", "--ambient", "--", *words)
    anew = surrounded.tracer("playback", "run.cassette", "-c", "gate", "--mode", "all", "--ambient", "--", *words)

    assert (done.exit, done.stdout, anew.exit, anew.stdout) == (2, "", 2, "")
    assert "it holds none of these reads" in done.stderr
    assert "mode 'all' records anew" in anew.stderr
