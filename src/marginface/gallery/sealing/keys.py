"""The key of a gallery: where it lies, and how it wraps the keys of the collections.

A gallery has one key (32 random bytes). It seals nothing but the data keys, one for each collection; those seal the
records (seal.py). So a new key for the gallery costs one small write per collection, and a data key that is gone
takes its collection with it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from marginface.errors import GalleryError, GalleryKeyError, InputError, StorageError
from marginface.gallery.sealing.cipher import KEY_SIZE, Cipher, new_key
from marginface.words import cause

KEY_VARIABLE = "MARGINFACE_GALLERY_KEY"
CONFIG_VARIABLE = "MARGINFACE_CONFIG"
OPEN_KEY_ID = "open"  # the key id of a collection whose data key lies in the gallery as it is
_KEY_FILE = "gallery.key"
_PREFIX = "marginface-gallery-key-1 "


@dataclass(frozen=True, slots=True)
class GalleryKey:
    """A key of 32 bytes, and where it came from; it prints as its id.

    >>> GalleryKey(bytes(32), "a test").id
    'b3db7968'
    """

    secret: bytes = field(repr=False)
    source: str

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_SIZE:
            raise GalleryKeyError(f"{self.source}: a gallery's key has {KEY_SIZE} bytes; got {len(self.secret)}")

    @property
    def id(self) -> str:
        """Return 8 hex digits that name the key and tell nothing about it."""
        return hashlib.sha256(b"marginface gallery key id|" + self.secret).hexdigest()[:8]

    def wrap(self, data_key: bytes, collection: str) -> bytes:
        """Return a data key sealed for one collection (its opaque id)."""
        return Cipher(self.secret).seal(data_key, _place(collection))

    def unwrap(self, wrapped: bytes, collection: str) -> bytes:
        """Return the data key of a collection.

        Raises:
            GalleryKeyError: it was wrapped by another key, for another collection, or is damaged.
        """
        try:
            return Cipher(self.secret).open(wrapped, _place(collection))
        except GalleryError:
            raise GalleryKeyError(
                f"the data key of collection {collection} does not open with key {self.id} ({self.source}): its row in "
                "the gallery is damaged. Take the gallery from a backup"
            ) from None


def default_key_path() -> Path:
    """Return where the key is looked for: in $MARGINFACE_CONFIG, or in the user's configuration folder."""
    return _config_folder() / _KEY_FILE


def find_key(path: Path | None = None) -> GalleryKey | None:
    """Return the key in a file, in $MARGINFACE_GALLERY_KEY, or in the default file; None where there is none.

    Raises:
        GalleryKeyError: what is there is no key, or the file that was asked for is missing.
    """
    if path is not None:
        return read_key(path)
    said = os.environ.get(KEY_VARIABLE, "")
    if said:
        return GalleryKey(_decoded(said, f"${KEY_VARIABLE}"), f"${KEY_VARIABLE}")
    default = default_key_path()
    return read_key(default) if default.exists() else None


def read_key(path: Path) -> GalleryKey:
    """Read a key file; raise GalleryKeyError if it is missing or holds no key."""
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise GalleryKeyError(f"{path}: there is no key file. {_ADVICE}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise GalleryKeyError(f"{path}: the key file cannot be read: {cause(error)}. {_ADVICE}") from None
    return GalleryKey(_decoded(text, str(path)), str(path))


def make_key(path: Path) -> GalleryKey:
    """Make a key and write it to a new file that its owner alone can read.

    Raises:
        InputError: the file is there already.
        StorageError: it cannot be written.
    """
    secret = new_key()
    text = _PREFIX + base64.b64encode(secret).decode() + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
    except FileExistsError:
        raise InputError(f"{path}: there is a file already; a key is never written over another") from None
    except OSError as error:
        raise StorageError(
            f"{path}: cannot write the key: {error.strerror}. Set {CONFIG_VARIABLE} or say where"
        ) from None
    return GalleryKey(secret, str(path))


def key_for(key_id: str, key: GalleryKey | None, gallery: str) -> GalleryKey:
    """Return the key if it is the one with this id; raise GalleryKeyError with what to do if it is not."""
    if key is None:
        raise GalleryKeyError(
            f"{gallery} is sealed by key {key_id}, and no key is here. Looked at ${KEY_VARIABLE} and "
            f"{default_key_path()}. {_ADVICE}"
        )
    if key.id != key_id:
        raise GalleryKeyError(
            f"{gallery} is sealed by key {key_id}; the key in {key.source} is {key.id}. Give the right one by "
            f"--key-file or ${KEY_VARIABLE}. {_ADVICE}"
        )
    return key


_ADVICE = "Without its key a gallery cannot be read, by anyone: bring the key back, or enrol again."


def _decoded(text: str, source: str) -> bytes:
    words = text.removeprefix(_PREFIX).strip()
    try:
        return bytes.fromhex(words) if len(words) == 2 * KEY_SIZE else base64.b64decode(words, validate=True)
    except (ValueError, binascii.Error):
        raise GalleryKeyError(
            f"{source}: expected a gallery's key, 32 bytes in base64 or hex, as 'marginface gallery create' writes it"
        ) from None


def _place(collection: str) -> str:
    return f"marginface data key|1|{collection}"


def _config_folder() -> Path:
    chosen = os.environ.get(CONFIG_VARIABLE, "")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "marginface"
    if os.name == "nt":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "marginface"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "marginface"
