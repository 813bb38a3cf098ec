"""What a program reads of its surroundings is recorded, and played back: the same run again."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.helpers import Project
from tracer.storage.reader import open_cassette

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 14), reason="there no call site can be seen")

READING = """
    import datetime, os, random, secrets, time, uuid
    from dataclasses import dataclass, field
    from functools import partial
    from random import Random, SystemRandom, shuffle
    from time import time as now
    START = time.time()
    CHANCE = SystemRandom()
    @dataclass
    class Order:
        key: uuid.UUID = field(default_factory=uuid.uuid4)
        at: datetime.datetime = field(default_factory=datetime.datetime.now)
    class Clock:
        read = time.perf_counter
        def __init__(self, read=time.monotonic):
            self.other = read
        def all(self):
            return self.read(), self.other()
    def clocks():
        called = {"tick": time.monotonic_ns}
        return START, time.time(), now(), time.time_ns(), called["tick"](), time.process_time(), Clock().all()
    def texts():
        return time.strftime("%H:%M:%S"), tuple(time.localtime()), time.gmtime().tm_zone, time.ctime(), time.strftime("%Y", time.gmtime(0))
    def dates():
        zone = datetime.timezone.utc
        made = datetime.datetime.now(zone), datetime.datetime.now(tz=zone)
        return datetime.datetime.now(), datetime.datetime.today(), datetime.date.today(), made
    def chance(items=("a", "b", "c", "d", "e", "f")):
        mixed = list(items)
        shuffle(mixed)
        draw = partial(random.choice, items)
        own = Random()
        numbers = random.random(), random.randint(1, 10**6), random.uniform(0, 1), random.getrandbits(200), random.gauss(0, 1)
        chosen = draw(), random.choice(items), random.sample(items, 3), random.choices(items, k=3), mixed
        return numbers, chosen, own.random(), own.choice(items), [random.random() for _ in range(3)], CHANCE.random(), CHANCE.choice(items)
    def secret():
        return secrets.token_hex(8), secrets.token_bytes(8), secrets.choice("abcdef"), secrets.randbits(100), os.urandom(8), uuid.uuid1(), uuid.uuid4()
    def variables():
        table = os.environ
        whole = sorted(name for name in os.environ if name.startswith("AMBIENT")), {**os.environ}["AMBIENT_A"], dict(os.environ)["AMBIENT_A"]
        read = os.environ["AMBIENT_A"], table.get("AMBIENT_B", "none"), os.getenv("AMBIENT_A"), "AMBIENT_B" in table, "AMBIENT_B" not in table
        return whole, read, os.environ.copy()["AMBIENT_A"], (os.environ | {"AMBIENT_Z": "z"})["AMBIENT_A"]
    def hashes():
        return [hash(text) for text in ("a", "b")]
"""

MAIN = """
    from app import reading
    def go():
        for name in ("clocks", "texts", "dates", "chance", "secret", "variables", "hashes", "Order", "Order"):
            print(name, getattr(reading, name)())
    if __name__ == "__main__":
        go()
"""

A = {"AMBIENT_A": "one"}
B = {"AMBIENT_A": "two", "AMBIENT_B": "more"}


def project(folder: Path, **files: str) -> Project:
    return Project(folder).with_files(
        {"app/__init__.py": "", **{name.replace("__", "/") + ".py": text for name, text in files.items()}}
    )


def calls(cassette: Path) -> list[str]:
    """The callables of a cassette's calls, lane after lane."""
    with open_cassette(cassette) as run:
        return [call.callable for lane in run.lanes for call in run.calls(lane.name)]


def test_a_run_that_is_given_the_surroundings_of_another_is_the_same_run(tmp_path: Path) -> None:
    """Every way to read them, by whatever name: what is printed and what is recorded are the same, byte for byte."""
    app = project(tmp_path, app__reading=READING, app__main=MAIN)

    first = app.tracer(
        "record",
        "-o",
        "a.cassette",
        "--ambient",
        "--",
        sys.executable,
        "-m",
        "app.main",
        env={**A, "PYTHONHASHSEED": "random"},
    )
    time.sleep(1 - time.time() % 1)  # some of what is read is told in whole seconds
    second = app.tracer(
        "record", "-o", "b.cassette", "--ambient-from", "a.cassette", "--", sys.executable, "-m", "app.main", env=B
    )
    alone = app.run("python", "-m", "app.main", env=A)

    assert first.exit == second.exit == alone.exit == 0, first.stderr + second.stderr
    assert len(first.stdout) > 1000
    assert second.stdout == first.stdout
    differing = [
        one.split()[0]
        for one, other in zip(first.stdout.splitlines(), alone.stdout.splitlines(), strict=True)
        if one != other
    ]
    assert differing == ["clocks", "texts", "dates", "chance", "secret", "hashes", "Order", "Order"]
    assert (tmp_path / "a.cassette").read_bytes() == (tmp_path / "b.cassette").read_bytes()
    assert "read of the surroundings" not in first.stderr
    assert "were played back." in " ".join(second.stderr.split())
    assert {"time:perf_counter", "random:Random", "random:SystemRandom.getrandbits", "sys:hash_seed"} <= set(
        calls(tmp_path / "a.cassette")
    )


def test_a_rerun_is_given_what_the_cassette_recorded(tmp_path: Path) -> None:
    """`tracer diff OLD` finds nothing; `--ambient none` gives the surroundings of here, which then explain what differs."""
    app = project(tmp_path, app__reading=READING, app__main=MAIN)
    app.tracer("record", "-o", "a.cassette", "--ambient", "--", sys.executable, "-m", "app.main", env=A)

    played = app.tracer("diff", "a.cassette", "--", sys.executable, "-m", "app.main", env=A)
    live = app.tracer(
        "diff", "a.cassette", "--ambient", "none", "--no-confirm", "--", sys.executable, "-m", "app.main", env=A
    )
    other = app.tracer("record", "-o", "b.cassette", "--ambient", "--", sys.executable, "-m", "app.main", env=B)
    both = app.tracer("diff", "a.cassette", "b.cassette")

    assert played.exit == 0, played.stdout
    assert played.stdout.startswith("note") and "SAME" in played.stdout
    assert live.exit == 1
    assert other.exit == 0
    told = " ".join(both.stdout.split())
    assert both.exit == 0, told
    assert "reads of the surroundings gave something else" in told
    assert "follow from that alone, and count as noise" in told


def test_only_what_is_chosen_is_recorded(tmp_path: Path) -> None:
    """Kinds are chosen one by one, on the command line and in the settings."""
    app = project(tmp_path, app__reading=READING, app__main=MAIN).with_files({"tracer.toml": 'ambient = ["uuid"]\n'})

    app.tracer("record", "-o", "time.cassette", "--ambient", "time", "--", sys.executable, "-m", "app.main", env=A)
    app.tracer("record", "-o", "uuid.cassette", "--", sys.executable, "-m", "app.main", env=A)

    def modules(name: str) -> set[str]:
        return {callable_.partition(":")[0] for callable_ in calls(tmp_path / name)} - {"app.reading"}

    assert modules("time.cassette") == {"time", "datetime"}
    assert modules("uuid.cassette") == {"uuid"}


OTHERS = """
    import asyncio, threading, time
    from concurrent.futures import ThreadPoolExecutor
    from app import clock
    def tick():
        return clock.read()
    async def wait(number):
        began = clock.read()
        await asyncio.sleep(0.01 * number)
        return clock.read() - began
    async def tasks():
        return await asyncio.gather(*(wait(number) for number in (2, 1, 3)))
    def threads():
        found = {}
        def work(name):
            found[name] = [clock.read() for _ in range(3)]
        running = [threading.Thread(target=work, args=(name,)) for name in ("x", "y")]
        for thread in running: thread.start()
        for thread in running: thread.join()
        with ThreadPoolExecutor(2) as pool:
            jobs = list(pool.map(lambda _: clock.read(), range(4)))
        timer = threading.Timer(0.01, lambda: found.setdefault("timer", clock.read()))
        timer.start()
        timer.join()
        return found, jobs
    def generated():
        return list(clock.each(3))
    def go():
        print(sorted(asyncio.run(tasks())), threads(), generated())
    if __name__ == "__main__":
        go()
"""

CLOCK = """
    import random, time
    def read():
        return time.monotonic()
    def each(count):
        for _ in range(count):
            yield random.random(), time.time()
"""


def test_threads_tasks_jobs_and_generators_read_what_their_lanes_read(tmp_path: Path) -> None:
    """asyncio, timers and pools keep their own clock: they wait as long as they did."""
    app = project(tmp_path, app__clock=CLOCK, app__main=OTHERS)

    first = app.tracer("record", "-o", "a.cassette", "--ambient", "all", "--", sys.executable, "-m", "app.main")
    second = app.tracer(
        "record", "-o", "b.cassette", "--ambient-from", "a.cassette", "--", sys.executable, "-m", "app.main"
    )

    assert first.exit == second.exit == 0, first.stderr + second.stderr
    assert first.stdout == second.stdout
    assert (tmp_path / "a.cassette").read_bytes() == (tmp_path / "b.cassette").read_bytes()


CHILDREN = """
    import multiprocessing, subprocess, sys
    from app import clock
    def child(number):
        print(number, clock.read(), flush=True)
    def go():
        print("root", clock.read(), flush=True)
        process = multiprocessing.get_context("fork").Process(target=child, args=(1,))
        process.start()
        process.join()
        subprocess.run([sys.executable, "-c", "from app import main; main.child(2)"], check=True)
        print("root", clock.read(), flush=True)
    if __name__ == "__main__":
        go()
"""


def test_children_read_what_their_processes_read(tmp_path: Path) -> None:
    """A forked child and a Python that is started go on with reads of their own lanes, and not with those of their parent."""
    app = project(tmp_path, app__clock=CLOCK, app__main=CHILDREN)

    first = app.tracer("record", "-o", "a.cassette", "--ambient", "all", "--", sys.executable, "-m", "app.main")
    second = app.tracer(
        "record", "-o", "b.cassette", "--ambient-from", "a.cassette", "--", sys.executable, "-m", "app.main"
    )

    assert first.exit == second.exit == 0, first.stderr + second.stderr
    assert len(set(first.stdout.splitlines())) == 4
    assert first.stdout == second.stdout
    assert (tmp_path / "a.cassette").read_bytes() == (tmp_path / "b.cassette").read_bytes()


CHANGED = """
    import os, random, time
    def stamps(count):
        return [time.monotonic() for _ in range(count)]
    def draw(low, high):
        return random.randint(low, high)
    def password():
        return os.environ["API_PASSWORD"]
    def mine():
        os.environ["AMBIENT_OWN"] = "mine"
        return os.environ["AMBIENT_OWN"]
"""

CALLING = """
    import sys
    from app import reading
    def go(count, low):
        print(reading.stamps(count))
        print(reading.draw(low, 10**9))
        print(reading.password(), reading.mine())
    if __name__ == "__main__":
        go(int(sys.argv[1]), int(sys.argv[2]))
"""


def test_what_was_not_recorded_is_read_here_and_told(tmp_path: Path) -> None:
    """More reads than recorded, other arguments, secrets: live values, counted by name. A monotonic clock never goes back."""
    app = project(tmp_path, app__reading=CHANGED, app__main=CALLING)
    run = ("--", sys.executable, "-m", "app.main")
    secret = {"API_PASSWORD": "open-sesame", "AMBIENT_OWN": "theirs"}

    first = app.tracer("record", "-o", "a.cassette", "--ambient", *run, "2", "1", env=secret)
    second = app.tracer(
        "record",
        "-o",
        "b.cassette",
        "--ambient-from",
        "a.cassette",
        *run,
        "4",
        "500000000",
        env={**secret, "API_PASSWORD": "other"},
    )

    assert first.exit == second.exit == 0, first.stderr + second.stderr
    old, new = (eval(each.stdout.splitlines()[0]) for each in (first, second))  # a list of floats
    assert new[:2] == old
    assert new == sorted(new)
    assert new[-1] - new[0] < 100
    assert int(second.stdout.splitlines()[1]) >= 500000000
    assert second.stdout.splitlines()[2] == "other mine"
    assert b"open-sesame" not in (tmp_path / "a.cassette").read_bytes()
    told = " ".join(second.stderr.split())
    assert "2 reads of the surroundings were played back; 4 found nothing recorded" in told
    assert "time:monotonic (2)" in told and "os:environ.get API_PASSWORD (1)" in told


def test_the_names_of_a_program_hold_what_they_held(tmp_path: Path) -> None:
    """Nothing is replaced by name, so checks of types and identities hold; what another library put in the place of a clock is called."""
    text = """
        import os, random, time, types
        from time import time as now
        def look():
            assert type(time.time) is types.BuiltinFunctionType and now is time.time and os.environ is os.environ
            assert isinstance(random.SystemRandom(), random.SystemRandom) and type(random.Random()) is random.Random
            assert random.Random(5).random() == random.Random(5).random() == 0.6229016948897019
            random.seed(5)
            assert random.random() == 0.6229016948897019
            kept = time.time
            time.time = lambda: 17.5
            try:
                assert time.time() == 17.5
            finally:
                time.time = kept
            for raising in (lambda: os.environ["AMBIENT_NONE"], lambda: random.choice([]), lambda: time.localtime("x")):
                try:
                    raising()
                except (KeyError, IndexError, TypeError) as error:
                    print(type(error).__name__, error)
            return now() > 0
    """
    app = project(tmp_path, app__reading=text, app__main="from app import reading\n\nprint(reading.look())\n")

    alone = app.run("python", "-c", "import app.main")
    traced = app.tracer("record", "-o", "a.cassette", "--ambient", "--", sys.executable, "-c", "import app.main")

    assert alone.exit == traced.exit == 0, alone.stderr + traced.stderr
    assert traced.stdout == alone.stdout
    assert "app.reading:look" in calls(tmp_path / "a.cassette")
    assert calls(tmp_path / "a.cassette").count("time:time") == 1


TESTING = """
    import random, time
    import pytest
    from app import clock
    def test_one(monkeypatch):
        assert clock.read() == clock.read.__globals__["time"].monotonic() or True
        print("one", list(clock.each(2)))
    def test_two():
        mine = random.random(), time.time()
        print("two", clock.read())
        assert 0 <= mine[0] < 1
"""


def test_tests_keep_their_own_surroundings(tmp_path: Path) -> None:
    """Test modules are callers, no components: what they and pytest read is their own. What the code reads goes by the test."""
    app = project(tmp_path, app__clock=CLOCK, test_clock=TESTING)
    run = ("--", sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider")

    first = app.tracer("record", "-o", "a.cassette", "--ambient", *run)
    second = app.tracer("record", "-o", "b.cassette", "--ambient-from", "a.cassette", *run, "-k", "two")

    assert first.exit == second.exit == 0, first.stdout + second.stdout
    lines = [line.strip(".") for line in first.stdout.splitlines() if "two" in line]
    assert lines == [line.strip(".") for line in second.stdout.splitlines() if "two" in line]
    with open_cassette(tmp_path / "a.cassette") as run_:
        callers = {
            call.caller
            for lane in run_.lanes
            for call in run_.calls(lane.name)
            if call.callable.startswith(("time:", "random:"))
        }
    assert callers == {"app.clock"}


def test_tests_are_given_theirs_too_where_callers_are_chosen(tmp_path: Path) -> None:
    """With `callers` what a test passes in is the same in both runs."""
    text = "import os, time\nfrom app import echo\ndef test_it(): assert echo.back(time.time()) and echo.back(os.urandom(4))\n"
    app = project(tmp_path, app__echo="def back(value): return value\n", test_echo=text)
    run = ("--", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")

    app.tracer("record", "-o", "a.cassette", "--ambient", "all,callers", *run)
    app.tracer("record", "-o", "b.cassette", "--ambient-from", "a.cassette", *run)

    assert calls(tmp_path / "a.cassette").count("app.echo:back") == 2
    assert (tmp_path / "a.cassette").read_bytes() == (tmp_path / "b.cassette").read_bytes()


def test_a_cassette_without_reads_cannot_be_played(tmp_path: Path) -> None:
    """What is not there is told in one sentence, before anything runs."""
    app = project(tmp_path, app__clock=CLOCK, app__main="from app import clock\n\nprint(clock.read())\n")
    run = ("--", sys.executable, "-c", "import app.main")
    app.tracer("record", "-o", "a.cassette", *run)

    played = app.tracer("record", "-o", "b.cassette", "--ambient-from", "a.cassette", *run)
    compared = app.tracer("diff", "a.cassette", "--ambient", "time", *run)
    unknown = app.tracer("record", "--ambient", "tmie", *run)

    assert [each.exit for each in (played, compared, unknown)] == [2, 2, 2]
    assert played.stderr == (
        "tracer: Couldn't play back what 'a.cassette' read: it holds no reads of the surroundings. Record it with --ambient all.\n"
    )
    assert "it holds no reads of time. Record it with --ambient." in compared.stderr
    assert "'tmie' is no kind of read. Did you mean 'time'?" in unknown.stderr
