"""Snapshots to live values, for what calls today's code with recorded ones: the way back of `tracer.encoding.encode`.

Nothing of a value's class is run to make it: no `__init__`, `__new__`, `__setstate__`, `__reduce__`, property or `__setattr__`.
An instance is made by the constructor of its C base alone, and its recorded state is put in past its class, as it was read. What does
run is the hash and the comparison of what stands in sets and mappings, and the body of a module that is imported: so only modules
that the user allowed are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tracer.decode import decode, decode_arguments
from tracer.encoding import looks
from tracer.encoding.causes import Cause, Refused
from tracer.encoding.codecs import contents, instances, numpy, pandas, pydantic, texts
from tracer.encoding.paths import PathRestorer
from tracer.encoding.plans import LAZY, is_standard
from tracer.encoding.resolve import Resolver
from tracer.encoding.revival import Revival
from tracer.values import Form, Opaque, ValuePath

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tracer.encoding.codecs.contents import Content
    from tracer.encoding.constants import Constants
    from tracer.encoding.revival import StandIn, Steps
    from tracer.values import Object, Value

ARGUMENT: Final = ValuePath(("argument",))
NOWHERE: Final = ValuePath()


class Reviver:
    """Makes live values of recorded ones.

    `may_import` says of a module's name whether it may be imported: builtins and a closed list of value types of the standard library
    always are, and nothing else is without it. `stand_in` is asked for what has no live form, with its snapshot and where it stands,
    and what it returns takes the place; without it such a value is refused. `roots` are the folders of this machine for the
    marks of paths: `project`, `tmp`, `recording`. `constants` gives what today's code holds as a constant in the place of a copy.
    One serves any number of values; two made by it share nothing but classes and constants.
    """

    def __init__(
        self,
        may_import: Callable[[str], bool],
        *,
        stand_in: Callable[[Value, ValuePath], object] | None = None,
        roots: Mapping[str, str] | None = None,
        constants: Constants | None = None,
    ) -> None:
        self._resolver = Resolver(may_import)
        self._paths = PathRestorer(roots or {})
        self._stand_in: StandIn | None = stand_in
        self._constants = constants

    def arguments(self, snapshot: bytes, names: Sequence[str] = ()) -> list[Any]:
        """Return the arguments of one call; what they share is shared. `names` are the parameters', for errors.

        Raises:
            CannotRevive: one of them has no live form.
            CassetteDamaged: the bytes are no snapshot.
        """
        revival = self._revival()
        made = []
        for place, each in enumerate(decode_arguments(snapshot)):
            step = names[place] if place < len(names) else place
            made.append(revival.revive(each, ARGUMENT.child(step)))
        revival.finish()
        return made

    def value(self, snapshot: bytes, path: ValuePath = NOWHERE) -> Any:
        """Return what came out of a call, or an image of it. `path` says what it is, for errors.

        Raises:
            CannotRevive: it, or a part of it, has no live form.
            CassetteDamaged: the bytes are no snapshot.
        """
        return self.tree(decode(snapshot), path)

    def tree(self, value: Value, path: ValuePath = NOWHERE) -> Any:
        """As `value`, for a snapshot that was read.

        Raises:
            CannotRevive: it, or a part of it, has no live form.
        """
        revival = self._revival()
        made = revival.revive(value, path)
        revival.finish()
        return made

    def _revival(self) -> Revival:
        return Revival(self._resolver, self._paths, self._stand_in, _make, texts.atom_value, self._constants)


def _make(revival: Revival, value: Object) -> Steps:
    """Return the steps that make an object, as its class and the form it was recorded in say."""
    cls = revival.resolver.find_class(value.type)
    exact = contents.EXACT.get(id(cls))
    if exact is not None:
        return exact(revival, cls, value)
    if isinstance(value.payload, Opaque):
        raise Refused(Cause.PARTLY_FOREIGN, value.type)
    constant = revival.constants.find(cls, value, revival) if revival.constants is not None else None
    if constant:
        return _held(revival, constant)
    by_form = _BY_FORM.get(value.form)
    if by_form is not None:
        return by_form(revival, cls, value)
    for revive in (numpy.revive, pandas.revive, contents.revive_array):
        steps = revive(revival, cls, value)
        if steps is not None:
            return steps
    return _plain(revival, cls, value)


def _held(revival: Revival, lives: list[Any]) -> Steps:
    """Return the first of live instances; all take their ordinals."""
    for live in lives:
        revival.enter(live)
    return lives[0]
    yield  # a generator like the others


def _plain(revival: Revival, cls: type, value: Object) -> Steps:
    if value.form in _HELD:
        raise Refused(Cause.OTHER_KIND)
    if value.payload is None:
        return instances.revive_attributes(revival, cls, value)
    content = _content(cls)
    if content is not None:
        return contents.revive_content(revival, cls, value, content)
    if any(
        is_standard(each, LAZY) for each in looks.mro(cls)
    ):  # its base is written in Python: the attributes are all there is
        return instances.revive_attributes(revival, cls, value)
    raise Refused(Cause.OTHER_KIND)


def _content(cls: type) -> Content | None:
    for each in looks.mro(cls):
        found = contents.CONTENTS.get(id(each))
        if found is None and is_standard(each, contents.LAZY_CONTENTS):
            found = contents.LAZY_CONTENTS[looks.type_name(each)]
        if found is not None:
            return found
    return None


_HELD = (Form.ARRAY, Form.TABLE)
_BY_FORM = {
    Form.EXCEPTION: instances.revive_exception,
    Form.NAMEDTUPLE: instances.revive_namedtuple,
    Form.PYDANTIC: pydantic.revive,
}
