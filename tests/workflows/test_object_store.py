"""Cassettes in a store that speaks S3, from the command line to a report, over a real connection."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest

from tests.helpers import clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.helpers import Project

pytest.importorskip("s3fs", reason="needs s3fs")
pytest.importorskip("moto.server", reason="needs moto[server]")

SHOP = "RATE = 1\ndef price(amount): return amount * RATE\n"
MAIN = "import shop, sys\nprint(shop.price(3))\nsys.exit(int(sys.argv[1]))\n"
URL = "s3://runs/old/a.cassette"
COMMAND = ["--", sys.executable, "main.py"]
STEPS: list[Any] = [
    ["record", "-o", URL, *COMMAND, "0"],
    ["verify", URL],
    {"shop.py": SHOP.replace("RATE = 1", "RATE = 2")},
    ["record", "-o", URL, *COMMAND, "3"],  # fails, so that it waits beside the other
    ["accept", "--list", "s3://runs/old"],
    ["record", "-o", "s3://runs/new/a.cassette", *COMMAND, "0"],
    ["diff", "s3://runs/old", "s3://runs/new", "--format", "json"],
    ["diff", URL, "--format", "json"],  # runs the command again that made it
    ["replay", URL, "--format", "json"],
    ["merge", "s3://runs/all.cassette", "s3://runs/old", "s3://runs/new"],
    ["show", "s3://runs/all.cassette"],
    ["list", "s3://runs"],
    ["accept", "--all", "s3://runs", "--force"],
    ["accept", "--all", "s3://runs", "--force"],  # nothing waits any more
    ["diff", URL, "s3://runs/new/a.cassette"],
    ["diff", URL, "s3://elsewhere/a.cassette"],
    {"shop.py": SHOP + "import time\ndef price(amount): return time.time()\n"},
    ["record", "--ambient", "time", "-o", "s3://runs/now.cassette", *COMMAND, "0"],
    ["record", "--ambient-from", "s3://runs/now.cassette", "-o", "then.cassette", *COMMAND, "0"],
]
"""Command lines, and between them what becomes of files; the page about this shows some."""
# All commands in one process: loading the library for S3 costs more than most of them.
DRIVER = """
    import contextlib, json, pathlib, sys
    from tracer.cli.command_line import run

    done = []
    for words in json.loads(sys.argv[1]):
        if isinstance(words, dict):
            for name, text in words.items():
                pathlib.Path(name).write_text(text)
            continue
        out, err = open("out.txt", "w+"), open("err.txt", "w+")
        with out, err, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(words)
        done.append([code, *(pathlib.Path(name).read_text() for name in ("out.txt", "err.txt"))])
    pathlib.Path("done.json").write_text(json.dumps(done))
    """


@pytest.fixture
def store(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment in which s3:// means a server of this test's own, with a bucket called `runs`."""
    log = tmp_path / "moto.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
            env=clean_environment(),
            stdout=stream,
            stderr=stream,
        )
    try:
        address = _address(log)
        urlopen(Request(f"{address}/runs", method="PUT"), timeout=10).close()
        yield {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "ada",
            "AWS_SECRET_ACCESS_KEY": "s3cret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    finally:
        server.kill()
        server.wait()


def _address(log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = re.search(rb"Running on (http://127\.0\.0\.1:\d+)", log.read_bytes())
        if found is not None:
            return found[1].decode()
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def names_in(address: str) -> list[str]:
    with urlopen(f"{address}/runs", timeout=10) as answer:
        return sorted(re.findall(r"<Key>([^<]+)</Key>", answer.read().decode()))


def test_a_store_takes_recordings_and_gives_them_to_every_command(project: Project, store: Mapping[str, str]) -> None:
    project = project.with_files({"pyproject.toml": "", "shop.py": SHOP, "main.py": MAIN, "driver.py": DRIVER})

    ran = project.run("python", "driver.py", json.dumps(STEPS), env=dict(store))
    assert ran.exit == 0, ran.stderr
    codes, outs, errs = zip(*json.loads((project.folder / "done.json").read_text()), strict=True)

    assert codes == (0, 0, 3, 0, 0, 1, 1, 1, 0, 0, 0, 0, 2, 0, 2, 0, 0), "\n".join(errs)
    assert outs[1] == f"{URL} is whole: 1 calls in 1 blocks of 1 lanes.\n"
    assert f"so {URL} stays as it is; the new recording waits in {URL}.pending" in " ".join(errs[2].split())
    for report in map(json.loads, outs[5:8]):
        assert [(each["callable"], each["before"], each["after"]) for each in report["findings"]] == [
            ("shop:price", "3", "6")
        ]
    assert [json.loads(out)["old"]["cassette"] for out in outs[5:8]] == ["s3://runs/old", URL, URL]
    assert "shop:price" in outs[9]
    assert "new/a.cassette" in outs[10]
    assert outs[11] == f"{URL}: the recording that waited is the baseline now.\n"
    assert outs[3].startswith(f"{URL}\n")
    assert errs[12].startswith("tracer: Couldn't review 's3://runs': no recording waits in it.")
    assert errs[14].startswith("tracer: Couldn't read cassette 's3://elsewhere/a.cassette': there is no such file.")
    assert names_in(store["AWS_ENDPOINT_URL"]) == [
        "all.cassette",
        "all.cassette.side.json",
        "new/a.cassette",
        "new/a.cassette.side.json",
        "now.cassette",
        "now.cassette.side.json",
        "old/a.cassette",
        "old/a.cassette.side.json",
    ]
    then, again = ran.stdout.splitlines()[-2:]
    assert then == again  # the time is that of the first run
    assert float(then) > time.time() - 60 * 60
    assert not list((project.folder / ".tracer").rglob("*.cassette*"))
    assert "s3cret" not in "".join((*outs, *errs))


def test_a_store_that_cannot_be_had_is_told_before_the_command_runs(project: Project) -> None:
    project = project.with_files({"pyproject.toml": "", "main.py": "open('ran', 'w').close()\n"})
    words = ("record", "-o", "sftp://127.0.0.1/a.cassette", "--", sys.executable, "main.py")

    done = project.tracer(*words, env={"PATH": os.environ["PATH"]})

    assert done.exit == 2
    assert done.stderr.startswith("tracer: Couldn't reach 'sftp://127.0.0.1/a.cassette': ")
    assert done.stderr.count("\n") == 1
    assert not (project.folder / "ran").exists()
