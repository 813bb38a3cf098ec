"""`tracer record -- COMMAND`: any command, run as it would run without, and an honest word where nothing came of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers import Completed, Project, clean_environment
from tests.recording.recordings import calls, lanes, record, text

SHOP = {
    "pyproject.toml": "",
    "shop/__init__.py": "",
    "shop/tax.py": "def vat(amount):\n    return amount * 2\n",
    "shop/cart.py": """
        from shop.tax import vat
        def total(prices):
            return sum(vat(price) for price in prices)
        """,
    "shop/__main__.py": """
        import sys
        from shop.cart import total
        if __name__ == "__main__":
            print("total", total([int(word) for word in sys.stdin.read().split()] or [1]))
            print("argv", sys.argv[1:], file=sys.stderr)
            sys.exit(len(sys.argv[1:]))
        """,
}
ONE_CALL = ["shop.tax:vat(amount=1) -> 2"]


@pytest.fixture
def shop(project: Project) -> Project:
    return project.with_files(SHOP)


def start(shop: Project, *words: str) -> subprocess.Popen[str]:
    shop.write()
    return subprocess.Popen(
        [sys.executable, "-m", "tracer", "record", "-o", "run.cassette", *words],
        cwd=shop.folder,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def told(done: Completed) -> str:
    """What it said, without the line breaks of a narrow page."""
    return " ".join(done.stderr.split())


def test_modules_that_pytest_loads_itself_to_rewrite_their_asserts_are_recorded(shop: Project) -> None:
    """Those of a package that brings a pytest plugin, say: pytest's finder stands in front of all others."""
    shop = shop.with_files(
        {
            "conftest.py": "import pytest\npytest.register_assert_rewrite('shop')\nimport shop.cart\n",
            "test_cart.py": "from shop.cart import total\ndef test_total():\n    assert total([1]) == 2\n",
        }
    )

    record(shop, "python", "-m", "pytest", "-q", "-p", "no:cacheprovider")

    assert calls(shop, "shop.tax:*") == ONE_CALL


def test_output_input_arguments_and_exit_code_are_the_commands_own(shop: Project) -> None:
    started = start(shop, "--", sys.executable, "-m", "shop", "--flag", "-x", "--", "last")

    out, err = started.communicate("3 4")

    assert started.returncode == 4
    assert out == "total 14\n"
    assert err.startswith("argv ['--flag', '-x', '--', 'last']\n")
    assert "tracer: 3 calls recorded in run.cassette" in err
    assert calls(shop, "shop.tax:*") == ["shop.tax:vat(amount=3) -> 6", "shop.tax:vat(amount=4) -> 8"]


def test_scripts_texts_shells_and_test_suites_are_recorded(shop: Project) -> None:
    shop = shop.with_files(
        {
            "app.py": "from shop.cart import total\ntotal([1])\n",
            "run.sh": f"#!/bin/sh\n{sys.executable} app.py\n",
            "test_cart.py": "def test_total():\n    from shop.cart import total\n    assert total([1]) == 2\n",
        }
    )
    shop.write()
    (shop.folder / "run.sh").chmod(0o755)

    record(shop, "python", "app.py", name="script")
    record(shop, "python", "-c", "from shop.cart import total; total([1])", name="text")
    record(shop, "./run.sh", name="shell")
    record(shop, "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", name="suite")

    for name in ("script", "text", "shell", "suite"):
        assert calls(shop, "shop.tax:*", name) == ONE_CALL
    assert lanes(shop.folder / "suite.cassette") == {"test test_cart.py::test_total": 2}
    assert (shop.folder / "script.cassette").read_bytes() == (shop.folder / "shell.cassette").read_bytes()


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["nowhere-to-be-found"], "Couldn't run 'nowhere-to-be-found': there is no 'nowhere-to-be-found'. Check"),
        (["./shop"], "Couldn't run './shop': Permission denied."),
        ([], "Couldn't record: no command was given."),
    ],
)
def test_a_command_that_cannot_be_started_is_one_sentence(shop: Project, command: list[str], sentence: str) -> None:
    done = shop.tracer("record", "-o", "run.cassette", "--", *command)

    assert done.exit == 2
    assert done.stderr.startswith(f"tracer: {sentence}")
    assert done.stderr.count("\n") == 1
    assert not list(shop.folder.glob("run.cassette*"))


def test_where_nothing_crosses_it_says_what_was_watched_and_keeps_nothing(shop: Project) -> None:
    shop = shop.with_files({"lone.py": "def f(): pass\nf()\n"})

    alone = shop.tracer("record", "-o", "run.cassette", "--", sys.executable, "lone.py")
    itself = shop.tracer("record", "-o", "run.cassette", "--", sys.executable, "-c", "import lone")
    text = shop.tracer("record", "-o", "run.cassette", "--", sys.executable, "-c", "print(1)")
    foreign = shop.tracer("record", "-o", "run.cassette", "--", "true")
    nowhere = shop.tracer("record", "-o", "run.cassette", "-b", "shop.taxes", "--", sys.executable, "-m", "shop")

    assert {done.exit for done in (alone, itself, text, foreign, nowhere)} == {2}
    for done in (alone, itself):
        assert "lone (1 callable) is the only component, and nothing outside it called in" in told(done)
    assert "No call was captured: no watched module was run or imported. Name a package" in told(text)
    assert "No Python that the command started could be recorded." in told(foreign)
    assert "Boundary 'shop.taxes' matched no module that was imported" in told(nowhere)
    assert nowhere.stdout == "total 2\n"
    assert not list(shop.folder.glob("run.cassette*"))


def test_a_boundary_that_matches_nothing_is_named_where_another_does(shop: Project) -> None:
    done = shop.tracer(
        "record", "-o", "run.cassette", "-b", "shop.tax", "-b", "shop.nix", "--", sys.executable, "-m", "shop"
    )

    assert done.exit == 0
    assert "Boundary 'shop.nix' matched no module that was imported" in told(done)
    assert "'shop.tax'" not in done.stderr
    assert calls(shop) == ONE_CALL


def test_a_folder_that_cannot_be_written_is_said_before_the_command_runs(shop: Project) -> None:
    shop = shop.with_files({"file": "not a folder"})

    inside = shop.tracer("record", "-o", "file/run.cassette", "--", sys.executable, "-m", "shop")
    folder = shop.tracer("record", "-o", "shop", "--", sys.executable, "-m", "shop")

    assert (inside.exit, folder.exit) == (2, 2)
    assert inside.stdout == folder.stdout == ""
    assert "Couldn't record into 'file/run.cassette': Not a directory. Name another file with -o." in inside.stderr
    assert "Couldn't record into 'shop': it is a folder." in folder.stderr


def test_a_failed_command_never_replaces_a_cassette(shop: Project) -> None:
    record(shop, "python", "-m", "shop")
    before = (shop.folder / "run.cassette").read_bytes()

    failed = shop.tracer("record", "-o", "run.cassette", "--", sys.executable, "-m", "shop", "fail")

    assert failed.exit == 1
    assert (shop.folder / "run.cassette").read_bytes() == before
    assert (shop.folder / "run.cassette.pending").read_bytes() == before
    assert "the new recording waits in run.cassette.pending" in told(failed)


WAITING = {
    "waiting.py": """
        import faulthandler, signal, sys, time
        faulthandler.dump_traceback_later(20, exit=True)
        from shop.cart import total
        def leave(number, frame):
            total([number])
            sys.exit(7)
        if "--polite" in sys.argv:
            signal.signal(signal.SIGTERM, leave)
        total([1])
        try:
            print("ready", flush=True)
            for _ in range(600):
                time.sleep(0.1)  # a signal that comes just before a sleep does not end it
        except KeyboardInterrupt:
            total([2])
            sys.exit(3)
        """
}


@pytest.mark.parametrize(
    ("words", "number", "to_group", "code", "recorded"),
    [
        ((), signal.SIGINT, True, 3, 4),
        ((), signal.SIGINT, False, 3, 4),
        ((), signal.SIGTERM, False, 143, 2),
        (("--polite",), signal.SIGTERM, False, 7, 4),
    ],
    ids=["Ctrl-C", "SIGINT to tracer alone", "SIGTERM", "SIGTERM handled"],
)
def test_signals_reach_the_command_and_its_end_is_told(
    shop: Project, words: tuple[str, ...], number: int, to_group: bool, code: int, recorded: int
) -> None:
    started = start(shop.with_files(WAITING), "--", sys.executable, "waiting.py", *words)
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"

    if to_group:
        os.killpg(started.pid, number)
    else:
        started.send_signal(number)
    _, err = started.communicate(timeout=30)

    assert started.returncode == code, err
    assert len(calls(shop)) == recorded


def test_pytest_with_warnings_as_errors_does_not_notice(shop: Project) -> None:
    """Where tracer is installed, its plugin is known to pytest while tracer is there before pytest."""
    test = "from shop.cart import total\ndef test_total(): assert total([1]) == 2\n"
    shop = shop.with_files({"pytest.ini": "[pytest]\nfilterwarnings = error\n", "tests/test_shop.py": test})

    done = shop.tracer("record", "-o", "run.cassette", "--", sys.executable, "-m", "pytest", "-p", "no:cacheprovider")

    assert done.exit == 0, done.stdout + done.stderr
    assert calls(shop, "shop.tax:*") == ONE_CALL


def test_kill_9_of_the_command_keeps_what_was_recorded(shop: Project) -> None:
    shop = shop.with_files(
        {
            "killed.py": """
                import os, signal
                from shop.cart import total
                for number in range(2_000):
                    total([number])
                os.kill(os.getpid(), signal.SIGKILL)
                """
        }
    )

    done = shop.tracer("record", "-o", "run.cassette", "--", sys.executable, "killed.py")

    assert done.exit == 137
    assert "1 of 1 process did not end in order" in told(done)
    assert sum(lanes(shop.folder / "run.cassette").values()) == 4_000


def test_a_process_that_goes_on_as_another_program_has_ended_in_order(shop: Project) -> None:
    """As far as that can be seen: as another Python, or where a child that was forked for it had recorded nothing. All calls are kept."""
    program = """
        import os, sys
        from shop.cart import total
        total([1])
        for words in (["true"], [sys.executable, "end.py"]):
            child = os.fork()
            if not child:
                if sys.argv[1:]:
                    total([3])
                os.execvp(words[0], words)
            os.waitpid(child, 0)
        os.execv(sys.executable, [sys.executable, "end.py"])
    """
    shop = shop.with_files({"start.py": program, "end.py": "from shop.cart import total\ntotal([2])\n"})
    for more, unclosed in ((), False), (("calls",), True):
        done = shop.tracer("record", "-o", "run.cassette", "--", sys.executable, "start.py", *more)
        assert done.exit == 0, done.stderr
        assert ("1 of 5 processes did not end in order" in told(done)) is unclosed, done.stderr
        assert ("did not end in order" in told(done)) is unclosed
        assert sum(lanes(shop.folder / "run.cassette").values()) == 2 * (3 + 2 * unclosed)


def test_kill_9_of_tracer_itself_leaves_something_to_recover(shop: Project) -> None:
    started = start(shop.with_files(WAITING), "--", sys.executable, "waiting.py")
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    started.kill()
    started.wait()
    os.killpg(started.pid, signal.SIGKILL)
    started.communicate()

    listed = shop.tracer("show", "run.cassette")
    recovered = shop.tracer("recover", "run.cassette.part")

    assert listed.exit == 2
    assert "its recording was never closed. Run `tracer recover run.cassette.part`" in listed.stderr
    assert recovered.exit == 0, recovered.stderr
    assert calls(shop, "shop.tax:*") == ONE_CALL


HOSTILE = {
    "shop/evil.py": """
        class Evil:
            for _name in ("__repr__", "__str__", "__eq__", "__hash__", "__bool__", "__len__", "__iter__", "__getattribute__",
                          "__reduce__", "__reduce_ex__", "__dir__", "__format__", "__sizeof__", "__class_getitem__"):
                def _raise(self, *args, _name=_name):
                    raise RuntimeError(_name)
                locals()[_name] = _raise
        class Meta(type):
            def __getattribute__(cls, name): raise RuntimeError("meta")
            def __instancecheck__(cls, other): raise RuntimeError("meta")
        class Twisted(metaclass=Meta): pass
        """,
    "shop/deep.py": """
        def dive(n, shallow): return n if n == 0 else shallow(n - 1)
        def take(value): return value
        def forever(again): return again(again)
        def fall(): raise OSError(b"\\xff".decode("utf-8", "surrogateescape"))
        """,
    "broken.py": "import shop.tax\nshop.tax.vat(5)\nraise RuntimeError('at import')\n",
    "app.py": """
        import os, sys
        from shop.deep import dive, fall, forever, take
        from shop.evil import Evil, Twisted
        sys.setrecursionlimit(50_000)
        evil = Evil()
        assert take(evil) is evil
        take(Twisted()); take(Twisted)
        assert dive(10_000, lambda n: dive(n, sys._getframe(1).f_locals["shallow"])) == 0
        loop = []; loop.append(loop); take(loop)
        ring = {}; ring["me"] = ring; take(ring)
        big = bytes(256 << 20); assert take(big) is big; del big
        take("lone \\ud800 surrogate")
        take(os.fsdecode(b"/tmp/na\\xffme"))
        try: fall()
        except OSError: pass
        try: import broken
        except RuntimeError as error: assert str(error) == "at import"
        sys.setrecursionlimit(1_000)
        try: forever(lambda again: forever(again))
        except RecursionError as error: print("recursion", len(str(error)) > 10)
        print("done")
        """,
}


def test_hostile_values_and_programs_run_as_without_and_are_kept_as_far_as_they_can_be(shop: Project) -> None:
    shop = shop.with_files(HOSTILE)

    bare = shop.run("python", "app.py")
    done = record(shop, "python", "app.py")

    assert done.stdout == bare.stdout == "recursion True\ndone\n"
    assert sum(lanes(shop.folder / "run.cassette").values()) > 10_000
    kept = calls(shop, "shop.deep:take")
    assert len(kept) == 8, kept
    assert "shop.deep:take(value='lone \\ud800 surrogate')" in text(shop)
    assert len(calls(shop, "shop.tax:vat")) == 1  # from the module that failed to import
    assert calls(shop, "shop.deep:fall")[0].startswith("shop.deep:fall() !! OSError('\\udcff')")
    assert (shop.folder / "run.cassette").stat().st_size < 3 << 20
    # Where the stack ends tracer has none left either, and says so.
    assert "tracer failed" not in text(shop).replace("tracer failed: RecursionError", "")


def test_a_full_disk_stops_the_recording_and_not_the_program(shop: Project) -> None:
    shop = shop.with_files(
        {
            "full.py": """
                import resource
                from shop.cart import total
                total([1])
                resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
                print(sum(total([number]) for number in range(30_000)))
                """
        }
    )

    done = record(shop, "python", "full.py")

    assert done.stdout == "899970000\n"
    assert "journal stopped: File too large" in done.stderr
    assert 5_000 < sum(lanes(shop.folder / "run.cassette").values()) < 60_000


def test_a_recording_that_cannot_start_is_told_and_the_program_runs(shop: Project) -> None:
    """The settings file is gone by the time a Python starts."""
    shop = shop.with_files({"late.sh": f'rm "$TRACER_SETTINGS"\nexec {sys.executable} -m shop\n'})

    done = shop.tracer("record", "-o", "run.cassette", "--", "sh", "late.sh")

    assert done.stdout == "total 2\n"
    assert done.exit == 2
    assert "A process was not recorded: FileNotFoundError" in told(done)


def test_waiting_for_the_command_costs_no_noticeable_time(shop: Project) -> None:
    began = time.monotonic()
    record(shop, "python", "-m", "shop")

    assert time.monotonic() - began < 20
    assert not Path(shop.folder / "run.cassette.part").exists()
