"""Two hundred secrets pass through everything a program can hand to tracer, and none is in any byte that tracer writes or says."""

from __future__ import annotations

import json
import re
import sys
from itertools import chain
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.helpers import Project
from tests.planted import paired, run, shaped
from tracer.cli.command_line import run as tracer
from tracer.report.formats import FORMATS
from tracer.storage import format as form
from tracer.storage.reader import open_cassette
from tracer.storage.store import list_cassettes

if TYPE_CHECKING:
    from pathlib import Path

BANK = """
from dataclasses import dataclass
from enum import Enum

from planted import SIGNATURE

class Account:
    def __init__(self, note): self.note = note
    def told(self): return self.note

@dataclass
class Entry:
    text: object

class Words(str): pass

class Refused(Exception):
    def __init__(self, message, detail):
        super().__init__(message)
        self.detail = detail

def take(value): return value
def keep(items, value): items.append(value)
def refuse(message, detail): raise Refused(message, detail)
def stream(value):
    sent = yield value
    yield [sent]
async def later(value): return value
def log_in(name, password, *, api_key=None, **more): return (name, len(password))
def connect(user, credential): raise ConnectionError(f"no {user}")
exec(f"def defaults(note={SIGNATURE[0]!r}, *, other={SIGNATURE[1]!r}, secret={SIGNATURE[2]!r}): return note")
"""

APP = """
import asyncio, os, pathlib, shutil, sys, threading
import bank
from planted import TEXTS, NAMED, VERSION

def quietly(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except Exception:
        return None

CHANNELS = (
    bank.take,
    lambda text: bank.take(f"told {VERSION}: {text}"),
    lambda text: bank.take([text, VERSION]),
    lambda text: bank.take({"note": text, "n": VERSION}),
    lambda text: bank.take({text: VERSION}),
    lambda text: bank.take((1, {"deep": [{"er": text}]}, VERSION)),
    lambda text: bank.take(text.encode()),
    lambda text: bank.take(bytearray(text.encode())),
    lambda text: bank.take({text, "x"}),
    lambda text: bank.take(bank.Words(text)),
    lambda text: bank.Account(text).told(),
    lambda text: bank.take(bank.Entry(text)),
    lambda text: bank.keep([VERSION], text),
    lambda text: quietly(bank.refuse, f"{VERSION} {text}", 1),
    lambda text: quietly(bank.refuse, "no", {"detail": text, "n": VERSION}),
    lambda text: [next(it := bank.stream(text)), it.send(text)],
    lambda text: asyncio.run(bank.later(text)),
    lambda text: bank.take(pathlib.PurePosixPath("/srv") / text),
    lambda text: bank.take("x" * 70_000 + " " + text),
    lambda text: bank.take(b"x" * 70_000 + b" " + text.encode()),
    lambda text: bank.take(bank.refuse.__class__ and ValueError(text)),
    lambda text: bank.take([text] * 3 + ["x" * 9000]),
)
for number, text in enumerate(TEXTS):
    CHANNELS[number % len(CHANNELS)](text)
    CHANNELS[(number * 7 + 3) % len(CHANNELS)](text)
for secret in NAMED:
    bank.log_in("ann", secret, api_key=secret, client_secret=secret)
    quietly(bank.connect, "ann", credential=secret)
    bank.take({"password": secret, "n": VERSION, "nested": {"access_token": secret}})
bank.defaults()
# What lies in the folder of the journals while the run is under way.
shutil.copytree(pathlib.Path(os.environ["TRACER_SETTINGS"]).parent, f"kept-{VERSION}")
sys.exit(3 if VERSION == 2 else 0)
"""

TEST = """
import pytest
import bank
from planted import TEXTS

@pytest.mark.parametrize("text", [text for text in TEXTS if text.isprintable()][:25])
def test_take(text):
    assert bank.take(1) == 1

@pytest.mark.parametrize("text", [text for text in TEXTS if text.isprintable()][25:27])
def test_cassette(text, tracer_cassette):
    with tracer_cassette():
        bank.take(1)
"""


def planted(version: int, texts: list[str], named: list[str], signature: list[str]) -> str:
    return f"TEXTS = {texts!r}\nNAMED = {named!r}\nSIGNATURE = {signature!r}\nVERSION = {version}\n"


def unpacked(path: Path) -> bytes:
    """Return all that is compressed inside a cassette."""
    data = path.read_bytes()
    start, packed, raw, _ = form.parse_footer(data[-form.FOOTER.size :])
    bodies = [
        form.unpack_index(data[start : start + packed], start, raw, form.parse_footer(data[-form.FOOTER.size :])[3])
    ]
    with open_cassette(path) as cassette:
        for lane in cassette.lanes:
            entries = cassette._entries[lane.name].blocks
            bodies += [form.parse_block(data[entry.offset :], entry.raw)[1] for entry in entries]
    return b"\n".join(bodies)


@pytest.fixture
def secrets() -> list[str]:
    """Texts with a secret in each, of every kind."""
    return [
        *chain.from_iterable(shaped(Random(seed)) for seed in range(4)),
        *chain.from_iterable([text for text, _ in paired(Random(seed))] for seed in range(10, 14)),
    ]


def test_no_planted_secret_is_in_any_byte_that_is_written_or_said(
    tmp_path: Path, secrets: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    random = Random(3)
    named = [run(random, 24) for _ in range(20)]
    signature = [secrets[5], "postgres://ann:" + run(random, 90) + "@db/x", run(random, 30)]
    flags = [run(random, 24), run(random, 24)]
    monkeypatch.setenv("BANK_PASSWORD", run(random, 24))
    project = Project(tmp_path / "project").with_files({"bank.py": BANK, "app.py": APP, "pyproject.toml": ""})
    project = project.with_files({"tests/test_bank.py": TEST})
    said: list[str] = []

    for version in (1, 2):
        project = project.with_files({"planted.py": planted(version, secrets, named, signature)})
        words = ("record", "-o", f"{version}.cassette", "--boundary", "bank", "--", sys.executable, "app.py")
        done = project.tracer(*words, "--password", flags[0], f"--token={flags[1]}")
        assert "recorded" in done.stdout + done.stderr
        said += [done.stdout, done.stderr]
    suite = (
        "record",
        "-o",
        "tests.cassette",
        "--boundary",
        "bank",
        "--",
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--no-header",
        "--tb=no",
        "-rN",
    )
    done = project.tracer(*suite, "-p", "no:cacheprovider")
    assert "there is a secret in its name" not in done.stdout  # pytest was told to be quiet
    told_by_pytest = [line for line in done.stderr.splitlines() if line]
    assert any("recorded" in line for line in told_by_pytest)
    said += told_by_pytest
    monkeypatch.chdir(project.folder)
    pending = "2.cassette" if (project.folder / "2.cassette").exists() else "2.cassette.pending"
    commands = [["diff", "1.cassette", pending, "--format", name] for name in FORMATS]
    commands += [
        ["diff", "1.cassette", pending, "-v"],
        ["show", "1.cassette"],
        ["show", "tests.cassette"],
        ["list"],
        ["list", "."],
    ]
    commands += [["stats", "1.cassette"], ["verify", "1.cassette"], ["diff", "1.cassette", "--format", "json"]]
    for command in commands:
        tracer(command)
    shown = capsys.readouterr()
    said += [shown.out, shown.err]

    wanted = {
        piece for text in (*secrets, *named, *signature, *flags) for piece in re.findall(r"[A-Za-z0-9]{14,}", text)
    }
    wanted -= {piece for piece in wanted if piece.isalpha() and piece.islower()} | {"EndpointSuffix"}
    inputs = {project.folder / "planted.py"}
    files = [
        path for path in project.folder.rglob("*") if path.is_file() and path not in inputs and path.suffix != ".pyc"
    ]
    written = {str(path.relative_to(project.folder)): path.read_bytes() for path in files}
    written |= {
        f"{path} unpacked": unpacked(path)
        for path in (*list_cassettes("."), *([project.folder / pending] if pending.endswith("pending") else []))
    }
    written |= {f"said {number}": text.encode() for number, text in enumerate(said)}
    found = [(where, piece) for where, data in written.items() for piece in wanted if piece.encode() in data]
    assert len(secrets) + len(named) + len(flags) >= 200
    assert any(name.startswith("kept-1") and name.endswith(".journal") for name in written)
    assert b"<redacted>" in written["1.cassette unpacked"]
    assert not found, "\n".join(sorted({where for where, _ in found}))
    assert json.loads((project.folder / "1.cassette.side.json").read_bytes())["command"][-2:] == [
        "<redacted>",
        "--token=<redacted>",
    ]
