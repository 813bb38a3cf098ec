"""Components played back in real programs: every kind of outcome, the modes, misses, and what stays as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import tracer
from tracer.playing.session import Playing

if TYPE_CHECKING:
    from tests.helpers import Completed, Project

GATE = """
    import asyncio, sys

    LIVE = []

    def live(name):
        LIVE.append(name)
        sys.stdout.write(f"live {name}" + chr(10))

    class Refused(Exception):
        def __init__(self, code):
            super().__init__(f"refused: {code}")
            self.code = code

    class Client:
        def __init__(self, name):
            live("init")
            self.name, self.sent, self._count = name, [], 0

        def send(self, amount, *, note=None):
            live("send")
            if amount < 0:
                raise Refused(amount)
            self._count += 1
            self.sent.append(amount)
            return {"number": self._count, "amount": amount}

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        @property
        def label(self):
            live("label")
            return f"<{self.name}>"

    def login(user, password):
        live("login")
        return password == "right"

    def count(stop):
        live("count")
        sent = []
        for at in range(stop):
            try:
                sent.append((yield at))
            except KeyError as error:
                yield error.args[0]
        return sent

    async def fetch(key):
        live("fetch")
        await asyncio.sleep(0)
        return [key]

    async def stream(stop):
        live("stream")
        for at in range(stop):
            await asyncio.sleep(0)
            got = yield at
            if got:
                yield got

    def fill(items, table):
        live("fill")
        items[0]["seen"] = True
        items.append(len(items))
        table.update(a=1)

    def squares(stop):
        live("squares")
        return (at * at for at in range(stop))

    def later(key):
        live("later")
        return fetch(key)

    def lines(path):
        live("lines")
        return open(path)
    """
WORK = """
    import asyncio, gate, threading
    from gate import fill, login

    def work():
        client = gate.Client("a")
        with client as same:
            print(same is client, client.send(5), client.send(5), client.send(6, note="n"), client.sent, client.label)
        try:
            client.send(-1)
        except gate.Refused as error:
            print(type(error).__name__, error, error.code)
        print(login("u", "right"), login("u", "wrong"))
        print(list(gate.count(2)))
        counting = gate.count(2)
        print(next(counting), counting.send("x"), counting.throw(KeyError("k")))
        items, table = [{}], {}
        inner = items[0]
        fill(items, table)
        print(items, table, inner is items[0])
        print(list(gate.squares(3)), list(gate.squares(2)))
        print(asyncio.run(waits()))
        with gate.lines(__file__) as file:
            print(file.readline(), [line for line in file][:1])
        results = []
        threads = [threading.Thread(target=lambda n=n: results.append(gate.Client("t").send(n))) for n in range(3)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        print(sorted(result["amount"] for result in results))

    async def waits():
        found = [at async for at in gate.stream(2)]
        streaming = gate.stream(2)
        found += [await streaming.__anext__(), await streaming.asend("sent")]
        await streaming.aclose()
        return found, await asyncio.gather(gate.fetch(1), gate.fetch(2), gate.later(3), gate.later(4))
    """


@pytest.fixture
def gate(project: Project) -> Project:
    return project.with_files({"pyproject.toml": "", "gate.py": GATE, "work.py": WORK})


def run(gate: Project, program: str, expected: int = 0, **env: str) -> Completed:
    done = gate.with_files({"program.py": program}).run("python", "program.py", env=env)
    assert done.exit == expected, done.stdout + done.stderr
    return done


def test_every_kind_of_outcome_is_recorded_once_and_then_played(gate: Project) -> None:
    """Returned, raised, mutated, yielded, sent, thrown, awaited, handed out; from threads and tasks. Nothing of the component runs."""
    program = """
        import tracer, gate, work
        code = gate.Client.send.__code__
        with tracer.playback("g", components=["gate"], strict=True):
            work.work()
        assert gate.Client.send.__code__ is code
        """
    first = run(gate, program)
    second = run(gate, program)

    told = [line for line in first.stdout.splitlines() if not line.startswith("live ")]
    assert len(told) < len(first.stdout.splitlines())
    assert second.stdout.splitlines() == told
    assert b"right" not in (gate.folder / "cassettes" / "g.cassette").read_bytes()


def test_a_call_that_was_cancelled_waits_until_it_is_cancelled_again(gate: Project) -> None:
    """A time limit around it ends it, as it did when it was recorded; exceptions of the standard library need no `allow`."""
    slow = """
        import asyncio, queue

        async def wait(): await asyncio.sleep(60)

        async def items():
            yield 1
            await asyncio.sleep(60)

        def take(): queue.Queue().get_nowait()
        """
    program = """
        import asyncio, queue, slow, tracer

        async def limited(made):
            try:
                await asyncio.wait_for(made, 0.05)
            except asyncio.TimeoutError:
                return "timed out"

        async def drained():
            async for item in slow.items():
                print(item)

        with tracer.playback("s", components=["slow"], strict=True):
            print(asyncio.run(limited(slow.wait())), asyncio.run(limited(drained())))
            try:
                slow.take()
            except queue.Empty:
                print("empty")
        """
    project = gate.with_files({"slow.py": slow})

    assert run(project, program).stdout == run(project, program).stdout == "1\ntimed out timed out\nempty\n"


def test_a_constant_that_was_returned_is_played_as_the_constant(gate: Project) -> None:
    """The caller tells it by identity."""
    constants = """
        class _Unset:
            pass

        UNSET = _Unset()

        def look(key):
            print("live")
            return [key, UNSET]
        """
    program = """
        import tracer, table
        with tracer.playback("t", components=["table"]):
            print(table.look("k")[1] is table.UNSET)
        """
    gate = gate.with_files({"table.py": constants})

    assert run(gate, program).stdout.split() == ["live", "True"]
    assert run(gate, program).stdout.split() == ["True"]


BLOCK = """
    import contextlib, io, pathlib, tracer, gate
    CASSETTE = pathlib.Path("cassettes/g.cassette")

    def block(mode, *amounts, fails=False):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            try:
                with tracer.playback("g", components=["gate"], mode=mode):
                    client = gate.Client("a")
                    for amount in amounts:
                        print(client.send(amount)["amount"])
                    if fails:
                        raise OSError
            except (AssertionError, tracer.TracerError, OSError) as error:
                print(type(error).__name__)
        return said.getvalue().replace("live ", "").split()
    """


def test_the_modes_are_those_of_vcr(gate: Project) -> None:
    program = """
        from block import CASSETTE, block
        assert block("none", 1) == ["CassetteNotFound"] and not CASSETTE.exists()
        assert block("off", 1) == ["init", "send", "1"] and not CASSETTE.exists()
        assert block("once", 1) == ["init", "send", "1"]
        before = CASSETTE.read_bytes()
        assert block("once", 1) == ["1"]
        assert block("none", 2) == ["CallNotRecorded"]
        assert CASSETTE.read_bytes() == before
        assert block("new_episodes", 1, 2) == ["1", "send", "2"]
        assert block("none", 1, 2) == ["1", "2"]
        assert block("all", 3) == ["init", "send", "3"]
        assert block("none", 1) == ["CallNotRecorded"]
        assert block("none", 3) == ["3"]
        assert block("nonne") == ["ConfigError"]
        """
    run(gate.with_files({"block.py": BLOCK}), program)


def test_a_failing_block_never_replaces_a_cassette(gate: Project) -> None:
    program = """
        from block import CASSETTE, block
        assert block("once", 9, fails=True)[-1] == "OSError"
        assert not CASSETTE.exists()
        block("once", 1)
        before = CASSETTE.read_bytes()
        assert block("all", 9, fails=True)[-1] == block("new_episodes", 9, fails=True)[-1] == "OSError"
        assert CASSETTE.read_bytes() == before
        assert [path.name for path in CASSETTE.parent.iterdir()] == ["g.cassette"]
        """
    run(gate.with_files({"block.py": BLOCK}), program)


def test_a_miss_names_the_nearest_call_and_the_field_and_is_told_again_where_it_was_swallowed(gate: Project) -> None:
    program = """
        import tracer, gate, json
        def block(act, **options):
            try:
                with tracer.playback("g", components=["gate"], **options):
                    act()
            except AssertionError as error:
                return error
        def recorded():
            gate.Client("a").send(5, note="n")
            gate.login("u", "right")
        def swallows():
            try:
                gate.Client("a").send(6, note="n")
            except BaseException:
                pass
        def twice():
            gate.login("u", "right")
            gate.login("u", "right")
        def unknown():
            gate.fetch("x").send(None)
        def secret():
            gate.login("v", "hidden")
        assert block(recorded) is None
        for act in (swallows, twice, unknown, secret):
            error = block(act, mode="none")
            assert type(error) is tracer.CallNotRecorded, error
            print(json.dumps([error.callable, error.nearest, error.field, error.recorded, error.called, error.cause]))
            assert "hidden" not in str(error)
        left = block(lambda: gate.login("u", "right"), strict=True)
        print(type(left).__name__, left.calls)
        """
    told = [line for line in run(gate, program).stdout.splitlines() if not line.startswith("live ")]

    assert told == [
        (
            '["gate:Client.send", "gate:Client.send(amount=5, note=\'n\')", "argument.amount", "5", "6", '
            '"cassettes/g.cassette holds 1 call of it (0 played), none with these arguments"]'
        ),
        (
            '["gate:login", "gate:login(user=\'u\', password=<redacted>)", "", "", "", '
            '"cassettes/g.cassette holds such a call, and it was played already"]'
        ),
        '["gate:fetch", "", "", "", "", "cassettes/g.cassette holds no call of it"]',
        (
            '["gate:login", "gate:login(user=\'u\', password=<redacted>)", "argument.user", "\'u\'", "\'v\'", '
            '"cassettes/g.cassette holds 1 call of it (0 played), none with these arguments"]'
        ),
        "CallsNotPlayed (\"gate:Client.__init__(name='a')\", \"gate:Client.send(amount=5, note='n')\")",
    ]


def test_arguments_may_be_ignored_and_calls_repeated(gate: Project) -> None:
    program = """
        import tracer, gate
        def logins(user, times, **options):
            with tracer.playback("g", components=["gate"], **options):
                return [gate.login(user, "right") for _ in range(times)]
        print(logins("u", 2), logins("v", 2, ignore=["user"]), logins("v", 2, ignore=["gate:login.user"]),
              logins("u", 4, repeat=True), logins("v", 2, match="callable"), logins("v", 2, match={"gate:*": "callable"}))
        """
    told = run(gate, program).stdout.splitlines()

    assert told[-1] == "[True, True] [True, True] [True, True] [True, True, True, True] [True, True] [True, True]"


def test_playbacks_of_different_components_nest_and_of_the_same_one_are_refused(gate: Project) -> None:
    files = {
        "bank.py": "import gate\ndef pay(amount):\n    print('live pay')\n    return gate.Client('b').send(amount)\n"
    }
    program = """
        import tracer, gate, bank
        def work():
            with tracer.playback("bank", components=["bank"], strict=True), tracer.playback("gate", components=["gate"]):
                print(bank.pay(1), gate.Client("own").send(2))
        work()
        print("again")
        work()
        try:
            with tracer.playback("bank", components=["bank"]):
                with tracer.playback("other", components=["bank"]):
                    pass
        except tracer.ReplayError as error:
            print(error)
        try:
            with tracer.playback("bank", components=["gate"]):
                pass
        except tracer.ReplayError as error:
            print(error)
        """
    told = run(gate.with_files(files), program).stdout.splitlines()

    again = told.index("again")
    assert told[again + 1 :] == [
        "{'number': 1, 'amount': 1} {'number': 1, 'amount': 2}",
        "Couldn't play back 'bank': it is being played back already. Name each component in one of two playbacks that are nested.",
        (
            f"Couldn't play back 'gate' from '{gate.folder}/cassettes/bank.cassette': it was not recorded there; the recorded components "
            "are bank. Name one of these, or record it: mode='new_episodes' adds it."
        ),
    ]


def test_a_playback_works_inside_a_recording_of_another_component(gate: Project) -> None:
    files = {"shop.py": "import gate\ndef buy(amount):\n    return gate.Client('s').send(amount)\n"}
    program = """
        import tracer, shop
        for at in range(2):
            with tracer.record(f"shop{at}.cassette", boundaries=["shop"]), tracer.playback("gate", components=["gate"]):
                shop.buy(3)
        comparison = tracer.diff("shop0.cassette", "shop1.cassette")
        print(comparison.verdict.value, comparison.summary.compared)
        """
    told = run(gate.with_files(files), program).stdout.splitlines()

    assert told[-1] == "same 1"


def test_a_decorated_function_has_a_cassette_around_each_of_its_calls(gate: Project) -> None:
    program = """
        import asyncio, tracer, gate
        @tracer.playback("g", components=["gate"])
        def send():
            return gate.Client("a").send(1)
        async def fetch():
            async with tracer.playback("f", components=["gate"]):
                return await gate.fetch(1)
        print(send(), send(), asyncio.run(fetch()), asyncio.run(fetch()))
        """
    told = run(gate, program).stdout.splitlines()

    assert told[-1] == "{'number': 1, 'amount': 1} {'number': 1, 'amount': 1} [1] [1]"
    assert told.count("live send") == told.count("live fetch") == 1


def test_a_class_that_is_gone_is_stood_in_for(gate: Project) -> None:
    """What it was asked when it was recorded is answered; anything else says that it was not recorded."""
    files = {"parts.py": "class Part:\n    def __init__(self): self.size = 3\n    def half(self): return 1.5\n"}
    program = """
        import tracer, maker
        with tracer.playback("m", components=["maker"]):
            part = maker.make()
            print(part.size, hasattr(part, "other"))
        """
    maker = "from parts import Part\ndef make(): return Part()\n"
    run(gate.with_files({**files, "maker.py": maker}), program)
    gone = run(gate.with_files({"parts.py": "", "maker.py": "def make(): ...\n"}), program)

    assert gone.stdout == "3 False\n"


def test_components_have_to_be_named(tmp_path: object) -> None:
    with pytest.raises(tracer.ConfigError, match="no component is named"), tracer.playback("g", components=[]):
        pass


def test_nothing_is_left_of_a_playback_that_could_not_start(monkeypatch: pytest.MonkeyPatch, project: Project) -> None:
    project.with_files({"pyproject.toml": ""}).write()
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(Playing, "start", lambda _: (_ for _ in ()).throw(OSError("no")))

    with pytest.raises(OSError, match="no"), tracer.playback("g", components=["shop"]):
        pass
    assert list((project.folder / "cassettes").iterdir()) == []
