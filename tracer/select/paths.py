"""Functions of `os.path` as they were when this was imported, down to what they call: a host may forbid or replace these while it runs.

The functions of the standard library find one another by names of their module. Copies of them find copies, in a namespace of their own.
"""

# No pathlib: the host would pay for its import, and may replace it while it runs.

from __future__ import annotations

import os
import os.path
from types import FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_space: dict[str, Any] = {**vars(os.path), "os": SimpleNamespace(**vars(os))}
for _name, _held in tuple(_space.items()):
    if type(_held) is FunctionType:
        _space[_name] = FunctionType(_held.__code__, _space, _held.__name__, _held.__defaults__, _held.__closure__)
        _space[_name].__kwdefaults__ = _held.__kwdefaults__

abspath: Callable[[str], str] = _space["abspath"]
exists: Callable[[str], bool] = _space["exists"]
isfile: Callable[[str], bool] = _space["isfile"]
realpath: Callable[[str], str] = _space["realpath"]
relpath: Callable[[str, str], str] = _space["relpath"]
