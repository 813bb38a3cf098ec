"""Processes that look at calls beside the one that tells: the same comes of it, and none of them is left over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from typing import TYPE_CHECKING

import pytest

import tracer
from tests.compare.runs import call, function
from tests.helpers import REPOSITORY
from tracer.compare.compare import compare
from tracer.compare.looking import Piece, Terms
from tracer.errors import ConfigError
from tracer.model import Component, Recording
from tracer.storage.reader import open_cassette
from tracer.storage.store import write_cassette
from tracer.workflows.helping import Work, helpers, workers_of

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from tests.helpers import Project
    from tracer.compare.looking import Looked
    from tracer.compare.result import Comparison

NOTHING = Terms((), shapes_only=False, renamed={})
DEMO = REPOSITORY / "cassettes" / "demo-before.cassette", REPOSITORY / "cassettes" / "demo-after.cassette"


@pytest.fixture
def loops(tmp_path: Path) -> tuple[Path, Path]:
    """Two cassettes with a lane of some hundred calls, each of which returns another text."""
    paths = tmp_path / "old.cassette", tmp_path / "new.cassette"
    for path, word in zip(paths, ("a", "b"), strict=True):
        calls = [call("shop.tax:total", [n], {"total": word * n, "none": None}) for n in range(400)]
        recording = Recording("3.11", callables=(function("shop.tax:total", "n"),), components=(Component("shop.tax"),))
        write_cassette(path, recording, {"main": calls, **{f"test t{n}": calls[n::40] for n in range(40)}})
    return paths


def compared(paths: tuple[Path, Path], workers: int, *, killing: bool = False) -> Comparison:
    """Compare with so many processes, which are asked at once."""
    with (
        helpers(Work(*paths, NOTHING, with_sums=True), workers) as beside,
        open_cassette(paths[0]) as old,
        open_cassette(paths[1]) as new,
    ):
        if beside is None:
            return compare(old, new, old_name="old", new_name="new", part=20)
        asked = 0

        def submit(piece: Piece) -> Future[Looked]:
            nonlocal asked
            asked += 1
            answer = beside.submit(piece)
            if killing and asked == 5:
                assert active_children()
                for child in active_children():
                    child.kill()
            return answer

        found = compare(
            old, new, old_name="old", new_name="new", part=20, helpers=beside._replace(submit=submit, worth=0)
        )
        assert asked > 1
        return found


def test_processes_see_what_one_process_sees(loops: tuple[Path, Path]) -> None:
    """Each of them has other hashes of texts."""
    alone = compared(loops, 1)

    assert compared(loops, 2) == alone
    assert compared(loops, 3) == alone
    assert alone.summary.changed == 2 * (400 - 1)  # an empty text is the same whatever it repeats
    assert active_children() == []


def test_where_workers_are_killed_the_same_is_told(loops: tuple[Path, Path]) -> None:
    assert compared(loops, 2, killing=True) == compared(loops, 1)
    assert active_children() == []


def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    """Killed, it cannot tell them."""
    (tmp_path / "starting.py").write_text(
        "import os, time\n"
        "from tracer.workflows.executors import processes\n"
        "if __name__ == '__main__':\n"
        "    with processes(1) as executor:\n"
        "        print(executor.submit(os.getpid).result(), flush=True)\n"
        "        executor.submit(time.sleep, 60).result()\n"
    )
    with subprocess.Popen([sys.executable, "starting.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        worker = int(starter.stdout.readline())
        starter.kill()

    for _ in range(500):
        if not is_alive(worker):
            return
        time.sleep(0.02)
    os.kill(worker, signal.SIGKILL)
    pytest.fail("the worker is still there")


def test_an_interrupt_from_the_keyboard_ends_all_at_once(tmp_path: Path) -> None:
    """A keyboard's goes to every process of the group: none but the first one says anything."""
    (tmp_path / "starting.py").write_text(
        "import time\n"
        "from tracer.workflows.executors import processes\n"
        "if __name__ == '__main__':\n"
        "    with processes(1) as executor:\n"
        "        executor.submit(time.monotonic).result()\n"
        "        sleeping = executor.submit(time.sleep, 60)\n"
        "        try:\n"
        "            print('ready', flush=True)\n"
        "            sleeping.result()\n"
        "        except KeyboardInterrupt:\n"
        "            print('interrupted', flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "starting.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "ready\n"
        os.killpg(starter.pid, signal.SIGINT)
        told, complaints = starter.communicate(timeout=30)

    assert (told, complaints, starter.returncode) == ("interrupted\n", "", 0)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_command_line_takes_a_number_of_workers(project: Project) -> None:
    done = project.tracer("diff", *map(str, DEMO), "--workers", "3", "--format", "json")
    none = project.tracer("diff", *map(str, DEMO), "--workers", "0")

    assert json.loads(done.stdout)["summary"]["changed"] == tracer.diff(*DEMO).summary.changed
    assert "0 workers compare nothing. Give --workers 1 or more." in none.stderr


def test_without_a_number_there_is_one_worker_for_each_core_up_to_eight() -> None:
    assert workers_of(None) in range(1, 9)
    assert workers_of(20) == 20
    with pytest.raises(ConfigError, match="workers compare nothing"):
        workers_of(-1)
