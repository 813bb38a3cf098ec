"""The command line. The only home of typer: parse, run one workflow, report, exit.

Exit codes: 0 nothing at or above `--fail-on`, 1 findings, 2 usage or unreadable input. `tracer record` passes on the command's own.
"""

from __future__ import annotations

import gc
import sys

from tracer.cli.command_line import run

_GARBAGE = (50_000, 20, 100)
"""When garbage is collected. What commands keep by the hundred thousand lies in no cycles, and looking for some took a fifth of a large comparison."""


def main() -> None:
    """Run the command line of this process."""
    gc.set_threshold(*_GARBAGE)
    sys.exit(run(sys.argv[1:]))
