"""attrs classes: instances of their attributes, whichever of the two decorators made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.encoding import looks
from tracer.encoding.codecs.instances import by_attributes
from tracer.values import Form

if TYPE_CHECKING:
    from tracer.encoding.walk import Plan


def plan(cls: type) -> Plan | None:
    """Return the plan of an attrs class; None for any other."""
    if looks.declared(cls, "__attrs_attrs__") is None:
        return None
    return by_attributes(cls, Form.ATTRS)
