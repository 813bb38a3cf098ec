"""pydantic models, of version 1 and 2: fields, extra fields, private attributes, and which fields were set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tracer.encoding import looks
from tracer.encoding.walk import Plan
from tracer.values import Form

if TYPE_CHECKING:
    from tracer.encoding.walk import Walk

_FLATTENED: Final = ("__pydantic_extra__", "__pydantic_private__")
_RENAMED: Final = {"__pydantic_fields_set__": "_fields_set", "__fields_set__": "_fields_set"}
"""Names with one leading underscore are internal: which fields were set is no part of what a model shows."""


def plan(cls: type) -> Plan | None:
    """Return the plan of a pydantic model class; None for any other."""
    bases = (looks.loaded("pydantic.main", "BaseModel"), looks.loaded("pydantic.v1.main", "BaseModel"))
    if not any(looks.derives(cls, base) for base in bases):
        return None
    name = looks.type_name(cls)
    where = looks.layout(cls)

    def encode(walk: Walk, value: Any) -> bytes:
        names: list[Any] = []
        values: list[Any] = []
        for field, content in zip(*looks.fields(value, where), strict=True):
            if type(field) is str and field in _FLATTENED:
                pairs = list(dict.items(content)) if type(content) is dict else []
                names += [key for key, _ in pairs]
                values += [each for _, each in pairs]
            else:
                names.append(_RENAMED.get(field, field) if type(field) is str else field)
                values.append(content)
        return walk.object(value, name, Form.PYDANTIC.value, names, values)

    return Plan(name, encode, attributes=True)
