"""The summary after recording and the table of cassettes."""

from __future__ import annotations

import pytest

from tracer.report.listing import (
    CassetteSummary,
    ComponentSummary,
    RunSummary,
    readable_size,
    render_list,
    render_summary,
)


def test_a_summary_tells_calls_components_losses_notes_and_the_exit() -> None:
    summary = RunSummary(
        command=("pytest", "-q"),
        exit_code=1,
        components=(ComponentSummary("shop.tax", 2, 40), ComponentSummary("shop.checkout", 1, 4400)),
        seen=4446,
        stored=4440,
        lost=(("opaque value", 2), ("nested too deeply", 4)),
        file="cassettes/run.cassette",
        size=123_456,
        notes=("A child ran without tracer.",),
    )

    assert render_summary(summary, 100, color=False) == (
        "tracer: 4,440 calls recorded of 4,446 seen in cassettes/run.cassette (120.6 KiB)\n"
        "  shop.checkout  4,400 calls, 1 callable watched\n"
        "  shop.tax       40 calls, 2 callables watched\n"
        "  lost   6: 4 nested too deeply; 2 opaque value\n"
        "  note   A child ran without tracer.\n"
        "  exit   the command exited with 1: pytest -q\n"
    )


def test_a_run_that_captured_nothing_says_so() -> None:
    summary = RunSummary(("true",), 0, (), seen=0, stored=0)

    assert render_summary(summary, 80, color=False) == "tracer: no call crossed a boundary; nothing was recorded\n"


def test_many_components_are_summed_up() -> None:
    components = tuple(ComponentSummary(f"c{number:02}", 1, 100 - number) for number in range(25))

    last = render_summary(RunSummary((), 0, components, 1, 1), 80, color=False).splitlines()[-1]

    assert last == "  … and 5 more with 390 calls"


def test_cassettes_are_a_table_that_fits_and_names_what_is_unreadable() -> None:
    rows = [
        CassetteSummary("run.cassette", 2048, 4400, 12, 3, "3.11"),
        CassetteSummary("folder/" * 12 + "x.cassette", 312, 1, 1, 1, "3.12"),
        CassetteSummary("bad.cassette", 12, problem="some of its bytes are missing or changed"),
    ]

    lines = render_list(rows, 80, color=False).splitlines()

    assert len(lines) == 4
    assert lines[1].split() == ["run.cassette", "4,400", "12", "3", "2.0", "KiB", "3.11"]
    assert "some of its bytes are missing" in lines[3]
    assert max(map(len, lines)) <= 80


def test_an_empty_folder_is_told() -> None:
    assert render_list([], 80, color=False) == "No cassettes.\n"


def test_names_and_reasons_cannot_steer_the_terminal() -> None:
    summary = RunSummary(("\x1b",), 1, (ComponentSummary("\x1b", 1, 1),), 1, 1, (("\x1b", 1),), "\x1b", 1, ("\x1b",))
    rows = [CassetteSummary("\x1b", 1, python="\x1b"), CassetteSummary("a", 1, problem="\x1b")]

    assert "\x1b" not in render_summary(summary, 80, color=False) + render_list(rows, 80, color=False)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1024**2, "1.0 MiB"),
        (3 * 1024**3 // 2, "1.5 GiB"),
        (1024**5, "1,024.0 TiB"),
    ],
)
def test_sizes_are_readable(size: int, text: str) -> None:
    assert readable_size(size) == text
