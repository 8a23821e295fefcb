"""The job that groups the faces of an archive of photos. It begins anew when its process ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from marginface.errors import InputError
from marginface.pipeline import Clusters, NamedPhoto
from marginface.reasons import Reason
from marginface.server.decoding.decoder import Decoder
from marginface.server.jobs.archives import Photos
from marginface.server.jobs.wishes import ClusterWish
from marginface.server.jobs.work import JobWork

_TOLD_EVERY = 1.0  # seconds
_ITEMS = 100  # in a part of the result: groups, then the photos that are in none


def cluster(work: JobWork, wish: ClusterWish) -> None:
    """Group the faces of the job's archive; the result names the photos as the archive does."""
    work.claim.begin_anew()
    left_out: list[dict[str, Any]] = []
    with work.photos() as photos, work.decoder() as decoder:
        total = len(photos.survey())
        if not total:
            raise InputError("no photos in the archive")
        work.claim.progress(0, total)
        clusters = work.recognizer().cluster(
            _readable(photos, decoder, left_out),
            fpir=wish.fpir,
            similarity=wish.similarity,
            faces=wish.faces,
            quality=wish.quality,
            workers=work.settings.limits.running,
            progress=_Telling(work, total),
        )
    _write(work, clusters, left_out, total)


class _Telling:
    """Writes how many photos are done, now and then."""

    def __init__(self, work: JobWork, total: int) -> None:
        self._work = work
        self._total = total
        self._next = 0.0

    def __call__(self, done: int) -> None:
        self._work.check()
        if time.monotonic() >= self._next:
            self._work.claim.progress(done, self._total)
            self._next = time.monotonic() + _TOLD_EVERY


def _readable(photos: Photos, decoder: Decoder, left_out: list[dict[str, Any]]) -> Iterator[NamedPhoto]:
    for member, content in photos.read():
        if content is None:
            text = f"{member.name}: {member.fault}"
            left_out.append({"photo": member.name, "codes": [Reason.UNREADABLE.value], "reasons": [text]})
        else:
            yield NamedPhoto(member.name, content, partial(decoder.decode_now, name=member.name))


def _write(work: JobWork, clusters: Clusters, left_out: list[dict[str, Any]], total: int) -> None:
    told = clusters.to_dict()
    groups = [{"group": number, "faces": faces} for number, faces in enumerate(told.pop("groups"), start=1)]
    left_out = [{"group": None, **one} for one in (*told.pop("left_out"), *left_out)]
    items = [*groups, *left_out]
    for start in range(0, len(items), _ITEMS):
        work.check()
        work.claim.progress(total, total, items[start : start + _ITEMS])
    faces = sum(len(group["faces"]) for group in groups)
    counts = {"photos": total, "faces": faces, "groups": len(groups), "with_company": len(clusters.with_company)}
    work.claim.finish({**counts, **told, "left_out": len(left_out)})
