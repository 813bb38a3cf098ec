"""Replaying and comparing on a Dask cluster of processes of their own: workers die, schedulers vanish, and nothing is lost or silently wrong."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers import clean_environment
from tracer.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.helpers import Completed, Project

pytest.importorskip("distributed", reason="needs the extra tracer[dask]")

SHOP = """
    import os, time

    def price(n):
        if os.environ.get("SLOW") == "1":
            with open(f"seen-{os.getppid()}", "a") as stream:
                stream.write(".")
            time.sleep(0.004)
        return n * FACTOR

    FACTOR = 1
    """
MAIN = "import shop\nfor n in range(1, 1201): shop.price(n)\n"
REPLAY = ("replay", "old/a.cassette")
DIFF = ("diff", "old", "new")
OTHER_VERSION = "import tracer.version\ntracer.version.VERSION = '9.9.9'\n"
# One process for all steps: loading Dask costs more than most of them.
DRIVER = """
    import io, json, sys, threading, time
    from contextlib import redirect_stderr, redirect_stdout
    from tracer.cli.command_line import run

    for line in sys.stdin:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run(json.loads(line))
        print(json.dumps([code, out.getvalue(), err.getvalue(), threading.active_count()]), flush=True)
    """


class Cluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, project: Project) -> None:
        self._folder = project.folder
        self._running: list[subprocess.Popen[bytes]] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self.scheduler = self._start("dask_scheduler", "--host", "127.0.0.1", "--port", str(port))

    def worker(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a worker that takes one task at a time."""
        return self._start("dask_worker", self.address, "--no-nanny", "--nthreads", "1", *words)

    def end(self) -> None:
        """End all that was started."""
        for process in self._running:
            process.kill()
            process.wait()

    def _start(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{program}", *words, "--no-dashboard"],
            cwd=self._folder,
            env={**clean_environment(), "SLOW": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._running.append(process)
        return process

    def kill_when_at_work(self, worker: subprocess.Popen[bytes], victim: subprocess.Popen[bytes]) -> None:
        """End a process at once when a worker is in the middle of calls."""
        seen = self._folder / f"seen-{worker.pid}"
        deadline = time.monotonic() + 60
        while not seen.exists() or seen.stat().st_size < 20:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()


class Driver:
    """A process that runs command lines of tracer one after the other."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "driver.py"],
            cwd=folder,
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, *words: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()

    def end(self) -> tuple[int, str, str, int]:
        assert self._process.stdout is not None
        code, out, err, threads = json.loads(self._process.stdout.readline())
        return code, out, err, threads

    def run(self, *words: str) -> tuple[int, str, str, int]:
        self.begin(*words)
        return self.end()

    def close(self) -> None:
        self._process.communicate()


@contextmanager
def at_work(project: Project) -> Iterator[tuple[Cluster, Driver]]:
    cluster = Cluster(project)
    driver = Driver(project.folder)
    try:
        yield cluster, driver
    finally:
        cluster.end()
        driver.close()


@pytest.fixture
def recorded(project: Project) -> Project:
    """A project with a recording of it, and two folders of cassettes."""
    files = {"shop.py": SHOP, "main.py": MAIN, "driver.py": DRIVER, "other.py": OTHER_VERSION, "pyproject.toml": ""}
    project = project.with_files(files)
    done: Completed = project.tracer("record", "-o", "old/a.cassette", "--", sys.executable, "main.py")
    assert done.exit == 0, done.stderr
    for name in ("old/b.cassette", "new/a.cassette", "new/b.cassette"):
        target = project.folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes((project.folder / "old" / "a.cassette").read_bytes())
    return project


def test_a_cluster_replays_and_compares_and_what_goes_wrong_is_one_sentence(recorded: Project) -> None:
    changed = recorded.with_files({"shop.py": SHOP.replace("FACTOR = 1", "FACTOR = 2")})
    changed.write()
    with at_work(changed) as (cluster, driver):
        scheduler = ("--scheduler", cluster.address)
        replay = (*REPLAY, "--format", "json", "--no-confirm", *scheduler)

        # A worker with another tracer is told, and nothing is replayed.
        stranger = cluster.worker("--preload", "other.py")
        code, _, err, _ = driver.run(*replay)
        cause = f"a worker has tracer 9.9.9, and tracer {VERSION} asks"
        assert code == 2
        assert err == f"tracer: Couldn't replay calls: {cause}. Install one version of tracer everywhere.\n"
        stranger.kill()

        # A worker that is killed in the middle costs nothing but the time.
        first, second = cluster.worker(), cluster.worker()
        driver.begin(*replay)
        cluster.kill_when_at_work(first, victim=first)
        code, out, err, _ = driver.end()
        report: dict[str, Any] = json.loads(out)
        assert code == 1, err
        assert report["replay"]["replayed"] == report["replay"]["calls"] == 1200
        assert [(finding["callable"], finding["count"]) for finding in report["findings"]] == [("shop:price", 1200)]

        # Folders are compared by the same workers, and come to what is found here.
        code, out, err, _ = driver.run(*DIFF, "--format", "json", *scheduler)
        assert code == 0, err
        assert json.loads(out) == json.loads(driver.run(*DIFF, "--format", "json")[1])

        # A scheduler that vanishes is told, and no process is left at it.
        (changed.folder / f"seen-{second.pid}").unlink()
        driver.begin(*replay)
        cluster.kill_when_at_work(second, victim=cluster.scheduler)
        code, out, err, _ = driver.end()
        assert (code, out) == (2, "")
        assert err.startswith("tracer: Couldn't replay calls: the scheduler was lost")
        assert err.count("\n") == 1


def test_a_scheduler_is_for_two_folders(project: Project) -> None:
    done = project.tracer("diff", "a.cassette", "--scheduler", "tcp://127.0.0.1:1", "--", "true")

    assert done.exit == 2
    assert done.stderr.startswith("tracer: Couldn't compare: --scheduler is for two folders of cassettes.")
