"""Who is erased from a collection is taken out of the results of its imports; the counts stay."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row

from marginface.enrolment import Outcome
from marginface.reasons import Reason
from marginface.server.jobs.rows import parts_in, write_part
from marginface.server.jobs.sealing import JobSeal

_SENTENCES = {reason.value: reason.sentence for reason in Reason}
NAMING = frozenset({Reason.LOOKS_LIKE.value, Reason.PHOTO_OF_ANOTHER.value})  # reasons whose words name others


def scrub_result(connection: Connection, row: Row[Any], seal: JobSeal, known: Collection[str]) -> int:
    """Take out of a result the people who were enrolled and are not known any more; return how many items changed."""
    opened = list(parts_in(connection, row.number, seal))
    gone = {item["person"] for _, items in opened for item in items if _is_gone(item, known)}
    changed = 0
    for first, items in opened:
        clean = [_scrubbed(item, gone, known) for item in items]
        if clean != items:
            changed += sum(old != new for old, new in zip(items, clean, strict=True))
            write_part(connection, row.number, seal, clean, first)
    return changed


def without_others(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item that names nobody but its own person: look-alikes have opaque ids, reasons are general."""
    alike = [{**one, "person": None} for one in item.get("lookalikes", [])]
    return {**item, "lookalikes": alike, "reasons": _general(item)}


def _is_gone(item: dict[str, Any], known: Collection[str]) -> bool:
    is_inside = item["outcome"] != Outcome.REFUSED.value
    return bool(item["person"]) and is_inside and item["person"] not in known


def _scrubbed(item: dict[str, Any], gone: Collection[str], known: Collection[str]) -> dict[str, Any]:
    if item["person"] in gone:
        return {**item, "person": None, "photo": None, "face": None, "reasons": [], "lookalikes": [], "erased": True}
    alike = [one for one in item["lookalikes"] if one["person"] in known]
    if alike == item["lookalikes"] and not (NAMING & set(item["codes"]) and gone):
        return item
    return {**item, "lookalikes": alike, "reasons": _general(item)}


def _general(item: dict[str, Any]) -> list[str]:
    if not NAMING & set(item["codes"]):
        return list(item["reasons"])
    return [_SENTENCES[code] for code in item["codes"]]
