"""Where a service has its gallery, and beside it its own state."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import sys
from dataclasses import replace
from pathlib import Path

from marginface.errors import GalleryError
from marginface.gallery import Gallery
from marginface.gallery.address import Address, parse_address

GALLERY_VARIABLE = "MARGINFACE_GALLERY"
_SUFFIX = ".service"


def default_gallery() -> str:
    """Return the gallery that is meant where none is named: $MARGINFACE_GALLERY, or people.db in the data folder."""
    return os.environ.get(GALLERY_VARIABLE, "") or str(data_folder() / "people.db")


def require_gallery(named: str) -> None:
    """Raise GalleryError where nothing is at an address; the default one need not be there: a service makes it.

    A key that was made beside a mistyped name would leave the gallery that was meant open.
    """
    if named != default_gallery() and not Gallery.exists(named):
        place = parse_address(named)
        raise GalleryError(f"{place}: there is no gallery. 'marginface gallery create {place}' makes one")


def data_folder() -> Path:
    """Return the folder for the data of programs of this user, and in it ours."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "marginface"
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "marginface"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "marginface"


def state_address(gallery: str) -> Address:
    """Return where the state of a service is: a file beside the gallery's, or the gallery's own database.

    >>> state_address("people.db").path
    PosixPath('people.db.service')
    """
    place = parse_address(gallery)
    if place.path is None:
        return replace(place, vectors="")
    return Address(place.path.with_name(place.path.name + _SUFFIX))


def spool_folder(gallery: str) -> Path:
    """Return the folder for sealed uploads that wait for their job: a service's own, which deletes what is left."""
    place = state_address(gallery)
    if place.path is not None:
        return place.path.with_name(place.path.name + ".d")
    return data_folder() / "spool" / hashlib.sha256(str(place).encode()).hexdigest()[:16]


def is_loopback(host: str) -> bool:
    """Say whether an address is this machine's own, which no other machine reaches.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
