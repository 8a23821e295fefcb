"""The job that embeds a collection anew with another model; what is embedded stays when its process ends."""

from __future__ import annotations

from typing import Any

from marginface.enrolment import Migration
from marginface.gallery import Collection, Receipt
from marginface.gallery.names import is_beside
from marginface.pipeline import Recognizer
from marginface.server.jobs.purging import told_of
from marginface.server.jobs.wishes import MigrateWish
from marginface.server.jobs.work import JobWork


def migrate(work: JobWork, wish: MigrateWish) -> None:
    """Bring the job's collection to another model, or finish what an earlier process has brought there."""
    collection = work.gallery.collection(work.job.collection)
    if is_beside(collection.name):  # an earlier process ended after the new embeddings had taken their place
        summary: dict[str, Any] = {"complete": True, "retired": collection.name, "remarks": [_RESUMED]}
        work.claim.finish({**summary, "erased": _erased(work, wish, collection)})
        return
    migration = Migration(work.gallery, collection, _recognizer(work, wish), workers=work.settings.limits.running)

    before, reached = work.job.done, work.job.done

    def progress(done: int, total: int) -> None:
        nonlocal reached
        work.check()
        reached = max(reached, before + done)
        work.claim.progress(reached, max(reached, before + total))

    told = migration.run(progress).to_dict()
    gaps, to_enrol = told.pop("gaps"), len(told.pop("to_enrol"))
    work.claim.finish({**told, "to_enrol": to_enrol, "erased": _erased(work, wish, collection)}, gaps)


_RESUMED = "The process ended just after the new embeddings were in place; who lacks faces was not counted again."


def _recognizer(work: JobWork, wish: MigrateWish) -> Recognizer:
    if not wish.model:
        return work.recognizer()
    settings = work.settings
    return Recognizer.load(wish.model, mirror=wish.mirror, min_score=settings.min_score, engine=settings.engine)


def _erased(work: JobWork, wish: MigrateWish, old: Collection) -> dict[str, Any] | None:
    if not wish.erase_old:
        return None
    receipt: Receipt = work.gallery.erase_collection(old.uid)
    return told_of(receipt)
