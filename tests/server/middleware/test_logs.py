"""No log holds a name, a key, a vector or a piece of a photo, whatever is asked and whatever goes wrong."""

from __future__ import annotations

import base64
import logging
import uuid

import pytest
from starlette.testclient import TestClient

from marginface.gallery import Collection
from oracles.served import MakeKey, png_of
from oracles.staff import STAFF, make_staff

NAMES = ("Zoe Unmistakable", "Unheard Of")
PASSPHRASE = "correct horse battery staple"


def test_a_log_holds_no_secret(
    client: TestClient, make_key: MakeKey, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    make_staff(client)
    key, photo, once = make_key("all"), png_of(33), str(uuid.uuid4())
    headers = {**key, "Idempotency-Key": once}
    client.post(f"{STAFF}/persons", json={"name": NAMES[0], "consent": "said Yes-Indeed"}, headers=headers)
    path = f"{STAFF}/persons/{NAMES[0]}"
    client.post(f"{path}/faces", files={"images": (f"{NAMES[0]}.png", photo)}, headers=key)
    client.post(f"{path}/faces", files={"images": (f"{NAMES[1]}.png", photo[:-20])}, headers=key)
    client.get(f"{STAFF}/persons", params={"q": NAMES[0]}, headers=key)
    client.get(f"{STAFF}/persons/{NAMES[1]}", headers=key)
    client.post(f"{STAFF}/identify", files={"image": photo}, headers=key)
    embedded = client.post("/v1/embed", files={"image": photo}, headers=key).json()
    client.post(f"{STAFF}/export", json={"passphrase": PASSPHRASE, "persons": [NAMES[0]]}, headers=key)
    client.post(
        f"{STAFF}/persons", content=b'{"name": "Unheard Of', headers={**key, "Content-Type": "application/json"}
    )

    def fails(_: Collection, name: str, *__: object) -> None:
        raise RuntimeError(f"a bug that says {name}")

    monkeypatch.setattr(Collection, "add_person", fails)
    broken = client.post(f"{STAFF}/persons", json={"name": NAMES[1]}, headers=key)
    assert broken.status_code == 500
    client.delete(path, headers=key)
    ours = [record for record in caplog.records if record.name not in ("httpx", "httpx2")]
    logged = "\n".join(record.getMessage() + (record.exc_text or "") for record in ours)
    assert "POST /v1/collections/{collection}/persons 201" in logged
    secret = key["Authorization"].split("_", 2)[2]
    vector = str(embedded["faces"][0]["embedding"][0])
    said = ("Unmistakable", "Unheard", "Yes-Indeed", secret, vector, PASSPHRASE, once)
    pieces = (photo[100:124].hex(), base64.b64encode(photo[99:123]).decode(), repr(photo[100:116])[2:-1])
    assert [text for text in (*said, *pieces) if text in logged] == []
    assert NAMES[1] not in broken.text
