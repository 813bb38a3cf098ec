"""Starts the recorder in a Python that a recorded command starts.

`tracer record` puts this folder at the front of PYTHONPATH; Python imports `sitecustomize` before anything of the program.
The folder leaves `sys.path` at once, and a `sitecustomize` that this one hid runs after it. Where tracer is not installed in the environment
of the child, it and what it needs are found in the places the settings name, after everything the environment has itself.
Settings that name no folder to record into are those of a process that only needs to find tracer.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location


class _Homes:
    """A finder, last in line, for tracer's packages alone."""

    def __init__(self, homes: dict[str, str]) -> None:
        self._homes = homes

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        """Find a package by its folder; None for everything else."""
        del path, target
        home = self._homes.get(name)
        if home is None:
            return None
        return spec_from_file_location(name, os.path.join(home, "__init__.py"), submodule_search_locations=[home])


def _start(settings: dict[str, dict[str, str]]) -> None:
    homes = settings["packages"]
    if any(PathFinder.find_spec(name) is None for name in homes):
        sys.meta_path.append(_Homes(homes))  # type: ignore[arg-type]
    if "folder" in settings:
        from tracer.recording.child import start_from_environment  # noqa: PLC0415  (found only now)

        start_from_environment()


def _run_hidden() -> None:
    """Run the sitecustomize of the environment, which this one stands in front of."""
    spec = PathFinder.find_spec("sitecustomize")
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


_here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != _here]
_settings = os.environ.get("TRACER_SETTINGS")
if _settings is not None:
    _known: dict[str, dict[str, str]] = {}
    try:
        with open(_settings, encoding="utf-8") as _file:
            _known = json.load(_file)
        _start(_known)
    except Exception as error:  # noqa: BLE001  (the program must start whatever happens here)
        try:
            with open(
                os.path.join(os.path.dirname(_settings), f"{os.getpid()}.failure"), "w", encoding="utf-8"
            ) as file:
                file.write(f"{type(error).__name__}: {error}")
        except OSError:
            pass
        if _known.get("playback"):
            os._exit(2)  # unanswered, the program would reach what it is to be kept from
_run_hidden()
