"""The file that says of a folder whether a conversion into it has ended: nothing half-written is taken for whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marginface.documents import parse_json
from marginface.errors import DataError
from marginface.files import write_json
from marginface.words import cause

STATE = "marginface-conversion.json"


def read_state(folder: Path) -> dict[str, Any] | None:
    """Return what the last conversion into this folder wrote, None if there was none.

    Raises:
        DataError: the file is not one of ours, or nothing in the folder may be read.
    """
    path = folder / STATE
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise DataError(
            f"{error.filename}: {cause(error)}. Give the right to read the folder and what is in it"
        ) from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: expected what `marginface data convert` writes; got {cause(error)}") from None
    if not isinstance(values, dict) or not isinstance(values.get("finished"), bool):
        raise DataError(f"{path}: expected what `marginface data convert` writes; got {str(values)[:80]}")
    return values


def write_state(folder: Path, values: dict[str, Any]) -> None:
    """Write the state, whole or not at all."""
    write_json(folder / STATE, values)


def check_finished(folder: Path) -> None:
    """Raise DataError if a conversion into this folder has not ended."""
    state = read_state(folder)
    if state is not None and not state["finished"]:
        again = state.get("go_on") or f"make the call again that makes it of {state.get('source', 'its source')}"
        raise DataError(f"{folder}: a conversion into this folder has not ended. Go on with it: {again}")
