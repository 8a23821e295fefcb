"""The page of an audit: numbers, and the pictures of each finding side by side, in one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path

import cv2
import numpy as np

from marginface.data.audit import AuditReport, Named
from marginface.data.audit.labels import QUANTILES
from marginface.data.audit.report import agreement_lines
from marginface.errors import ImageError
from marginface.images import read_image
from marginface.markup import Html, document, element, figure, image, join, row, table, write_page
from marginface.values import ImageArray
from marginface.words import percent

PICTURES = 60  # groups of pictures in a section
_SIDE = 96
_OF_IDENTITY = 3  # images that stand for an identity
Block = tuple[str, Sequence[tuple[Named, int]]]  # a caption, and the images of a group


@dataclass(frozen=True)
class AuditPage:
    """Writes the page of a report; ``pictures`` is how many groups a section shows."""

    report: AuditReport
    command: str
    pictures: int = PICTURES

    def write(self, path: Path) -> None:
        """Write the page, whole or not at all."""
        write_page(self.render(), path)

    def render(self) -> str:
        """Return the page."""
        audit = self.report.audit
        lead = element("p", f"{audit.images:,} images of {audit.identities:,} identities in {audit.origin}.")
        sections = {
            "Findings": self._summary(),
            "One photo under several identities": self._gallery(self._crossed()),
            "Images that look like another identity": self._gallery(self._suspects()),
            "Identities that look like one person": self._gallery(self._merges()),
            "Images far from their identity": self._gallery(self._outliers()),
            "Copies within an identity": self._gallery(self._copies()),
            "Also in the evaluation set": join([self._agreement(), self._gallery(self._overlap())]),
            "Sizes": self._sizes(),
            "In words": join([element("pre", "\n".join(self.report.lines())), element("pre", self.command)]),
        }
        return document("Audit of training data", [lead], sections)

    def _summary(self) -> Html:
        audit, doubts, overlap = self.report.audit, self.report.audit.doubts, self.report.audit.overlap
        counts = {
            "unreadable": len(audit.unreadable) + len(audit.left_out),
            "groups of copies within an identity": len(audit.copies),
            "photos under several identities": len(audit.crossed),
            "identities of one image": audit.singles,
            f"identities with fewer than {audit.min_images} images": len(audit.too_few),
            "images that look like another identity": "not asked" if doubts is None else len(doubts.suspects),
            "images far from their identity": "not asked" if doubts is None else len(doubts.outliers),
            "pairs of identities that look like one person": "not asked" if doubts is None else len(doubts.merges),
        }
        if overlap is not None:
            names, alike = overlap.by_name, overlap.by_likeness
            counts["identities with a name of the evaluation set"] = "no names" if names is None else len(names)
            counts["identities that look like one of it"] = "not asked" if alike is None else len(alike)
            counts["photos of the evaluation set"] = len(overlap.photos)
        exclusions = self.report.exclusions
        counts["left out by the list: identities"] = len(exclusions.identities)
        counts["left out by the list: images"] = len(exclusions.images)
        rows = [row([what, count if isinstance(count, str) else f"{count:,}"]) for what, count in counts.items()]
        return table(["Finding", "How many"], rows, "Each is shown below or named in the JSON file.")

    def _crossed(self) -> Iterator[Block]:
        here, audit = self.report.here, self.report.audit
        for group in audit.crossed:
            yield self._images(group.images)
        shown = {frozenset(pair) for group in audit.crossed for pair in combinations(group.images, 2)}
        for one, other, value in audit.doubts.alike if audit.doubts else ():
            if {one, other} in shown:
                continue
            yield f"{value:.2f}: {here.image(one)}, {here.image(other)}", [(here, one), (here, other)]

    def _copies(self) -> Iterator[Block]:
        return (self._images(group.images) for group in self.report.audit.copies)

    def _images(self, images: Sequence[int]) -> Block:
        here = self.report.here
        return ", ".join(here.image(image) for image in images[:6]), [(here, image) for image in images[:6]]

    def _suspects(self) -> Iterator[Block]:
        here, doubts = self.report.here, self.report.audit.doubts
        for suspect in doubts.suspects if doubts else ():
            caption = (
                f"{here.image(suspect.image)}, then others of {here.identity_of(suspect.image)} ({suspect.own:.2f}), "
                f"then {here.identity(suspect.other_label)} ({suspect.other:.2f})"
            )
            others = [*_others(here, suspect.image, 2), *_members(here, suspect.other_label, 2)]
            yield caption, [(here, suspect.image), *others]

    def _outliers(self) -> Iterator[Block]:
        here, doubts = self.report.here, self.report.audit.doubts
        for far, own in doubts.outliers if doubts else ():
            yield f"{here.image(far)}: {own:.2f}", [(here, far), *_others(here, far, _OF_IDENTITY)]

    def _merges(self) -> Iterator[Block]:
        here, doubts = self.report.here, self.report.audit.doubts
        for a, b, value in doubts.merges if doubts else ():
            pictures = [*_members(here, a, _OF_IDENTITY), *_members(here, b, _OF_IDENTITY)]
            yield f"{value:.2f}: {here.identity(a)}, {here.identity(b)}", pictures

    def _overlap(self) -> Iterator[Block]:
        here, there, overlap = self.report.here, self.report.there, self.report.audit.overlap
        if overlap is None or there is None:
            return
        for i, j in overlap.photos:
            yield f"One photo: {here.image(i)}, {there.image(j)}", [(here, i), (there, j)]
        named = set(overlap.by_name or ())
        alike = {(i, j): value for i, j, value in overlap.by_likeness or ()}
        ranked = sorted(named | set(alike), key=lambda pair: (pair in named and pair in alike, -alike.get(pair, 0.0)))
        for i, j in ranked:
            found = [*(["same name"] if (i, j) in named else []), *([f"{alike[i, j]:.2f}"] if (i, j) in alike else [])]
            caption = f"{', '.join(found)}: {here.identity(i)}, {there.identity(j)}"
            yield caption, [*_members(here, i, 2), *_members(there, j, 2)]

    def _agreement(self) -> Html:
        overlap = self.report.audit.overlap
        lines = [] if overlap is None else agreement_lines(overlap)
        note = "First those that only one of the two ways finds. " if lines else ""
        return element("p", note + " ".join(f"{line.strip().capitalize()}." for line in lines)) if lines else Html("")

    def _sizes(self) -> Html:
        audit = self.report.audit
        values = {
            "width": audit.sizes.width,
            "height": audit.sizes.height,
            "encoded bytes": audit.sizes.encoded_bytes,
            "images of an identity": audit.tail.quantiles,
        }
        head = ["Quantile", *(f"{100 * share:g} %" for share in QUANTILES)]
        rows = [row([name, *(f"{value:,.0f}" for value in numbers)]) for name, numbers in values.items()]
        tail = audit.tail
        note = (
            f"The largest tenth of the identities has {percent(tail.top_share, 0)} of the images; {tail.half:,} "
            "identities have half of them."
        )
        return table(head, rows, note)

    def _gallery(self, blocks: Iterator[Block]) -> Html:
        shown = [self._block(caption, images) for caption, images in islice(blocks, self.pictures)]
        if not shown:
            return Html("")
        more = element("p", "There are more; all are in the JSON file.") if next(blocks, None) else Html("")
        return join([element("div", *shown, attributes={"class": "groups"}), more])

    def _block(self, caption: str, images: Sequence[tuple[Named, int]]) -> Html:
        cells = [_picture(named, index) for named, index in images]
        return figure(element("div", *cells, attributes={"class": "group"}), caption)


def _others(named: Named, image_: int, count: int) -> list[tuple[Named, int]]:
    """Return other images of an image's identity."""
    own = _members(named, int(named.data.listing.labels[image_]), count + 1)
    return [member for member in own if member[1] != image_][:count]


def _members(named: Named, label: int, count: int) -> list[tuple[Named, int]]:
    own = np.flatnonzero((named.data.listing.labels == label) & named.data.rows["readable"])
    return [(named, image) for image in own[:count].tolist()]


def _picture(named: Named, index: int) -> Html:
    name = named.image(index)
    try:
        small = _small(read_image(named.images.bytes_of(index)))
    except (ImageError, OSError):
        return element("small", f"{name} is not readable any more")
    done, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    return image(data.tobytes(), "image/jpeg", name) if done else element("small", name)


def _small(picture: ImageArray) -> ImageArray:
    height, width = picture.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
