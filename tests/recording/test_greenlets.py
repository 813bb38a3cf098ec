"""Greenlets have lanes of their own: what is recorded does not depend on when they are switched, and nobody can tell."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import greenlet

import tracer
from tests.recording.recordings import calls, lanes, lines, record
from tracer.recording.lanes import Lanes
from tracer.storage.reader import open_cassette

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.helpers import Project

SHOP = {
    "pyproject.toml": "",
    "shop.py": """
        import gevent, os
        def price(number):
            gevent.sleep(0.002 * (number * int(os.environ["STEP"]) % 5))
            return tax(number)
        def tax(number): return number * 2
        def fail(number):
            price(number)
            raise ValueError(number)
    """,
    "app.py": """
        import gevent, shop
        from gevent.pool import Pool
        def serve(number): return shop.price(number)
        jobs = [gevent.spawn(serve, number) for number in range(1, 5)] + [gevent.spawn(shop.fail, 7)]
        shop.tax(0)
        gevent.joinall(jobs)
        print([job.value for job in jobs], jobs[-1].exception, Pool(2).map(serve, range(3)), shop.tax(1))
    """,
}


def test_each_has_its_own_lane_whenever_it_is_switched(project: Project) -> None:
    """As in gevent: calls nest as the greenlet made them, and another order of switches is the same recording, byte for byte."""
    shop = project.with_files(SHOP)
    files = []
    for step in ("1", "2", "3"):
        record(shop, "python", "app.py", name=step, env={"STEP": step})
        files.append((shop.folder / f"{step}.cassette").read_bytes())
    assert files[1:] == [files[0]] * 2

    found = lanes(shop.folder / "1.cassette")
    assert [name for name in found if "serve#" in name][:4] == [f"main > greenlet app:serve#{at}" for at in range(4)]
    assert found["main"] == 2
    assert found["main > greenlet shop:fail#0"] == 1
    assert lines(shop, name="1")[:3] == [
        "lane main",
        "app -> shop:tax(number=0) -> 0",
        "app -> shop:tax(number=1) -> 2",
    ]


def test_those_made_by_hand_with_what_is_thrown_into_them(project: Project) -> None:
    """By where they were switched to first; in threads, below the thread's lane. Where the host traces switches itself, they stay in the lane of the thread."""
    program = """
        import greenlet, shop, threading
        def talk(first):
            above = greenlet.getcurrent().parent
            second = above.switch(shop.double(first))
            try:
                above.switch(shop.double(second))
            except KeyError as error:
                return shop.double(error.args[0])
        def use():
            talking = greenlet.greenlet(talk)
            print(talking.switch(1), shop.double(10), talking.switch(2), talking.throw(KeyError(3)), talking.dead)
        use()
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        heard = []
        greenlet.settrace(lambda event, switch: heard.append(event))  # which takes tracer's place
        use()
        print(heard)
    """
    shop = project.with_files({"shop.py": "def double(number): return number * 2\n", "app.py": program})
    bare = shop.run("python", "app.py")
    done = record(shop, "python", "app.py")
    assert done.stdout == bare.stdout
    assert bare.stdout.startswith("2 20 4 6 True")
    assert lines(shop, "shop:*")[:7] == [
        "lane main",
        "app -> shop:double(number=10) -> 20",
        *(f"app -> shop:double(number={number}) -> {2 * number}" for number in (1, 10, 2, 3)),
        "lane main > greenlet app:use#0",
    ]
    assert lines(shop, "shop:*")[7:10] == [f"app -> shop:double(number={n}) -> {2 * n}" for n in (1, 2, 3)]
    assert [*lanes(shop.folder / "run.cassette")] == [
        "main",
        "main > greenlet app:use#0",
        "main > thread app:<module>#0",
        "main > thread app:<module>#0 > greenlet app:use#0",
    ]


def test_a_block_follows_those_it_starts_and_leaves_nothing(project: Project) -> None:
    program = """
        import greenlet, tracer, shop
        def talk(number):
            greenlet.getcurrent().parent.switch(shop.double(number))
            shop.double(number + 1)
        before = greenlet.greenlet(talk)
        before.switch(1)
        with tracer.record("outer.cassette", boundaries=["shop"]):
            inside = greenlet.greenlet(talk)
            inside.switch(10)
            with tracer.record("inner.cassette", boundaries=["shop"]):
                within = greenlet.greenlet(talk)
                within.switch(20)
                within.switch()
            inside.switch()
        print(greenlet.gettrace())
        shop.double(3)
    """
    shop = project.with_files({"shop.py": "def double(number): return number * 2\n", "app.py": program})
    done = shop.run("python", "app.py")
    assert (done.exit, done.stdout) == (0, "None\n"), done.stderr
    assert sorted(calls(shop, name="outer")) == [f"shop:double(number={n}) -> {2 * n}" for n in (10, 11, 20, 21)]
    assert calls(shop, name="inner") == [f"shop:double(number={n}) -> {2 * n}" for n in (20, 21)]


def test_blocks_of_greenlets_that_run_at_once_do_not_mix(project: Project) -> None:
    """In a program that gevent has patched first, `threading.local` and all; each follows those that its own greenlet spawns."""
    program = """
        from gevent import monkey
        monkey.patch_all()
        import gevent, tracer, shop
        def block(number):
            with tracer.record(f"block{number}.cassette", boundaries=["shop"]):
                jobs = [gevent.spawn(shop.price, 10 * number + at) for at in range(3)]
                shop.tax(number)
                gevent.joinall(jobs)
                shop.tax(number + 100)
        gevent.joinall([gevent.spawn(block, number) for number in (1, 2, 3)] + [gevent.spawn(shop.price, 5)])
        import greenlet
        print(greenlet.gettrace())
    """
    shop = project.with_files({**SHOP, "app.py": program})
    done = shop.run("python", "app.py", env={"STEP": "2"})
    assert (done.exit, done.stdout) == (0, "None\n"), done.stderr
    for number in (1, 2, 3):
        assert lanes(shop.folder / f"block{number}.cassette") == {
            "main": 2,
            **{f"main > greenlet shop:price#{at}": 1 for at in range(3)},
        }
        shown = " ".join(calls(shop, name=f"block{number}"))
        assert all(f"price(number={10 * number + at})" in shown for at in range(3))


def test_a_forked_child_and_a_task_go_before(project: Project) -> None:
    """The greenlet that forks goes on in the child's lane; greenlets that carry on a coroutine's work are a part of its task."""
    program = """
        import asyncio, greenlet, os, shop
        def talk(number):
            shop.double(number)
            child = os.fork()
            if not child:
                shop.double(number + 1)
                greenlet.getcurrent().parent.switch()
            os.waitpid(child, 0)
        mine = os.getpid()
        greenlet.greenlet(talk).switch(1)
        if os.getpid() != mine:
            shop.double(5)
            raise SystemExit
        async def work(number):
            greenlet.greenlet(shop.double).switch(number)
            await asyncio.sleep(0)
            shop.double(number + 1)
        async def main(): await asyncio.gather(work(10), work(20))
        asyncio.run(main())
    """
    shop = project.with_files({"shop.py": "def double(number): return number * 2\n", "app.py": program})
    record(shop, "python", "app.py")
    assert lanes(shop.folder / "run.cassette") == {
        "main > greenlet app:<module>#0": 2,
        "main > greenlet app:<module>#0 > process app:talk#0": 2,
        "main > task app:main#0": 2,
        "main > task app:main#1": 2,
    }


def test_one_that_has_ended_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server makes one for each request."""
    made: list[Lanes] = []
    start = Lanes.__init__

    def keep(lanes: Lanes, *given: Any, **more: Any) -> None:
        made.append(lanes)
        start(lanes, *given, **more)

    monkeypatch.setattr(Lanes, "__init__", keep)
    with tracer.record(tmp_path / "run.cassette", boundaries=["json"]):
        import json  # noqa: PLC0415  (it may be imported by nobody yet)

        for number in range(1000):
            greenlet.greenlet(json.dumps).switch(number)
        gc.collect()
        assert len(made[0].greenlets) <= 1
        assert len(made[0]._by_name) <= 1
    with open_cassette(tmp_path / "run.cassette") as cassette:
        assert sum(lane.calls for lane in cassette.lanes) == 1000
