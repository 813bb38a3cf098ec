"""What a test file may name: which modules may be imported, and how a recorded name is written in it."""

from __future__ import annotations

import builtins
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tracer.encoding.standard import COMPUTING, may_be_named
from tracer.export.literals import is_dotted

if TYPE_CHECKING:
    from collections.abc import Callable

_BUILTIN_TYPES: Final = frozenset(
    {
        *("bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "object", "range"),
        *("set", "slice", "str", "tuple", "type", "memoryview", "property", "classmethod", "staticmethod"),
    }
)
_NUMPY: Final = re.compile(
    r"numpy:(u?int\d+|float\d+|complex\d+|bool_?|str_|bytes_|u?longlong|ndarray|datetime64|timedelta64)"
)

_PUBLIC_HOMES: Final = {
    "_csv": "csv",
    "_io": "io",
    "_queue": "queue",
    "asyncio.exceptions": "asyncio",
    "asyncio.queues": "asyncio",
    "concurrent.futures._base": "concurrent.futures",
    "json.decoder": "json",
    "zoneinfo._common": "zoneinfo",
}


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
        if module == "builtins" and _is_harmless(qualname):
            return qualname
        if not may_be_named(module, qualname) and not _NUMPY.fullmatch(name) and not self.may_import(module):
            raise Unwritable(NOT_ALLOWED)
        module = _PUBLIC_HOMES.get(module, module)
        self.imports.add(module)
        return f"{module}.{qualname}"

    def module(self, name: str) -> str:
        """Return how a module is written. Raises `Unwritable` where it may not be imported."""
        if not is_dotted(name) or not self.may_import(name):
            raise Unwritable(NOT_ALLOWED)
        self.imports.add(name)
        return name


def is_builtin_error(qualname: str) -> bool:
    """Say whether a name among the builtins is that of an exception."""
    found = getattr(builtins, qualname, None)
    return isinstance(found, type) and issubclass(found, BaseException)


def _is_harmless(qualname: str) -> bool:
    return qualname in _BUILTIN_TYPES or qualname in COMPUTING or is_builtin_error(qualname)
