"""Usage lists taken together: whole exactly where every collected test ran, whatever the parts and their order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tracer.review.usage import Usage, UsageList, digest_of, dump, load

if TYPE_CHECKING:
    import pytest

TESTS = tuple(f"tests/test_a.py::test_{number}" for number in range(8))
PRESENT = tuple(f"cassettes/{number}.cassette" for number in range(10))


def part(*numbers: int, collected: tuple[str, ...] = TESTS, **more: object) -> UsageList:
    """Return the list of a process that ran some of the tests, each of which used the cassette of its number."""
    values: dict[str, object] = {
        "run": "r",
        "collected": len(collected),
        "digest": digest_of(collected),
        "ran": tuple(TESTS[number] for number in numbers),
        "used": {TESTS[number]: (PRESENT[number],) for number in numbers},
        "present": PRESENT,
        **more,
    }
    return UsageList(**values)  # type: ignore[arg-type]


@given(st.lists(st.integers(0, 3), min_size=8, max_size=8), st.randoms())
def test_parts_are_whole_together_and_without_any_of_them_not(owner: list[int], random: object) -> None:
    numbers = [[n for n, own in enumerate(owner) if own == process] for process in range(4)]
    parts = [part(*some) for some in numbers if some]
    shuffled = list(parts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert Usage(parts).whole
    assert Usage(shuffled).unused() == Usage(parts).unused() == PRESENT[8:]
    for missing in range(len(parts)):
        rest = Usage(parts[:missing] + parts[missing + 1 :])
        assert not rest.whole
        assert rest.unused() == ()
        assert rest.reason


def test_runs_of_other_tests_complete_nothing_but_what_they_used_is_used() -> None:
    older = part(collected=TESTS[:5], ran=TESTS[:4], used={TESTS[0]: (PRESENT[8],)})
    other = part(0, 1, 2, collected=TESTS[:6])

    assert not Usage([part(3, 4, 5, 6, 7), other]).whole
    assert Usage([part(*range(8)), older]).unused() == PRESENT[9:]


def test_what_was_not_there_at_every_whole_run_is_not_judged() -> None:
    assert Usage([part(*range(8), present=PRESENT[:9])]).unused() == PRESENT[8:9]
    assert Usage([part(*range(4)), part(*range(4, 8), present=PRESENT[:9])]).unused() == PRESENT[8:9]


def test_shards_are_whole_where_each_of_them_is() -> None:
    shards = [part(n, collected=(TESTS[n],), shard=f"{n + 1}/3") for n in range(3)]
    short = part(collected=(TESTS[2],), shard="3/3")

    assert Usage(shards).whole
    assert set(Usage(shards).unused()) == set(PRESENT[3:])
    assert not Usage(shards[:2]).whole
    assert not Usage([*shards[:2], short]).whole
    assert not Usage([part(*range(8), partial=("only tests/a",))]).whole
    assert not Usage([part(collected=(), ran=None)]).whole
    assert not Usage([]).whole


def test_a_skipped_test_spares_its_own_cassettes_only() -> None:
    names = (
        "cassettes/t/x.cassette",
        "cassettes/t/x.second.cassette",
        "cassettes/t/xy.cassette",
        "cassettes/w/z.cassette",
    )
    skipped = {TESTS[0]: "cassettes/t/x", "tests/test_w.py": "cassettes/w/"}
    usage = Usage([part(*range(1, 8), present=names, skipped=skipped)])

    assert usage.whole
    assert usage.unused() == ("cassettes/t/xy.cassette",)


@given(st.lists(st.integers(0, 7), max_size=8), st.sampled_from(["", "1/2", "12/40"]), st.booleans())
def test_a_list_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[int], shard: str, all_ran: bool
) -> None:
    read = replace(part(*numbers, shard=shard), skipped={"a": "b/"}, files={"t.py": "12"})
    usage = replace(read, ran=None) if all_ran else read
    path = tmp_path_factory.mktemp("usage") / "x.usage.json"
    path.write_text(dump(usage), "utf-8")

    assert load(path) == usage
