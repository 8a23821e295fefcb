"""Contact sheets: pages to look at, with the pictures of every group."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from marginface.alignment import align
from marginface.errors import ImageError
from marginface.images import read_image
from marginface.markup import Html, document, element, figure, image, write_page
from marginface.pipeline import ClusteredFace, Clusters
from marginface.values import ImageArray
from marginface.words import plural

GROUPS = 100  # on a page
FACES = 48  # of a group that are shown; the record has all
ALONE = 600  # faces without company on a page
_DOUBTFUL = 6  # of a group that is not shown whole, the least typical faces
_SIDE = 96  # pixels of a picture
_QUALITY = 85

Groups = Sequence[tuple[int, tuple[ClusteredFace, ...]]]  # with their numbers


def write_sheets(clusters: Clusters, folder: Path) -> list[Path]:
    """Write ``groups.html`` and, where there are many groups, ``groups-2.html`` …; return their paths.

    The photos are read again, for the pictures. One that is gone meanwhile is named in place of its picture. Pages of
    an earlier run that had more of them are removed: they show groups that are no more.
    """
    together = list(enumerate(clusters.with_company, start=1))
    alone = list(enumerate(clusters.groups, start=1))[len(together) :]
    sections = [*_parts(together, GROUPS), *_parts(alone, ALONE)] or [[]]
    names = ["groups.html", *(f"groups-{number}.html" for number in range(2, len(sections) + 1))]
    for name, groups in zip(names, sections, strict=True):
        write_page(_page(clusters, groups, names, name), folder / name)
    for page in folder.glob("groups-*.html"):
        if re.fullmatch(r"groups-\d+\.html", page.name) and page.name not in names:
            page.unlink()
    return [folder / name for name in names]


def _parts(groups: Groups, size: int) -> list[Groups]:
    return [groups[start : start + size] for start in range(0, len(groups), size)]


def _page(clusters: Clusters, groups: Groups, names: list[str], name: str) -> str:
    lead = [*(element("p", line) for line in clusters.explain().splitlines()[:2]), _others(names, name)]
    if groups and len(groups[0][1]) == 1:
        pictures = (_picture(clusters, faces[0]) for _, faces in groups)
        return document(
            "Faces without company", lead, {"Faces": element("div", *pictures, attributes={"class": "group"})}
        )
    blocks = [_block(clusters, number, faces) for number, faces in groups]
    shown = element("div", *blocks, attributes={"class": "groups"}) if blocks else Html("")
    return document("Groups of faces", lead, {"Groups": shown})


def _others(names: list[str], current: str) -> Html:
    """Return links to the other pages, if there are any."""
    if len(names) == 1:
        return Html("")
    links = [
        element("li", element("strong", f"page {number}") if name == current else _link(name, f"page {number}"))
        for number, name in enumerate(names, start=1)
    ]
    return element("nav", element("ul", *links), attributes={"aria-label": "Pages"})


def _link(target: str, text: str) -> Html:
    return element("a", text, attributes={"href": target})


def _block(clusters: Clusters, number: int, faces: tuple[ClusteredFace, ...]) -> Html:
    shown = faces
    if len(shown) > FACES:
        shown = (*shown[: FACES - _DOUBTFUL], *shown[-_DOUBTFUL:])
    hidden = f", {len(faces) - len(shown):,} not shown" if len(shown) < len(faces) else ""
    caption = f"Group {number}: {plural(len(faces), 'face')}{hidden}; least like the others: {faces[-1].likeness:.2f}"
    pictures = (_picture(clusters, face) for face in shown)
    return figure(element("div", *pictures, attributes={"class": "group"}), caption)


def _picture(clusters: Clusters, face: ClusteredFace) -> Html:
    name = clusters.name(face)
    try:
        crop = align(read_image(name), face.used.face.landmarks)
    except ImageError:
        return element("small", f"{name} cannot be read any more")
    return image(_jpeg(crop), "image/jpeg", f"{name}, {face.likeness:.2f}")


def _jpeg(crop: ImageArray) -> bytes:
    small = np.ascontiguousarray(cv2.resize(crop, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)[..., ::-1])
    return bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes())
