"""`python -m tracer`, and the console script."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line."""
    from tracer import cli  # noqa: PLC0415  (typer loads only when a command runs)

    cli.main()


if __name__ == "__main__":
    # `-m` puts the current folder first: a package of the user's there may be one that the command line uses.
    if sys.path[0] in {"", os.getcwd()}:  # noqa: PTH109  (as pip does it)
        sys.path.pop(0)
    main()
