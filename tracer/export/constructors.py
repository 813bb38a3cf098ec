"""Which classes are given exactly the fields they are called with: asked of the classes themselves, in a process of its own.

Run as `python -m tracer.export.constructors QUESTIONS ANSWERS`: the first file holds pairs of a class's name and its field names, as
JSON; the second receives those whose constructor was generated from the fields alone, with no code of anyone in between.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_GENERATED: Final = ("<string>", "<attrs generated")


def is_certain(cls: Any, names: Sequence[str]) -> bool:
    """Say whether `cls(**fields)` gives an instance of exactly these fields, and runs no code that someone wrote."""
    if isinstance(cls, type) and issubclass(cls, tuple):
        return (
            tuple(getattr(cls, "_fields", ())) == tuple(names)
            and _is_generated(cls.__new__)
            and _inherits(cls, "__init__", tuple)
        )
    if (
        not isinstance(cls, type)
        or not _inherits(cls, "__new__", object)
        or not _is_generated(getattr(cls, "__init__", None))
    ):
        return False
    if hasattr(cls, "__attrs_attrs__"):
        return _attrs(cls, names)
    return hasattr(cls, "__dataclass_fields__") and _dataclass(cls, names)


def _dataclass(cls: Any, names: Sequence[str]) -> bool:
    fields = cls.__dataclass_fields__
    plain = all(each.init and "InitVar" not in str(each.type) for each in fields.values())
    return plain and not hasattr(cls, "__post_init__") and set(fields) == set(names) and _sets_plainly(cls)


def _attrs(cls: Any, names: Sequence[str]) -> bool:
    fields = cls.__attrs_attrs__
    plain = all(each.init and each.converter is None and each.validator is None for each in fields)
    hooks = any(hasattr(cls, name) for name in ("__attrs_post_init__", "__attrs_pre_init__"))
    named = {each.name for each in fields} == set(names) and not any(name.startswith("_") for name in names)
    return plain and named and not hooks


def _sets_plainly(cls: Any) -> bool:
    return cls.__dataclass_params__.frozen or _inherits(cls, "__setattr__", object)


def _inherits(cls: type, name: str, base: type) -> bool:
    return getattr(cls, name) is getattr(base, name)


def _is_generated(function: Any) -> bool:
    code = getattr(function, "__code__", None)
    return code is not None and code.co_filename.startswith(_GENERATED)


def _find(name: str) -> Any:
    module, _, qualname = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found


def _answer(name: str, fields: Sequence[str]) -> bool:
    try:
        return is_certain(_find(name), fields)
    except Exception:  # noqa: BLE001  (a module that cannot be imported, a class that is gone or answers in its own way)
        return False


def main(questions: Path, answers: Path) -> None:
    """Answer the questions."""
    asked = json.loads(questions.read_text(encoding="utf-8"))
    answers.write_text(json.dumps([pair for pair in asked if _answer(*pair)]), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
