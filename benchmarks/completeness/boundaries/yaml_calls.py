"""PyYAML's part in C from one module: what is called, and how often, counted by hand."""

import yaml._yaml as parser

BOUNDARY = "yaml._yaml"
NEEDS = "pyyaml==6.0.2"
CALLS = {
    "yaml._yaml:CParser": 2,
    "yaml._yaml:CParser.get_event": 1,
    "yaml._yaml:CParser.peek_event": 1,
    "yaml._yaml:CParser.check_token": 1,
    "yaml._yaml:CParser.get_token": 3,
    "yaml._yaml:CParser.dispose": 2,
    "yaml._yaml:Mark": 1,
    "yaml._yaml:get_version": 1,
    "yaml._yaml:get_version_string": 1,
}
OPERATORS: dict[str, int] = {}
MADE_BY_C = 0


def run() -> None:
    """Call the parser in every way there is."""
    events = parser.CParser("x: 1")
    events.get_event()
    events.peek_event()
    events.dispose()
    tokens = parser.CParser("x: 1")
    assert tokens.check_token()
    take = tokens.get_token
    take(), take(), parser.CParser.get_token(tokens)
    tokens.dispose()
    parser.Mark("n", 1, 2, 3, None, None)
    assert ".".join(map(str, parser.get_version())) == parser.get_version_string()
    assert type(tokens) is parser.CParser


if __name__ == "__main__":
    run()
