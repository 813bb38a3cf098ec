"""Interface statistics as text and JSON: bounded, safe, and complete when asked."""

from __future__ import annotations

import json

from tracer.compare.interfaces import ComponentUse, Edge, Statistics, Use
from tracer.compare.statistics import change
from tracer.report.formats import Appearance
from tracer.report.statistics import change_to_json, render_change, render_statistics, statistics_to_json

LOOK = Appearance(width=80)
ALL = Appearance(width=80, verbose=True)
SHOP = Statistics(
    "old.cassette",
    1203,
    4,
    (
        Edge("shop.cart", "shop.tax", 1200, (Use("shop.tax:vat", 1199), Use("shop.tax:Table.rate", 1))),
        Edge("tests.test_a", "shop", 3, (Use("shop.money:rounded", 3),)),
    ),
    (
        ComponentUse("shop.tax", 1200, ("shop.tax:Table.rate", "shop.tax:vat"), ("shop.tax:Table.grow",)),
        ComponentUse("shop", 3, ("shop.money:rounded",), ()),
        ComponentUse("shop._inner", 0, (), ()),
    ),
)


def many(count: int) -> Statistics:
    names = tuple(f"shop.m{number}:" + "long_name_" * 6 for number in range(count))
    return Statistics(
        "many.cassette",
        count,
        0,
        tuple(Edge(f"caller.m{n}" * 9, f"shop.m{n}", 1, (Use(name, 1),) * 30) for n, name in enumerate(names)),
        tuple(
            ComponentUse(f"shop.m{n}", 1, (), tuple(f"{name}{k}" for k in range(30))) for n, name in enumerate(names)
        ),
    )


def test_the_text_tells_edges_coverage_and_what_was_never_crossed() -> None:
    assert render_statistics(SHOP, LOOK) == (
        "old.cassette: 1,203 calls over 2 edges, 3 components watched\n"
        "4 more calls were seen and not kept\n"
        "interface coverage: 3 of 4 public callables crossed, 75.0 %\n"
        "\n"
        "    calls  caller -> component: callables\n"
        "    1,200  shop.cart -> shop.tax: vat 1,199, Table.rate 1\n"
        "        3  tests.test_a -> shop: money:rounded 3\n"
        "\n"
        "component        calls   crossed   public   coverage\n"
        "shop.tax         1,200         2        3     66.6 %\n"
        "shop                 3         1        1    100.0 %\n"
        "shop._inner          0         0        0          -\n"
        "\n"
        "never crossed  (what was imported and nobody outside called)\n"
        "  shop.tax: Table.grow\n"
    )


def test_rows_and_lines_are_bounded_unless_all_is_asked_for() -> None:
    brief, full = render_statistics(many(50), LOOK), render_statistics(many(50), ALL)

    assert max(map(len, brief.splitlines())) <= 80
    assert len(brief.splitlines()) < 80
    assert brief.count("30 more; -v") == 3
    assert "and 29 more" in brief
    assert "more; -v" not in full
    assert all(f"shop.m{number}: " in full for number in range(50))


def test_names_are_shown_whole_as_far_as_there_is_room() -> None:
    uses = tuple(Use(f"shop.tax:{name * 9}", 9) for name in "abcdefgh")
    edge = Edge("shop.cart", "shop.tax", 72, uses)
    text = render_statistics(Statistics("x", 72, 0, (edge,), ()), LOOK)

    assert f"shop.cart -> shop.tax: {'a' * 9} 9, {'b' * 9} 9 and 6 more\n" in text


def test_names_that_would_steer_a_terminal_are_written_out() -> None:
    bad = "a\x1b[2Jb\u202e\n"
    wicked = Statistics(
        bad, 1, 0, (Edge(bad, bad, 1, (Use(f"{bad}:{bad}", 1),)),), (ComponentUse(bad, 1, (), (f"{bad}:{bad}",)),)
    )

    for text in (
        render_statistics(wicked, LOOK),
        render_statistics(wicked, ALL),
        render_change(change(wicked, SHOP), ALL),
    ):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert r"\x1b[2J" in text


def test_json_holds_every_edge_callable_and_name() -> None:
    document = json.loads(statistics_to_json(SHOP))

    assert document["schema"] == 1
    assert (document["cassette"], document["calls"], document["lost"]) == ("old.cassette", 1203, 4)
    assert document["coverage"] == {"crossed": 3, "public": 4, "percent": 75.0}
    assert document["edges"][0] == {
        "caller": "shop.cart",
        "component": "shop.tax",
        "calls": 1200,
        "callables": [{"callable": "shop.tax:vat", "calls": 1199}, {"callable": "shop.tax:Table.rate", "calls": 1}],
    }
    assert document["components"][0] == {
        "component": "shop.tax",
        "calls": 1200,
        "crossed": 2,
        "public": 3,
        "percent": 66.6,
        "never": ["shop.tax:Table.grow"],
    }
    assert document["components"][2]["percent"] is None


def test_two_recordings_show_what_came_and_went() -> None:
    later = Statistics(
        "new.cassette",
        2,
        0,
        (Edge("shop.cart", "shop.mail", 2, (Use("shop.mail:send", 2),)), SHOP.edges[1]),
        (ComponentUse("shop.tax", 0, ("shop.tax:Table.grow",), ("shop.tax:vat",)), SHOP.components[1]),
    )
    text = render_change(change(SHOP, later), LOOK)
    document = json.loads(change_to_json(change(SHOP, later)))

    assert text.partition("since old.cassette\n")[2] == (
        "interface coverage was: 3 of 4 public callables crossed, 75.0 %\n"
        "\n"
        "edges that came  (1)\n"
        "        2  shop.cart -> shop.mail: send 2\n"
        "\n"
        "edges that went  (1)\n"
        "    1,200  shop.cart -> shop.tax: vat 1,199, Table.rate 1\n"
        "\n"
        "newly crossed  (1)\n"
        "  shop.tax:Table.grow\n"
        "\n"
        "no longer crossed  (1)\n"
        "  shop.tax:vat\n"
    )
    assert [edge["component"] for edge in document["came"]] == ["shop.mail"]
    assert [edge["component"] for edge in document["went"]] == ["shop.tax"]
    assert (document["newly_crossed"], document["no_longer_crossed"]) == (["shop.tax:Table.grow"], ["shop.tax:vat"])
    assert (document["old"]["cassette"], document["new"]["calls"]) == ("old.cassette", 2)
    assert "no edge came or went" in render_change(change(SHOP, SHOP), LOOK)
