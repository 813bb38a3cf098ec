"""The command line. The only home of typer: parse, run one workflow, report, exit.

Exit codes: 0 nothing at or above `--fail-on`, 1 findings, 2 usage or unreadable input. `tracer record` passes on the command's own.
"""

from __future__ import annotations

import sys

from tracer.cli.command_line import run


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))
