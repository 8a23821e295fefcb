"""Which photos are of whom: named on the command line, or a folder for each person."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from marginface.errors import InputError
from marginface.files import shown_folders
from marginface.images import list_images, read_image
from marginface.values import ImageArray, check_image


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPhoto:
    """A photo whose bytes were turned into pixels elsewhere; ``sha256`` is that of the bytes, 64 hex digits."""

    image: ImageArray = field(repr=False)
    sha256: str

    def __post_init__(self) -> None:
        check_image(self.image)


@dataclass(frozen=True, slots=True)
class PersonPhoto:
    """A photo and whose it is; an empty name says that it cannot be told.

    ``content`` or ``decoded`` is the photo itself where it lies in no file, and be it empty; ``path`` is then what it
    is called, and no file of that name is opened. ``decode`` turns content into pixels, once it is known that the
    collection has not that photo already; it raises ImageError for what is no image.
    """

    person: str
    path: Path
    content: bytes | None = field(default=None, repr=False)
    decoded: DecodedPhoto | None = None
    decode: Callable[[bytes], ImageArray] = field(default=read_image, repr=False)


@dataclass(frozen=True, slots=True)
class FolderOfPeople:
    """The photos of a folder with a folder for each person.

    Attributes:
        photos: By person, then by path; one that lies beside the people's folders has no name.
        without_photos: Folders in which there is none.
    """

    photos: tuple[PersonPhoto, ...]
    without_photos: tuple[str, ...]


def photos_of(person: str, paths: Iterable[Path]) -> tuple[PersonPhoto, ...]:
    """Return photos of one person; a folder among the paths stands for all photos in it.

    Raises:
        InputError: a folder without photos.
    """
    found: list[PersonPhoto] = []
    for path in paths:
        inside = list_images(path) if path.is_dir() else [path]
        if not inside:
            raise InputError(f"{path}: no photos in this folder")
        found += [PersonPhoto(person, photo) for photo in inside]
    return tuple(found)


def folder_of_people(folder: str | Path) -> FolderOfPeople:
    """Return the photos below a folder: the name of the first folder on the way to a photo is the person's.

    Raises:
        InputError: there is no such folder, or no photo in it.
    """
    folder = Path(folder)
    photos = list_images(folder)
    if not photos:
        raise InputError(f"{folder}: no photos below this folder; it has a folder for each person, with their photos")
    ways = [photo.relative_to(folder).parts for photo in photos]
    named = [PersonPhoto(way[0] if len(way) > 1 else "", photo) for way, photo in zip(ways, photos, strict=True)]
    people = {entry.name for entry in shown_folders(folder)}
    return FolderOfPeople(tuple(named), tuple(sorted(people - {one.person for one in named})))
