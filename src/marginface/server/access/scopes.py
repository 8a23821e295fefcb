"""What a key may be made for."""

from __future__ import annotations

from enum import Enum

from marginface.errors import UnknownName
from marginface.registry import near_names


class Scope(Enum):
    """A group of verbs; its value is what JSON and the command line say, ``sentence`` what it lets one do.

    >>> Scope.IDENTIFY.value, Scope.IDENTIFY.sentence
    ('identify', 'say who of a collection is in a photo')
    """

    sentence: str

    def __new__(cls, name: str, sentence: str) -> Scope:
        """Make a member whose value is the name alone."""
        member = object.__new__(cls)
        member._value_ = name
        member.sentence = sentence
        return member

    DETECT = "detect", "find faces in a photo, with their quality"
    VERIFY = "verify", "compare photos with one another"
    IDENTIFY = "identify", "say who of a collection is in a photo"
    CLUSTER = "cluster", "group the faces of many photos, as a job"
    ENROL = "enrol", "add people, their faces and their consent"
    PEOPLE = "people", "list people and see their faces and crops"
    MANAGE = "manage", "make and rename collections; rename, merge, move and delete people and faces; embed anew"
    ERASE = "erase", "erase people and collections, with a receipt"
    EXPORT = "export", "take a sealed archive of people out"
    TEMPLATES = "templates", "see vectors; they are biometric data"
    CONFIRM = "confirm", "give the word of a second key about a match, an erasure or an export"
    AUDIT = "audit", "read who did what, and check that record"
    STATS = "stats", "see counts, calibration, and whether a gallery is whole"
    JOBS = "jobs", "start, follow and cancel long work, besides the scope of the work itself"
    RUNS = "runs", "see training runs, evaluations and their reports"
    METRICS = "metrics", "read the figures for monitoring"


def parse_scopes(text: str) -> frozenset[Scope]:
    """Return the scopes of ``detect,verify`` or ``all``; raise UnknownName with the near ones.

    >>> sorted(scope.value for scope in parse_scopes("verify, detect"))
    ['detect', 'verify']
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = {scope.value: scope for scope in Scope}
    if names == ["all"]:
        return frozenset(Scope)
    for name in names or [""]:
        if name not in known:
            near = near_names(name, list(known))
            raise UnknownName(f"unknown scope {name!r}. {near}Known: {', '.join(known)}, or all")
    return frozenset(known[name] for name in names)
