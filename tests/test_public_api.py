"""The front door: what it names, and what it costs to import."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import tracer
from tests.helpers import clean_environment, compile_once


def test_all_is_sorted_and_names_what_is_there() -> None:
    assert tracer.__all__ == sorted(tracer.__all__)
    assert len(set(tracer.__all__)) == len(tracer.__all__)
    for name in tracer.__all__:
        assert getattr(tracer, name) is not None
    assert dir(tracer) == tracer.__all__


def test_every_error_is_public_and_has_one_base() -> None:
    from tracer import errors

    mine = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}

    assert mine <= set(tracer.__all__) | {"ComparisonError"}
    told_to_tests = {"BehaviourChanged", "CallNotRecorded", "CallsNotPlayed"}
    assert all(issubclass(getattr(errors, name), AssertionError) for name in told_to_tests)
    assert all(issubclass(getattr(errors, name), tracer.TracerError) for name in mine - told_to_tests)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    try:
        tracer.nothing  # noqa: B018
    except AttributeError as error:
        assert str(error) == "module 'tracer' has no attribute 'nothing'"
    else:
        raise AssertionError


def test_everything_public_says_what_it_is() -> None:
    assert [name for name in tracer.__all__ if not getattr(tracer, name).__doc__] == []


def loaded(program: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout))


def test_importing_loads_nothing_but_itself_its_errors_its_version_and_the_standard_library() -> None:
    new = loaded("import tracer") - loaded("")

    assert {name for name in new if name.partition(".")[0] not in sys.stdlib_module_names} == {
        "tracer",
        "tracer.errors",
        "tracer.version",
    }


def test_importing_costs_at_most_40_ms_over_a_bare_interpreter() -> None:
    def seconds(program: str) -> float:
        """Processor time, which does not depend on what else runs."""
        found = []
        for _ in range(7):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-c", program], env=clean_environment(), check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return min(found)

    compile_once()
    assert seconds("import tracer") - seconds("pass") < 0.04
