"""docs/playback.md shows only what works: its examples run against a server on loopback, then without it, its options exist."""

from __future__ import annotations

import json
import re
import shlex
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.helpers import REPOSITORY, Project
from tracer.cli.command_line import run
from tracer.config import MODES

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (REPOSITORY / "docs" / "playback.md").read_text(encoding="utf-8")
FETCH = """
import os, requests
print(requests.get(os.environ["SERVER"] + "/once", timeout=5).json())
"""
ORDERS = {
    "gateway.py": "def charge(amount, number): return f'{amount} {number}'",
    "shop.py": "import uuid, gateway\ndef buy(amount): return gateway.charge(amount, str(uuid.uuid4()))",
    "app.py": "import shop\nprint(shop.buy(3))",
}
PYTEST = ("-m", "pytest", "-q", "-p", "tracer.pytest_plugin", "-p", "no:cacheprovider")


class Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name in the standard library)
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def examples() -> dict[str, str | None]:
    return {
        name: text for name, text in re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    }


def test_the_examples_are_recorded_once_and_then_need_nothing(project: Project, server: HTTPServer) -> None:
    project = project.with_files({**examples(), "pyproject.toml": "", "fetch.py": FETCH})
    environment = {"SERVER": f"http://127.0.0.1:{server.server_port}"}
    commands = [shlex.split(line)[1:] for line in PAGE.splitlines() if line.startswith("tracer ")]
    recorded = project.run("python", *PYTEST, env=environment)
    fetched = project.tracer(*_words(commands[0]), env=environment)
    server.shutdown()
    server.server_close()
    (project.folder / "orders.db").unlink()
    played = project.run("python", *PYTEST, "--tracer-mode", "none", env=environment)
    again = project.tracer(*_words(commands[1]), env=environment)

    assert (recorded.exit, len(examples())) == (0, 5), recorded.stdout
    assert played.exit == 0, played.stdout
    assert "4 cassettes: 4 played" in played.stdout
    assert not (project.folder / "orders.db").exists()
    assert (fetched.exit, again.exit, fetched.stdout) == (0, 0, again.stdout), again.stderr
    assert not [path for path in project.folder.rglob("*.cassette") if b"not for the cassette" in path.read_bytes()]


def test_a_playback_with_surroundings_says_what_the_recording_said(project: Project) -> None:
    project = project.with_files({**ORDERS, "pyproject.toml": ""})
    commands = [shlex.split(line)[1:] for line in PAGE.splitlines() if line.startswith("tracer ")][2:]
    recorded, played = [project.tracer(*_words(command)) for command in commands]

    assert (recorded.exit, played.exit, played.stdout) == (0, 0, recorded.stdout), played.stderr


def _words(words: list[str]) -> list[str]:
    return [sys.executable if word == "python" else word for word in words]


def test_the_options_and_modes_of_the_page_exist(capsys: pytest.CaptureFixture[str]) -> None:
    told = re.findall(r"^\| `(--[a-z-]+)`", PAGE, re.MULTILINE)
    modes = re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE)

    assert run(["playback", "--help"]) == 0
    shown = capsys.readouterr().out
    assert told
    assert all(option in shown for option in told)
    assert set(re.findall(r"--[a-z-]+", shown)) - {"--help", "--"} == set(told)
    assert tuple(modes) == MODES
