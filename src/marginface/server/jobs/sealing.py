"""A key for each job: who deletes the job's row has destroyed what its upload and its result can be read with.

The job's key is wrapped by the key of the gallery; by the secret of the state where the gallery is not sealed, and then
it protects as much as such a gallery does: who has the files can read them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from marginface.errors import GalleryError, GalleryKeyError
from marginface.gallery import Gallery, GalleryKey, find_key
from marginface.gallery.sealing.cipher import Cipher, new_key
from marginface.gallery.sealing.seal import derived_key
from marginface.server.state import State


def job_key(gallery: Gallery, key_file: Path | None, state: State) -> GalleryKey:
    """Return the key that wraps the keys of jobs; ``key_file`` is where the gallery's was looked for."""
    key = find_key(key_file) if gallery.key_source else None
    return key or GalleryKey(state.secret("jobs"), "the state of the service")


class JobSeal:
    """Seals what belongs to one job; a record that is put into another place does not open.

    Args:
        data_key: 32 bytes.
        uid: The job's opaque id.
    """

    def __init__(self, data_key: bytes, uid: str) -> None:
        self._cipher = Cipher(derived_key(data_key, "job records"))
        self._uid = uid
        self.passphrase = derived_key(data_key, "job upload").hex()  # of the upload (gallery.archives.envelope)

    def seal(self, place: str, values: Any) -> bytes:
        """Return plain values sealed for a place: settings, told, or a part of the result."""
        text = json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode()
        return self._cipher.seal(text, self._whole(place))

    def open(self, place: str, sealed: bytes) -> Any:
        """Return what was sealed; raise GalleryError if it is damaged or of another job or place."""
        try:
            return json.loads(self._cipher.open(sealed, self._whole(place)))
        except (GalleryError, ValueError):
            raise GalleryError(f"the {place} of job {self._uid} does not open: the state is damaged") from None

    def _whole(self, place: str) -> str:
        return f"marginface job|1|{self._uid}|{place}"


def new_seal(key: GalleryKey, uid: str) -> tuple[JobSeal, bytes]:
    """Return the seal of a new job, and its key, wrapped."""
    data_key = new_key()
    return JobSeal(data_key, uid), key.wrap(data_key, uid)


def seal_of(key: GalleryKey, uid: str, sealed_by: str, wrapped: bytes) -> JobSeal:
    """Return the seal of a job; raise GalleryKeyError where another key wrapped it."""
    if key.id != sealed_by:
        raise GalleryKeyError(
            f"job {uid} is sealed by key {sealed_by}; the gallery's key is {key.id} now. Ask for the work anew"
        )
    return JobSeal(key.unwrap(wrapped, uid), uid)
