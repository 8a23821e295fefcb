"""The manifest: what a data set held when it was read, as one value and as a JSON file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from marginface.documents import parse_json
from marginface.errors import DataError
from marginface.files import write_text
from marginface.words import cause


@dataclass(frozen=True, slots=True)
class Manifest:
    """Counts, fingerprint and everything that was left out, by name.

    ``sha256`` covers, in order, each used crop's relative path, size in bytes and content hash. ``unreadable`` are
    files that did not decode, ``excluded`` the folder names met that the exclusion list holds, ``excluded_images`` the
    images, both with the reason where the list has one, ``too_few`` the identities with fewer than ``min_images``
    readable images.
    """

    identities: int
    images: int
    sha256: str
    min_images: int = 1
    unreadable: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    too_few: tuple[str, ...] = ()
    excluded_images: tuple[str, ...] = ()


def content_fingerprint(entries: Iterable[tuple[str, int, str]]) -> str:
    """Return the sha256 over (relative path, size in bytes, content sha256) of every file, in this order."""
    digest = hashlib.sha256()
    for path, size, content in entries:
        digest.update(f"{path}\0{size}\0{content}\n".encode())
    return digest.hexdigest()


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write a manifest as JSON, so that read_manifest gives it back."""
    write_text(path, json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n")


def read_manifest(path: Path) -> Manifest:
    """Read a manifest; raise DataError if the file is not one."""
    expected = {field.name for field in fields(Manifest)}
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: a manifest is a JSON file written by write_manifest; got {cause(error)}") from None
    if not isinstance(values, dict) or set(values) != expected:
        keys = sorted(values) if isinstance(values, dict) else type(values).__name__
        raise DataError(f"{path}: a manifest has the keys {sorted(expected)}; got {keys}")
    counts = {name: values.pop(name) for name in ("identities", "images", "min_images")}
    sha256 = values.pop("sha256")
    if not all(type(count) is int for count in counts.values()) or not isinstance(sha256, str):
        raise DataError(f"{path}: a manifest has whole numbers and a sha256; got {counts} and {sha256!r}")
    for name, names in values.items():
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            raise DataError(f"{path}: {name} of a manifest is a list of names; got {str(names)[:60]}")
    lists: dict[str, Any] = {name: tuple(names) for name, names in values.items()}
    return Manifest(**counts, sha256=sha256, **lists)
