"""Boundaries and patterns say what a reader of them would expect."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.errors import SelectionError
from tracer.select.patterns import compile_patterns, covers, longest_cover, parse_boundary, parse_pattern


@pytest.mark.parametrize("text", ["shop", "shop.pricing", "größe.maß", "_private.x1"])
def test_a_dotted_name_is_a_boundary(text: str) -> None:
    assert parse_boundary(text) == text


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("shop/pricing.py", "Write it as shop.pricing;"),
        ("shop.*", "Write it as shop;"),
        ("shop.", "Write it as shop;"),
        ("shop:Cart", "Write it as shop.Cart;"),
        ("", "for example shop.pricing"),
        ("shop..cart", "for example shop.pricing"),
        ("my-shop", "for example shop.pricing"),
    ],
)
def test_what_is_no_dotted_name_is_refused_with_a_way_to_write_it(text: str, remedy: str) -> None:
    with pytest.raises(SelectionError) as caught:
        parse_boundary(text)

    assert repr(text) in str(caught.value)
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("text", ["", "shop:", ":Cart", "a:b:c", "shop cart", "shop..cart", "shop:Cart.", "shop/cart"])
def test_a_pattern_that_no_callable_can_match_is_refused(text: str) -> None:
    with pytest.raises(SelectionError, match="MODULES:NAMES"):
        parse_pattern(text)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("shop", "shop:run", True),
        ("shop", "shop.cart.items:total", True),
        ("shop", "shopping:run", False),
        ("shop.*", "shop:run", False),
        ("shop.*", "shop.cart:Cart.add", True),
        ("shop.cart:Cart", "shop.cart:Cart.add", True),
        ("shop.cart:Cart", "shop.cart:Cartoon", False),
        ("shop.cart:Cart", "shop.cart.inner:Cart", True),
        ("shop.cart:Cart.*", "shop.cart:Cart.add", True),
        ("shop.cart:Cart.*", "shop.cart:Cart", False),
        ("shop.cart:Cart.add", "shop.cart:Cart.add.<locals>.helper", True),
        ("shop.cart:Cart.add", "shop.cart:Cart.add_all", False),
        ("*:*.__repr__", "shop.cart:Cart.__repr__", True),
        ("*:*.__repr__", "shop.cart:__repr__", False),
        ("*.api:get_*", "shop.api:get_cart", True),
        ("*.api:get_*", "shop.api:set_cart", False),
        ("shop:a*b*c", "shop:axxbxxc", True),
        ("shop:a*bb*c", "shop:axbxc", False),
        ("shop:aa*aa", "shop:aaa", False),
    ],
)
def test_a_pattern_covers(pattern: str, name: str, expected: bool) -> None:
    assert compile_patterns([pattern], [])(name) is expected


@given(st.text("ab*", min_size=1, max_size=8), st.text("ab", max_size=8))
def test_a_star_means_what_it_means_in_the_shell(glob: str, text: str) -> None:
    wanted = compile_patterns([f"m:{glob}"], [])

    assert wanted(f"m:{text}") is (fnmatchcase(text, glob) or fnmatchcase(text, glob + ".*"))


def test_many_stars_do_not_take_exponential_time() -> None:
    assert not compile_patterns(["m:" + "a*" * 200 + "b"], [])("m:" + "a" * 5000)


def test_exclude_wins_over_include_and_no_include_means_all() -> None:
    wanted = compile_patterns([], ["shop.cart:*.__repr__"])
    some = compile_patterns(["shop.cart", "shop.tax"], ["shop.cart:Cart.close"])

    assert wanted("anything:at_all")
    assert not wanted("shop.cart:Cart.__repr__")
    assert some("shop.tax:vat")
    assert not some("shop.cart:Cart.close")
    assert not some("shop.api:get")


def test_an_answer_is_the_same_when_asked_again() -> None:
    wanted = compile_patterns(["shop"], [])

    assert [wanted("shop:a"), wanted("shop:a"), wanted("x:a"), wanted("x:a")] == [True, True, False, False]


def test_a_prefix_ends_at_a_dot_and_the_longest_wins() -> None:
    assert covers("shop", "shop.cart")
    assert not covers("shop.cart", "shop")
    assert longest_cover(["shop", "shop.cart", "other"], "shop.cart.items") == "shop.cart"
    assert longest_cover(["shop"], "shopping") is None
