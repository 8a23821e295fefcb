"""Records sealed under the data key of their collection: AES-256-GCM, and keyed digests to find them by.

What a record belongs to (collection, contract, person, face, kind, format) is bound to it: one that is put under
another person does not open. From one data key HKDF-SHA256 derives three: one that seals (cipher.py), one for digests,
one for the rotation (rotation.py). ``reseal`` of a collection makes a new data key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from marginface.errors import GalleryError
from marginface.gallery.sealing.cipher import KEY_SIZE, Cipher

RECORD_FORMAT = 1
DIGEST_SIZE = 16
Kind = Literal["person", "face", "template", "crop"]


def derived_key(data_key: bytes, purpose: str) -> bytes:
    """Return the key of 32 bytes for one purpose; keys of different purposes tell nothing about each other."""
    return HKDF(SHA256(), KEY_SIZE, salt=None, info=f"marginface gallery|1|{purpose}".encode()).derive(data_key)


class Seal:
    """Seals and opens the records of one collection.

    Args:
        data_key: 32 bytes.
        collection: The collection's opaque id.
        contract: The contract of its embeddings.

    >>> seal = Seal(bytes(32), "c-1", "0123456789abcdef")
    >>> sealed = seal.seal("template", 1, 7, b"a vector")
    >>> len(sealed), seal.open("template", 1, 7, sealed)
    (36, b'a vector')
    >>> seal.open("template", 2, 7, sealed)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    marginface.errors.GalleryError: the template of face 7 of person 2 does not open: ...
    """

    def __init__(self, data_key: bytes, collection: str, contract: str) -> None:
        self._cipher = Cipher(derived_key(data_key, "seal"))
        self._digest_key = derived_key(data_key, "digest")
        self._about = f"marginface|{RECORD_FORMAT}|{collection}|{contract}"

    def seal(self, kind: Kind, person: int, face: int, content: bytes) -> bytes:
        """Return content sealed for a face of a person; face 0 stands for the person."""
        return self._cipher.seal(content, self._place(kind, person, face))

    def open(self, kind: Kind, person: int, face: int, sealed: bytes) -> bytes:
        """Return what was sealed; raise GalleryError if it is damaged or belongs to another person, face or kind."""
        try:
            return self._cipher.open(sealed, self._place(kind, person, face))
        except GalleryError:
            of_face = f" of face {face}" if face else ""
            raise GalleryError(
                f"the {kind}{of_face} of person {person} does not open: the record is damaged, or was put there from "
                "elsewhere. 'marginface gallery check' lists all such; take them from a backup, or erase and enrol"
            ) from None

    def seal_values(self, kind: Kind, person: int, face: int, values: dict[str, Any]) -> bytes:
        """Seal plain values as JSON."""
        text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
        return self.seal(kind, person, face, text.encode())

    def open_values(self, kind: Kind, person: int, face: int, sealed: bytes) -> dict[str, Any]:
        """Return the values that were sealed as JSON."""
        values: dict[str, Any] = json.loads(self.open(kind, person, face, sealed))
        return values

    def digest(self, kind: str, text: str) -> bytes:
        """Return 16 bytes by which a text is found again; who has no data key learns nothing from them."""
        return hmac.new(self._digest_key, f"{kind}|{text}".encode(), hashlib.sha256).digest()[:DIGEST_SIZE]

    def _place(self, kind: str, person: int, face: int) -> str:
        return f"{self._about}|{kind}|{person}|{face}"
