"""How every record of a gallery and of its service is sealed: AES-256-GCM with a random nonce, which stands before it.

A sealed record is nonce (12 bytes) + ciphertext + tag (16 bytes). What it belongs to is bound to it as associated data
and has to be said again to open it. NIST SP 800-38D allows 2³² records under one key with random nonces. Archives, of
which no block may be missing, count their nonces instead (archives/envelope.py).
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from marginface.errors import GalleryError

KEY_SIZE = 32
_NONCE_SIZE = 12


def new_key() -> bytes:
    """Return 32 random bytes."""
    return os.urandom(KEY_SIZE)


class Cipher:
    """Seals and opens under one key of 32 bytes.

    >>> cipher = Cipher(bytes(32))
    >>> cipher.open(cipher.seal(b"a name", "person 7"), "person 7")
    b'a name'
    """

    def __init__(self, key: bytes) -> None:
        self._sealer = AESGCM(key)

    def seal(self, content: bytes, place: str) -> bytes:
        """Return content sealed for a place, which ``open`` has to be told again."""
        nonce = os.urandom(_NONCE_SIZE)
        return nonce + self._sealer.encrypt(nonce, content, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """Return what was sealed; raise GalleryError where it is damaged, or of another key or place."""
        try:
            return self._sealer.decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], place.encode())
        except (InvalidTag, ValueError, TypeError):
            raise GalleryError("what was sealed does not open: it is damaged, or was put here from elsewhere") from None
