"""What an earlier run found, as JSON: which face of which photo is in which group."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from marginface.documents import parse_json
from marginface.errors import DataError
from marginface.files import json_bytes, write_bytes
from marginface.pipeline import Clusters

RECORD = "groups.json"
_HEAD = {"marginface": "groups of faces", "version": 1}

Record = Sequence[tuple[int, Sequence[Mapping[str, Any]]]]  # groups by number, from 1: their faces


def record_of(clusters: Clusters, photos: Path) -> dict[str, Any]:
    """Return the record of the groups of a folder's photos as plain values; photos are named below the folder."""
    values = clusters.to_dict()
    return {
        **_HEAD,
        "folder": str(photos),
        **values,
        "groups": [
            {"group": number, "faces": [{**face, "photo": below(face["photo"], photos)} for face in group]}
            for number, group in enumerate(values["groups"], start=1)
        ],
    }


def write_record(record: Mapping[str, Any], folder: Path) -> Path:
    """Write a record, whole or not at all; return its path."""
    text = json.dumps(record, indent=1, ensure_ascii=False)
    return write_bytes(folder / RECORD, json_bytes(text + "\n"))


def read_record(folder: Path) -> Record:
    """Return number and faces of each group that an earlier run wrote to a folder.

    Raises:
        DataError: There is none, or it is not what ``write_record`` writes.
    """
    path = folder / RECORD
    try:
        record = parse_json(path.read_text(encoding="utf-8"))
        if {key: record.get(key) for key in _HEAD} != _HEAD:
            raise DataError(f"{path}: not a record of groups; marginface cluster PHOTOS --out {folder} writes one")
        return [(int(group["group"]), list(group["faces"])) for group in record["groups"]]
    except FileNotFoundError:
        raise DataError(f"{path}: no groups yet; marginface cluster PHOTOS --out {folder} makes them") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:  # the last: int(Infinity)
        raise DataError(f"{path}: not a record of groups: {error}") from None


def below(photo: str, folder: Path) -> str:
    """Return the path of a photo below a folder, with slashes.

    >>> below("photos/Ann/1.jpg", Path("photos"))
    'Ann/1.jpg'
    """
    return PurePath(photo).relative_to(folder).as_posix()
