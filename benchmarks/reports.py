"""How long each format takes and how large it gets with many findings, and how soon Chromium shows the HTML page.

python benchmarks/reports.py [FINDINGS ...]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from tests.report.browser import MISSING, Browser  # noqa: E402  (found by the path set above)
from tracer.compare.context import Context, Edge, Moment, NearCall, Place  # noqa: E402
from tracer.compare.result import (  # noqa: E402
    Comparison,
    Confidence,
    Example,
    Finding,
    Kind,
    Role,
    Severity,
    Side,
    Summary,
    Verdict,
)
from tracer.report.formats import FORMATS, Appearance  # noqa: E402

KINDS, SEVERITIES = tuple(Kind), (Severity.BREAKING, Severity.CHANGED, Severity.COMPATIBLE, Severity.INTERNAL)
TREES = 200


def finding(number):
    module = f"shop.part{number % 60}.module{number % 977}"
    before = f"Receipt(number={number}, lines=[{', '.join(f'Line({n}, {number / 7:.4f})' for n in range(6))}])"
    return Finding(
        key=f"{number:012x}",
        callable=f"{module}:Service.operation_{number % 13}",
        kind=KINDS[number % len(KINDS)],
        severity=SEVERITIES[min(number // 97 % 5, 3)],
        role=Role.ORIGIN if number % 9 == 0 else Role.EFFECT,
        confidence=Confidence.HIGH if number % 5 else Confidence.LOW,
        count=1 + number % 400,
        calls=1 + number % 400 * 3,
        callers=tuple(f"shop.part{(number + n) % 60}" for n in range(number % 4 + 1)),
        path=f"return.lines[*].field_{number % 211}",
        before=before[:200],
        after=before.replace("Line(3", "Line(4")[:200],
        example=Example(
            f"test tests/test_part{number % 300}.py::test_case_{number % 11}", f"self=Service(), number={number}"
        ),
    )


def near(number, depth, *, here):
    given = (("self", "Service()"), ("number", str(number)))
    old, new = Moment(given, f"Receipt({number})"), Moment(given, f"Receipt({number + 1})")
    return NearCall(
        depth, f"shop.part{number % 60}:call", "shop.part1", f"shop.part{number % 60}", old, new, False, here
    )


def comparison(count):
    findings = tuple(map(finding, range(count)))
    tree = tuple(near(number, min(number, 4), here=number == 8) for number in range(24))
    edges = tuple(
        Edge(f"shop.part{n}", f"shop.part{(n * 7 + 3) % 60}", n * 11, n * 11 + n % 3, n % 4) for n in range(60)
    )
    names = dict.fromkeys(each.callable for each in findings)
    places = tuple((name, Place(name.partition(":")[0].replace(".", "/") + ".py", 12)) for name in names)
    context = Context(places, tuple((each.key, tree) for each in findings[:TREES]), edges)
    summary = Summary(10 * count, 9 * count, count)
    sides = Side("old.cassette", 10 * count), Side("new.cassette", 10 * count)
    return Comparison(Verdict.BREAKING, *sides, summary, findings, context=context)


def opened(page):
    """Return the milliseconds from going to the page until its list stands, and those of a search over all findings."""
    with tempfile.TemporaryDirectory() as folder, Browser(Path(folder)) as browser:
        start = time.perf_counter()
        browser.open(page)
        ready = int(browser.wait("return document.documentElement.dataset.ready"))
        whole = (time.perf_counter() - start) * 1000
        searched = browser.run(
            "const start = performance.now(); const field = document.querySelector('#search');"
            "field.value = 'part7 0.14'; field.dispatchEvent(new Event('input')); return performance.now() - start;"
        )
        return ready, whole, searched


def main(counts):
    print(f"Python {sys.version.split()[0]}")
    for count in counts:
        made = comparison(count)
        for name, render in FORMATS.items():
            for look in (Appearance(), Appearance(verbose=True)) if name == "text" else (Appearance(),):
                start = time.process_time()
                text = render(made, look)
                seconds = time.process_time() - start
                shown = f"{name}{' -v' if look.verbose else ''}"
                print(f"{count:8,} findings  {shown:9} {seconds:7.2f} s  {len(text.encode()) / 1e6:7.2f} MB")
                if name == "html":
                    measure_page(text)
        print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def measure_page(text):
    if MISSING:
        print(MISSING)
        return
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        page.write_text(text, encoding="utf-8")
        ready, whole, searched = opened(page)
        print(
            f"{'':19} Chromium: ready after {ready} ms ({whole:.0f} ms with the driver), a search takes {searched:.0f} ms"
        )


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [100, 10_000, 100_000])
