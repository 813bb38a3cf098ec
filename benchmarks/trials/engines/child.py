"""Run one package's tests under one mechanism, in this process. Started by run.py.

child.py ENGINE PACKAGE OUT.json -- PYTEST_ARGUMENTS
child.py ENGINE micro OUT.json

ENGINE is one that mechanisms.py knows, `none`, `witness`, or one with `+witness` behind it: both count in one run.
"""

import json
import os
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2])]

import ledger  # noqa: E402
import mechanisms  # noqa: E402


class Outcomes:
    def __init__(self):
        self.outcomes = {}

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            before = self.outcomes.get(report.nodeid)
            text = f"{report.when}:{report.outcome}" + (":x" if hasattr(report, "wasxfail") else "")
            self.outcomes[report.nodeid] = f"{before}+{text}" if before else text

    def pytest_collectreport(self, report):
        if report.failed:
            self.outcomes[report.nodeid] = "collect:failed"


def main():
    engine_name, package, out, *rest = sys.argv[1:]
    engine = mechanisms.make_engine(engine_name.removesuffix("+witness"))
    if package == "micro":
        import micro  # noqa: PLC0415 - only for this run

        result = micro.measure(engine)
    else:
        result = suite(engine_name, engine, package, rest[1:])
    pid = result.pop("pid", os.getpid())
    if pid == os.getpid():
        Path(out).write_text(json.dumps(result))


def suite(engine_name, engine, package, arguments):
    pid = os.getpid()
    witness = None
    if engine_name.endswith("witness"):
        witness = mechanisms.Witness(package)
        threading.setprofile(witness)
        sys.setprofile(witness)
    if engine is not None:
        mechanisms.install(engine, package)
    import pytest  # noqa: PLC0415 - it imports packages under trial, which must meet the hook

    outcomes = Outcomes()
    code = pytest.main(arguments, plugins=[outcomes])
    sys.setprofile(None)
    threading.setprofile(None)
    left = engine.detach() if hasattr(engine, "detach") else ()
    return {
        "pid": pid,
        "exit": int(code),
        "outcomes": outcomes.outcomes,
        "counts": ledger.counts if engine is not None else witness.counts if witness else {},
        "seen": witness.counts if witness else {},
        "generated": witness.generated if witness else 0,
        "stats": ledger.stats,
        "unrestored": list(left),
    }


if __name__ == "__main__":  # the worker processes of anyio's tests import it under another name
    main()
