"""The mechanisms under trial, behind one constructor, and the import hook that hands them modules."""

import dis
import sys
from importlib.machinery import PathFinder, SourceFileLoader

import ledger


def make_engine(name):
    """Return an engine by name, or None for the untraced run."""
    if name == "body":
        from body import BodyEngine  # noqa: PLC0415 - each mechanism loads only for its own run

        return BodyEngine()
    if name == "trampoline":
        from trampoline import TrampolineEngine  # noqa: PLC0415 - each mechanism loads only for its own run

        return TrampolineEngine()
    if name == "monitoring":
        from tracer.instrument.monitoring import MonitoringEngine  # noqa: PLC0415 - each mechanism loads only for its own run

        return MonitoringEngine()
    if name == "injection":
        from tracer.instrument.injection.engine import InjectionEngine  # noqa: PLC0415 - each mechanism loads only for its own run

        return InjectionEngine()
    return None


def install(engine, package):
    """Have each module of `package` attached as it is imported."""
    sys.meta_path.insert(0, _Finder(engine, package))


def attach(engine, module, code):
    return engine.attach_module(code, lambda inner: ledger.probe_for(module, inner))


class _Loader(SourceFileLoader):
    engine = None

    def exec_module(self, module):
        code = self.get_code(module.__name__)
        exec(attach(self.engine, module.__name__, code), module.__dict__)
        after = getattr(self.engine, "after_exec", None)
        if after is not None:
            after(code, lambda inner: ledger.probe_for(module.__name__, inner))


class _Finder:
    def __init__(self, engine, package):
        self.package = package
        self.loader = type("TrialLoader", (_Loader,), {"engine": engine})

    def find_spec(self, name, path=None, target=None):
        if name != self.package and not name.startswith(self.package + "."):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = self.loader(spec.loader.name, spec.loader.path)
        return spec


class Witness:
    """Counts first entries as `sys.setprofile` shows them, by the same rule about the caller."""

    def __init__(self, package):
        self.package = package
        self.counts = {}
        self.generated = 0
        self.starts = {}

    def __call__(self, frame, event, _argument):
        if event != "call":
            return
        code = frame.f_code
        module = frame.f_globals.get("__name__")
        if type(module) is not str or not (module == self.package or module.startswith(self.package + ".")):
            return
        if not code.co_flags & ledger.FUNCTION_FLAG or code.co_name in ledger.COMPREHENSIONS:
            return
        if code.co_flags & 0x2A0 and not self._is_start(code, frame.f_lasti):
            return
        caller = frame.f_back
        if caller is None or caller.f_globals.get("__name__") == module:
            return
        if code.co_filename != frame.f_globals.get("__file__"):
            self.generated += 1
            return
        key = f"{module}:{code.co_qualname}"
        self.counts[key] = self.counts.get(key, 0) + 1

    def _is_start(self, code, offset):
        known = self.starts.get(id(code))
        if known is None:
            resume = dis.opmap["RESUME"]
            raw = code.co_code
            known = self.starts[id(code)] = (
                code,
                next(i for i in range(0, len(raw), 2) if raw[i] == resume and raw[i + 1] == 0),
            )
        return offset in (known[1], known[1] - 2)
