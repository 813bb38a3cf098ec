"""Recorded values become live again: the same state, shared as it was, and nothing of the user's run to get there."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from tests.encoding.test_encode import make as make_encoder
from tests.samples import kinds
from tests.samples.kinds import EXAMPLES, Keyed, Noted, Pair, Plain, with_attributes
from tests.strategies import values
from tracer.encoding.redact import Redactor
from tracer.encoding.revive import Reviver

if TYPE_CHECKING:
    from tracer.encoding.encode import Encoder


def make() -> Encoder:
    return make_encoder(Redactor(names=()))


def ours(module: str) -> bool:
    return module == kinds.__name__


def again(value: Any) -> Any:
    """Return a value after a round trip, and hold its bytes against those of the original."""
    live = Reviver(ours).value(make().value(value))
    assert make().value(live) == make().value(value)
    assert type(live) is type(value)
    return live


@given(values)
def test_values_of_the_standard_library_come_back(value: Any) -> None:
    """Encoded again, a revived value has the bytes of the original."""
    again(value)


@pytest.mark.parametrize("value", EXAMPLES, ids=[type(each).__name__ for each in EXAMPLES])
def test_each_kind_of_value_comes_back_with_its_state(value: Any) -> None:
    """Encoded again, the revived value has the bytes of the original, and its exact type."""
    again(value)


def test_what_was_shared_is_shared_again() -> None:
    """Two places that held one container hold one container; equal ones stay two."""
    shared, node = [1], Plain()
    node.content = {"me": node, "one": shared, "other": shared, "equal": [1], "all": {Keyed(1): node}}

    live = again(node)

    assert live.content["me"] is live
    assert live.content["one"] is live.content["other"]
    assert live.content["equal"] is not live.content["one"]
    assert next(iter(live.content["all"].values())) is live


def test_arguments_of_one_call_share_what_they_shared() -> None:
    shared = [Plain(1)]

    first, second, third = Reviver(ours).arguments(make().arguments((shared, shared[0], 5), None, full=True))

    assert first[0] is second
    assert third == 5


def test_values_that_stand_inside_themselves_come_back() -> None:
    """Lists, mappings, objects, sets of themselves, and named tuples inside what they hold."""
    loop: list[Any] = []
    loop.append(loop)
    pair = Pair([], {})
    pair.one.append(pair)
    pair.two["p"] = Plain(pair)
    node = Keyed(1)
    node.seen = {node: {node}}  # type: ignore[attr-defined]

    tree = with_attributes(Noted(["root"]), note=None)
    tree.note = with_attributes(Noted(["leaf"]), note=tree)

    assert again(loop)[0] is not None
    noted = again(tree)
    assert noted.note.note is noted
    live = again(pair)
    assert live.one[0] is live
    assert live.two["p"].content is live
    keyed = again(node)
    assert list(keyed.seen) == [keyed] == list(keyed.seen[keyed])


def test_no_module_is_imported_but_those_allowed() -> None:
    """A class of another module is refused, with its name and where it stands, and its module stays unloaded."""
    program = (
        "import sys\n"
        "from tracer.encoding.revive import Reviver\n"
        "from tracer.values import *\n"
        "from tracer.errors import CannotRevive\n"
        "before = set(sys.modules)\n"
        "for value in (Object('antigravity:X', Form.PLAIN, ()), Named('module', 'this'), Named('function', 'turtle:done'), Atom('this.x:E', 'A')):\n"
        "    try: Reviver(lambda module: False).tree(value)\n"
        "    except CannotRevive as error: print(error.cause)\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.splitlines() == ["its module may not be imported"] * 4 + ["[]"]
