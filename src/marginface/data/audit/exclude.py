"""From findings to a list of exclusions: what to leave out of a training, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from marginface.data.audit.findings import Audit, AuditedSet
from marginface.data.crops.exclusions import Exclusions
from marginface.data.images.encoded import EncodedImages, short_name


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """An audited set and the images that give it names."""

    data: AuditedSet
    images: EncodedImages

    def identity(self, label: int) -> str:
        """Return the name of an identity."""
        return self.data.listing.identities[label]

    def identity_of(self, image: int) -> str:
        """Return the name of an image's identity."""
        return self.identity(int(self.data.listing.labels[image]))

    def image(self, image: int) -> str:
        """Return the name of an image, as in a list of exclusions."""
        return short_name(self.images, image)


@dataclass(slots=True)
class _Draft:
    """What is left out so far: reasons by label and by image; the first reason stays."""

    here: Named
    labels: dict[int, str] = field(default_factory=dict)
    images: dict[int, str] = field(default_factory=dict)

    def drop_identity(self, label: int, reason: str) -> None:
        self.labels.setdefault(label, reason)

    def drop_images(self, images: Iterable[int], reason: str) -> None:
        for image in self.left(images):
            self.images[image] = reason

    def left(self, images: Iterable[int]) -> list[int]:
        """Return the images that are not left out, nor their identities."""
        labels = self.here.data.listing.labels
        return [image for image in images if image not in self.images and int(labels[image]) not in self.labels]

    def done(self) -> Exclusions:
        names = {self.here.identity(label): reason for label, reason in sorted(self.labels.items())}
        return Exclusions(names, {self.here.image(image): reason for image, reason in sorted(self.images.items())})


def exclusions_of(audit: Audit, here: Named, there: Named | None = None) -> tuple[Exclusions, Exclusions]:
    """Return what to leave out, and what to look at first (images far from their identity that are near no other).

    Left out are identities of the evaluation set and photos that are in it; of two identities that look like one person
    the one with fewer images; images that look like another identity; photos under two identities, all of them, unless
    one identity is left; of copies of a photo under one identity all but the largest.
    """
    draft = _Draft(here)
    if there is not None:
        _drop_overlap(draft, audit, there)
    _drop_doubts(draft, audit)
    _drop_copies(draft, audit)
    proposed = _Draft(here, dict(draft.labels), dict(draft.images))
    for image, own in audit.doubts.outliers if audit.doubts else ():
        proposed.drop_images([image], f"far from the other images of {here.identity_of(image)}: {own:.2f}")
    more = {image: reason for image, reason in proposed.images.items() if image not in draft.images}
    return draft.done(), _Draft(here, {}, more).done()


def _drop_overlap(draft: _Draft, audit: Audit, there: Named) -> None:
    overlap = audit.overlap
    if overlap is None:
        return
    for label, other in overlap.by_name or ():
        draft.drop_identity(label, f"evaluated on: the same name as {there.identity(other)}")
    for label, other, value in overlap.by_likeness or ():
        draft.drop_identity(label, f"evaluated on: looks like {there.identity(other)} there, similarity {value:.2f}")
    for image, other in overlap.photos:
        draft.drop_images([image], f"evaluated on: the same photo as {there.image(other)} there")


def _drop_doubts(draft: _Draft, audit: Audit) -> None:
    doubts, here = audit.doubts, draft.here
    if doubts is None:
        return
    for suspect in doubts.suspects:
        theirs, own = here.identity(suspect.other_label), here.identity_of(suspect.image)
        reason = f"looks like {theirs} ({suspect.other:.2f}), not like {own} ({suspect.own:.2f})"
        draft.drop_images([suspect.image], reason)
    counts = here.data.counts
    for first, second, value in doubts.merges:
        if first in draft.labels or second in draft.labels:
            continue
        fewer, more = (first, second) if counts[first] < counts[second] else (second, first)
        draft.drop_identity(fewer, f"looks like {here.identity(more)}, which has as many images or more: {value:.2f}")
    for one, other, value in doubts.alike:
        if len(draft.left([one, other])) == 2:
            draft.drop_images([one], f"looks like the photo {here.image(other)}: {value:.2f}")
            draft.drop_images([other], f"looks like the photo {here.image(one)}: {value:.2f}")


def _drop_copies(draft: _Draft, audit: Audit) -> None:
    here = draft.here
    for group in _in_order(audit):
        left = draft.left(group)
        identities = {here.identity_of(image) for image in left}
        if len(identities) > 1:
            draft.drop_images(
                left, f"one photo under {len(identities)} identities: {', '.join(sorted(identities)[:3])}"
            )
        elif len(left) > 1:
            best = _largest(here.data, left)
            draft.drop_images([image for image in left if image != best], f"a copy of {here.image(best)}")


def _in_order(audit: Audit) -> Iterator[tuple[int, ...]]:
    return (group.images for group in (*audit.crossed, *audit.copies))


def _largest(data: AuditedSet, images: list[int]) -> int:
    """Return the image with the most pixels, then the most bytes, then the first."""
    rows = data.rows
    return max(images, key=lambda i: (int(rows["width"][i]) * int(rows["height"][i]), int(rows["size"][i]), -i))
