"""Enrolment over HTTP: each photo has its outcome."""

from __future__ import annotations

import hashlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from marginface.gallery import Collection, Gallery
from marginface.quality import GATES
from marginface.server.settings import ServerSettings
from oracles.enrolments import FACE
from oracles.served import MakeKey, png_of
from oracles.staff import STAFF, Staff

SMALL = (10, 10, 24, 28)
TWO = ((20, 40, 120, 160), FACE)


def blank() -> bytes:
    stream = BytesIO()
    Image.new("RGB", (64, 64), (90, 90, 90)).save(stream, "PNG")
    return stream.getvalue()


def test_some_photos_are_enrolled_and_others_are_not(staff: Staff) -> None:
    parts = [png_of(11), b"no picture", png_of(12, *TWO), png_of(11)]
    files = [("images", (f"{n}.png", content)) for n, content in enumerate(parts)]
    answer = staff.client.post(f"{STAFF}/persons/{staff.ann}/faces", files=files)
    told = answer.json()
    assert answer.status_code == 201
    assert told["person"] == staff.ann
    assert not told["complete"]
    assert [(face["index"], face["is_new"], face["codes"]) for face in told["faces"]] == [
        (0, True, []),
        (3, False, ["same_photo"]),
    ]
    assert told["faces"][0]["face"] == told["faces"][1]["face"]
    assert [(one["index"], one["codes"]) for one in told["rejected"]] == [
        (1, ["unreadable"]),
        (2, ["several_faces"]),
    ]
    assert told["rejected"][1]["reasons"][0].startswith("images[2]: 2 faces found")


def test_a_face_is_as_the_gallery_shows_it(staff: Staff, settings: ServerSettings) -> None:
    listed = staff.client.get(f"{STAFF}/persons/{staff.ann}/faces").json()
    with Gallery.open(settings.gallery, key=settings.key_file) as gallery:
        assert listed["items"] == [face.to_dict() for face in gallery.collection("staff").faces("Ann")]
    assert listed["items"][0]["photo"] == hashlib.sha256(png_of(10)).hexdigest()
    assert "vector" not in str(listed)


def test_no_new_face_is_a_200(staff: Staff) -> None:
    none = staff.client.post(f"{STAFF}/persons/{staff.ann}/faces", files={"images": blank()})
    assert (none.status_code, none.json()["rejected"][0]["codes"]) == (200, ["no_face"])
    again = staff.enrol(staff.ann, 10)
    assert (again.status_code, again.json()["complete"]) == (200, True)


@pytest.mark.parametrize(
    ("review", "statuses"), [("off", (201, 201)), ("standard", (201, 200)), ("strict", (200, 200))]
)
def test_a_review_is_a_gate_and_strict_refuses_lookalikes(
    staff: Staff, review: str, statuses: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GATES._entries, "strict", GATES["standard"])  # drawn faces have too few shades for it
    lookalike = staff.enrol(staff.ben, 11, review=review)
    small = staff.client.post(
        f"{STAFF}/persons/{staff.ann}/faces", files={"images": png_of(14, SMALL)}, data={"review": review}
    )
    assert (lookalike.status_code, small.status_code) == statuses
    where = "rejected" if review == "strict" else "faces"
    (told,) = lookalike.json()[where]
    assert told["codes"] == ["looks_like"]
    assert [(one["person"], one["uid"]) for one in told["lookalikes"]] == [("Ann", staff.ann)]


def test_other_people_are_named_to_who_may_see_people(staff: Staff, make_key: MakeKey) -> None:
    seeing, blind = make_key("enrol,people"), make_key("enrol")
    path = f"{STAFF}/persons/{staff.ben}/faces"
    named = staff.client.post(path, files={"images": png_of(11)}, headers=seeing)
    unnamed = staff.client.post(path, files={"images": png_of(12)}, headers=blind)
    assert "looks like Ann" in named.text
    again = staff.client.post(path, files={"images": png_of(12)}, headers=blind)
    assert again.json()["faces"][0]["codes"][0] == "same_photo"
    assert not [name for name in ("Ann", "Ben") if name in unnamed.text + again.text]
    assert unnamed.json()["faces"][0]["lookalikes"] == []
    assert unnamed.json()["faces"][0]["reasons"] == ["The face is as similar to another person as a search asks for."]


def test_a_photo_of_another_person_is_told(staff: Staff) -> None:
    told = staff.enrol(staff.ben, 10).json()
    assert "photo_of_another" in told["faces"][0]["codes"]


def test_consent_comes_with_the_photos(staff: Staff) -> None:
    staff.enrol(staff.ann, 13, consent="signed", retain_until="2031-12-31")
    ann = staff.client.get(f"{STAFF}/persons/{staff.ann}").json()
    assert (ann["consent"], ann["purpose"], ann["retain_until"]) == ("signed", "", "2031-12-31")


def test_photos_of_nobody_enrol_nobody(staff: Staff) -> None:
    assert staff.enrol("Zoe", 10).status_code == 404
    assert [one["name"] for one in staff.client.get(f"{STAFF}/persons").json()["items"]] == ["Ann", "Ben"]


def test_who_is_erased_meanwhile_is_not_made_anew(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    really = Collection.add_faces

    def erased_first(self: Collection, who: object, faces: object) -> object:
        self.erase(staff.ann)
        return really(self, who, faces)  # type: ignore[arg-type]

    monkeypatch.setattr(Collection, "add_faces", erased_first)
    assert staff.enrol(staff.ann, 11).status_code == 404
    assert [one["name"] for one in staff.client.get(f"{STAFF}/persons").json()["items"]] == ["Ben"]


@pytest.mark.parametrize(
    "data", [{"review": "lax"}, {"faces": "all"}, {"retain_until": "soon"}, {"consent": "x" * 2001}]
)
def test_what_is_wrong_is_said_before_a_photo_is_read(staff: Staff, data: dict[str, str]) -> None:
    answer = staff.enrol(staff.ann, 10, **data)
    assert answer.status_code == 422
    assert next(iter(data)) in answer.json()["error"]["message"]


def test_there_are_so_many_photos_in_a_request(staff: Staff) -> None:
    assert staff.enrol(staff.ann, 1, 2, 3, 4, 5).status_code == 422
    assert staff.client.post(f"{STAFF}/persons/{staff.ann}/faces").status_code == 422


def test_a_collection_of_another_contract_is_refused(client: TestClient, settings: ServerSettings) -> None:
    with Gallery.open(settings.gallery, key=settings.key_file) as gallery:
        gallery.create_collection("other", contract="0" * 16, embedding_size=4).add_person("Ann")
    answer = client.post("/v1/collections/other/persons/Ann/faces", files={"images": png_of(10)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "contract_mismatch")
    answer = client.post("/v1/collections/other/identify", files={"image": png_of(10)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "contract_mismatch")


def test_a_crop_is_shown_where_it_was_kept(staff: Staff) -> None:
    kept = staff.enrol(staff.ann, 13, keep_crops="true").json()["faces"][0]["face"]
    answer = staff.client.get(f"{STAFF}/faces/{kept}/crop")
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/png", "no-store")
    assert np.asarray(Image.open(BytesIO(answer.content))).shape == (112, 112, 3)
    first = staff.client.get(f"{STAFF}/persons/{staff.ann}/faces").json()["items"][0]["uid"]
    missing = staff.client.get(f"{STAFF}/faces/{first}/crop")
    assert (missing.status_code, "keep_crops" in missing.text) == (404, True)


def test_faces_are_listed_moved_and_deleted(staff: Staff) -> None:
    staff.enrol(staff.ann, 11, 12)
    path = f"{STAFF}/persons/{staff.ann}/faces"
    first = staff.client.get(f"{path}?limit=2").json()
    second = staff.client.get(f"{path}?limit=2&cursor={first['next_cursor']}").json()
    uids = [face["uid"] for face in (*first["items"], *second["items"])]
    assert (len(uids), second["next_cursor"]) == (3, None)
    moved = staff.client.post(f"{STAFF}/faces/{uids[0]}/move", json={"person": staff.ben})
    assert (moved.json()["uid"], moved.json()["faces"]) == (staff.ben, 2)
    assert staff.client.delete(f"{STAFF}/faces/{uids[1]}").json()["faces"] == 1
    assert staff.client.delete(f"{STAFF}/faces/{uids[1]}").status_code == 404


def test_a_face_moves_only_to_where_the_key_is_for(staff: Staff, make_key: MakeKey) -> None:
    staff.client.post("/v1/collections", json={"name": "visitors"})
    staff.client.post("/v1/collections/visitors/persons", json={"name": "Zoe"})
    face = staff.client.get(f"{STAFF}/persons/{staff.ann}/faces").json()["items"][0]["uid"]
    body = {"person": "Zoe", "collection": "visitors"}
    one, both = make_key("manage", "staff"), make_key("manage", "staff", "visitors")
    assert staff.client.post(f"{STAFF}/faces/{face}/move", json=body, headers=one).status_code == 403
    assert staff.client.post(f"{STAFF}/faces/{face}/move", json=body, headers=both).json()["name"] == "Zoe"


def test_who_may_enrol_alone_does_not_bring_anybody_before_the_purge(staff: Staff, make_key: MakeKey) -> None:
    url, photos = f"{STAFF}/persons/{staff.ann}/faces", {"images": png_of(11)}
    said = {"retain_until": "2000-01-01", "purpose": "door"}
    assert staff.client.post(url, files=photos, data=said, headers=make_key("enrol")).status_code == 201
    everything = make_key("all")
    person = staff.client.get(f"{STAFF}/persons/{staff.ann}", headers=everything).json()
    assert (person["retain_until"], person["purpose"]) == (None, "door")
    staff.client.post(url, files={"images": png_of(12)}, data=said, headers=everything)
    assert staff.client.get(f"{STAFF}/persons/{staff.ann}", headers=everything).json()["retain_until"] == "2000-01-01"


def test_an_enrolment_is_no_search_for_who_may_not_search(staff: Staff, make_key: MakeKey) -> None:
    url, told = f"{STAFF}/persons/{staff.ben}/faces", {}
    for blue, scopes in ((11, "enrol"), (12, "enrol,identify")):
        answer = staff.client.post(url, files={"images": png_of(blue)}, headers=make_key(scopes))
        told[scopes] = answer.json()["faces"][0]
    assert (told["enrol"]["codes"], told["enrol"]["lookalikes"]) == (["looks_like"], [])
    assert staff.ann not in str(told["enrol"])
    assert told["enrol,identify"]["lookalikes"][0]["uid"] == staff.ann
