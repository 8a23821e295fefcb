"""Contact sheets: pages to look at, with the pictures of every group."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import IO

from marginface.evaluation.markup import Html, document, element, figure, image
from marginface.files import write_whole
from marginface.grouping.groups import Group, GroupedFace, Grouping

GROUPS = 100  # on a page
FACES = 48  # of a group that are shown; the record has all
ALONE = 600  # faces without company on a page
_DOUBTFUL = 6  # of a group that is not shown whole, the least typical faces


def write_sheets(grouping: Grouping, folder: Path) -> list[Path]:
    """Write ``groups.html`` and, where there are many groups, ``groups-2.html`` …; return their paths."""
    sections = [*_parts(grouping.with_company(), GROUPS), *_parts(grouping.alone(), ALONE)] or [()]
    names = ["groups.html", *(f"groups-{number}.html" for number in range(2, len(sections) + 1))]
    for name, groups in zip(names, sections, strict=True):
        page = _page(grouping, groups, names, name).encode("utf-8", "replace")
        write_whole(folder / name, partial(_fill, page))
    return [folder / name for name in names]


def _fill(page: bytes, stream: IO[bytes]) -> None:
    stream.write(page)


def _parts(groups: Sequence[Group], size: int) -> list[Sequence[Group]]:
    return [groups[start : start + size] for start in range(0, len(groups), size)]


def _page(grouping: Grouping, groups: Sequence[Group], names: list[str], name: str) -> str:
    lead = [element("p", line) for line in grouping.summary().splitlines() if not line.startswith(" ")]
    lead.append(_others(names, name))
    if groups and len(groups[0].faces) == 1:
        return document("Faces without company", lead, {"Faces": _alone(groups)})
    blocks = (
        element("div", *(_block(group) for group in groups), attributes={"class": "groups"}) if groups else Html("")
    )
    return document("Groups of faces", lead, {"Groups": blocks})


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


def _block(group: Group) -> Html:
    shown = group.faces
    if len(shown) > FACES:
        shown = (*shown[: FACES - _DOUBTFUL], *shown[-_DOUBTFUL:])
    least = group.faces[-1].likeness
    hidden = f", {len(group.faces) - len(shown):,} not shown" if len(shown) < len(group.faces) else ""
    caption = f"Group {group.number}: {len(group.faces):,} faces{hidden}; least like the others: {least:.2f}"
    return figure(element("div", *(_picture(face) for face in shown), attributes={"class": "group"}), caption)


def _alone(groups: Sequence[Group]) -> Html:
    return element("div", *(_picture(group.faces[0]) for group in groups), attributes={"class": "group"})


def _picture(face: GroupedFace) -> Html:
    return image(face.found.picture, "image/jpeg", f"{face.found.photo}, {face.likeness:.2f}")
