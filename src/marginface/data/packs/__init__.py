"""Files that hold many images with labels, and how each is read.

    folders    root/Name/1.jpg                     data.crops.folder
    recordio   train.rec and train.idx             recordio, record
    tar        key.jpg with key.cls or key.json    tar
    parquet    image bytes and labels              parquet
    list       lines of path and label             listfile

bytefile reads at an offset from several threads; names says what a label is called.

To add one: a file here with a class that is DivisibleImages, a line in FORMATS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from marginface.data.crops.folder import FolderImages, holds_identity_folders
from marginface.data.images.encoded import DivisibleImages
from marginface.data.images.unfinished import check_finished
from marginface.data.packs.listfile import find_lists, open_list
from marginface.data.packs.parquet import find_parquet, open_parquet
from marginface.data.packs.recordio import find_records, open_records
from marginface.data.packs.tar import find_shards, open_shards
from marginface.errors import DataError
from marginface.locations import location
from marginface.registry import Registry


@dataclass(frozen=True, slots=True)
class Format:
    """How to see that a path holds this format, and how to open it; ``open`` takes the path and the label's field."""

    holds: Callable[[Path], bool]
    open: Callable[[Path, str], DivisibleImages]


FORMATS: Registry[Format] = Registry("format")
FORMATS.add("recordio", Format(lambda path: bool(find_records(path)), lambda path, _: open_records(path)))
FORMATS.add("tar", Format(lambda path: bool(find_shards(path)), open_shards))
FORMATS.add("parquet", Format(lambda path: bool(find_parquet(path)), open_parquet))
FORMATS.add("list", Format(lambda path: bool(find_lists(path)), open_list))
FORMATS.add("folders", Format(holds_identity_folders, lambda path, _: FolderImages([path])))


def format_of(path: Path) -> str:
    """Return the name of the format that a path holds.

    Raises:
        DataError: nothing is there, or none of the formats.
    """
    check_finished(path if path.is_dir() else path.parent)
    there = path.exists() or any(sign in path.name for sign in "*?[")
    found = next((name for name, entry in FORMATS.items() if there and entry.holds(path)), None)
    if found is not None:
        return found
    if path.suffix.lower() == ".bin" and path.is_file():
        raise DataError(
            f"{path}: an evaluation pack has pairs and no identities, so nothing can be trained on it. Measure a model "
            f"on it: marginface evaluate pairs MODEL {path}"
        )
    what = "a folder without any" if path.is_dir() else "another file" if path.exists() else "nothing there"
    raise DataError(
        f"{path}: expected train.rec, tar shards, Parquet files, a list (.lst, .csv, .tsv, .txt) or a folder per "
        f"identity; got {what}"
    )


def open_images(path: str | Path, *, label: str = "") -> DivisibleImages:
    """Open whatever holds images with labels; the files decide the format.

    Args:
        path: a file, a folder, or a pattern of shards such as data/train-*.tar; a text may be a URL of a store.
        label: the field, column or key of the identity, where there are several; "" takes one of ``names.LABEL_NAMES``.

    Raises:
        DataError: it is not there, is none of the formats, or is damaged; or a conversion into it has not ended.
        MissingExtra: the format needs an optional dependency.
    """
    path = location(path) if isinstance(path, str) else path
    images = FORMATS[format_of(path)].open(path, label)
    if len(images.listing.labels) == 0:
        raise DataError(f"{path}: expected images; got none")
    return images
