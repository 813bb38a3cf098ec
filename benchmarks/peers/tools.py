"""The tools that are measured beside one another: what they need, how each runs a command of pytest or a script, and what it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


EVERY_MODULE = "tracer, every module"
"""With no boundary named, each module of the project is a component: calls between the package's own modules cross too."""

INNER = "times"
"""The file in which a shell's `times` of the recorded process stands."""


@dataclass(frozen=True)
class Job:
    """What is to be run under a tool.

    `python` is the one of the tool's environment, `package` the import name that is watched, `source` its folder or file,
    `out` the folder for what the tool writes, `arguments` what stands after `python`.
    """

    python: Path
    package: str
    source: Path
    out: Path
    arguments: tuple[str, ...]

    def script(self, name: str) -> str:
        """The command of that name in the tool's environment."""
        return str(self.python.with_name(name))


@dataclass(frozen=True)
class Tool:
    """A tool by name, what pip installs for it, its command line, what it adds to the environment, and the files that hold the recording."""

    name: str
    needs: tuple[str, ...]
    command: Callable[[Job], list[str]]
    environment: Callable[[Job], dict[str, str]] = lambda job: {}
    files: str = ""


def _tracer(job: Job, *options: str) -> list[str]:
    # The shell tells what the recorded process took by itself; the rest is tracer's own process, which starts it and closes the cassette.
    shell = ["sh", "-c", '"$@"; code=$?; times > "$0"; exit $code', str(job.out / INNER)]
    record = [str(job.python), "-m", "tracer", "record", "-o", str(job.out / "run.cassette"), *options]
    return [*record, "--", *shell, str(job.python), *job.arguments]


def _coverage(job: Job) -> list[str]:
    return [str(job.python), "-m", "coverage", "run", "--branch", f"--source={job.source}", *job.arguments]


def _viztracer(job: Job) -> list[str]:
    # It sees the calls of pytest too: told to include the package alone it leaves out all, since what calls it is left out.
    options = ["--log_func_args", "--log_func_retval", "--ignore_c_function", "--quiet"]
    what = job.arguments if job.arguments[0] == "-m" else ("--", *job.arguments)
    return [job.script("viztracer"), *options, "-o", str(job.out / "trace.json"), *what]


def _hunter(job: Job) -> dict[str, str]:
    stream = f"open({str(job.out / 'trace.txt')!r}, 'w')"
    modules = f"^{job.package}([.]|$)"
    return {"PYTHONHUNTER": f"module_rx={modules!r}, kind_in=('call', 'return'), action=CallPrinter(stream={stream})"}


def _appmap(job: Job) -> dict[str, str]:
    # Values of arguments are what is compared; by default it keeps those of labelled functions only.
    return {
        "_APPMAP_DISPLAY_PARAMS": "true",
        "APPMAP_DISPLAY_PARAMS": "true",
        "APPMAP_CONFIG": str(job.out / "appmap.yml"),
    }


TOOLS = (
    Tool("untraced", (), lambda job: [str(job.python), *job.arguments]),
    Tool(
        "coverage.py with branches",
        ("coverage==7.6.9",),
        _coverage,
        lambda job: {"COVERAGE_FILE": str(job.out / ".coverage"), "COVERAGE_CORE": "ctrace"},
    ),
    Tool("tracer", (), lambda job: _tracer(job, "-b", job.package), files="*.cassette"),
    Tool(EVERY_MODULE, (), _tracer, files="*.cassette"),
    Tool(
        "MonkeyType",
        ("MonkeyType==23.3.0",),
        lambda job: [job.script("monkeytype"), "run", *job.arguments],
        lambda job: {"MT_DB_PATH": str(job.out / "traces.sqlite3"), "MONKEYTYPE_TRACE_MODULES": job.package},
        files="traces.sqlite3",
    ),
    Tool(
        "AppMap",
        ("appmap==3.0.1",),
        lambda job: [job.script("appmap-python"), *_recorded(job), str(job.python), *job.arguments],
        _appmap,
        files="**/*.appmap.json",
    ),
    Tool("viztracer with arguments", ("viztracer==1.1.1",), _viztracer, files="trace.json"),
    Tool(
        "hunter",
        ("hunter==3.9.0",),
        lambda job: [str(job.python), *job.arguments],
        _hunter,
        files="trace.txt",
    ),
)


def _recorded(job: Job) -> list[str]:
    """AppMap records each test by itself; of a script, the process."""
    return [] if "pytest" in job.arguments else ["--record", "process"]
