"""What is done with each mutated file, and what must hold of all that is said about it."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import hostile
import mutate

from tracer import workflows
from tracer.compare.context import Request
from tracer.compare.delta import delta
from tracer.compare.reading import Reader
from tracer.compare.texts import focused
from tracer.render import render, render_error
from tracer.report.formats import FORMATS, Appearance, request_of
from tracer.report.safe import plain as printed
from tracer.storage import format as form
from tracer.storage.block_reader import read_columns
from tracer.storage.store import accepted_path, part_folder, pending_path, read_side, side_path
from tracer.values import ValuePath
from tracer.workflows.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

Seeds = "Mapping[str, bytes]"

BAD, OLD = Path("bad.cassette"), Path("old.cassette")
_LOOK = Appearance(verbose=True, limit=1000)
_ALL = Request(places=True, trees=20, edges=True)
_SPAN_OR_ESCAPE = re.compile(r"(?s)\\[\\`*_{}\[\]#|~$]|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")
_COMMANDS = re.compile(r"::(error|warning|notice) [^\r\n]*")


class Broken(AssertionError):
    """Something was said that a reader must not be told as it is."""


def plain(told: str) -> None:
    """Make sure that a text prints, line for line."""
    for line in told.split("\n"):
        if not line.isprintable():
            raise Broken(f"what does not print: {line!r}")


def _is_json(told: str) -> None:
    json.loads(told)
    if not told.isascii():
        raise Broken("JSON that is not ASCII")


def _is_sarif(told: str) -> None:
    json.loads(told)
    plain(told)


def _is_xml(told: str) -> None:
    ET.fromstring(told.encode())
    plain(told)


class _Page(HTMLParser):
    """Counts what recorded text must not make: elements that load or run something, handlers, links."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0
        self.made: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        if tag in {"img", "iframe", "object", "embed", "a", "form", "base"} - (
            {"form"} if attrs == [("method", "dialog")] else set()
        ):
            self.made.append(tag)
        self.made += [name for name, _ in attrs if name.startswith("on")]


def _is_page(told: str) -> None:
    page = _Page()
    page.feed(told)
    if page.scripts > 2 or page.made:
        raise Broken(f"an element that recorded text made: {page.scripts} scripts, {page.made}")
    plain(told.replace("\t", " "))


def _is_commands(told: str) -> None:
    *commands, _, end = told.split("\n")
    if end or not all(_COMMANDS.fullmatch(each) for each in commands):
        raise Broken("a workflow command that is none of the report's")
    plain(told)


def _is_markdown(told: str) -> None:
    plain(told)
    outside = _SPAN_OR_ESCAPE.sub("", told.replace("<details>", "").replace("</details>", ""))
    outside = re.sub(r"</?summary>|<!-- -->", "", outside)
    if re.search(r"<[a-zA-Z/!]|(?<!\\)\]\(", outside):
        raise Broken("markup that recorded text made")


_CHECKS: Mapping[str, Callable[[str], None]] = {
    "text": plain,
    "json": _is_json,
    "markdown": _is_markdown,
    "junit": _is_xml,
    "html": _is_page,
    "sarif": _is_sarif,
    "github": _is_commands,
}


def _cassette(seeds: Mapping[str, bytes], random: Random) -> bytes:
    return mutate.mutated(seeds[random.choice(("old", "new", "small", "small"))], random)


def verify(seeds: Mapping[str, bytes], random: Random) -> None:
    """Check every digest."""
    BAD.write_bytes(_cassette(seeds, random))
    plain(workflows.verify(BAD))


def show(seeds: Mapping[str, bytes], random: Random) -> None:
    """Show all."""
    BAD.write_bytes(_cassette(seeds, random))
    told = workflows.show(
        BAD, tree=random.random() < 0.7, limit=random.choice((None, 3)), raised_only=random.random() < 0.1
    )
    for line in told:
        plain(line.replace("\n", "\0"))


def listing(seeds: Mapping[str, bytes], random: Random) -> None:
    """List the folder."""
    BAD.write_bytes(_cassette(seeds, random))
    plain(workflows.list_cassettes(Path(), 80, color=False))


def stats(seeds: Mapping[str, bytes], random: Random) -> None:
    """Count, alone or against another."""
    BAD.write_bytes(_cassette(seeds, random))
    name = random.choice(("text", "text", "json", "html"))
    told, _ = workflows.statistics_report(random.choice((None, OLD)), BAD, (), name, _LOOK)
    {"text": plain, "json": _is_json, "html": _is_page}[name](told)


def recover(seeds: Mapping[str, bytes], random: Random) -> None:
    """Save what is whole."""
    BAD.write_bytes(_cassette(seeds, random))
    target = Path("bad.recovered.cassette")
    target.unlink(missing_ok=True)
    plain(workflows.recover(BAD))
    workflows.verify(target)


def diff(seeds: Mapping[str, bytes], random: Random) -> None:
    """Compare, one side or both from a stranger, and write a report."""
    BAD.write_bytes(_cassette(seeds, random))
    sides = random.choice(((BAD, OLD), (OLD, BAD), (BAD, BAD)))
    report(random.choice(tuple(FORMATS)), *sides, level=random.choice((None, None, "shape")))


def report(name: str, old: Path, new: Path, level: str | None = None) -> None:
    """Compare, with all that a report may show, and check the report."""
    found = workflows.diff(old, new, terms=Terms(request=_ALL if name == "html" else request_of(name), level=level))
    _CHECKS[name](FORMATS[name](found, _LOOK))


def review(seeds: Mapping[str, bytes], random: Random) -> None:
    """Go through what waits."""
    base = Path("waits.cassette")
    base.write_bytes(_cassette(seeds, random) if random.random() < 0.3 else seeds["old"])
    pending_path(base).write_bytes(_cassette(seeds, random))
    for line in workflows.describe_waiting([base]):
        plain(line)
    waiting = workflows.compare_waiting(base)
    walk = workflows.Review([waiting])
    for number in walk.open[:2]:
        cassette, finding = walk.subjects[number]
        for line in workflows.tree_around(cassette, finding, 120):
            plain(line)


def accepted(seeds: Mapping[str, bytes], random: Random) -> None:
    """Compare where the accepted changes are a stranger's."""
    base = Path("accepted.cassette")
    if not base.exists():
        base.write_bytes(seeds["small"])
    accepted_path(base).write_bytes(mutate.mutated_text(seeds["accepted"], random))
    plain(FORMATS["text"](workflows.diff(base, base), _LOOK))


def side(seeds: Mapping[str, bytes], random: Random) -> None:
    """Read timings."""
    side_path(BAD).write_bytes(mutate.mutated_text(seeds["side"], random))
    read_side(BAD)


def rules(seeds: Mapping[str, bytes], random: Random) -> None:
    """Tell the rules and change them."""
    BAD.write_bytes(_cassette(seeds, random))
    plain(workflows.rules_as_toml(BAD))


def journal(seeds: Mapping[str, bytes], random: Random) -> None:
    """Close a recording whose journals are a stranger's."""
    folder = part_folder(Path("journals.cassette"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number in range(random.choice((1, 1, 2))):
        (folder / f"{100 + number}-x.journal").write_bytes(mutate.mutated_journal(seeds["journal"], random))
    target = Path("journals.cassette")
    target.unlink(missing_ok=True)
    plain(workflows.recover(folder))
    workflows.verify(target)


def values(_: Mapping[str, bytes], random: Random) -> None:
    """Read two snapshots as comparing does, and tell what differs."""
    reader = Reader()
    old, new = (reader.read(hostile.snapshot(random)) for _ in range(2))
    for each in (old, new):
        plain(render(each))
        plain(render_error(each))
    for before, after in ((old, new), (old, old)):
        for change in delta(before, after, ValuePath(("return",))).changes:
            plain(printed(str(change.path)))
            for told in focused(change.before, change.after):
                plain(printed(told))


def blocks(seeds: Mapping[str, bytes], random: Random) -> None:
    """Read the columns of a block."""
    file = mutate.changed(seeds[random.choice(("old", "new", "small", "small"))], random, mutate.OF_BLOCKS)
    part = random.choice(file.blocks)
    read_columns(mutate.body_of(part), part.meta[1], part.meta[3])


def index(seeds: Mapping[str, bytes], random: Random) -> None:
    """Read an index."""
    file = mutate.changed(seeds[random.choice(("old", "new", "small", "small"))], random, mutate.OF_INDEX)
    form.parse_index(mutate.index_of(file))


TARGETS: Mapping[str, tuple[Callable[[Mapping[str, bytes], Random], None], int]] = {
    "values": (values, 500),
    "blocks": (blocks, 240),
    "index": (index, 152),
    "verify": (verify, 30),
    "show": (show, 15),
    "list": (listing, 4),
    "stats": (stats, 6),
    "recover": (recover, 5),
    "diff": (diff, 20),
    "review": (review, 2),
    "accepted": (accepted, 5),
    "side": (side, 10),
    "rules": (rules, 3),
    "journal": (journal, 8),
}
"""By name: what is done, and how often of a thousand runs."""
