"""What is too large is cut the same way in every run, and says so."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tracer.decode import decode, decode_arguments
from tracer.encoding import cut
from tracer.encoding.budget import Budget, Limit
from tracer.encoding.encode import Encoder
from tracer.encoding.paths import PathNormaliser
from tracer.encoding.redact import Redactor
from tracer.values import Atom, Mapping, Named, Object, Redacted, Scalar, Sequence, Truncated

SMALL = Budget(arguments=Limit(20, 200), outcome=Limit(200, 2000))


def make() -> Encoder:
    return Encoder(redactor=Redactor(), paths=PathNormaliser(None, temporary=[]), budget=SMALL)


def first(value: Any, full: bool = True) -> Any:
    return decode_arguments(make().arguments((value,), None, full))[0]


class Box:
    def __init__(self, content: Any) -> None:
        self.content = content


def test_a_list_past_its_budget_keeps_its_size_and_head() -> None:
    value = first(list(range(1000)))

    assert value == Truncated("list", 1000, tuple(Scalar(each) for each in range(4)))
    assert value.partial


def test_outcomes_have_more_room_than_arguments() -> None:
    rows = [[Box(1)] for _ in range(60)]

    assert isinstance(first(rows), Truncated)
    assert isinstance(decode(make().value(rows)), Sequence)


def test_what_is_not_looked_at_in_full_is_named_and_counted() -> None:
    """Containers with their size; what has a name or a text of its own is told all the same."""
    encoder = make()
    values: tuple[Any, ...] = (Box(1), Box(2), [Box(3)], {}, 7, Fraction(1, 3), len, "x" * 300)
    told = decode_arguments(encoder.arguments(values, None, full=False))

    box = Truncated(f"{__name__}:Box", None, ())
    assert told[:3] == (box, box, Truncated("list", 1, ()))
    assert told[3:5] == (Mapping(()), Scalar(7))
    assert isinstance(told[5], Atom)
    assert isinstance(told[6], Named)
    assert isinstance(told[7], Truncated)
    assert (told[7].type, told[7].size) == ("str", 300)
    assert encoder.losses == {f"truncated {__name__}:Box": 2, "truncated list": 1, "truncated str": 1}


def test_small_flat_containers_are_told_whole_where_objects_are_only_named() -> None:
    """They are what tells calls apart; one of 33 items, or one that holds an object, has its size alone."""
    encoder = make()
    values: tuple[Any, ...] = (
        Box(1),
        ("CREATE", "TABLE"),
        [1, 2.5, None],
        {"id": 7, "password": "hunter2"},
        [0] * 33,
        (Box(2),),
    )

    told = decode_arguments(encoder.arguments(values, None, full=False))

    assert told[1] == Sequence("tuple", (Scalar("CREATE"), Scalar("TABLE")))
    assert told[2] == Sequence("list", (Scalar(1), Scalar(2.5), Scalar(None)))
    assert told[3] == Mapping(((Scalar("id"), Scalar(7)), (Scalar("password"), Redacted())))
    assert told[4:] == (Truncated("list", 33, ()), Truncated("tuple", 1, ()))
    assert encoder.losses == {f"truncated {__name__}:Box": 1, "truncated list": 1, "truncated tuple": 1}


def test_what_is_only_named_is_redacted_like_the_rest() -> None:
    values = ("hunter2", Box(1), "ana")

    told = decode_arguments(make().arguments(values, (1, 0, 0), full=False))

    assert told == (Redacted(), Truncated(f"{__name__}:Box", None, ()), Scalar("ana"))


def test_a_large_argument_leaves_room_for_its_neighbours() -> None:
    large, small = [[Box(i)] for i in range(100)], [[1], [2]]
    one, other = decode_arguments(make().arguments((large, small), None, True))

    assert isinstance(one, Truncated)
    assert isinstance(other, Sequence)


def test_what_is_near_is_kept_before_what_is_far() -> None:
    """The first field of an object is as large as it likes; the fields beside it are told all the same."""
    deep: Any = Box(0)
    for _ in range(100):
        deep = Box([deep, [deep]])
    value = first(Box((deep, Box("near"))))

    ((_, pair),) = value.fields
    assert pair.items[1].fields == (("content", Scalar("near")),)


def test_inside_a_large_object_the_rest_is_cut_and_counted() -> None:
    encoder = make()
    value = decode_arguments(encoder.arguments((Box([Box([Box(i), 1]) for i in range(8)]),), None, True))[0]

    assert isinstance(value, Object)
    assert sum(encoder.losses.values()) > 0


def test_equal_long_texts_have_equal_digests_and_a_change_at_the_end_shows() -> None:
    one, other = "x" * 5000, "x" * 4999 + "y"

    assert first(one) == first("x" * 5000)
    assert first(one) != first(other)
    assert first(one).size == 5000
    assert not first(one).partial


def test_a_dictionary_past_its_budget_shows_pairs() -> None:
    value = first({f"k{i}": i for i in range(1000)})

    assert value.type == "dict"
    assert value.size == 1000
    assert value.head[0] == Sequence("tuple", (Scalar("k0"), Scalar(0)))


def test_a_set_past_its_budget_has_no_head() -> None:
    """Its first items are any; the size stays."""
    assert first(set(range(1000))) == Truncated("set", 1000, ())


class Watched:
    """Bytes that tell how much of them was asked for."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.read = 0

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self.size)
        self.read += stop - start
        return bytes(stop - start)


def test_the_work_on_large_bytes_is_bounded() -> None:
    """A gibibyte costs no more than samples of it: about one mebibyte, the last byte included."""
    gibibyte = Watched(1 << 30)
    digest = cut.bytes_digest(gibibyte)  # type: ignore[arg-type]

    assert len(digest) == 8
    assert gibibyte.read <= 2 << 20


def test_large_bytes_are_partly_compared() -> None:
    data = bytearray(64 << 20)
    before = first(data)
    data[-1] = 1

    assert before.partial
    assert before.size == 64 << 20
    assert first(data) != before


def test_huge_ints_are_cut() -> None:
    assert isinstance(first(1 << 100_000), Truncated)
    assert first(1 << 100) == Scalar(1 << 100)


def test_tiny_values_survive_an_empty_budget() -> None:
    """Beside a cut neighbour, a number or a short name is still told."""
    value = first([["x" * 300, "name", 7, None]])

    assert isinstance(value, Sequence)
    assert value.items[0].items[1:] == (Scalar("name"), Scalar(7), Scalar(None))  # type: ignore[union-attr]
