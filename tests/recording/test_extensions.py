"""Calls into C extensions are recorded where a boundary names one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.recording.recordings import calls, lanes

if TYPE_CHECKING:
    from tests.helpers import Project

PACKING = {
    "pyproject.toml": "",
    "shop/__init__.py": "",
    "shop/wire.py": """
        from msgpack import Packer, Unpacker
        def pack(values):
            packer = Packer(use_bin_type=True)
            return b"".join([packer.pack(value) for value in values])
        def unpack(data):
            unpacker = Unpacker(strict_map_key=False)
            unpacker.feed(data)
            return list(unpacker)
        """,
    "app.py": "from shop.wire import pack, unpack\nprint(unpack(pack([1, 'two'])))\n",
    "test_wire.py": """
        import pytest
        import msgpack
        from shop.wire import pack, unpack
        def test_round():
            assert unpack(pack([1, [2]])) == [1, [2]]
            assert type(msgpack.Packer()) is msgpack.Packer
        def test_refused():
            with pytest.raises(TypeError, match="can not serialize"):
                pack([object()])
        """,
}


def record(project: Project, *command: str) -> None:
    done = project.tracer("record", "--boundary", "msgpack", "-o", "run.cassette", "--", sys.executable, *command)
    assert done.exit == 0, done.stderr


@pytest.fixture
def packing(project: Project) -> Project:
    return project.with_files(PACKING)


def test_methods_and_constructors_of_c_types_are_recorded(packing: Project) -> None:
    """With arguments by name where the type tells them, and what came of each call."""
    record(packing, "app.py")

    packer = "msgpack._cmsgpack:Packer"
    receiver = f"self=<{packer.replace(':', '.')}>"
    assert calls(packing, "*:Packer*") == [
        f"{packer}(*args=(), **kwargs={{'use_bin_type': True}}) -> <{packer.replace(':', '.')}>",
        f"{packer}.pack({receiver}, obj=1) -> b'\\x01'",
        f"{packer}.pack({receiver}, obj='two') -> b'\\xa3two'",
    ]
    assert len(calls(packing, "*:Unpacker.feed")) == 1


def test_tests_run_as_ever_and_have_their_calls_in_their_lanes(packing: Project) -> None:
    """Calls made in the test itself too, and exceptions."""
    record(packing, "-m", "pytest", "-q", "-p", "no:cacheprovider")

    counts = lanes(packing.folder / "run.cassette")
    assert counts["test test_wire.py::test_round"] == 6
    assert counts["test test_wire.py::test_refused"] == 2
    assert [
        each
        for each in calls(packing, "*:Packer.pack")
        if each.endswith("TypeError(\"can not serialize 'object' object\")")
    ]


def test_two_recordings_are_the_same(packing: Project) -> None:
    """Nothing of it depends on addresses or timing."""
    record(packing, "app.py")
    first = (packing.folder / "run.cassette").read_bytes()
    record(packing, "app.py")

    assert (packing.folder / "run.cassette").read_bytes() == first


def test_c_functions_that_a_script_calls_are_recorded(project: Project) -> None:
    """Nobody sees the code of a script before it runs, so its calls are seen at the functions; none is seen twice."""
    both = project.with_files(
        {
            "pyproject.toml": "",
            "helper.py": "from msgpack._cmsgpack import unpackb\ndef read(data):\n    return unpackb(data)\n",
            "app.py": """
                import msgpack._cmsgpack
                import helper
                def main():
                    return msgpack._cmsgpack.unpackb(b"\\x01")
                print(main(), helper.read(b"\\x02"))
                """,
        }
    )
    record(both, "app.py")

    assert [each.partition(" -> ")[2] for each in calls(both, "*:unpackb")] == ["1", "2"]


def test_types_of_the_interpreter_make_no_module_an_extension(project: Project) -> None:
    """Where nothing watched is written in C, the code of callers stays as it is."""
    plain = project.with_files(
        {
            "pyproject.toml": "",
            "shop.py": "from collections import deque\nfrom types import ModuleType, TracebackType\ndef total():\n    return 3\n",
            "test_shop.py": """
                import shop
                def test_total():
                    assert shop.total() == 3
                    assert not any(callable(constant) for constant in test_total.__code__.co_consts)
                """,
        }
    )
    done = plain.tracer(
        "record", "-o", "run.cassette", "--", sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"
    )

    assert done.exit == 0, done.stdout
    assert calls(plain) == ["shop:total() -> 3"]
