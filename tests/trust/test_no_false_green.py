"""Nothing looks recorded and compared that was not: the exit code is red, or the summary says what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.helpers import Project
from tracer.recording import native

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "pyproject.toml": "",
    "shop/__init__.py": "",
    "shop/tax.py": "def vat(x):\n    return x * 2\n",
    "shop/cart.py": "from shop import tax\ndef total(x):\n    return tax.vat(x) + 1\n",
    "shop/left.py": "def go(n):\n    from shop import right\n    return right.go(n)\n",
    "shop/right.py": "from shop import left\ndef go(n):\n    return left.go(n)\n",
    "bypass.py": """
        import shop.tax
        def by_a_copy():
            text = open(shop.tax.__file__, encoding="utf-8").read()
            exec(compile(text, shop.tax.__file__, "exec"), vars(shop.tax))
        def over():
            from shop import left
            try:
                left.go(0)
            except RecursionError:
                return
            raise AssertionError
        """,
    "app.py": """
        import subprocess, sys
        import bypass
        from shop import cart
        bypass.over()
        bypass.by_a_copy()
        cart.total(2)
        subprocess.run([sys.executable, "-I", "-c", "pass"], check=True)
        """,
}
TESTS = """
    import pytest
    import bypass
    from shop.cart import total
    def test_nothing_is_called(tracer_cassette):
        with tracer_cassette(boundaries=["shop.tax"]):
            pass
    @pytest.mark.tracer(boundaries=["nothere"])
    def test_nothing_is_matched():
        total(2)
    def test_half_is_matched(tracer_cassette):
        with tracer_cassette(boundaries=["shop.tax", "nothere"]):
            total(2)
    def test_own_fault(tracer_cassette):
        with tracer_cassette(boundaries=["shop.left", "shop.right"]):
            bypass.over()
    def test_bypassed(tracer_cassette):
        with tracer_cassette(boundaries=["shop.tax", "shop.cart"]):
            bypass.by_a_copy()
            total(2)
    def test_fine(tracer_cassette):
        with tracer_cassette(boundaries=["shop"]):
            total(2)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, FILES)


def test_a_green_recording_says_what_it_lacks_and_so_does_a_comparison(project: Project) -> None:
    """A boundary without a module, functions replaced unseen, a child that cannot record, calls at the end of the stack."""
    boundaries = ("-b", "shop.tax", "-b", "shop.left", "-b", "shop.right", "-b", "nothere")
    done = project.tracer("record", *boundaries, "-o", "run.cassette", "--", "python", "app.py")
    told = " ".join(done.stderr.split())

    assert done.exit == 0, done.stderr
    assert "Boundary 'nothere' matched no module" in told
    assert "shop.tax 0 calls, 1 callable watched" in told
    assert "1 functions put into watched modules unseen" in told
    assert "1 child process not recorded" in told
    assert (
        "tracer failed: RecursionError" in told
    ) == native.in_use()  # hooks in Python leave the end of the stack to the program

    compared = project.tracer("diff", "run.cassette", "run.cassette")
    told = " ".join(compared.stdout.split())
    assert compared.exit == 0
    assert "Not all was recorded: child process not recorded, started in app:<module>, 1 in OLD and 1 in NEW." in told
    assert "functions put into watched modules unseen" in told
    assert ("; 0 lost" not in told) == native.in_use()


def test_a_run_of_pytest_that_collected_nothing_is_red(project: Project) -> None:
    """What was recorded before stays; and no run without a call is compared with it."""
    tests = project.with_files(
        {
            "test_shop.py": "from shop.cart import total\ndef test_total():\n    assert total(2) == 5\n",
            "main.py": "import test_shop\ntest_shop.test_total()\n",
        }
    )
    assert tests.tracer("record", "-o", "run.cassette", "--", "python", "main.py").exit == 0
    before = (tests.folder / "run.cassette").read_bytes()

    pytest_ = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "nothing")
    none = tests.tracer("record", "-o", "run.cassette", "--", *pytest_)
    assert none.exit == 2
    assert "no call crossed a boundary" in none.stderr
    assert (tests.folder / "run.cassette").read_bytes() == before

    compared = tests.tracer("diff", "run.cassette", "--", "python", "-c", "import shop.cart")
    assert compared.exit == 2
    assert "No call was captured" in compared.stderr


def test_cassettes_of_tests_fail_or_are_doubted_in_the_summary(project: Project) -> None:
    """Empty ones fail their test; ones that hold less than they seem to are told of with the reason."""
    tests = project.with_files({"test_shop.py": TESTS})
    done = tests.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line")

    assert done.exit == 1
    assert "2 failed, 4 passed" in done.stdout
    assert "no call crossed into shop.tax (1 callables were watched)" in done.stdout
    assert "no call crossed into nothere" in done.stdout
    doubts = [line for line in done.stdout.splitlines() if line.startswith("doubt: ")]
    assert doubts[0] == (
        "doubt: test_shop/test_half_is_matched: Boundary 'nothere' matched no module that was imported: check its spelling."
    )
    if native.in_use():
        own = doubts.pop(1)
        assert "test_own_fault: " in own
        assert "tracer failed: RecursionError" in own
    assert doubts[1:] == ["doubt: test_shop/test_bypassed: Nothing called into 'shop.tax' (1 callable watched)."]
