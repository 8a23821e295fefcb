"""Which files below a folder this process has open."""

from __future__ import annotations

from pathlib import Path

import pytest

_PLACE = Path("/proc/self/fd")


def open_below(folder: Path) -> list[str]:
    """Return the files below a folder that are open, once for each descriptor; skip where a system does not say."""
    if not _PLACE.is_dir():
        pytest.skip("this system does not list what a process has open")
    found = []
    for entry in list(_PLACE.iterdir()):
        try:
            target = entry.readlink()
        except OSError:  # closed meanwhile, like the descriptor of this listing
            continue
        if target.is_relative_to(folder):
            found.append(str(target))
    return sorted(found)
