"""Which code objects of a module are callables, and how each is called: the catalogue of all that is watched.

A function code is named by where it is defined, `module:qualname`. Module and class bodies, comprehensions and generator
expressions are not callables. Where several codes of a module share a qualname (lambdas, overloads, redefinitions), the one that
is bound to that name when the module has run keeps it, the others are numbered `name#2`, `name#3` in the order of the source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from tracer.instrument.replacing import compiled, layers
from tracer.instrument.signatures import flow_of, kind_by_name, parameters_of, parameters_of_function
from tracer.model import Callable, CallableKind

if TYPE_CHECKING:
    from collections import abc
    from types import CodeType, FunctionType

    from tracer.instrument.probe import Probe

CO_OPTIMIZED: Final = 0x01
_COMPREHENSIONS: Final = re.compile(r"<(?:list|set|dict)comp>\.(?:<locals>\.)?")


@dataclass(slots=True, eq=False)
class CallableCode:
    """A watched code object and what is known of it by now.

    code: as compiled, before any engine touched it.
    put_in: it was put into a function as the program ran. When that happens, and in which process, is chance: it keeps the number it was
        given, and nothing is said of its hash or what it reaches.
    callable: what it is called. Until its module has run, defaults are unknown, kinds guessed and shared names numbered by
        place alone; afterwards this is replaced by the settled one, so read it when a call is recorded, not when the probe is made.
    left_out: one of the names left out: its activations are to be counted, not recorded.
    bound: where this is the code of a decorator's wrapper, all functions that the decorator made share it. Then `freevar` names the
        free variable that tells them apart, and `bound` maps the `id()` of its content to the callable that wrapper was bound as,
        or to None where that name is not wanted. An activation whose content is not in there goes by `callable`. Both are filled
        in as modules finish running; the contents are kept alive. A frame of such an activation belongs to the component of the
        bound callable, not to that of the module that defines the decorator.
    """

    code: CodeType
    callable: Callable
    record: ModuleRecord
    qualname: str
    in_class: bool
    left_out: bool = False
    freevar: str = ""
    put_in: bool = False
    bound: dict[int, Callable | None] = field(default_factory=dict)
    probe: Probe | None = None
    settled: bool = False


@dataclass(slots=True, eq=False)
class ModuleRecord:
    """A watched module: its component, and its codes in the order of the source.

    `rewritten` says that its code object went through the engine before it ran, so all its functions are watched already;
    `settled` that it has run and its names were looked at.
    `shared` counts the codes of each qualname, `foreign` holds those that a callable without Python code has. `shown` is the name its callables go by.
    """

    name: str
    component: str
    file: str
    shown: str
    rewritten: bool = False
    settled: bool = False
    codes: list[CallableCode] = field(default_factory=list)
    shared: dict[str, int] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)

    def name_of(self, qualname: str) -> str:
        """Return the callable name of a qualname of this module."""
        return f"{self.shown}:{qualname}"


def function_codes(
    code: CodeType, parent: str = "", in_class: bool = False
) -> abc.Iterator[tuple[CodeType, str, bool]]:
    """Yield every function code nested in a code object, depth first in the order of the source.

    With each come its qualname and whether it stands directly in a class body. `parent` is the prefix of the qualnames inside
    `code`, ending in a dot ("" for a module); it is needed only below Python 3.11, where codes do not know their own qualname.
    """
    for constant in code.co_consts:
        if type(constant) is not type(code):
            continue
        qualname = plain_qualname(getattr(constant, "co_qualname", parent + constant.co_name))
        if not constant.co_flags & CO_OPTIMIZED:
            yield from function_codes(constant, qualname + ".", in_class=True)
            continue
        if not is_hidden(constant):
            yield constant, qualname, in_class
        # A generic class or function of 3.12 stands inside a hidden function of its type parameters.
        inner_class = in_class and constant.co_name.startswith("<generic parameters")
        inside = "." if is_hidden(constant) else ".<locals>."
        yield from function_codes(constant, qualname + inside, in_class=inner_class)


def plain_qualname(qualname: str) -> str:
    """Return a qualname without comprehensions, which are functions of their own only below Python 3.12.

    >>> plain_qualname("table.<locals>.<listcomp>.<lambda>")
    'table.<locals>.<lambda>'
    """
    return _COMPREHENSIONS.sub("", qualname) if "comp>." in qualname else qualname


def is_hidden(code: CodeType) -> bool:
    """Whether a function code is one the language makes by itself.

    That is a comprehension, a generator expression, a type scope, and what `dataclass` makes methods in, which it runs in the namespace of the class's module.
    """
    name = code.co_name
    return (name.startswith("<") and name != "<lambda>") or (name == "__create_fn__" and code.co_filename == "<string>")


class Catalogue:
    """All function codes of watched modules, found by identity."""

    def __init__(
        self,
        wanted: abc.Callable[[str], bool],
        make_probe: abc.Callable[[Callable, CallableCode], Probe | None],
        left_out: frozenset[str],
    ) -> None:
        self._wanted = wanted
        self._make_probe = make_probe
        self._left_out = left_out
        self._by_id: dict[int, CallableCode] = {}
        self.modules: dict[str, ModuleRecord] = {}

    def find_beneath(self, code: CodeType) -> CallableCode | None:
        """The same for the code object of a live function or a frame, which engines have made of it."""
        found = (self._by_id.get(id(layer)) for layer in layers(code))
        return next((known for known in found if known is not None), None)

    def find(self, code: CodeType) -> CallableCode | None:
        """Return what is known of a code object as compiled, None where it is not of a watched module."""
        return self._by_id.get(id(code))

    def probe_of(self, code: CodeType) -> Probe | None:
        """Return the probe of a code object, as compiled or as another engine has made it; None where it is not to be watched."""
        known = self.find_beneath(code)
        return known.probe if known is not None else None

    def named(self, name: str) -> CallableCode | None:
        """Return what goes by a callable's name, None where nothing does."""
        return next((known for known in self._all() if known.callable.name == name), None)

    def name_of_hook(self, began: object) -> str:
        """Return the name of the callable whose probe has this `began`; "" where none has."""
        probed = (known for known in self._all() if known.probe is not None and known.probe.began is began)
        return next((known.callable.name for known in probed), "")

    def _all(self) -> abc.Iterator[CallableCode]:
        # Asked by the host's threads too, while others import.
        for record in tuple(self.modules.values()):
            yield from tuple(record.codes)

    def enter_copy(self, record: ModuleRecord, code: CodeType, name: str) -> CallableCode:
        """Return what can be known of a copy of a code that is not in this process; the record is not entered either."""
        qualname = name.partition(":")[2].partition("#")[0]
        around = qualname.rpartition(".")[0]
        known = self._described(record, code, qualname, name, in_class=bool(around) and not around.endswith("<locals>"))
        self._decide(known, record.name_of(qualname))
        return known

    def open_module(self, name: str, component: str, file: str, shown: str = "") -> ModuleRecord:
        """Return a new record for a module about to run; a reloaded module's takes the place of the one before.

        One of another file, as of two scripts that are `__main__`, is set aside: it stays among `modules`, under no module's name and before
        the one that has it now, whose definitions are the ones that hold.
        """
        self._set_aside(name, file)
        record = self.modules[name] = ModuleRecord(name, component, file, shown or name)
        return record

    def module(self, name: str, component: str, file: str, shown: str = "") -> ModuleRecord:
        """Return the record of a module that runs or has run."""
        before = self.modules.pop(_aside(name, file), None)
        if before is not None:
            self._set_aside(name, file)
            self.modules[name] = before
        return self.modules.get(name) or self.open_module(name, component, file, shown)

    def _set_aside(self, name: str, file: str) -> None:
        record = self.modules.get(name)
        if record is not None and record.file != file:
            self.modules[_aside(name, record.file)] = self.modules.pop(name)

    def enter_tree(self, record: ModuleRecord, code: CodeType) -> None:
        """Enter all function codes of a module's code object."""
        for inner, qualname, in_class in function_codes(compiled(code)):
            self._enter(record, inner, qualname, in_class)

    def enter_function(self, record: ModuleRecord, code: CodeType, qualname: str, in_class: bool) -> CallableCode:
        """Enter the code of a live function and those nested in it."""
        code = compiled(code)
        known = self._by_id.get(id(code))
        if known is None:
            known = self._enter(record, code, qualname, in_class)
            for inner, inner_name, inner_class in function_codes(code, f"{qualname}.<locals>."):
                self._enter(record, inner, inner_name, inner_class)
        return known

    def enter_put_in(
        self, record: ModuleRecord, code: CodeType, home: ModuleRecord, qualname: str, in_class: bool
    ) -> None:
        """Enter a code that is about to be put into a function, and those nested in it.

        As with a decorator's wrapper, its frames belong to the module that it runs in, `record`, and its name is one of `home`.
        """
        code = compiled(code)
        for each, name, stands_in_class in (
            (code, qualname, in_class),
            *function_codes(code, f"{qualname}.<locals>."),
        ):
            shown = home.name_of(_next_of(home, name))
            known = self._described(record, each, name, shown, in_class=stands_in_class)
            known.put_in = True
            self._keep(record, known, home.name_of(name))
            known.callable = replace(known.callable, component=home.component, file=home.file)

    def _enter(self, record: ModuleRecord, code: CodeType, qualname: str, in_class: bool) -> CallableCode:
        known = self._by_id.get(id(code))
        if known is not None:
            return known
        shown = record.name_of(_next_of(record, qualname))
        known = self._described(record, code, qualname, shown, in_class=in_class)
        self._keep(record, known, record.name_of(qualname))
        return known

    def _keep(self, record: ModuleRecord, known: CallableCode, plain: str) -> None:
        """Take a code in, with a probe where the callable's name without a number is wanted."""
        self._by_id[id(known.code)] = known
        record.codes.append(known)
        self._decide(known, plain)

    def _described(
        self, record: ModuleRecord, code: CodeType, qualname: str, name: str, *, in_class: bool
    ) -> CallableCode:
        noun = Callable(
            name,
            record.component,
            kind_by_name(code.co_name, in_class),
            flow_of(code),
            parameters_of(code),
            bound=in_class and code.co_argcount > 0,
            file=record.file,
        )
        return CallableCode(
            code, noun, record, qualname, in_class, left_out=in_class and code.co_name in self._left_out
        )

    def _decide(self, known: CallableCode, plain: str) -> None:
        if self._wanted(plain):
            known.probe = self._make_probe(known.callable, known)

    def settle_names(self, record: ModuleRecord, owners: abc.Mapping[str, CallableCode]) -> None:
        """Give each qualname that several codes share to the one bound to it (`owners`), and number the others."""
        for qualname, codes in _by_qualname(
            record, lambda name: record.shared[name] > 1 and name not in record.foreign
        ):
            ordered = sorted(codes, key=_place)
            owner = owners.get(qualname)
            if owner in ordered:
                ordered.remove(owner)
                ordered.insert(0, owner)
            _number(record, qualname, ordered, 1)

    def settle_foreign(self, record: ModuleRecord) -> None:
        """Number the codes of each qualname that a callable without Python code has: no name leads to them."""
        for qualname, codes in _by_qualname(record, record.foreign.__contains__):
            _number(record, qualname, sorted(codes, key=_place), 2)

    def forget(self, record: ModuleRecord, previous: ModuleRecord | None) -> None:
        """Drop the record of a module that did not finish running; a reload's failure brings the one before back."""
        if self.modules.get(record.name) is record:
            if previous is None:
                del self.modules[record.name]
            else:
                self.modules.pop(_aside(previous.name, previous.file), None)
                self.modules[record.name] = previous


def _aside(name: str, file: str) -> str:
    return f"{name} {file}"


def _by_qualname(
    record: ModuleRecord, chosen: abc.Callable[[str], bool]
) -> abc.Iterable[tuple[str, list[CallableCode]]]:
    """Return the codes of each chosen qualname of a module, but for what was put into functions as it ran."""
    groups: dict[str, list[CallableCode]] = {}
    for known in record.codes:
        if chosen(known.qualname) and not known.put_in:
            groups.setdefault(known.qualname, []).append(known)
    return groups.items()


def _number(record: ModuleRecord, qualname: str, codes: list[CallableCode], first: int) -> None:
    for number, known in enumerate(codes, first):
        rename(known, record.name_of(qualname if number == 1 else f"{qualname}#{number}"))


def _next_of(record: ModuleRecord, qualname: str) -> str:
    """Return a qualname with the number of one more code of it in a module."""
    number = record.shared[qualname] = record.shared.get(qualname, 0) + 1
    return qualname if number == 1 else f"{qualname}#{number}"


def rename(known: CallableCode, name: str) -> None:
    """Give a code another callable name."""
    if known.callable.name != name:
        known.callable = replace(known.callable, name=name)


def settle(known: CallableCode, function: FunctionType, kind: CallableKind | None) -> None:
    """Take over what only a live function knows: defaults, and the kind its class gives it."""
    before = known.callable
    known.settled = True
    parameters = before.parameters
    if function.__defaults__ or function.__kwdefaults__:
        parameters = parameters_of_function(function, known.code)
    kind = before.kind if kind is None else kind
    bound = before.bound and kind is not CallableKind.STATIC_METHOD
    if (kind, bound) != (before.kind, before.bound) or parameters is not before.parameters:
        known.callable = replace(before, kind=kind, bound=bound, parameters=parameters)


def _place(known: CallableCode) -> tuple[int, list[tuple[int, int]]]:
    # Several lambdas may stand on one line. Columns are not known below Python 3.11, under -X no_debug_ranges, and in 3.12 of one that returns a constant.
    positions: abc.Iterable[tuple[int | None, ...]] = getattr(known.code, "co_positions", tuple)()
    return known.code.co_firstlineno, [(line or 0, column or 0) for line, _, column, _ in positions]
