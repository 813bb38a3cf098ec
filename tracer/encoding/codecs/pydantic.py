"""pydantic models, of version 1 and 2: fields, extra fields, private attributes, and which fields were set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tracer.encoding import looks
from tracer.encoding.causes import Cause, Refused
from tracer.encoding.places import bare
from tracer.encoding.walk import Plan
from tracer.values import Form

if TYPE_CHECKING:
    from tracer.encoding.places import Setter
    from tracer.encoding.revival import Revival, Steps
    from tracer.encoding.walk import Walk
    from tracer.values import Object

_FLATTENED: Final = ("__pydantic_extra__", "__pydantic_private__")
_RENAMED: Final = {"__pydantic_fields_set__": "_fields_set", "__fields_set__": "_fields_set"}
"""Names with one leading underscore are internal: which fields were set is no part of what a model shows."""


def plan(cls: type) -> Plan | None:
    """Return the plan of a pydantic model class; None for any other."""
    if not _is_model(cls):
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


def _is_model(cls: type) -> bool:
    bases = (looks.loaded("pydantic.main", "BaseModel"), looks.loaded("pydantic.v1.main", "BaseModel"))
    return any(looks.derives(cls, base) for base in bases)


def revive(revival: Revival, cls: type, value: Object) -> Steps:
    """Make a model: fields, extra fields, private attributes and the names of those that were set, without validating any."""
    if not _is_model(cls):
        raise Refused(Cause.OTHER_KIND)
    second = looks.declared(cls, "__pydantic_fields_set__") is not None
    names = [name for name, _ in value.fields]
    setters = (_second if second else _first)(revival, cls, names)
    live = bare(cls)
    revival.enter(live)
    if second:
        _prepare(live, cls)
    return (yield from revival.attributes(live, setters, value.fields))


def _prepare(live: Any, cls: type) -> None:
    """Give a model of version 2 what each has, to be filled."""
    private = looks.declared(cls, "__private_attributes__")
    looks.declared(cls, "__pydantic_extra__").__set__(live, {} if _takes_extra(cls) else None)
    looks.declared(cls, "__pydantic_private__").__set__(live, {} if private else None)


def _takes_extra(cls: type) -> bool:
    config = looks.declared(cls, "model_config")
    return type(config) is dict and config.get("extra") == "allow"


def _second(_: Revival, cls: type, names: list[str]) -> list[Setter]:
    known = looks.declared(cls, "__pydantic_fields__") or looks.declared(cls, "model_fields") or {}
    private, extra = looks.declared(cls, "__private_attributes__") or {}, _takes_extra(cls)
    missing = [name for name, field in known.items() if name not in names and field.is_required()]
    if missing:
        raise Refused(Cause.FIELD_NEW)

    def setter(name: str) -> Setter:
        if name == "_fields_set":
            return looks.declared(cls, "__pydantic_fields_set__").__set__  # type: ignore[no-any-return]
        if name in private:
            return _into("__pydantic_private__", name)
        if name in known or looks.declared(cls, name) is not None:  # a field, or what a cached property keeps
            return _into("__dict__", name)
        if extra:
            return _into("__pydantic_extra__", name)
        raise Refused(Cause.FIELD_GONE)

    return [setter(name) for name in names]


def _into(space: str, name: str) -> Setter:
    def put(live: Any, made: Any) -> None:
        object.__getattribute__(live, space)[name] = made

    return put


def _first(revival: Revival, cls: type, names: list[str]) -> list[Setter]:
    """Return the setters of a model of version 1, which keeps private attributes in slots, and extra fields with the others."""
    known, config = looks.declared(cls, "__fields__") or {}, looks.declared(cls, "__config__")
    extra = getattr(getattr(config, "extra", None), "value", None) == "allow"
    private = looks.declared(cls, "__private_attributes__") or {}
    missing = [name for name, field in known.items() if name not in names and field.required]
    if missing:
        raise Refused(Cause.FIELD_NEW)
    if not extra and not {*names} <= {*known, *private, "_fields_set"}:
        raise Refused(Cause.FIELD_GONE)
    shown = {"_fields_set": "__fields_set__"}
    return list(revival.resolver.setters(cls, tuple(shown.get(name, name) for name in names)))
