"""An audit in words and as plain values: every number of an image or identity becomes its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marginface.data.audit.exclude import Named
from marginface.data.audit.findings import Audit, LabelDoubts, Overlap
from marginface.data.audit.labels import QUANTILES
from marginface.data.crops.exclusions import Exclusions
from marginface.metrics.intervals import wilson_interval
from marginface.values import Threshold
from marginface.words import percent

_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class AuditReport:
    """An audit with its names; ``there`` is what it was compared with, ``exclusions`` what it leaves out."""

    audit: Audit
    here: Named
    there: Named | None
    exclusions: Exclusions

    def lines(self) -> list[str]:
        """Say what was found, a few lines for each finding."""
        parts = [self._head(), self._labels(), self._copies()]
        if self.audit.doubts is not None:
            parts.append(self._doubts(self.audit.doubts))
        elif self.here.data.embeddings is not None:
            parts.append(
                ["faces were not compared: there are no aligned crops (112×112) of two identities; `marginface align`"]
            )
        if self.audit.overlap is not None and self.there is not None:
            parts.append(self._overlap(self.audit.overlap, self.there))
        return [line for part in parts for line in part]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; similarities are cosines, pairs are [here, there]."""
        audit, here = self.audit, self.here
        return {
            "origin": audit.origin,
            "images": audit.images,
            "identities": audit.identities,
            "unreadable": [here.images.place(image) for image in audit.unreadable] + list(audit.left_out),
            "problems": list(audit.problems),
            "images_per_identity": audit.tail.to_dict(),
            "identities_of_one_image": audit.singles,
            "identities_below_min_images": {"min_images": audit.min_images, "names": self.names(audit.too_few)},
            "label_gaps": [list(gap) for gap in audit.gaps],
            "sizes": self._sizes(),
            "copies": [self._copy(group.images, identical=group.identical) for group in audit.copies],
            "one_photo_under_several_identities": [
                self._copy(group.images, identical=group.identical) for group in audit.crossed
            ],
            "labels": None if audit.doubts is None else self._doubts_dict(audit.doubts),
            "overlap": None if audit.overlap is None or self.there is None else self._overlap_dict(self.there),
            "exclusions": {
                "identities": dict(self.exclusions.identities),
                "images": dict(self.exclusions.images),
            },
        }

    def names(self, labels: Sequence[int]) -> list[str]:
        """Return the names of identities."""
        return [self.here.identity(label) for label in labels]

    def _head(self) -> list[str]:
        audit, tail = self.audit, self.audit.tail
        bad = [self.here.images.place(image) for image in audit.unreadable] + list(audit.left_out)
        least, middle, most = (f"{tail.quantiles[i]:,.0f}" for i in (0, QUANTILES.index(0.5), -1))
        sizes = ", ".join(f"{size} ({count:,})" for size, count in audit.sizes.frequent)
        lines = [
            audit.origin,
            f"{audit.images:,} images of {audit.identities:,} identities: {least} to {most} each, median {middle}; the "
            f"largest tenth of the identities has {percent(tail.top_share, 0)} of the images",
            f"pixels: {sizes or 'none'}",
        ]
        notes = _listed("to note", audit.problems) if audit.problems else []
        return lines + _listed("unreadable", bad) + notes

    def _labels(self) -> list[str]:
        audit = self.audit
        missing = sum(last - first + 1 for first, last in audit.gaps)
        gaps = [f"{first}" if first == last else f"{first} to {last}" for first, last in audit.gaps]
        return [
            f"identities of one image: {audit.singles:,}",
            *_listed(f"identities with fewer than {audit.min_images} images", self.names(audit.too_few)),
            *([f"label numbers that nobody has: {missing:,} ({_some(gaps)})"] if gaps else []),
        ]

    def _copies(self) -> list[str]:
        audit = self.audit
        same = sum(group.identical for group in audit.copies)
        inside = [_some([self.here.image(i) for i in group.images]) for group in audit.copies]
        across = [_some([self.here.image(i) for i in group.images]) for group in audit.crossed]
        return [
            *_listed(f"groups of copies within an identity ({same:,} of them identical files)", inside),
            *_listed("photos under several identities", across),
        ]

    def _doubts(self, doubts: LabelDoubts) -> list[str]:
        here = self.here
        images, identities = (f"{_expected(doubts.match, count)}" for count in doubts.comparisons)
        suspects = [
            f"{here.image(s.image)}: {s.own:.2f} with its own, {s.other:.2f} with {here.identity(s.other_label)}"
            for s in doubts.suspects
        ]
        outliers = [f"{here.image(image)}: {own:.2f}" for image, own in doubts.outliers]
        merges = [f"{here.identity(a)}, {here.identity(b)}: {value:.2f}" for a, b, value in doubts.merges]
        alike = [f"{here.image(a)}, {here.image(b)}: {value:.2f}" for a, b, value in doubts.alike]
        without = self.audit.images - len(self.audit.unreadable) - doubts.embedded
        return [
            *_no_crops(without),
            f"one person from similarity {_stated(doubts.match)}; unlike below {_stated(doubts.unlike)}",
            *_listed(f"images that look like another identity, not their own ({images})", suspects),
            *_listed("images far from their own identity, near no other (look at them; not excluded)", outliers),
            *_listed(f"identities that look like one person ({identities})", merges),
            *_listed(f"images of two identities that look like one photo (similarity ≥ {doubts.copy:.2f})", alike),
        ]

    def _overlap(self, overlap: Overlap, there: Named) -> list[str]:
        lines = [f"compared with {overlap.origin}: {overlap.images:,} images of {overlap.identities:,} identities"]
        if overlap.by_name is None:
            lines.append("    no names to compare: numbers on one side at least (--names, --against-names give some)")
        else:
            lines += _listed("identities of one name", [self._pair(i, j, there) for i, j in overlap.by_name])
        if overlap.by_likeness is not None and overlap.match is not None:
            found = [f"{self._pair(i, j, there)}: {value:.2f}" for i, j, value in overlap.by_likeness]
            chance = _expected(overlap.match, overlap.comparisons)
            lines += _listed(
                f"identities that look like one person, from {overlap.match.similarity:.3f} ({chance})", found
            )
        photos = [f"{self.here.image(i)}, {there.image(j)}" for i, j in overlap.photos]
        return [*lines, *agreement_lines(overlap), *_listed("photos in both", photos)]

    def _pair(self, here: int, there: int, other: Named) -> str:
        return f"{self.here.identity(here)}, {other.identity(there)}"

    def _sizes(self) -> dict[str, Any]:
        sizes = self.audit.sizes
        named = {"width": sizes.width, "height": sizes.height, "encoded_bytes": sizes.encoded_bytes}
        found = {key: dict(zip((f"{q:g}" for q in QUANTILES), values, strict=True)) for key, values in named.items()}
        return {**found, "frequent": dict(sizes.frequent)}

    def _copy(self, images: Sequence[int], *, identical: bool) -> dict[str, Any]:
        return {"images": [self.here.image(image) for image in images], "identical": identical}

    def _doubts_dict(self, doubts: LabelDoubts) -> dict[str, Any]:
        here = self.here
        return {
            "match": threshold_dict(doubts.match),
            "unlike": threshold_dict(doubts.unlike),
            "copy": doubts.copy,
            "embedded": doubts.embedded,
            "comparisons": {"images": doubts.comparisons[0], "identities": doubts.comparisons[1]},
            "suspects": [
                {
                    "image": here.image(suspect.image),
                    "own": round(suspect.own, 4),
                    "other_identity": here.identity(suspect.other_label),
                    "other": round(suspect.other, 4),
                }
                for suspect in doubts.suspects
            ],
            "outliers": [{"image": here.image(image), "own": round(own, 4)} for image, own in doubts.outliers],
            "merges": [[here.identity(a), here.identity(b), round(value, 4)] for a, b, value in doubts.merges],
            "one_photo": [[here.image(a), here.image(b), round(value, 4)] for a, b, value in doubts.alike],
        }

    def _overlap_dict(self, there: Named) -> dict[str, Any]:
        overlap = self.audit.overlap
        assert overlap is not None, "asked for only where there is one"
        named, alike = overlap.by_name, overlap.by_likeness
        here = self.here
        return {
            "origin": overlap.origin,
            "images": overlap.images,
            "identities": overlap.identities,
            "by_name": None if named is None else [[here.identity(i), there.identity(j)] for i, j in named],
            "by_likeness": None
            if alike is None
            else [[here.identity(i), there.identity(j), round(value, 4)] for i, j, value in alike],
            "match": None if overlap.match is None else threshold_dict(overlap.match),
            "found_both_ways_by_name_only_by_likeness_only": overlap.agreement,
            "photos": [[here.image(i), there.image(j)] for i, j in overlap.photos],
        }


def agreement_lines(overlap: Overlap) -> list[str]:
    """Say how well names and likeness agree, with 95 % intervals (Wilson), where both are known."""
    if overlap.agreement is None or not any(overlap.agreement):
        return []
    both, named, alike = overlap.agreement
    lines = [f"    found by name and by likeness: {both:,}; by name only: {named:,}; by likeness only: {alike:,}"]
    if both + named:
        lines.append(f"    of those with one name, likeness finds {_rate(both, both + named)}")
    if both + alike:
        lines.append(f"    of those alike, {_rate(both, both + alike)} have one name")
    return lines


def threshold_dict(threshold: Threshold) -> dict[str, Any]:
    """Return a threshold as plain values."""
    return {
        "similarity": round(threshold.similarity, 4),
        "fmr": threshold.fmr,
        "impostor_pairs": threshold.impostor_pairs,
        "data": threshold.data,
    }


def _stated(threshold: Threshold) -> str:
    given = f"false-match rate {threshold.fmr:.2g}, {threshold.data}" if threshold.impostor_pairs else threshold.data
    return f"{threshold.similarity:.3f} ({given})"


def _expected(threshold: Threshold, comparisons: int) -> str:
    if not threshold.impostor_pairs:
        return f"of {comparisons:,} comparisons"
    chance = threshold.fmr * comparisons
    return f"of {comparisons:,} comparisons; by chance at most about {chance:,.0f}"


def _rate(count: int, total: int) -> str:
    interval = wilson_interval(count, total)
    return f"{percent(count / total, 1)} [{percent(interval.low, 1)} to {percent(interval.high, 1)}]"


def _no_crops(count: int) -> list[str]:
    if not count:
        return []
    return [f"{count:,} images are no aligned crops (112×112) and were not compared: `marginface align` makes crops"]


def _some(texts: Sequence[str]) -> str:
    more = f" … {len(texts) - _SHOWN:,} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


def _listed(what: str, texts: Sequence[str]) -> list[str]:
    if not texts:
        return [f"{what}: none"]
    more = [f"    … {len(texts) - _SHOWN:,} more"] if len(texts) > _SHOWN else []
    return [f"{what}: {len(texts):,}", *(f"    {text}" for text in texts[:_SHOWN]), *more]
