"""What every recording stub does with an activation: ask who called, count the crossing, pack what packs trivially."""

import sys

import msgpack

from tracer.instrument.probe import Probe

TRIVIAL = frozenset({int, str, float, bool, bytes, type(None)})
COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
FUNCTION_FLAG = 0x1  # CO_OPTIMIZED: not a module, not a class body

counts = {}  # "module:qualname" -> first entries whose caller stood in another module
stats = {"packed": 0, "skipped": 0}


def probe_for(module, code):
    """Return the probe of one function code, or None where the trial leaves it alone."""
    if not code.co_flags & FUNCTION_FLAG or code.co_name in COMPREHENSIONS:
        return None
    name = f"{module}:{getattr(code, 'co_qualname', code.co_name)}"
    pack = msgpack.Packer().pack
    getframe = sys._getframe  # noqa: SLF001 - the caller's frame has no other name

    def entered():
        caller = getframe(1).f_back  # None where a thread or a greenlet starts with this frame
        if caller is None or caller.f_globals.get("__name__") == module:
            return None
        return name

    def entered_at(frame):
        caller = frame.f_back
        if caller is None or caller.f_globals.get("__name__") == module:
            return None
        return name

    def began(ticket, arguments):
        counts[ticket] = counts.get(ticket, 0) + 1
        for argument in arguments:
            if type(argument) not in TRIVIAL:
                stats["skipped"] += 1
                return ticket
        try:
            pack(arguments)
        except (OverflowError, ValueError):  # ints beyond 64 bits, lone surrogates
            stats["skipped"] += 1
            return ticket
        stats["packed"] += 1
        return ticket

    def passed(_token, _value):
        return None

    return Probe(entered, began, passed, passed, passed, passed, entered_at)
