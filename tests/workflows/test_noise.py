"""What differs by itself, in every channel of a call: learned, confirmed, listed, edited, dropped."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.compare.runs import call
from tracer.cli.command_line import run
from tracer.model import Recording
from tracer.rules import LEARNED, Rule
from tracer.storage.reader import open_cassette
from tracer.storage.store import write_cassette

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers import Project

PYTHON = sys.executable

# Chance that can be relied on: `RUN` counts the runs of the program, so that no two of them are alike.
CHANNELS = {
    "pyproject.toml": "",
    "chance/__init__.py": """
        from pathlib import Path
        COUNT = Path("count")
        RUN = int(COUNT.read_text()) if COUNT.exists() else 0
        COUNT.write_text(str(RUN + 1))
        """,
    "chance/arguments.py": "def take(box): return len(box)\n",
    "chance/outcomes.py": "from chance import RUN\ndef give(): return {'items': [{'id': RUN, 'n': 1}] * 3}\n",
    "chance/awaited.py": "from chance import RUN\nasync def give(): return RUN\n",
    "chance/exceptions.py": "from chance import RUN\ndef fail(): raise ValueError(f'no {RUN}')\n",
    "chance/after.py": "from chance import RUN\ndef fill(box): box.append(RUN)\n",
    "chance/yielded.py": "from chance import RUN\ndef items():\n for n in range(3): yield RUN * n\n",
    "chance/sent.py": "def sink():\n while True: yield\n",
    "chance/order.py": "def one(): return 1\ndef two(): return 2\n",
    "chance/presence.py": "def came(): return 1\ndef went(): return 1\ndef often(): return 1\n",
    "chance/keys.py": "from chance import RUN\ndef ids(): return {f'id{RUN}': 1, 'n': 1}\ndef maybe(): return {'x': 1} if RUN % 2 else {}\n",
    "chance/lengths.py": "from chance import RUN\ndef some(): return [1] * (RUN + 1)\n",
    "chance/hashes.py": "def listed(): return list({'a', 'b', 'c', 'd', 'e'})\n",
    "chance/state.py": """
        from chance import RUN
        class Clock:
            def __init__(self): self.now = RUN
            def read(self): return 1
        """,
    "chance/lanes.py": "def work(): return 1\n",
    "app.py": """
        import asyncio, threading
        from chance import RUN, after, arguments, awaited, exceptions, hashes, keys, lanes, lengths, order, outcomes
        from chance import presence, sent, state, yielded
        arguments.take([RUN])
        outcomes.give()
        asyncio.run(awaited.give())
        try:
            exceptions.fail()
        except ValueError:
            pass
        after.fill([])
        list(yielded.items())
        sink = sent.sink()
        next(sink), sink.send(RUN)
        for call in (order.one, order.two)[::1 if RUN % 2 else -1]: call()
        if RUN % 2: presence.came()
        else: presence.went()
        for _ in range(RUN + 1): presence.often()
        keys.ids(), keys.maybe()
        lengths.some()
        hashes.listed()
        state.Clock().read()
        for _ in range(1 + RUN % 2):
            thread = threading.Thread(target=lanes.work)
            thread.start(), thread.join()
        """,
}
KINDS = {
    "arguments": {"argument-passed"},
    "outcomes": {"returned-value"},
    "awaited": {"returned-value"},
    "exceptions": {"exception-message"},
    "after": {"argument-after"},
    "yielded": {"yielded"},
    "sent": {"argument-passed"},
    "order": {"call-moved"},
    "presence": {"call-added", "call-removed"},
    "keys": {"returned-value"},
    "lengths": {"returned-value"},
    "hashes": {"returned-value"},
    "state": {"argument-after"},
    "lanes": {"call-added"},
}


def compared(project: Project, *words: str, **env: str) -> dict[str, Any]:
    done = project.tracer("diff", "--format", "json", *words, env=env)
    assert done.exit in (0, 1), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert (done.exit == 1) == any(each["severity"] in ("breaking", "changed") for each in report["findings"])
    return report


def channels(callables: list[str]) -> set[str]:
    return {name.partition(":")[0].removeprefix("chance.") for name in callables}


def test_chance_in_any_channel_is_told_learned_and_then_hidden_by_rule(project: Project) -> None:
    """Each module of the program has chance in one channel only."""
    project = project.with_files(CHANNELS)
    assert project.tracer("record", "-o", "plain.cassette", "--", PYTHON, "app.py").exit == 0
    told = compared(project, "plain.cassette", "--no-confirm", "--", PYTHON, "app.py", PYTHONHASHSEED="7")["findings"]
    project.run("rm", "count")
    assert project.tracer("record", "-o", "learned.cassette", "--runs", "3", "--", PYTHON, "app.py").exit == 0
    after = compared(project, "learned.cassette", "--no-confirm", "--", PYTHON, "app.py", PYTHONHASHSEED="7")

    kinds = {name: {each["kind"] for each in told if each["callable"].startswith(f"chance.{name}:")} for name in KINDS}
    assert {name: kinds[name] & KINDS[name] for name in KINDS} == KINDS
    assert [each for each in after["findings"] if each["severity"] != "internal"] == []
    assert channels([each["rule"] for each in after["hidden"]]) == set(KINDS)
    assert sum(each["count"] for each in after["hidden"]) == after["summary"]["hidden_as_noise"]


def test_chance_in_any_channel_is_seen_when_the_new_side_runs_twice(project: Project) -> None:
    project = project.with_files(CHANNELS)
    assert project.tracer("record", "-o", "plain.cassette", "--", PYTHON, "app.py").exit == 0
    changed = project.with_files({"chance/lanes.py": "def work(): return 'other'\n"})
    report = compared(changed, "plain.cassette", "--", PYTHON, "app.py")

    assert channels([each["callable"] for each in report["findings"] if each["severity"] != "internal"]) == {"lanes"}
    assert {each["rule"].partition("(")[2] for each in report["hidden"]} == {
        "seen between two runs of the new side)",
        "presence seen between two runs of the new side)",
    }
    assert any("The new side ran a second time: what differed between its two runs" in note for note in report["notes"])


FLAKY = {
    "pyproject.toml": "",
    "chance/__init__.py": CHANNELS["chance/__init__.py"],
    "chance/types.py": """
        from chance import RUN
        def typed(): return None if RUN % 2 else 1
        def failing():
            if RUN % 2: raise ValueError
        """,
    "app.py": "from chance import types\ntypes.typed()\ntry: types.failing()\nexcept ValueError: pass\n",
}


def test_no_learned_rule_hides_another_type_or_a_new_exception(project: Project) -> None:
    project = project.with_files(FLAKY)
    done = project.tracer("record", "-o", "a.cassette", "--runs", "3", "--", PYTHON, "app.py")
    report = compared(project, "a.cassette", "--", PYTHON, "app.py")

    by_chance = "From chance.types:failing, chance.types:typed another type or a new exception comes by chance"
    assert done.exit == 0
    assert by_chance in " ".join(done.stderr.split())
    assert any(note.startswith(by_chance) for note in report["notes"])
    assert {(each["callable"], each["kind"]) for each in report["findings"]} == {
        ("chance.types:typed", "returned-type"),
        ("chance.types:failing", "raised"),
    }


ENDS = {
    "pyproject.toml": "",
    "chance/__init__.py": CHANNELS["chance/__init__.py"],
    "chance/ids.py": "from chance import RUN\ndef new(): return RUN\n",
    "app.py": "import sys\nfrom chance import RUN, ids\n{before}\nids.new()\n",
}


def ending(project: Project, before: str) -> Project:
    return project.with_files({**ENDS, "app.py": str(ENDS["app.py"]).format(before=before)})


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("if RUN > 1: sys.exit(3)", "Run 2 of the same code says nothing about chance: it exited with 3, the first with 0."),
        ("if RUN > 1: import os; os._exit(0)", "Run 2 of the same code says nothing about chance: it captured no call."),
    ],
)  # fmt: skip
def test_a_second_run_that_fails_or_captures_nothing_is_told_and_nothing_is_hidden(
    project: Project, before: str, said: str
) -> None:
    project = ending(project, before)
    assert project.tracer("record", "-o", "a.cassette", "--", PYTHON, "app.py").exit == 0
    report = compared(project, "a.cassette", "--", PYTHON, "app.py")

    assert said in report["notes"]
    assert "So what is told may hold differences that come by chance." in report["notes"]
    assert ([each["callable"] for each in report["findings"]], report["hidden"]) == (["chance.ids:new"], [])


def test_a_run_that_fails_while_learning_teaches_nothing(project: Project) -> None:
    """What its calls lack would become rules that hide calls which are gone."""
    project = ending(project, "if RUN == 1: sys.exit(3)")
    done = project.tracer("record", "-o", "a.cassette", "--runs", "3", "--", PYTHON, "app.py")

    assert "Run 2 of the same code says nothing about chance: it exited with 3" in " ".join(done.stderr.split())
    assert rules_in(project.folder / "a.cassette") == ["chance.ids:new returned-value return (learned)"]


def test_the_working_tree_runs_twice_where_a_revision_differs(project: Project) -> None:
    project = ending(project, "").with_files({".gitignore": "count\n"})
    project.commit("first")
    report = compared(project, "--base", "HEAD", "--", PYTHON, "app.py")

    # The worktree of the revision has a count of its own: both begin with 0.
    assert report["verdict"] == "same"
    project.with_files({"count": "5"}).write()
    assert compared(project, "--base", "HEAD", "--no-confirm", "--", PYTHON, "app.py")["verdict"] == "changed"
    assert compared(project, "--base", "HEAD", "--", PYTHON, "app.py")["verdict"] == "noise"


def test_further_runs_add_rules_and_a_change_of_the_code_is_none(project: Project) -> None:
    project = ending(project, "").with_files({"chance/tax.py": "def vat(): return 1\n"})
    project = project.with_files({"app.py": str(project.files["app.py"]) + "from chance import tax\ntax.vat()\n"})
    assert project.tracer("record", "-o", "a.cassette", "--", PYTHON, "app.py").exit == 0
    changed = project.with_files({"chance/tax.py": "def vat(): return 2\n"})
    first = changed.tracer("noise", "learn", "a.cassette")
    again = changed.tracer("noise", "learn", "a.cassette", "--", PYTHON, "app.py")
    nothing = changed.tracer("noise", "learn", "a.cassette", "--", "true")
    report = compared(changed, "a.cassette", "--no-confirm")

    assert first.stdout == "1 rule learned from 2 runs; a.cassette holds 1.\n"
    assert again.stdout == "0 rules learned from 2 runs; a.cassette holds 1.\n"
    assert (nothing.exit, "captured no call" in nothing.stderr) == (2, True)
    assert [each["callable"] for each in report["findings"]] == ["chance.tax:vat"]


# -- the rules of a cassette -------------------------------------------------------------------------------------------------------

LEARNT = Rule("shop.ids:new", "returned-value", "return", LEARNED)


def rules_in(cassette: Path) -> list[str]:
    with open_cassette(cassette) as opened:
        return [str(rule) for rule in opened.recording.noise]


@pytest.fixture
def cassette(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rules = (LEARNT, Rule("shop.tax:\x1b[31mvat", "call-added", "call", LEARNED))
    write_cassette(tmp_path / "a.cassette", Recording("3.11", noise=rules), {"main": [call("shop.ids:new", [1], 2)]})
    return tmp_path / "a.cassette"


def noise(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(["noise", *words])
    return (code, *capsys.readouterr())


def test_rules_are_listed_shown_set_and_dropped(cassette: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = noise(capsys, "list", "a.cassette")[1]
    text = noise(capsys, "show", "a.cassette")[1]
    dropped = noise(capsys, "drop", "a.cassette", "1", "shop.tax:*")[1]
    empty = noise(capsys, "list", "a.cassette")[1]
    (cassette.parent / "rules.toml").write_text(text + '[[rules]]\npath = "return.total"\nabsolute = 0.5\n')
    set_ = noise(capsys, "set", "a.cassette", "rules.toml")[1]
    after = rules_in(cassette)
    assert noise(capsys, "drop", "a.cassette", "--all")[0] == 0

    assert listed == (
        "   1  shop.ids:new returned-value return (learned)\n   2  shop.tax:\\x1b[31mvat call-added call (learned)\n"
    )
    assert (dropped, empty) == ("2 rules dropped, 0 left in a.cassette.\n", "a.cassette holds no rules.\n")
    assert set_ == "a.cassette holds 3 rules now, 0 before.\n"
    assert after == [
        str(LEARNT),
        "shop.tax:\x1b[31mvat call-added call (learned)",
        "* * return.total absolute 0.5 (user)",
    ]
    assert rules_in(cassette) == []


def test_rules_come_from_standard_input(
    cassette: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('[[rules]]\ncallable = "shop.ids:*"\n'))

    assert noise(capsys, "set", "a.cassette", "-")[1] == "a.cassette holds 1 rule now, 2 before.\n"
    assert rules_in(cassette) == ["shop.ids:* * * (user)"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("set", "a.cassette", "wrong.toml"),
            "take the rules in 'wrong.toml': couldn't use 'path' of a rule for differences",
        ),
        (("set", "a.cassette", "no.toml"), "no.toml: it is not valid TOML"),
        (("set", "a.cassette", "absent.toml"), "absent.toml: No such file"),
        (("drop", "a.cassette", "3"), "drop rule '3': a.cassette holds 2 rules and none like it."),
        (("drop", "a.cassette", "0"), "drop rule '0'"),
        (("drop", "a.cassette", "shop.cart:*"), "drop rule 'shop.cart:*'"),
        (("drop", "a.cassette"), "name the rules, or --all."),
        (("drop", "a.cassette", "1", "--all"), "both rules and --all were given."),
        (("list", "wrong.toml"), "it is another kind of file."),
        (("learn", "a.cassette"), "no command is known for it here."),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_leaves_the_cassette_as_it_is(
    cassette: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    (cassette.parent / "wrong.toml").write_text('[[rules]]\npath = "retrun"\n')
    (cassette.parent / "no.toml").write_text("[[rules]\n")
    before = cassette.read_bytes()
    code, out, err = noise(capsys, *words)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("tracer: Couldn't ")
    assert said in err
    assert cassette.read_bytes() == before
