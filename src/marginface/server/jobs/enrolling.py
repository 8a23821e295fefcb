"""The job that enrols the people of an archive.

Photos are done in the order of the archive, 32 at a time; then the faces are in the gallery, and after them what came
of each photo is in the result. A process that ended is followed by one that begins with the photo after the last that
is in the result: a photo whose face was written just before is found to be there already.

A photo that kills its decoder is refused like any that cannot be read: that is another process. Where the process of
the job itself ended, one of the next photos may have killed it too: so the next process looks at them one by one, and
if it ends too, the one after it leaves that photo out and says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from marginface.enrolment import REVIEWS, Enroller, EnrolSettings, Outcome, PersonPhoto, PhotoOutcome
from marginface.enrolment.enrolling import BATCH
from marginface.gallery import About
from marginface.reasons import Reason, Remark
from marginface.server.decoding.decoder import Decoder
from marginface.server.jobs.archives import Member, person_of, require_layout
from marginface.server.jobs.wishes import EnrolWish
from marginface.server.jobs.work import JobWork

_KILLER = "it ended the process of the job twice. Save the photo anew as JPEG or PNG"

Read = tuple[Member, bytes | None]


def enrol(work: JobWork, wish: EnrolWish) -> None:
    """Enrol the photos of the job's archive that are not in its result yet."""
    with work.photos() as photos, work.decoder() as decoder:
        members = photos.survey()
        strip = require_layout(members, wish.strip)
        work.claim.progress(work.job.done, len(members))
        enroller = _enroller(work, wish)
        for part in _parts(work, photos.read(work.job.done)):
            outcomes = _outcomes(enroller, decoder, part, strip)
            if not outcomes:
                break
            _write(work, outcomes, len(members))
        work.claim.finish(_summary(work.claim.items(), enroller.remarks))


def _enroller(work: JobWork, wish: EnrolWish) -> Enroller:
    review = REVIEWS[wish.review]
    settings = EnrolSettings(
        wish.faces,
        review.quality,
        wish.keep_crops,
        review.refuse_lookalikes,
        wish.fpir,
        About(wish.consent, wish.purpose, wish.retain_until),
        work.settings.limits.running,
        shortens=False,  # who imports need not have scope manage
    )
    return Enroller(work.gallery.collection(work.job.collection), work.recognizer(), settings)


def _parts(work: JobWork, photos: Iterator[Read]) -> Iterator[Iterable[Read]]:
    """Give the photos in parts that are written together: one by one where an earlier process ended by itself."""
    if work.job.tries.here >= 2:
        yield [(Member(member.name, _KILLER), None) for member, _ in islice(photos, 1)]
    if work.job.tries.here == 1:
        for _ in range(BATCH):
            work.check()
            yield islice(photos, 1)
    while True:
        work.check()
        yield islice(photos, BATCH)


def _outcomes(enroller: Enroller, decoder: Decoder, part: Iterable[Read], strip: int) -> list[PhotoOutcome]:
    """Enrol photos; those without bytes are refused for their fault. Few are in memory at a time."""
    faults: dict[int, PhotoOutcome] = {}

    def readable() -> Iterator[PersonPhoto]:
        for place, (member, content) in enumerate(part):
            person = person_of(member, strip)
            if content is None:
                faults[place] = _refused(person, member)
            else:
                decode = partial(decoder.decode_now, name=member.name)
                yield PersonPhoto(person, Path(member.name), content, decode=decode)

    outcomes = list(enroller.enrol_each(readable()))
    for place in sorted(faults):
        outcomes.insert(place, faults[place])
    return outcomes


def _refused(person: str, member: Member) -> PhotoOutcome:
    remark = Remark(Reason.UNREADABLE, f"{member.name}: {member.fault}")
    return PhotoOutcome(person, member.name, Outcome.REFUSED, "", (remark,))


def _write(work: JobWork, outcomes: Sequence[PhotoOutcome], total: int) -> None:
    done = work.claim.job().done + len(outcomes)
    work.claim.progress(done, total, [outcome.to_dict() for outcome in outcomes])


def _summary(items: Sequence[dict[str, Any]], remarks: Sequence[str]) -> dict[str, Any]:
    """Return what came of all photos in numbers."""
    counts = Counter(item["outcome"] for item in items)
    inside = {item["person"] for item in items if item["outcome"] != Outcome.REFUSED.value}
    asked = {item["person"] for item in items if item["person"]}
    return {
        "complete": not counts[Outcome.REFUSED.value],
        **{outcome.value: counts[outcome.value] for outcome in Outcome},
        "people": len(inside),
        "people_left_out": len(asked - inside),
        "codes": dict(Counter(code for item in items for code in item["codes"])),
        "remarks": list(remarks),
    }
