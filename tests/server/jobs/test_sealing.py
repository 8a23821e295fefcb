"""What older services have sealed, for a job or for an answer that may be asked for twice, opens."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from marginface.errors import GalleryError
from marginface.gallery.address import parse_address
from marginface.gallery.sealing.cipher import Cipher
from marginface.server.jobs.sealing import JobSeal
from marginface.server.state import open_state

KEY = bytes(range(32))
JOB = bytes.fromhex("03385632537d8235a7768ddc4b3e44857046d164aeee6557880a3df34ee4cedcb6c3fbb60728b192da81")


def test_a_record_of_a_job_opens_in_its_place_alone() -> None:
    seal = JobSeal(KEY, "j-1")
    assert seal.open("settings", JOB) == {"name": "Ann"}
    for place, sealed in (("told", JOB), ("settings", JOB[:-1]), ("settings", b"")):
        with pytest.raises(GalleryError, match=f"the {place} of job j-1 does not open: the state is damaged"):
            seal.open(place, sealed)


def test_what_the_state_sealed_opens_for_its_purpose_and_place(tmp_path: Path) -> None:
    with open_state(parse_address(str(tmp_path / "state.db"))) as state:
        sealed = Cipher(state.secret("once")).seal(b"an answer", "a place")
        assert state.unseal("once", "a place", sealed) == b"an answer"
        for purpose, place in (("jobs", "a place"), ("once", "elsewhere")):
            with pytest.raises(GalleryError, match="what was sealed does not open"):
                state.unseal(purpose, place, sealed)
