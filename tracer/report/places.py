"""Where the callables of findings are defined, as far as a comparison brings it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracer.compare.context import Place
    from tracer.compare.result import Comparison


def places_of(comparison: Comparison) -> Mapping[str, Place]:
    """Return the places by callable; empty where the report did not ask for them."""
    return dict(comparison.context.places) if comparison.context else {}


def spelled(place: Place) -> str:
    """Return a place as editors and terminals take it: `shop/tax.py:12`."""
    return f"{place.file}:{place.line}" if place.line else place.file
