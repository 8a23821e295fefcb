"""From the rows and embeddings of all shards to findings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from marginface.data.audit.duplicates import Copies, copies, near_pairs
from marginface.data.audit.findings import Audit, AuditedSet, LabelDoubts, Overlap, Sizes, Suspect
from marginface.data.audit.labels import label_gaps, quantiles, tail_of
from marginface.data.audit.likeness import (
    Embeddings,
    IdentitySums,
    Neighbors,
    alike_identities,
    alike_images,
    nearest_identities,
    own_similarities,
    sum_identities,
)
from marginface.data.audit.names import are_names, shared_names
from marginface.data.audit.rows import Rows
from marginface.data.audit.thresholds import measure_thresholds
from marginface.errors import InputError
from marginface.values import FloatArray, IntArray, Threshold

_FREQUENT = 5


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """What is counted, and from where on.

    Attributes:
        min_images: Identities with fewer readable images are named.
        fmr: False-match rate of the similarity from which two images count as one person.
        unlike_fmr: Below the similarity of this rate an image is far from its identity.
        copy: Similarity from which images of two identities count as one photo.
        match: This threshold in place of the one measured at ``fmr``, or None.
        known: Thresholds of the model's card: one is taken where the data supports no rate as small as its.
    """

    min_images: int = 2
    fmr: float = 1e-6
    unlike_fmr: float = 1e-2
    copy: float = 0.9
    match: Threshold | None = None
    known: tuple[Threshold, ...] = ()

    def __post_init__(self) -> None:
        if self.min_images < 1:
            raise InputError(f"min_images is ≥ 1; got {self.min_images}")
        for name in ("fmr", "unlike_fmr"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"{name} is a share of impostor pairs, between 0 and 1; got {getattr(self, name)}")
        if not 0 < self.copy <= 1:
            raise InputError(f"copy is a similarity in (0, 1]; got {self.copy}")


def audit(data: AuditedSet, settings: AuditSettings, against: AuditedSet | None = None) -> Audit:
    """Return all findings; ``against`` is an evaluation set that the training must not have seen."""
    listing, counts = data.listing, data.counts
    inside: list[Copies] = []
    crossed: list[Copies] = []
    for group in copies(data.rows):
        identities = np.unique(listing.labels[list(group.images)])
        (crossed if len(identities) > 1 else inside).append(group)
    sums = None if data.embeddings is None else _sums(data, data.embeddings)
    doubts = (
        _doubts(data, data.embeddings, sums, settings) if data.embeddings is not None and sums is not None else None
    )
    return Audit(
        origin=listing.origin,
        images=data.count,
        identities=len(listing.identities),
        min_images=settings.min_images,
        unreadable=tuple(np.flatnonzero(~data.rows["readable"]).tolist()),
        left_out=listing.left_out,
        problems=listing.problems,
        copies=tuple(inside),
        crossed=tuple(crossed),
        too_few=tuple(np.flatnonzero(counts < settings.min_images).tolist()),
        singles=int((counts == 1).sum()),
        gaps=label_gaps(listing.identities),
        tail=tail_of(counts),
        sizes=_sizes(data.rows),
        doubts=doubts,
        overlap=None if against is None else _overlap(data, against, sums, doubts),
    )


def _sums(data: AuditedSet, embeddings: Embeddings) -> IdentitySums:
    return sum_identities(embeddings, data.listing.labels, len(data.listing.identities))


def _sizes(rows: Rows) -> Sizes:
    good = rows[rows["readable"]]
    shapes = Counter(zip(good["width"].tolist(), good["height"].tolist(), strict=True))
    frequent = tuple((f"{width}×{height}", count) for (width, height), count in shapes.most_common(_FREQUENT))
    return Sizes(quantiles(good["width"]), quantiles(good["height"]), quantiles(good["size"]), frequent)


def _doubts(
    data: AuditedSet, embeddings: Embeddings, sums: IdentitySums, settings: AuditSettings
) -> LabelDoubts | None:
    """Return what embeddings say, None where there are not two identities with some."""
    present = int((sums.counts > 0).sum())
    if present < 2:
        return None
    labels = data.listing.labels
    measured = measure_thresholds(embeddings, labels, (settings.fmr, settings.unlike_fmr))
    match = settings.match or _at_rate(settings.fmr, measured[0], settings.known)
    unlike = _at_rate(settings.unlike_fmr, measured[1], settings.known)
    neighbors = nearest_identities(embeddings, labels, sums)
    alike = alike_images(embeddings, labels, neighbors, settings.copy, worth=unlike.similarity)
    suspects = _suspects(neighbors, match)
    wrong = [suspect.image for suspect in suspects]
    clean = _without(sums, embeddings, labels, wrong)
    alike_pairs = alike_identities(clean, clean, match.similarity)
    embedded = int(sums.counts.sum())
    return LabelDoubts(
        match=match,
        unlike=unlike,
        copy=settings.copy,
        embedded=embedded,
        comparisons=(embedded * (present - 1), present * (present - 1) // 2),
        suspects=suspects,
        outliers=_outliers(own_similarities(embeddings, labels, clean), neighbors, match, unlike, wrong),
        merges=tuple(pair for pair in alike_pairs if pair[0] < pair[1]),
        alike=tuple(alike),
    )


def _at_rate(fmr: float, measured: Threshold, known: tuple[Threshold, ...]) -> Threshold:
    """Return the threshold with the least rate that is not below the one asked for; the measured one among equals."""
    able = [threshold for threshold in known if threshold.fmr >= fmr]
    return min([measured, *able], key=lambda threshold: threshold.fmr)


def _without(sums: IdentitySums, embeddings: Embeddings, labels: IntArray, images: list[int]) -> IdentitySums:
    """Return the sums without some images: one wrong photo makes no two people alike."""
    left_out = sum_identities(embeddings[images], labels[images], len(sums.counts))
    return IdentitySums(sums.sums - left_out.sums, sums.counts - left_out.counts)


def _suspects(neighbors: Neighbors, match: Threshold) -> tuple[Suspect, ...]:
    """Return images that match another identity and not their own, the clearest first."""
    own, other = neighbors.own, neighbors.similarities[:, 0]
    found = np.flatnonzero((own < match.similarity) & (other >= match.similarity) & (own < other))
    order = found[np.argsort(own[found] - other[found], kind="stable")]
    return tuple(Suspect(int(i), float(own[i]), int(neighbors.labels[i, 0]), float(other[i])) for i in order)


def _outliers(
    own: FloatArray, neighbors: Neighbors, match: Threshold, unlike: Threshold, wrong: list[int]
) -> tuple[tuple[int, float], ...]:
    """Return images as unlike their own identity as other people are, and near nobody, the farthest first."""
    far = (own < unlike.similarity) & (neighbors.similarities[:, 0] < match.similarity)
    far[wrong] = False
    found = np.flatnonzero(far)
    return tuple((int(i), float(own[i])) for i in found[np.argsort(own[found], kind="stable")])


def _overlap(data: AuditedSet, against: AuditedSet, sums: IdentitySums | None, doubts: LabelDoubts | None) -> Overlap:
    here, there = data.listing.identities, against.listing.identities
    named = are_names(here) and are_names(there)
    alike, comparisons = None, 0
    if sums is not None and doubts is not None and against.embeddings is not None:
        others = _sums(against, against.embeddings)
        alike = tuple(alike_identities(sums, others, doubts.match.similarity))
        comparisons = int((sums.counts > 0).sum() * (others.counts > 0).sum())
    return Overlap(
        origin=against.listing.origin,
        identities=len(there),
        images=against.count,
        by_name=tuple(shared_names(here, there)) if named else None,
        by_likeness=alike,
        match=None if doubts is None or alike is None else doubts.match,
        comparisons=comparisons,
        photos=tuple(_shared_photos(data.rows, against.rows)),
    )


def _shared_photos(here: Rows, there: Rows) -> list[tuple[int, int]]:
    first, second = (np.flatnonzero(rows["readable"]) for rows in (here, there))
    pairs = near_pairs(here[first], there[second])
    return list(zip(first[pairs[:, 0]].tolist(), second[pairs[:, 1]].tolist(), strict=True))
