"""`python -m tracer`, and the console script."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from tracer import cli  # noqa: PLC0415  (typer loads only when a command runs)

    cli.main()


if __name__ == "__main__":
    main()
