"""Why a recorded value has no live form: a closed set of sentences, so that reasons can be counted."""

from __future__ import annotations

from enum import Enum


class Cause(str, Enum):
    """The causes that a `CannotRevive` names."""

    OPAQUE = "only its type was recorded"
    CUT = "only a part of it was recorded"
    REDACTED = "it was redacted"
    PARTLY_FOREIGN = "a part of it is kept by a C type that tells nothing of it"
    UNTOLD = "what is needed to make it again was not recorded"
    BOUND = "a method was recorded without the object it is bound to"
    FORBIDDEN = "its module may not be imported"
    NOT_IMPORTED = "its module cannot be imported"
    GONE = "its module has nothing of that name any more"
    LOCAL = "it was made inside a function"
    OTHER_KIND = "its name stands for something of another kind now"
    FIELD_GONE = "its class has no such field any more"
    FIELD_NEW = "its class has a field that was not recorded"
    NOT_MADE = "its class makes no instance without running its own code"
    MISFIT = "a part of it is not what its type takes"
    TEXT = "its recorded text means nothing to its type"
    ZONE = "its time zone was recorded by the name of its class alone"
    UNHASHABLE = "it stands in a set or is a key and cannot be hashed"
    COLLIDING = "two of its keys or items are equal now"
    INSIDE_ITSELF = "it stands inside itself where nothing can be put in later"
    TOO_LARGE = "it declares more than it holds"
    TOO_DEEP = "it is nested more deeply than any recorded value"
    DAMAGED = "no recording writes such a value"


class Refused(Exception):
    """A value that cannot be made, before anyone knows where it stands. `type_name` is the type in question, if it is not the value's own."""

    def __init__(self, cause: Cause, type_name: str = "", remedy: str = "") -> None:
        self.cause = cause
        self.type_name = type_name
        self.remedy = remedy
        super().__init__(cause)
