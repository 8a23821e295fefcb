"""What is said to a caller: no names of others, and not where on this machine the gallery lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from marginface.errors import MarginfaceError, UnknownGalleryName
from marginface.gallery import Gallery, Receipt
from marginface.gallery.address import parse_address


def told(error: MarginfaceError, gallery: Gallery) -> str:
    """Return what an error says to who asked."""
    if isinstance(error, UnknownGalleryName):
        return error.brief
    return str(error).replace(gallery.address, "the gallery")


def receipt_values(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt as plain values; of the gallery's file the name alone."""
    path = parse_address(receipt.gallery).path
    return {**receipt.to_dict(), "gallery": receipt.gallery if path is None else Path(path).name}
