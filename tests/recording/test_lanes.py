"""Lanes have names that do not depend on timing, and the same program gives the same bytes."""

from __future__ import annotations

import gc
import sys

import pytest

from tests.helpers import Project
from tests.recording.recordings import calls, lanes, lines, record
from tracer.recording.lanes import Lane, Lanes, ThreadState
from tracer.storage.reader import open_cassette

WORK = {
    "pyproject.toml": "",
    "shop/__init__.py": "",
    "shop/jobs.py": """
        import random, time
        def work(name):
            time.sleep(random.random() / 100)
            return name
        async def fetch(name):
            import asyncio
            await asyncio.sleep(random.random() / 100)
            return name
        def tags(words): return set(words)
        """,
}
CONCURRENT = {
    "shop/start.py": """
        import asyncio, threading
        from concurrent.futures import ThreadPoolExecutor
        from shop.jobs import fetch, tags, work

        def threads():
            started = [threading.Thread(target=work, args=(f"thread {n}",)) for n in range(3)]
            for thread in started: thread.start()
            for thread in reversed(started): thread.join()

        def pool():
            with ThreadPoolExecutor(3) as executor:
                jobs = [executor.submit(work, f"job {n}") for n in range(4)]
            last = threading.Thread(target=work, args=("after the pool",))
            last.start(); last.join()
            return [job.result() for job in jobs]

        async def one(n):
            await fetch(f"task {n}")
            return await asyncio.to_thread(work, f"helper {n}")

        async def tasks():
            work("before")
            await asyncio.gather(*(one(n) for n in range(3)))
            work("after")
        """,
    "app.py": """
        import asyncio
        from shop import jobs, start
        start.threads(); start.pool(); asyncio.run(start.tasks())
        jobs.tags([chr(97 + n) * n for n in range(20)])
        """,
}


def test_threads_jobs_and_tasks_have_lanes_named_by_where_they_were_started(project: Project) -> None:
    project = project.with_files({**WORK, **CONCURRENT})

    record(project, "python", "app.py", name="one")
    record(project, "python", "app.py", name="two")

    found = lanes(project.folder / "one.cassette")
    assert list(found) == [
        "main",
        *(f"main > job shop.start:pool#{n}" for n in range(4)),
        *(f"main > task shop.start:tasks#{n}{job}" for n in range(3) for job in ("", " > job shop.start:one#0")),
        *(f"main > thread shop.start:{place}" for place in ("pool#0", "threads#0", "threads#1", "threads#2")),
    ]
    assert (project.folder / "one.cassette").read_bytes() == (project.folder / "two.cassette").read_bytes()


PROCESSES = {
    "app.py": """
        import multiprocessing, os, subprocess, sys
        from shop.jobs import work

        def child(name):
            work(name)

        def main():
            for method in ("fork", "spawn"):
                context = multiprocessing.get_context(method)
                started = [context.Process(target=child, args=(f"{method} {n}",)) for n in range(2)]
                for process in started: process.start()
                for process in started: process.join()
            subprocess.run([sys.executable, "-c", "from shop.jobs import work; work('direct')"], check=True)
            subprocess.run(["sh", "-c", f"{sys.executable} -c \\"from shop.jobs import work; work('by sh')\\"; true"], check=True)
            pid = os.fork()
            if not pid:
                work("forked")
                os._exit(0)
            os.waitpid(pid, 0)
            pid = os.fork()
            if not pid:
                os.execv(sys.executable, [sys.executable, "-c", "from shop.jobs import work; work('executed')"])
            os.waitpid(pid, 0)
            work("parent")

        if __name__ == "__main__":
            main()
        """,
}


def test_children_record_too_under_the_lane_that_started_them(project: Project) -> None:
    project = project.with_files({**WORK, **PROCESSES})

    record(project, "python", "app.py", name="one")
    record(project, "python", "app.py", name="two")

    found = [line.rpartition("'")[0].rpartition("'")[2] or line for line in lines(project, "shop.jobs:work", "one")]
    assert found == [
        *("lane main", "parent"),
        *("lane main > command app:main#0 > process", "by sh"),
        *("lane main > process app:main#0", "fork 0"),
        *("lane main > process app:main#1", "fork 1"),
        *("lane main > process app:main#2", "spawn 0"),
        *("lane main > process app:main#3", "spawn 1"),
        *("lane main > process app:main#4", "direct"),
        *("lane main > process app:main#5", "forked"),
        *("lane main > process app:main#6", "executed"),
    ]
    assert (project.folder / "one.cassette").read_bytes() == (project.folder / "two.cassette").read_bytes()


def test_equal_programs_give_equal_bytes_in_any_folder_and_under_any_hash_seed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    program = {
        "app.py": """
            import os, pathlib, tempfile, uuid
            from shop.jobs import tags
            class Thing:
                def __init__(self): self.me = self
            tags({"a": 1, "b": 2}); tags(["c", "d", "e"]); tags({"x", "y", "z"})
            tags([object(), Thing(), pathlib.Path.cwd() / "data", os.path.abspath(__file__), tempfile.gettempdir()])
            tags([lambda: 0, len, Thing, open(os.devnull)])
            """
    }
    found = []
    for place, seed in (("here", "1"), ("somewhere/else", "2")):
        project = Project(tmp_path_factory.mktemp("deterministic") / place).with_files({**WORK, **program})
        record(project, "python", "app.py", env={"PYTHONHASHSEED": seed})
        found.append((project.folder / "run.cassette").read_bytes())
        assert len(calls(project)) == 5

    assert found[0] == found[1]


SUITE = {
    "conftest.py": """
        import pytest
        from shop.jobs import work

        @pytest.fixture(scope="session")
        def server():
            work("server up")
            yield
            work("server down")

        @pytest.fixture(scope="module", params=["x", "y"])
        def table(request):
            return work(f"table {request.param}")

        @pytest.fixture
        def row(server):
            return work("row")
        """,
    "test_a.py": """
        import pytest
        from shop.jobs import work

        @pytest.mark.parametrize("n", [1, 2])
        def test_row(row, n): work(n)
        def test_table(table): work("in table")
        class TestIt:
            def test_inside(self): work("inside")
        """,
    "test_b.py": """
        from shop.jobs import work
        def test_row(row): work("b")
        def test_fails(row):
            work("failing")
            raise AssertionError
        """,
    "test_nested.py": """
        pytest_plugins = "pytester"
        def test_guest(pytester):
            pytester.makepyfile("def test_x():\\n    from shop.jobs import work\\n    work('guest')")
            pytester.syspathinsert(__import__("os").path.dirname(__file__))
            assert pytester.inline_run("-p", "no:cacheprovider").ret == 0
        """,
}
EXPECTED = {
    "fixture module table[0]": 1,
    "fixture module table[1]": 1,
    "fixture session server": 2,
    "test test_a.py::TestIt::test_inside": 1,
    "test test_a.py::test_row[1]": 2,
    "test test_a.py::test_row[2]": 2,
    "test test_a.py::test_table[x]": 1,
    "test test_a.py::test_table[y]": 1,
    "test test_b.py::test_fails": 2,
    "test test_b.py::test_row": 2,
    "test test_nested.py::test_guest": 1,
}


def test_each_test_and_each_wider_fixture_has_a_lane_whatever_runs_them(project: Project) -> None:
    project = project.with_files({**WORK, **SUITE})
    bare = {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"
    }  # what happens to be installed takes longer to load than all of this to run
    pytest_words = ("-m", "pytest", "-q", "-p", "no:cacheprovider")

    plain = project.tracer("record", "-o", "plain.cassette", "--", sys.executable, *pytest_words, env=bare)
    spread = project.tracer(
        "record", "-o", "spread.cassette", "--", sys.executable, *pytest_words, "-p", "xdist", "-n2", env=bare
    )
    off = ("test_b.py", "-p", "no:tracer.pytest_plugin")
    without = project.tracer("record", "-o", "no.cassette", "--", sys.executable, *pytest_words, *off, env=bare)

    assert (plain.exit, spread.exit, without.exit) == (1, 1, 1), plain.stderr
    assert lanes(project.folder / "plain.cassette") == EXPECTED
    assert lanes(project.folder / "spread.cassette") == EXPECTED
    assert set(lanes(project.folder / "no.cassette")) == {"main"}


POOLS = {
    "shop/tasks.py": """
        import time
        from multiprocessing import Pipe
        from shop.jobs import work
        class Parcel:
            def __init__(self, number): self.number = number
            def __reduce__(self): return Parcel, (self.number,)
        def deliver(parcel):
            work(f"parcel {parcel.number}")
            time.sleep(0.01 * (parcel.number % 3))
            return parcel
        def warm(): work("warm")
        def talk(number):
            ours, theirs = Pipe()
            theirs.send((number, number))
            return work(ours.recv())
        """,
    "shop/pools.py": """
        import asyncio, sys
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context
        from shop.tasks import Parcel, deliver, talk, warm

        def executor(context):
            with ProcessPoolExecutor(2, mp_context=context, initializer=warm) as pool:
                first = pool.submit(deliver, Parcel(0))
                rest = list(pool.map(deliver, [Parcel(n) for n in range(1, 5)]))
            return first.result(), rest

        def pool(context):
            with context.Pool(2, warm) as pool:
                pool.apply(deliver, (Parcel(0),))
                pool.map(deliver, [Parcel(n) for n in range(1, 5)], chunksize=1)
                list(pool.imap_unordered(deliver, [Parcel(n) for n in range(5, 8)]))
                pool.apply(talk, (8,))

        def main(method):
            context = get_context(method)
            executor(context); pool(context)
        """,
    "app.py": """
        import sys
        from shop import pools
        if __name__ == "__main__":
            pools.main(sys.argv[1])
        """,
}


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_each_job_of_a_pool_of_processes_has_a_lane_whichever_worker_takes_it(project: Project, method: str) -> None:
    project = project.with_files({**WORK, **POOLS})

    record(project, "python", "app.py", method, name="one")
    record(project, "python", "app.py", method, name="two")

    found = lanes(project.folder / "one.cassette")
    jobs = [f"main > job shop.pools:executor#{n}" for n in range(5)] + [
        "main > job shop.pools:pool#0/0",
        *(f"main > job shop.pools:pool#1/{n}" for n in range(4)),
        *(f"main > job shop.pools:pool#2/{n}" for n in range(3)),
        "main > job shop.pools:pool#3/0",
    ]
    jobs = [
        lane for job in jobs for lane in (job, f"{job} > result") if lane != "main > job shop.pools:pool#3/0 > result"
    ]
    workers = ["main > pool shop.pools:executor#0", "main > pool shop.pools:pool#0"]
    assert [lane for lane in found if lane.startswith(("main > job", "main > pool"))] == [*jobs, *workers]
    assert (project.folder / "one.cassette").read_bytes() == (project.folder / "two.cassette").read_bytes()


LOOPS = {
    "shop/bell.py": """
        def ring(name): return name
        def answer(future, name): future.set_result(name)
        async def walk(name): return name
        """,
    "shop/house.py": """
        import asyncio, threading, time, random
        from shop.bell import answer, ring, walk

        def visitor(loop, future, name):
            time.sleep(random.random() / 50)
            loop.call_soon_threadsafe(ring, name)
            asyncio.run_coroutine_threadsafe(walk(name), loop).result()
            loop.call_soon_threadsafe(answer, future, name)

        async def main():
            loop = asyncio.get_running_loop()
            futures = [loop.create_future() for _ in range(3)]
            visitors = [threading.Thread(target=visitor, args=(loop, future, f"v{n}")) for n, future in enumerate(futures)]
            for thread in visitors: thread.start()
            loop.call_soon_threadsafe(ring, "own").cancel()
            loop.call_soon_threadsafe(ring, "own thread")
            for future in futures:
                ring(await future)
            await loop.run_in_executor(None, ring, "helper")
            ring("end")
        """,
    "app.py": "import asyncio; from shop.house import main; asyncio.run(main())",
}


def test_callbacks_that_other_threads_hand_into_a_loop_have_lanes_of_their_own(project: Project) -> None:
    project = project.with_files({**WORK, **LOOPS})

    record(project, "python", "app.py", name="one")
    record(project, "python", "app.py", name="two")

    visitors = [f"main > thread shop.house:main#{n}" for n in range(3)]
    assert lanes(project.folder / "one.cassette") == {
        "main": 6,
        "main > job shop.house:main#0": 1,
        **{f"{visitor} > callback shop.house:visitor#{n}": 1 for visitor in visitors for n in (0, 2)},
        **{f"{visitor} > callback shop.house:visitor#1 > task app:<module>#0": 1 for visitor in visitors},
        **dict.fromkeys(visitors, 1),
    }
    assert (project.folder / "one.cassette").read_bytes() == (project.folder / "two.cassette").read_bytes()


SERVER = {
    "shop/server.py": """
        import asyncio, queue, threading
        from shop.bell import answer

        def serve(orders):
            while (order := orders.get()) is not None:
                loop, future, name = order
                loop.call_soon_threadsafe(answer, future, name)

        async def client(orders, name):
            for n in range(5):
                loop = asyncio.get_running_loop()
                future = loop.create_future()
                orders.put((loop, future, f"{name} {n}"))
                await future

        def main():
            orders = queue.Queue()
            server = threading.Thread(target=serve, args=(orders,))
            server.start()
            other = threading.Thread(target=lambda: asyncio.run(client(orders, "other")))
            other.start()
            asyncio.run(client(orders, "own"))
            other.join()
            orders.put(None)
            server.join()
        """,
    "app.py": "from shop.server import main; main()",
}


def test_a_thread_that_serves_several_loops_hands_to_each_in_an_order_of_its_own(project: Project) -> None:
    project = project.with_files({**WORK, **LOOPS, **SERVER})

    record(project, "python", "app.py", name="one")
    record(project, "python", "app.py", name="two")

    server, other = (f"main > thread shop.server:main#{n}" for n in range(2))
    assert lanes(project.folder / "one.cassette") == {
        "main": 1,
        server: 1,
        other: 1,
        **{f"{server} > callback shop.server:serve#{n}": 1 for n in range(5)},
        **{f"{server} > callback shop.server:serve for {other}#{n}": 1 for n in range(5)},
    }
    assert (project.folder / "one.cassette").read_bytes() == (project.folder / "two.cassette").read_bytes()


BASETEMP = {
    "test_a.py": """
        from shop.jobs import work
        def test_path(tmp_path):
            work(str(tmp_path / "data.txt"))
        """,
    "test_cassette.py": """
        from shop.jobs import work
        def test_path(tmp_path, tracer_cassette):
            with tracer_cassette():
                work(str(tmp_path / "data.txt"))
        """,
}


def test_pytests_own_temporary_folder_has_one_name_wherever_it_is(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = project.with_files({**WORK, **BASETEMP})
    run = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    bare = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    record(project, *run, "test_a.py", name="usual", env=bare)
    for name, more in (("one", ()), ("two", ("-p", "xdist", "-n1"))):
        record(project, *run, "test_a.py", f"--basetemp={elsewhere / name}", *more, name=name, env=bare)
    for name in ("three", "four"):
        cassettes = ("-p", "tracer.pytest_plugin", "test_cassette.py", f"--basetemp={elsewhere / name}")
        assert project.run(sys.executable, "-m", "pytest", "-q", *cassettes, env=bare).exit == 0

    usual = (project.folder / "usual.cassette").read_bytes()
    assert calls(project, name="usual") == [
        "shop.jobs:work(name='<tmp>/pytest/test_path0/data.txt') -> '<tmp>/pytest/test_path0/data.txt'"
    ]
    assert [(project.folder / f"{name}.cassette").read_bytes() == usual for name in ("one", "two")] == [True, True]


def test_a_job_leaves_nothing_behind_however_many_there_are() -> None:
    lanes_of_one = Lanes(lambda ident, name: None, lambda frame: "shop:place")

    def living() -> int:
        gc.collect()
        return sum(type(found) is Lane for found in gc.get_objects())

    def run(jobs: int) -> None:
        for _ in range(jobs):
            before = lanes_of_one.switch(lanes_of_one.submitted("job", None) or "")
            lanes_of_one.leave(before)
            taken = lanes_of_one.await_work()
            assert taken is not None
            lanes_of_one.take_job(taken, "1")

    run(1)
    before = living()
    run(100)
    assert living() == before


def test_a_call_in_the_middle_of_a_threads_first_one_finds_its_lane() -> None:
    """A finalizer that the collector runs while the lane is being named, say: its call is recorded, not dropped."""
    found: list[ThreadState] = []

    def define(ident: int, name: str) -> None:
        if ident == 1:
            found.append(lanes_of_one.state())

    lanes_of_one = Lanes(define, lambda frame: "shop:place")
    outer = lanes_of_one.state()
    assert outer is found[0]
    assert outer.lane is not None


def test_lanes_of_threads_and_tasks_that_have_ended_are_kept_no_longer(project: Project) -> None:
    """A server starts them without end, one for each request."""
    source = """
        import asyncio, gc, sys, threading
        import calls
        async def each(): calls.one()
        async def all_of_them():
            for _ in range(300): await asyncio.create_task(each())
        for _ in range(300):
            thread = threading.Thread(target=calls.one)
            thread.start()
            thread.join()
        asyncio.run(all_of_them())
        gc.collect()
        print(sum(type(each).__name__ == "Lane" for each in gc.get_objects()), file=sys.stderr)
    """
    project = project.with_files({"calls.py": "def one(): pass\n", "app.py": source})
    done = project.tracer("record", "-o", "run.cassette", "--", sys.executable, "app.py")
    assert int(done.stderr.split()[0]) < 30
    with open_cassette(project.folder / "run.cassette") as cassette:
        assert len(cassette.lanes) == 300 + 300
