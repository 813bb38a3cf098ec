"""What a test file may name: which modules may be imported, and how a recorded name is written in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tracer.export.literals import is_dotted

if TYPE_CHECKING:
    from collections.abc import Callable

STANDARD: Final = frozenset(
    {
        *(
            "builtins",
            "collections",
            "datetime",
            "decimal",
            "enum",
            "fractions",
            "functools",
            "http",
            "io",
            "ipaddress",
        ),
        *("json", "json.decoder", "logging", "pathlib", "re", "types", "uuid", "zoneinfo", "zoneinfo._common"),
        *("argparse", "configparser", "csv", "operator", "queue", "signal", "sqlite3", "string", "struct"),
        *("numpy", "pandas"),
    }
)
"""Modules of the standard library whose types stand for values, and the two libraries whose values are known. Importing them does nothing else."""

_PUBLIC_HOMES: Final = {"zoneinfo._common": "zoneinfo", "json.decoder": "json", "_io": "io"}


class Unwritable(Exception):
    """A recorded value has no source. `reason` is one of a closed set of sentences, so that they can be counted."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


REDACTED: Final = "a secret that was never stored"
CUT: Final = "a value kept in part, past its budget"
OPAQUE: Final = "a value known by its type only"
LOCAL: Final = "a class or function that no module holds by name"
NOT_ALLOWED: Final = "a type of a module that may not be imported (--allow-import)"
SHARED: Final = "arguments that share an object, or hold themselves"
PLACE: Final = "a path of the folder it was recorded in"
UNKNOWN: Final = "a kind of value that has no source"
TOO_LARGE: Final = "values too large to read in a test"


@dataclass(slots=True)
class Names:
    """The names that one file uses. `may_import(module)` decides; `imports` and `helpers` collect what is needed at its head."""

    may_import: Callable[[str], bool]
    imports: set[str] = field(default_factory=set)
    helpers: set[str] = field(default_factory=set)

    def helper(self, name: str) -> str:
        """Return the name of a function that is written at the head of the file."""
        self.helpers.add(name)
        return name

    def standard(self, name: str) -> str:
        """Return how a name of the standard library or a known library is written: `decimal.Decimal`."""
        self.imports.add(name.rpartition(".")[0])
        return name

    def recorded(self, name: str) -> str:
        """Return how a class or function known as `module:qualname` is written.

        Raises:
            Unwritable: it is in no module by name, or its module may not be imported.
        """
        module, _, qualname = name.partition(":")
        if not is_dotted(module) or not is_dotted(qualname) or module == "__main__":
            raise Unwritable(LOCAL)
        module = _PUBLIC_HOMES.get(module, module)
        if module == "builtins":
            return qualname
        if module not in STANDARD and not self.may_import(module):
            raise Unwritable(NOT_ALLOWED)
        self.imports.add(module)
        return f"{module}.{qualname}"

    def module(self, name: str) -> str:
        """Return how a module is written. Raises `Unwritable` where it may not be imported."""
        if not is_dotted(name) or (name not in STANDARD and not self.may_import(name)):
            raise Unwritable(NOT_ALLOWED)
        self.imports.add(name)
        return name
