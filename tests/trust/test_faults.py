"""However a recorded program ends, its result is its own, and each of its calls is kept or told of. `make faults` tries much more of it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.helpers import REPOSITORY, Project, clean_environment
from tests.recording.recordings import calls, record

if TYPE_CHECKING:
    from pathlib import Path

SHOP = {
    "shop/__init__.py": "",
    "shop/till.py": """
        def sell(number): return number
        class Box:
            def __init__(self, *held): self.held = held
            def __hash__(self): return 7
        """,
    "app.py": """
        import sys, threading, time
        from shop import till
        class Closing:
            def __init__(self, mine): self.mine = mine
            def __del__(self, sell=till.sell): sell(self.mine)
        kept, till.kept, sys.modules["other"] = Closing(1), Closing(2), Closing(3)
        def work():
            till.sell(4)
            going.set()
            while True:
                time.sleep(0.001)
                till.sell(5)
        going = threading.Event()
        threading.Thread(target=work, daemon=True).start()
        going.wait()
        print("through")
        """,
    "leave.py": """
        import os, signal, time
        from shop import till
        for number in range(3): till.sell(number)
        box = till.Box()
        for _ in range(7): hash(box)
        if not os.fork():
            till.sell(8)
            time.sleep(2)
            os._exit(0)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
}


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return Project(tmp_path / "shop").with_files(SHOP)


@pytest.mark.parametrize("pure", ["0", "1"], ids=["C", "Python"])
def test_calls_are_recorded_until_the_interpreter_is_taken_down(shop: Project, pure: str) -> None:
    """By finalizers, when the names of modules go, and by threads that nobody waits for."""
    done = record(shop, "python", "app.py", env={"TRACER_PURE": pure})

    assert (done.stdout, "Traceback" in done.stderr, "not end in order" in done.stderr) == ("through\n", False, False)
    sold = [int(line.partition("number=")[2].partition(")")[0]) for line in calls(shop, "shop.till:sell")]
    assert {1, 2, 3, 4} <= set(sold)
    assert [sold.count(number) for number in (1, 2, 3, 4)] == [1, 1, 1, 1]


@pytest.mark.parametrize("pure", ["0", "1"], ids=["C", "Python"])
def test_what_is_read_of_the_surroundings_is_recorded_until_then_too(shop: Project, pure: str) -> None:
    till = """
        import time
        def selling(now):
            def sell(number): return now() > 0
            return sell
        sell = selling(time.time)
        """
    late = shop.with_files({"shop/till.py": till})
    words = ["--ambient", "time", "-o", "run.cassette", "--", sys.executable, "app.py"]
    done = late.tracer("record", *words, env={"TRACER_PURE": pure})

    assert (done.exit, done.stdout, "Traceback" in done.stderr) == (0, "through\n", False), done.stderr
    sold = [int(line.partition("number=")[2].partition(")")[0]) for line in calls(late, "shop.till:*sell")]
    assert [sold.count(number) for number in (1, 2, 3, 4)] == [1, 1, 1, 1]
    assert len(calls(late, "time:time")) >= 4


def test_a_killed_process_tells_its_losses_and_one_that_goes_on_is_told_of(shop: Project) -> None:
    done = shop.tracer("record", "-o", "run.cassette", "--boundary", "shop", "--", sys.executable, "leave.py")

    assert done.exit == 137
    words = " ".join(done.stderr.split())
    assert "7 seen and not kept, by a process that had no time to say of what" in words
    assert "1 of 2 processes did not end in order" in words
    assert "1 process that the command started went on after it had ended" in words
    assert "matched no module" not in words  # it did: nobody was left to say what of it was watched
    assert "shop 5 calls" in words
    assert len(calls(shop, "shop.till:sell")) == 4


def test_some_trials_of_the_faults_find_nothing_amiss() -> None:
    """An abort and a limit on file sizes, held against the program's own account of its calls."""
    done = subprocess.run(
        [
            sys.executable,
            "benchmarks/faults/run.py",
            *("--trials", "2", "--python", "NONE", "--scene", "abort", "--scene", "disk-file-size"),
        ],
        cwd=REPOSITORY,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "| all | 2 |" in done.stdout
