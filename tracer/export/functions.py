"""Cases of one callable that end alike, as one test function of a test file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tracer.export.cases import Case, CaseWriter, Column, Ending, Exactness
from tracer.export.layout import INDENT, WIDTH, Expression, Group, Item, Leaf, call, flat, lay_out
from tracer.export.literals import quoted
from tracer.model import Callable, CallableKind, Flow, ParameterKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RESERVED: Final = frozenset(
    {
        *("asyncio", "itertools", "pytest", "re", "request", "list", "len", "sys"),
        *("make", "same", "public", "driven", "taken", "returned", "made", "caught"),
    }
)
"""Names that a test function uses itself: no parameter of it is called so."""
_STARRED: Final = {ParameterKind.VAR_POSITIONAL: "*", ParameterKind.VAR_KEYWORD: "**"}
_EMPTY: Final = {ParameterKind.VAR_POSITIONAL: "()", ParameterKind.VAR_KEYWORD: "{}"}
_EXPECTED: Final = {
    Ending.RETURNS: ("expected",),
    Ending.RAISES: ("error", "message"),
    Ending.FAILS: ("error", "arguments"),
    Ending.BUILDS: ("expected",),
    Ending.YIELDS: ("items",),
    Ending.BEGINS: ("items", "count"),
    Ending.DRIVEN: ("items", "sent", "expected"),
}


@dataclass(slots=True)
class _Columns:
    """The columns of a test by name, in the order its function takes them. What is the same in all cases and short is written in place."""

    taken: set[str]
    held: dict[str, list[Expression]] = field(default_factory=dict)

    def add(self, wish: str, values: list[Expression], *, inline: bool = False) -> str:
        """Return what stands for a column in the body: its name, or where it is the same in all cases its source."""
        texts = {flat(value) for value in values}
        if inline and len(texts) == 1:
            return texts.pop()
        name = wish
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        self.held[name] = values
        return name


class FunctionWriter:
    """Writes the test function of some cases. `roots` are names that imports bind in the file."""

    def __init__(self, writer: CaseWriter, known: Callable, cases: Sequence[Case], roots: Iterable[str]) -> None:
        self._writer = writer
        self._known = known
        self._cases = cases
        self._ending = cases[0].ending
        self._columns = _Columns({*RESERVED, *roots})
        self._named: dict[int, str] = {}
        self.imports = {"pytest"}
        self.helpers: set[str] = set()

    def text(self, name: str, calls: int) -> str:
        """Return the test function, decorator and all, without blank lines around it."""
        subject = self._subject()
        expected = self._expected()
        body = self._body(subject, expected) + self._after()
        examples = f"{len(self._cases)} of {calls} recorded call{'s' if calls != 1 else ''}"
        lines = [f'"""`{self._known.name}`: {examples}."""', *body]
        head = lay_out(Group(f"def {name}(", tuple(Item(Leaf(each)) for each in self._columns.held), ")"), taken=1)
        indented = "\n".join(INDENT + line if line else line for text in lines for line in text.split("\n"))
        return f"{self._decorator()}{head}:\n{indented}\n"

    # -- the call ----------------------------------------------------------------------------------------------------------

    def _subject(self) -> Expression:
        """Return the call that is tested."""
        known, writer = self._known, self._writer
        explicit = any(case.explicit for case in self._cases)
        first: list[Item] = []
        target = writer.target
        if self._ending is Ending.BUILDS or (writer.method == "__init__" and writer.receives):
            target = writer.owner_source
        elif writer.receives:
            receivers = [case.receiver.value for case in self._cases if case.receiver is not None]
            is_class = known.kind is CallableKind.CLASS_METHOD
            receiver = self._named[-1] = self._columns.add("receiver", receivers, inline=is_class)
            if known.kind is CallableKind.PROPERTY:
                return Leaf(f"{receiver}.{writer.method}")
            if explicit:
                first = [Item(Leaf(receiver))]
            else:
                target = f"{receiver}.{writer.method}"
        return self._driven(Group(f"{target}(", (*first, *self._arguments()), ")"))

    def _arguments(self) -> list[Item]:
        """Return the arguments of the call; where all cases have a parameter's default, it is left out and what follows goes by name."""
        first = 1 if self._writer.receives else 0
        parameters = self._known.parameters[first:]
        columns = list(zip(*(case.arguments for case in self._cases), strict=True)) if parameters else []
        starred = any(
            parameter.kind is ParameterKind.VAR_POSITIONAL and not _all_empty(parameter.kind, column)
            for parameter, column in zip(parameters, columns, strict=True)
        )
        items, by_name = [], False
        for place, (parameter, column) in enumerate(zip(parameters, columns, strict=True)):
            kind = parameter.kind
            keyword = kind is ParameterKind.KEYWORD_ONLY
            if _all_empty(kind, column):
                continue
            omissible = keyword or (kind is ParameterKind.POSITIONAL_OR_KEYWORD and not starred)
            if omissible and all(each.default for each in column):
                by_name = True
                continue
            name = self._named[place] = self._columns.add(parameter.name, [each.value for each in column])
            named = keyword or (by_name and kind is ParameterKind.POSITIONAL_OR_KEYWORD)
            items.append(Item(Leaf(name), f"{parameter.name}=" if named else _STARRED.get(kind, "")))
        return items

    def _driven(self, subject: Group) -> Expression:
        """Return what runs the call to where it is looked at: coroutines in a loop, generators to their end."""
        flow = self._known.flow
        if flow is Flow.COROUTINE:
            return self._run(subject)
        if flow is Flow.ASYNC_GENERATOR:
            self.helpers.add("taken")
            count = self._count() if self._ending is Ending.BEGINS else ()
            return self._run(call("taken", subject, *count))
        if flow is not Flow.GENERATOR:
            return subject
        if self._ending is Ending.BEGINS:
            self.imports.add("itertools")
            return call("list", call("itertools.islice", subject, *self._count()))
        if self._ending is Ending.DRIVEN:
            self.helpers.add("driven")
            sent = self._columns.add("sent", [case.expected[1].value for case in self._cases])
            return call("driven", subject, Leaf(sent))
        return call("list", subject)

    def _run(self, subject: Expression) -> Expression:
        self.imports.add("asyncio")
        return call("asyncio.run", subject)

    def _count(self) -> tuple[Expression, ...]:
        return (Leaf(self._columns.add("count", [case.expected[1].value for case in self._cases], inline=True)),)

    # -- what is expected --------------------------------------------------------------------------------------------------

    def _expected(self) -> list[str]:
        """Return what stands in the body for each part of what is expected."""
        found = []
        for place, wish in enumerate(_EXPECTED[self._ending]):
            if wish in ("count", "sent"):
                continue
            columns = [case.expected[place] for case in self._cases]
            plain = wish == "error" or all(column.exactness is Exactness.IS for column in columns)
            found.append(self._columns.add(wish, [column.value for column in columns], inline=plain))
        return found

    def _body(self, subject: Expression, expected: list[str]) -> list[str]:
        match self._ending:
            case Ending.RAISES:
                self.imports.add("re")
                return self._raising(f"pytest.raises({expected[0]}, match=re.escape({expected[1]})):", subject)
            case Ending.FAILS:
                return [
                    *self._raising(f"pytest.raises({expected[0]}) as caught:", subject),
                    self._comparing("caught.value.args", expected[1], self._exactness(1)),
                ]
            case Ending.DRIVEN:
                return [
                    f"items, returned = {_inside(subject, 1, 18)}",
                    self._comparing("items", expected[0], self._exactness(0)),
                    self._comparing("returned", expected[1], self._exactness(2)),
                ]
            case _:
                return self._asserting(subject, expected[0], self._exactness(0))

    def _raising(self, head: str, subject: Expression) -> list[str]:
        return [f"with {head}\n{INDENT}{_inside(subject, 2)}"]

    def _asserting(self, subject: Expression, expected: str, exactness: Exactness) -> list[str]:
        changed = any(case.after for case in self._cases)
        line = self._comparing(flat(subject), expected, exactness)
        if not changed and len(INDENT + line) <= WIDTH:
            return [line]
        return [f"returned = {_inside(subject, 1, 11)}", self._comparing("returned", expected, exactness)]

    def _comparing(self, actual: str, expected: str, exactness: Exactness) -> str:
        if exactness is Exactness.SAME:
            self.helpers.update(("same", "public"))
            return f"assert same({actual}, {expected})"
        return f"assert {actual} {exactness.value} {expected}"

    def _exactness(self, place: int) -> Exactness:
        """Return what all cases can be compared by."""
        return _strictest(case.expected[place].exactness for case in self._cases)

    def _after(self) -> list[str]:
        """Return what is asserted of the arguments that these cases change."""
        lines = []
        for number, (place, _) in enumerate(self._cases[0].after):
            held = self._named.get(place)
            if held is not None:
                columns = [case.after[number][1] for case in self._cases]
                after = self._columns.add(f"{held}_after", [column.value for column in columns])
                lines.append(self._comparing(held, after, _strictest(column.exactness for column in columns)))
        return lines

    # -- the cases ---------------------------------------------------------------------------------------------------------

    def labels(self) -> list[str]:
        """Return the ids of the cases, each of its own."""
        seen: Counter[str] = Counter()
        found = []
        for case in self._cases:
            seen[case.label] += 1
            found.append(case.label if seen[case.label] == 1 else f"{case.label}-{seen[case.label]}")
        return found

    def test_names(self, name: str) -> list[str]:
        """Return what pytest calls the test of each case, once the text is written."""
        return [f"{name}[{label}]" for label in self.labels()] if self._columns.held else [name] * len(self._cases)

    def _decorator(self) -> str:
        names = list(self._columns.held)
        if not names:
            return ""
        quotes = tuple(Item(Leaf(quoted(name))) for name in names)
        shown = quotes[0] if len(names) == 1 else Item(Group("(", quotes, ")"))
        rows = []
        for number, label in enumerate(self.labels()):
            values = [self._columns.held[name][number] for name in names]
            rows.append(Item(call("pytest.param", *values, Item(Leaf(quoted(label)), "id="))))
        return f"@{lay_out(call('pytest.mark.parametrize', shown, Group('[', tuple(rows), ']')), taken=1)}\n"


def _inside(expression: Expression, depth: int, taken: int = 0) -> str:
    """Lay an expression out for a place that many levels deep in the file, of which one is added when the body is written."""
    return lay_out(expression, INDENT * depth, taken).replace(f"\n{INDENT}", "\n")


def _strictest(all_of: Iterable[Exactness]) -> Exactness:
    """Return the one way that fits all: by identity only where every case can be."""
    ways = set(all_of)
    if Exactness.SAME in ways:
        return Exactness.SAME
    return Exactness.IS if ways == {Exactness.IS} else Exactness.EQUALS


def _all_empty(kind: ParameterKind, column: Iterable[Column]) -> bool:
    return kind in _EMPTY and all(flat(each.value) == _EMPTY[kind] for each in column)
