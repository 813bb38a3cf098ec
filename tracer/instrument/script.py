"""Scripts: files that are run with no loader that could be asked for other code, by the interpreter itself or by `runpy.run_path`.

Those that `runpy` (in each process that `multiprocessing` spawns there is one) or a tool runs have their code chosen where it is given to `exec`. The main
program is met as it begins, by a profile function that lasts until then. What its functions and classes are made of is exchanged inside
its code object, of which nobody else has seen anything yet; the statements of its own body stay as they are.
"""

from __future__ import annotations

import runpy
import sys
from typing import TYPE_CHECKING, Any, Final

from tracer.instrument.executing import choosing
from tracer.instrument.probe import function_at, hear_of, told_of_returns

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType, ModuleType

    from tracer.instrument.probe import Engine

TOOLS: Final = {
    "coverage.execfile": "PyRunner.run",
    "cProfile": "Profile.runctx",
    "profile": "Profile.runctx",
    "trace": "Trace.runctx",
}
"""Functions of tools that run the main program, by their modules."""
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


class Runs:
    """Code that Python code runs as a module, chosen where it is given to `exec`, until the engine detaches.

    begins: called with the name and the code of a module that is about to run; returns what is to run in its place.
    ran: called with the name of each that `runpy` has run, while it is in `sys.modules`.
    They do not raise.
    """

    def __init__(self, engine: Engine, begins: Callable[[str, CodeType], CodeType], ran: Callable[[str], None]) -> None:
        self._engine = engine
        self._begins = begins
        self._ran = ran
        self._of_main = choosing(lambda _, code: begins("__main__", code) if code.co_name == "<module>" else code)

    def watch(self) -> None:
        """Watch what `runpy` runs."""
        probe = told_of_returns(lambda name, _: self._ran(name), self._begun)
        hear_of(self._engine, getattr(runpy, "_run_code", None), probe, choosing(self._chosen))

    def watch_tool(self, module: ModuleType) -> None:
        """Watch what a tool runs, one of `TOOLS` that was imported."""
        hear_of(self._engine, function_at(module, TOOLS[module.__name__]), None, self._of_main)

    def _chosen(self, frame: FrameType, code: CodeType) -> CodeType:
        name = _name(frame)
        if name is None:
            return code
        # A tool that is the main program itself has not been imported.
        if getattr(frame.f_locals.get("mod_spec"), "name", None) in TOOLS:
            return self._engine.attach_module(code, lambda _: None, self._of_main)
        return self._begins(name, code)

    def _begun(self, frame: FrameType) -> str | None:
        name = _name(frame)
        if not self._engine.tells_of_calls and name is not None:
            self._begins(name, frame.f_locals["code"])
        return name


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
