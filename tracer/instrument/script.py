"""Scripts: files that are run with no loader that could be asked for other code, by the interpreter itself or by `runpy.run_path`.

Those that `runpy` runs (in each process that `multiprocessing` spawns there is one) have their code chosen where it is given to `exec`. The main
program is met as it begins, by a profile function that lasts until then. What its functions and classes are made of is exchanged inside
its code object, of which nobody else has seen anything yet; the statements of its own body stay as they are.
"""

from __future__ import annotations

import runpy
import sys
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument.executing import choosing
from tracer.instrument.probe import hear_of, told_of_returns

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    from tracer.instrument.probe import Engine

_NO_SCRIPT: Final = frozenset({"", "-", "-c", "-m"})
"""What `sys.argv` begins with before a program runs that is none: nothing may come that begins, or only after long imports."""


def expect(begun: Callable[[CodeType], None]) -> None:
    """Call `begun`, which does not raise, with the main program's code object before its first instruction, if the interpreter goes to run a script.

    To be called while the interpreter starts. A profile function that is there already is there again when the script begins, and hears of that.
    """
    if not sys.argv or sys.argv[0] in _NO_SCRIPT:
        return
    before = sys.getprofile()

    def look(frame: FrameType, event: Any, argument: object) -> None:
        if event == "call" and frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == "__main__":
            sys.setprofile(before)
            if before is not None:
                before(frame, event, argument)
            begun(frame.f_code)

    sys.setprofile(look)


def watch_runs(engine: Engine, begins: Callable[[str, CodeType], CodeType], ran: Callable[[str], None]) -> None:
    """Tell of each module that `runpy` runs, until the engine detaches.

    `begins` is called with the name and the code of one that is about to run and returns what is to run in its place, `ran` with the name of
    each that has run, while it is in `sys.modules`. They do not raise. The function of `runpy` that is watched for it is private; where there is none, nothing is told.
    """

    def chosen(frame: FrameType, code: CodeType) -> CodeType:
        name = _name(frame)
        return code if name is None else begins(name, code)

    def begun(frame: FrameType) -> str | None:
        name = _name(frame)
        if not engine.tells_of_calls and name is not None:
            begins(name, frame.f_locals["code"])
        return name

    hear_of(
        engine, getattr(runpy, "_run_code", None), told_of_returns(lambda name, _: ran(name), begun), choosing(chosen)
    )


def _name(frame: FrameType) -> str | None:
    """Return the name of the module that an activation of `runpy._run_code` runs."""
    name = frame.f_locals.get("mod_name")
    return name if type(name) is str else None


def exchange(code: CodeType, constants: tuple[Any, ...]) -> None:
    """Put other constants into a code object in place, those that its functions and classes are made of.

    For a code object that has not run: it may have been specialised else.

    Raises:
        ValueError: there are more or fewer of them than before, or tuples are not laid out as CPython lays them out.
    """
    import ctypes  # noqa: PLC0415  (only where there is a script with something to watch)

    slots = (ctypes.c_void_p * len(code.co_consts)).from_address(id(code.co_consts) + tuple.__basicsize__)
    if len(constants) != len(slots) or list(slots) != [id(constant) for constant in code.co_consts]:
        message = "its constants cannot be exchanged"
        raise ValueError(message)
    for at, (old, new) in enumerate(zip(code.co_consts, constants, strict=True)):
        if new is not old:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(new))
            slots[at] = id(new)
            ctypes.pythonapi.Py_DecRef(ctypes.py_object(old))
