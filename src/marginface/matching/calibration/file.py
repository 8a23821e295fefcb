"""A calibration as a TOML file: written whole, and checked when it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from marginface.documents import parse_toml
from marginface.errors import CalibrationError
from marginface.files import write_bytes
from marginface.matching.calibration.table import FORMAT, Calibration

_HEAD = """\
# Thresholds by false-match rate (FMR), made by marginface calibrate. A threshold holds for this contract alone.
# fmr_low and fmr_high bound the true FMR at 95 %, pairs that share people taken together.

"""


def write_calibration(calibration: Calibration, path: str | Path) -> Path:
    """Write a calibration, whole or not at all, so that read_calibration gives it back; return the path.

    Raises:
        OSError: the file cannot be written.
    """
    values: dict[str, Any] = calibration.model_dump(mode="python", exclude_none=True)
    text = _HEAD + tomli_w.dumps(values)
    return write_bytes(Path(path), text.encode("utf-8"))


def read_calibration(path: str | Path) -> Calibration:
    """Read a calibration.

    Raises:
        CalibrationError: There is no such file, or it is of another version, damaged, or changed so that its numbers
            contradict each other; the message says which.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise CalibrationError(
            f"{path}: cannot read a calibration: {error.strerror}. Make one: marginface calibrate MODEL PHOTOS --out "
            f"{path.name}"
        ) from None
    except UnicodeDecodeError:
        raise CalibrationError(f"{path}: damaged, or no calibration: it is not text in UTF-8") from None
    return parse_calibration(text, str(path))


def parse_calibration(text: str, name: str) -> Calibration:
    """Return the calibration that a TOML text is; see read_calibration. ``name`` stands before an error."""
    try:
        values = parse_toml(text)
    except ValueError as error:
        raise CalibrationError(f"{name}: damaged, or no calibration: it is not TOML: {error}") from None
    _require_format(values, name)
    try:
        return Calibration.model_validate(values)
    except ValidationError as error:
        raise CalibrationError(f"{name}: {_first(error)}. Calibrate again rather than edit thresholds") from None


def _require_format(values: dict[str, Any], name: str) -> None:
    found = values.get("format")
    if found == FORMAT:
        return
    if not isinstance(found, int) or "thresholds" not in values:
        raise CalibrationError(
            f"{name}: no calibration: a calibration begins with format = {FORMAT}; got keys {sorted(values)[:6]}. "
            "marginface calibrate MODEL PHOTOS --out FILE makes one"
        )
    raise CalibrationError(
        f"{name}: a calibration of format {found}; this marginface reads format {FORMAT}. "
        + ("Update marginface" if found > FORMAT else "Calibrate again")
    )


def _first(error: ValidationError) -> str:
    """Return the first thing that is wrong, and where."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
