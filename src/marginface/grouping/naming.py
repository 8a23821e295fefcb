"""Names written back: a CSV file to fill in, and a folder of photos per person."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from marginface.documents import whole_number
from marginface.errors import DataError, ImageError, InputError
from marginface.files import is_hidden, write_bytes
from marginface.grouping.record import Record, below
from marginface.images import read_image
from marginface.markup import plain_cell
from marginface.pipeline import Clusters
from marginface.values import ImageArray
from marginface.words import plural

NAMES = "names.csv"
_COLUMNS = ("group", "name", "faces", "for example")
_BORDER = 0.5  # around the box of a face that is cut out of a photo of several, as a fraction of its size
_LONGEST_NAME = 120


@dataclass(slots=True)
class Copied:
    """What was written: folders by name with their new files, and photos that could not be read any more."""

    people: dict[str, int] = field(default_factory=dict)
    there_before: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"people": dict(self.people), "there_before": self.there_before, "failed": dict(self.failed)}

    def summary(self) -> str:
        """Say in a line or two what was written."""
        photos = sum(self.people.values())
        before = f", {self.there_before:,} were there before" if self.there_before else ""
        lines = [f"{plural(photos, 'photo')} of {plural(len(self.people), 'person')} copied{before}."]
        return "\n".join([*lines, *(f"    {photo}: {reason}" for photo, reason in self.failed.items())])


def write_names(clusters: Clusters, photos: Path, folder: Path) -> Path:
    """Write ``names.csv``: a line per group of two faces or more, whose name is to be filled in; return its path.

    Raises:
        InputError: See check_unnamed.
    """
    check_unnamed(folder)
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(_COLUMNS)
    for number, group in enumerate(clusters.with_company, start=1):
        lines.writerow([number, "", len(group), plain_cell(below(clusters.name(group[0]), photos))])
    content = text.getvalue().encode("utf-8", "replace")
    return write_bytes(folder / NAMES, content)


def check_unnamed(folder: Path) -> None:
    """Raise InputError if a folder has a ``names.csv`` with names: they are somebody's work, and of other groups."""
    path = folder / NAMES
    if path.exists() and (named := len(read_names(path))):
        raise InputError(
            f"{path} has the names of {named:,} groups of an earlier run; new groups have other numbers. Use "
            f"them first (--names {path} --copy-to DIR), or choose another --out"
        )


def read_names(path: Path) -> dict[int, str]:
    """Return the name of each group that got one; a group without one is left out, two of one name are one person.

    Raises:
        DataError: No such file, a column is missing, a group is no number, or a name cannot be that of a folder.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; marginface cluster PHOTOS --out FOLDER writes a {NAMES}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a CSV file in UTF-8: {error}") from None
    named = {}
    for line, row in enumerate(rows, start=2):
        number, name = whole_number((row.get("group") or "").strip()), (row.get("name") or "").strip()
        if number is None or "name" not in row:
            raise DataError(f"{path}:{line}: expected the columns group (a number) and name; got {dict(row)}")
        if name:
            named[number] = _checked(name, f"{path}:{line}")
    return named


def numbered(record: Record, destination: Path) -> dict[int, str]:
    """Return a name for every group of two faces or more: person-0001 and so on.

    Raises:
        InputError: Such folders are in the destination with files of other groups: a number is no person, and two
            people would lie in one folder.
    """
    names = {number: f"person-{number:04d}" for number, faces in record if len(faces) > 1}
    own = {target for target, _, _ in _targets(record, names, destination)}
    there = (path for path in sorted(destination.glob("person-[0-9]*/*")) if not is_hidden(path.name))
    others = (path for path in there if path not in own)
    if (other := next(others, None)) is not None:
        raise InputError(
            f"{other}: is of other groups, of an earlier run; new groups have other numbers. Give another --copy-to, "
            "or delete the folders of that run"
        )
    return names


def copy_people(record: Record, names: Mapping[int, str], photos: Path, destination: Path) -> Copied:
    """Write a folder per name with the photos of its groups; run it again to go on.

    A photo with one face is copied as it is; of one with several the face is cut out with half its size around it, so
    that the folder shows one person. A file that is there is not written again.

    Raises:
        InputError: A name is of a group that is not there, or the destination lies in the photos.
    """
    unknown = sorted(set(names) - {number for number, _ in record})
    if unknown:
        raise InputError(f"there is no group {unknown[0]}; groups are numbered 1 to {len(record)}")
    check_copies(photos, destination)
    copied = Copied()
    for target, face, is_whole in _targets(record, names, destination):
        _copy(face, photos / _within(str(face["photo"])), target, copied, is_whole=is_whole)
    return copied


def _targets(
    record: Record, names: Mapping[int, str], destination: Path
) -> Iterator[tuple[Path, Mapping[str, Any], bool]]:
    """Yield the file of each face of a group that has a name, the face, and whether its photo is copied as it is."""
    for number, faces in record:
        for place, face in enumerate(faces if number in names else ()):
            photo, is_whole = Path(_within(str(face["photo"]))), int(face["faces_found"]) == 1
            file = f"{photo.stem}-{number}-{place}{photo.suffix if is_whole else '.png'}"
            yield destination / names[number] / file, face, is_whole


def check_copies(photos: Path, destination: Path) -> None:
    """Raise InputError if the new folders cannot be where they are wanted: in the photos, or where a file is."""
    if destination.resolve().is_relative_to(photos.resolve()):
        raise InputError(f"{destination}: the new folders cannot lie in {photos}, the photos they are made from")
    if destination.exists() and not destination.is_dir():
        raise InputError(f"{destination}: this is a file; give a folder for the people's folders")


def _copy(face: Mapping[str, Any], photo: Path, target: Path, copied: Copied, *, is_whole: bool) -> None:
    if target.exists():
        copied.there_before += 1
        return
    try:
        content = photo.read_bytes() if is_whole else _png(cut_out(read_image(photo), face["box"]))
    except (OSError, ImageError) as error:
        copied.failed[str(face["photo"])] = getattr(error, "strerror", None) or str(error)
        return
    write_bytes(target, content)
    person = target.parent.name
    copied.people[person] = copied.people.get(person, 0) + 1


def cut_out(image: ImageArray, box: Sequence[float]) -> ImageArray:
    """Return the part of an image around a box x1, y1, x2, y2, with a border of half its longer side."""
    x1, y1, x2, y2 = box
    border = _BORDER * max(x2 - x1, y2 - y1)
    left, top = max(0, int(x1 - border)), max(0, int(y1 - border))
    return image[top : int(y2 + border) + 1, left : int(x2 + border) + 1]


def _within(photo: str) -> str:
    """Return a path that stays below the folder of photos; a record may come from anywhere."""
    if Path(photo).is_absolute() or ".." in Path(photo).parts:
        raise DataError(f"a record of groups names photos below their folder; got {photo!r}")
    return photo


def _png(image: ImageArray) -> bytes:
    stream = BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def _checked(name: str, place: str) -> str:
    wrong = name.startswith(".") or any(sign in name for sign in '/\\:*?"<>|\0') or not name.isprintable()
    if wrong or len(name.encode()) > _LONGEST_NAME:
        raise DataError(
            f"{place}: a name is also that of a folder: no slash, colon or the like, no dot in front, at most "
            f"{_LONGEST_NAME} bytes; got {name!r}"
        )
    return name
