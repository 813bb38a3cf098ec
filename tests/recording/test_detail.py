"""How much of values is looked at: sampled by default, at every crossing in full where that is asked for."""

from __future__ import annotations

import pytest

from tests.helpers import Project
from tests.recording.recordings import record, text
from tracer.decode import decode_arguments
from tracer.storage.reader import open_cassette
from tracer.values import Object, Truncated
from tracer.workflows import diff

FILES = {
    "shop/__init__.py": "",
    "shop/stock.py": """
        class Stock:
            def __init__(self):
                self.held = {"rows": [[n, {"n": n}] for n in range(40)]}

            def take(self, what):
                return self.held["rows"][what][1]
    """,
    "app.py": """
        import tracer
        from shop.stock import Stock

        def work():
            stock = Stock()
            for number in range(20):
                stock.take(number)

        if __name__ == "__main__":
            work()
    """,
    "block.py": """
        import tracer
        from app import work

        with tracer.record("block.cassette", boundaries=["shop"], detail="full"):
            work()
    """,
}


@pytest.fixture
def project(tmp_path: object) -> Project:
    return Project(tmp_path, FILES)  # type: ignore[arg-type]


def receivers(project: Project, name: str) -> list[type]:
    """Return what was kept of the receiver of each call."""
    with open_cassette(project.folder / f"{name}.cassette") as cassette:
        calls = [call for lane in cassette.lanes for call in cassette.calls(lane.name)]
    return [type(decode_arguments(call.arguments)[0]) for call in calls if call.callable.endswith("take")]


@pytest.mark.parametrize("pure", ["0", "1"])
def test_every_crossing_is_looked_at_in_full_on_request(project: Project, pure: str) -> None:
    """Sampled, state is told at few crossings and cut; in full, whole at each, by the hooks in C and in Python."""
    environment = {"TRACER_PURE": pure}
    sampled = project.tracer("record", "-o", "few.cassette", "--", "python", "app.py", env=environment)
    done = project.tracer("record", "--detail", "full", "-o", "all.cassette", "--", "python", "app.py", env=environment)

    assert (sampled.exit, done.exit) == (0, 0), done.stderr
    assert set(receivers(project, "few")) == {Truncated, Object}
    assert receivers(project, "all") == [Object] * 20
    assert "detail full" in text(project, "all").splitlines()
    assert "detail" not in text(project, "few")


def test_the_settings_and_the_block_say_so_too(project: Project) -> None:
    project = project.with_files({"tracer.toml": 'detail = "full"'})
    record(project, "python", "app.py", name="set")
    assert project.run("python", "block.py").exit == 0

    assert receivers(project, "set") == receivers(project, "block") == [Object] * 20


def test_recordings_of_different_detail_compare_on_what_both_looked_at(project: Project) -> None:
    """No difference is found in what one of them did not look at; the report says what they are."""
    record(project, "python", "app.py", name="few")
    assert project.tracer("record", "--detail", "full", "-o", "all.cassette", "--", "python", "app.py").exit == 0

    for old, new in (("few", "all"), ("all", "few")):
        done = project.tracer("diff", f"{old}.cassette", f"{new}.cassette")
        assert done.exit == 0, done.stdout
        assert "detail" in done.stdout
        comparison = diff(project.folder / f"{old}.cassette", project.folder / f"{new}.cassette")
        assert comparison.findings == ()


def test_a_run_again_has_the_detail_of_the_recording(project: Project) -> None:
    assert project.tracer("record", "--detail", "full", "-o", "all.cassette", "--", "python", "app.py").exit == 0

    again = project.tracer("diff", "all.cassette", "--", "python", "app.py")

    assert again.exit == 0, again.stdout
    assert "detail" not in again.stdout


def test_an_unknown_detail_is_refused(project: Project) -> None:
    done = project.tracer("record", "--detail", "ful", "--", "python", "app.py")

    assert done.exit == 2
    assert done.stderr == "tracer: Couldn't record: 'ful' is no detail. Use one of: sampled, full.\n"
