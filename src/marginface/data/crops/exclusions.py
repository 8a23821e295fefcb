"""What a training leaves out: identities and single images, each with its reason; a TOML file.

    [identities]
    "Ann Smith" = "also in the evaluation set, as ann_smith"

    [images]
    "Bob/3.jpg" = "looks like Cy, and not like the other images of Bob"

Identities are compared by ``names.identity_key``. An image goes by its name in the source: for folders the path below
the root (with the number of the root in front where several roots hold it: "1/Bob/3.jpg"), for packs what ``marginface
data audit`` writes. A text file is a list of identities, one a line (names.read_names).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from marginface.data.crops.names import identity_key, read_names
from marginface.data.images.encoded import EncodedImages
from marginface.documents import parse_toml
from marginface.errors import DataError
from marginface.files import write_bytes
from marginface.values import BoolArray, IntArray
from marginface.words import cause

_SECTIONS = ("identities", "images")


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Reasons by the name of an identity, and by the name of an image; a reason may be empty."""

    identities: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_names(cls, names: Iterable[str]) -> Exclusions:
        """Return identities to leave out, without reasons."""
        return cls(dict.fromkeys(names, ""))


def read_exclusions(path: Path) -> Exclusions:
    """Read a TOML file as above, or a text file of names.

    Raises:
        DataError: the file is missing or is not as described; the message says where.
    """
    if path.suffix.lower() != ".toml":
        return Exclusions.of_names(read_names(path))
    try:
        values = parse_toml(path.read_bytes().decode("utf-8", "surrogateescape"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: expected a list of exclusions in TOML; got {cause(error)}") from None
    for section, entries in values.items():
        if section not in _SECTIONS or not isinstance(entries, dict):
            raise DataError(f"{path}: a list of exclusions has the tables [identities] and [images]; got {section!r}")
        for name, reason in entries.items():
            if not isinstance(reason, str):
                raise DataError(
                    f'{path}: [{section}] {name!r}: expected a reason in quotes, as in "{name}" = "blurred"; got '
                    f"{reason!r}. A name with a dot needs quotes too"
                )
    return Exclusions(values.get("identities", {}), values.get("images", {}))


def write_exclusions(exclusions: Exclusions, path: Path, *, about: str, proposed: Exclusions | None = None) -> None:
    """Write exclusions, whole or not at all; ``about`` is a first comment, ``proposed`` are entries commented out."""
    proposed = proposed or Exclusions()
    lines = [*(f"# {line}" for line in about.splitlines())]
    for section in _SECTIONS:
        lines += ["", f"[{section}]"]
        lines += [_entry(name, reason) for name, reason in getattr(exclusions, section).items()]
        lines += [f"# {_entry(name, reason)}" for name, reason in getattr(proposed, section).items()]
    text = "\n".join(lines) + "\n"
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def excluded_labels(identities: Sequence[str], exclude: Mapping[str, str]) -> tuple[BoolArray, tuple[str, ...]]:
    """Return which labels are left out, and the names of these with the reasons."""
    reasons = {identity_key(name): reason for name, reason in exclude.items()}
    met = [identity_key(name) if reasons else "" for name in identities]
    out = np.fromiter((key in reasons for key in met), bool, len(met))
    return out, tuple(sorted(_with_reason(identities[i], reasons[met[i]]) for i in np.flatnonzero(out).tolist()))


def without_images(
    images: EncodedImages, wanted: IntArray, exclude: Mapping[str, str]
) -> tuple[IntArray, tuple[str, ...]]:
    """Return the wanted images without the excluded ones, and the names of these with the reasons.

    Where a name begins with the number of a folder, it also goes by the rest, unless that names two images.

    Raises:
        DataError: a name without number means images of several folders.
    """
    if not exclude:
        return wanted, ()
    left_out: dict[str, int] = {}
    for index in wanted.tolist():
        name = images.name(index)
        rest = name.partition("/")[2] if images.listing.roots else name
        said = name if name in exclude else rest
        if said in exclude and left_out.setdefault(said, index) != index:
            raise DataError(
                f"{said}: this name in the list of exclusions means {images.name(left_out[said])} and {name}. Write it "
                "with the number in front that is meant"
            )
    kept = np.setdiff1d(wanted, np.fromiter(left_out.values(), np.int64, len(left_out)))
    return kept, tuple(sorted(_with_reason(name, exclude[name]) for name in left_out))


def _with_reason(name: str, reason: str) -> str:
    return f"{name}: {reason}" if reason else name


def _entry(name: str, reason: str) -> str:
    return f"{_quoted(name)} = {_quoted(reason)}"


def _quoted(text: str) -> str:
    """Return a TOML basic string; JSON writes the same one but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
