"""What of the standard library anybody may name: types that hold data, exceptions, and functions that only compute.

Recorded values may hold them whatever the user allows: importing their modules does nothing else, and neither does making one.
"""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _names(**modules: str) -> dict[str, frozenset[str]]:
    """Return names by module; in the keywords `__` stands for the dot."""
    return {module.replace("__", "."): _words(names) for module, names in modules.items()}


TYPES: Final = _names(
    argparse="Namespace",
    array="array",
    collections="ChainMap Counter OrderedDict UserDict UserList UserString defaultdict deque",
    datetime="date datetime time timedelta timezone",
    decimal="Decimal",
    fractions="Fraction",
    functools="partial",
    http="HTTPMethod HTTPStatus",
    ipaddress="IPv4Address IPv4Interface IPv4Network IPv6Address IPv6Interface IPv6Network",
    json__decoder="JSONDecodeError",
    pathlib="PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath",
    re="RegexFlag",
    signal="Signals",
    time="struct_time",
    types="NoneType SimpleNamespace",
    urllib__parse="DefragResult DefragResultBytes ParseResult ParseResultBytes SplitResult SplitResultBytes",
    uuid="SafeUUID UUID",
    zoneinfo="ZoneInfo",
)
"""Value types, by module, under the names that values of them are recorded with."""

EXCEPTIONS: Final = {
    "_csv": frozenset({"Error"}),
    "_queue": frozenset({"Empty"}),
    "concurrent.futures._base": frozenset({"CancelledError", "InvalidStateError", "TimeoutError"}),
    "zoneinfo._common": frozenset({"ZoneInfoNotFoundError"}),
    **_names(
        argparse="ArgumentTypeError",
        asyncio__exceptions=(
            "BrokenBarrierError CancelledError IncompleteReadError InvalidStateError LimitOverrunError TimeoutError"
        ),
        asyncio__queues="QueueEmpty QueueFull",
        binascii="Error",
        configparser="NoOptionError NoSectionError",
        decimal="DivisionByZero InvalidOperation Overflow",
        http__client="BadStatusLine CannotSendRequest IncompleteRead InvalidURL RemoteDisconnected ResponseNotReady",
        ipaddress="AddressValueError NetmaskValueError",
        queue="Full",
        re="PatternError error",
        socket="gaierror herror",
        sqlite3=(
            "DataError DatabaseError Error IntegrityError InterfaceError InternalError NotSupportedError OperationalError "
            "ProgrammingError Warning"
        ),
        struct="error",
        subprocess="CalledProcessError TimeoutExpired",
        urllib__error="URLError",
        zipfile="BadZipFile",
        zlib="error",
    ),
}
"""Exceptions likewise: programs catch them wherever they come from."""

COMPUTING: Final = _words(
    "abs all any ascii bin callable chr divmod format hash hex id isinstance issubclass iter len max min next oct ord pow print "
    "repr round sorted sum"
)
"""Builtin functions that a callee may be handed: with none of them can data from a cassette reach code or files. Not `exec`, `open` or `getattr`."""


def may_be_named(module: str, qualname: str) -> bool:
    """Say whether a recorded name is that of a value type or an exception here."""
    return qualname in TYPES.get(module, ()) or qualname in EXCEPTIONS.get(module, ())
