"""The job that erases everyone whose last day has passed."""

from __future__ import annotations

from typing import Any

from marginface.gallery import Receipt
from marginface.server.jobs.wishes import PurgeWish
from marginface.server.jobs.work import JobWork


def purge(work: JobWork, _: PurgeWish) -> None:
    """Purge all collections; the result holds what the receipts say, in counts."""
    work.claim.begin_anew()
    receipts = work.gallery.purge()
    told = [told_of(receipt) for receipt in receipts]
    counts = {what: sum(one[what] for one in told) for what in ("people", "faces", "crops")}
    work.claim.finish({"complete": all(receipts), **counts}, told)


def told_of(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt without the opaque ids of the people: counts, and the hash by which the audit is held to it."""
    whole = receipt.to_dict()
    kept = ("complete", "collection", "action", "time", "faces", "crops", "log_emptied", "rewritten", "audit_head")
    return {**{name: whole[name] for name in kept}, "people": len(receipt.people)}
