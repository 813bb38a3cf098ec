"""The formats a comparison can be written in, by the name the command line takes. Each is loaded when a report in it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from tracer.compare.context import NOTHING, Request
from tracer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tracer.compare.result import Comparison


@dataclass(frozen=True, slots=True)
class Appearance:
    """How a report may look where it goes. Formats for programs take no notice of it.

    `width` is in columns; `color` is for a terminal that wants it; `verbose` shows all; `limit` bounds findings.
    """

    width: int = 80
    color: bool = False
    verbose: bool = False
    limit: int = 20


Renderer: TypeAlias = "Callable[[Comparison, Appearance], str]"


def _text(comparison: Comparison, look: Appearance) -> str:
    from tracer.report.text import render_text

    return render_text(comparison, look.width, look.color, look.verbose, look.limit)


def _rendered_by(module: str, function: str) -> Renderer:
    """Return a renderer of this room that takes no notice of the appearance."""

    def render(comparison: Comparison, _: Appearance) -> str:
        report: str = getattr(import_module(f"tracer.report.{module}"), function)(comparison)
        return report

    return render


FORMATS: Final[Mapping[str, Renderer]] = MappingProxyType(
    {
        "text": _text,
        "json": _rendered_by("as_json", "render_json"),
        "markdown": _rendered_by("markdown", "render_markdown"),
        "junit": _rendered_by("junit", "render_junit"),
        "html": _rendered_by("html.page", "render_html"),
        "sarif": _rendered_by("sarif", "render_sarif"),
        "github": _rendered_by("github", "render_github"),
    },
)
"""Renderers by name, in the order in which help lists them."""

_REQUESTS: Final = MappingProxyType(
    {
        "json": Request(places=True),
        "markdown": Request(places=True, trees=20),
        "junit": Request(places=True),
        "html": Request(places=True, trees=200, edges=True),
        "sarif": Request(places=True),
        "github": Request(places=True),
    },
)


def report_parts(name: str, comparison: Comparison, look: Appearance) -> Iterator[str]:
    """Yield the report in a format in parts, where it may be too large to be made at once."""
    if name == "json":
        from tracer.report.as_json import json_parts

        yield from json_parts(comparison)
    else:
        yield FORMATS[name](comparison, look)


def request_of(name: str) -> Request:
    """Return what a format shows beside the findings; nothing for one that shows findings only."""
    return _REQUESTS.get(name, NOTHING)


def require(name: str) -> None:
    """Make sure that a format can be written, before the work that leads to it.

    Raises:
        ConfigError: there is none of that name, or what it needs is not installed.
    """
    if name not in FORMATS:
        raise ConfigError("write the report", f"{name!r} is no format", f"Use one of: {', '.join(FORMATS)}.")
    if name == "html":
        from tracer.report.html.frame import load_jinja2

        load_jinja2()
