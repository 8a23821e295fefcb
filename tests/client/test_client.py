"""The client against a service that runs: typed answers, and errors that say what to do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from marginface.client import Client, Job, Receipt, Verification
from marginface.client.reading import read
from marginface.client.transport import Call
from marginface.errors import (
    AccessError,
    ConflictError,
    InputError,
    NotFoundError,
    RequestError,
    ServiceUnreachable,
    StorageError,
    UnreadableImage,
)
from marginface.gallery import Gallery
from marginface.server.settings import ServerSettings
from oracles.enrolments import red_recognizer
from oracles.patience import PATIENCE
from oracles.sent_archives import zip_of
from oracles.served import png_of

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.enable_socket]


def test_verify_answers_what_the_recognizer_says(service: Client, tmp_path: Path) -> None:
    photo = tmp_path / "ann.png"
    photo.write_bytes(png_of(10))
    answer = service.verify(photo, png_of(12), fmr=0.01, crops=True)
    expected = red_recognizer().verify(png_of(10), png_of(12), fmr=0.01)
    assert isinstance(answer, Verification)
    assert bool(answer) is bool(expected) is True
    assert answer.similarity == pytest.approx(expected.similarity, abs=1e-4)
    assert (answer.calibration.fmr, answer.contract) == (0.01, expected.contract)
    assert answer.explain() == expected.explain()
    assert answer.crops is not None
    assert answer.crops[0] is not None
    assert answer.crops[0].startswith(b"\x89PNG")


def test_an_answer_does_not_change(service: Client) -> None:
    found = service.detect(png_of(10))
    with pytest.raises(ValueError, match="frozen"):
        found.faces = ()  # type: ignore[misc]


def test_detect_compare_and_embed(service: Client) -> None:
    found = service.detect(png_of(10), crops=True)
    assert found
    assert len(found.faces) == 1
    assert found.faces[0].crop is not None
    compared = service.compare([png_of(10), png_of(12), png_of(120)], fmr=0.01)
    assert compared.decisions[0] == ("same", "same", "different")
    embedded = service.embed(png_of(10))
    np.testing.assert_allclose(embedded.faces[0].embedding, red_recognizer().embed(png_of(10)).vector, atol=1e-6)


def test_a_person_comes_is_found_and_goes(service: Client) -> None:
    staff = service.collection("staff")
    ann = staff.add_person("Ann Example", consent="signed", retain_until=date(2040, 1, 31))
    assert (ann.collection, ann.retain_until) == ("staff", date(2040, 1, 31))
    with pytest.raises(ConflictError):
        staff.add_person("Ann Example")

    enrolment = staff.enrol(ann, [png_of(10), b"no photo"])
    assert not enrolment
    assert [face.index for face in enrolment.faces] == [0]
    assert [(one.index, one.codes) for one in enrolment.rejected] == [(1, ("unreadable",))]

    found = staff.identify(png_of(11), fpir=0.01)
    assert found.people == ("Ann Example",)
    assert found.faces[0].candidates[0].uid == ann.uid

    changed = staff.change_person(ann, name="Anne Example", purpose="door")
    assert (changed.name, changed.purpose, changed.consent) == ("Anne Example", "door", "signed")
    assert staff.keep_until(ann, None).retain_until is None
    (face,) = staff.faces(ann)
    with pytest.raises(NotFoundError, match="crop"):
        staff.crop(face.uid)

    receipt = staff.erase("Anne Example")
    assert isinstance(receipt, Receipt)
    assert receipt
    assert receipt.people == (ann.uid,)
    assert not staff.identify(png_of(11))
    with pytest.raises(NotFoundError) as told:
        staff.person(ann)
    assert (told.value.status, told.value.code) == (404, "not_found")
    assert told.value.request_id


def test_enrol_adds_who_is_not_there_and_never_an_opaque_id(service: Client) -> None:
    staff = service.collection("staff")
    assert staff.enrol("Cem Example", [png_of(60)], keep_crops=True)
    (face,) = staff.faces("Cem Example")
    assert staff.crop(face.uid).startswith(b"\x89PNG")
    with pytest.raises(NotFoundError):
        staff.enrol("p-0123456789abcdef", [png_of(60)])
    staff.erase("Cem Example")


def test_merge_move_and_delete(service: Client) -> None:
    staff, visitors = service.collection("staff"), service.collection("visitors")
    staff.enrol("Dan", [png_of(30)])
    staff.enrol("Daniel", [png_of(31)])
    assert staff.merge("Dan", "Daniel").faces == 2
    first, second = staff.faces("Daniel")
    assert staff.delete_face(first.uid).name == "Daniel"
    assert staff.move("Daniel", "visitors").collection == "visitors"
    visitors.add_person("Eve")
    assert visitors.move_face(second.uid, "Eve").name == "Eve"
    visitors.erase("Eve")
    visitors.erase("Daniel")


def test_listings_are_walked_page_by_page(service: Client) -> None:
    visitors = service.collection("visitors")
    for number in range(60):
        visitors.add_person(f"Visitor {number:02d}")
    assert [person.name for person in visitors.people()] == [f"Visitor {number:02d}" for number in range(60)]
    assert [person.name for person in visitors.people(named="tor 1")] == [
        f"Visitor {number}" for number in range(10, 20)
    ]


def test_collections_come_change_and_go(service: Client) -> None:
    made = service.create_collection("guests")
    assert made.contract == red_recognizer().contract.id
    assert {"guests", "staff", "visitors"} <= {info.name for info in service.collections()}
    assert service.collection("guests").rename("former guests").uid == made.uid
    former = service.collection("former guests")
    assert former.stats().people == 0
    assert former.check()
    assert service.erase_collection(made.uid).action == "erase-collection"


def test_an_archive_is_written_once_and_can_be_imported(
    service: Client, settings: ServerSettings, tmp_path: Path
) -> None:
    staff = service.collection("staff")
    staff.enrol("Fay", [png_of(70)])
    archive = staff.export(tmp_path / "staff.archive", passphrase="correct horse battery")
    assert archive.stat().st_mode & 0o077 == 0
    with pytest.raises(StorageError, match="cannot make"):
        staff.export(archive, passphrase="correct horse battery")
    with pytest.raises(RequestError):
        staff.export(tmp_path / "short.archive", passphrase="short")
    assert not (tmp_path / "short.archive").exists()
    with Gallery.create(tmp_path / "other.db", sealed=False) as other:
        other.import_archive(archive, passphrase="correct horse battery")
        assert other.collection("staff").has_person("Fay")
    staff.erase("Fay")


def test_what_it_is_and_who_asks(service: Client) -> None:
    about = service.about()
    assert about.contract == red_recognizer().contract.id
    assert "identify" in about.caller.scopes
    assert service.is_alive()
    assert service.is_ready()
    assert service.check_audit()
    assert next(service.audit()).actor == f"key {about.caller.key}"
    assert service.openapi()["info"]["title"] == "marginface"


def test_a_job_is_started_followed_and_read(service: Client, tmp_path: Path) -> None:
    archive = tmp_path / "people.zip"
    archive.write_bytes(zip_of({"Gil/1.png": png_of(40), "Gil/2.png": png_of(44), "Hal/none.png": b"no photo"}))
    seen = []
    job = service.jobs.enrol(archive, "staff", review="standard", strip=0, about={"consent": "signed"})
    assert job.collection == "staff"
    done = service.jobs.wait(job, timeout=PATIENCE, progress=lambda now: seen.append(now.state))
    assert done, done.message
    assert (done.done, done.total, done.summary["enrolled"]) == (3, 3, 2)
    assert seen[-1] == "done"
    assert {item["photo"]: item["outcome"] for item in service.jobs.result(job.id)} == {
        "Gil/1.png": "enrolled",
        "Gil/2.png": "enrolled",
        "Hal/none.png": "refused",
    }
    assert service.collection("staff").person("Gil").consent == "signed"
    assert job.id in {one.id for one in service.jobs}
    service.jobs.cancel(job.id)
    with pytest.raises(NotFoundError):
        service.jobs.get(job.id)
    with pytest.raises(StorageError, match=r"nothing\.zip"):
        service.jobs.enrol(tmp_path / "nothing.zip", "staff")
    service.collection("staff").erase("Gil")


def test_waiting_has_an_end(service: Client) -> None:
    waiting = read(Job, service._transport.json(Call("POST", "v1/jobs", json={"kind": "enrol", "collection": "staff"})))
    with pytest.raises(ServiceUnreachable, match="it goes on"):
        service.jobs.wait(waiting, timeout=0.3)
    assert service.jobs.cancel(waiting.id).state == "cancelled"


def test_a_key_may_do_what_it_was_made_for(client_for: object) -> None:
    narrow = client_for("identify,people", "staff")  # type: ignore[operator]
    assert [info.name for info in narrow.collections()] == ["staff"]
    with pytest.raises(AccessError, match="scope 'verify'") as told:
        narrow.verify(png_of(10), png_of(11))
    assert told.value.status == 403
    with pytest.raises(AccessError, match="no other collection"):
        next(narrow.collection("visitors").people())


def test_no_key_and_a_wrong_one(address: str, service: Client) -> None:
    for key in (None, "mf_000000000000_" + "x" * 43):
        with Client(address, key) as nobody, pytest.raises(AccessError, match="keys create") as told:
            nobody.about()
        assert told.value.status == 401


def test_a_wrong_word_is_refused_with_what_there_is(service: Client) -> None:
    with pytest.raises((RequestError, NotFoundError), match="usable"):
        service.detect(png_of(10), quality="best")


def test_what_is_no_photo_never_leaves(service: Client) -> None:
    with pytest.raises(UnreadableImage, match=r"nowhere\.jpg"):
        service.detect("nowhere.jpg")
    with pytest.raises(InputError, match="give a list"):
        service.compare("a.jpg")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no photo"):
        service.compare([])
    with pytest.raises(InputError, match="path, or the bytes"):
        service.detect(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "address",
    [
        *("faces.example", "ftp://faces.example", "http://", "http://a:b@faces.example"),
        *("http://[::1", "http://127.0.0.1:port", "http://127.0.0.1:99999", "http://127.0.0.1:0"),
    ],
)
def test_an_address_is_one(address: str) -> None:
    with pytest.raises(InputError, match="address of a service"):
        Client(address)


def test_a_key_does_not_go_in_clear() -> None:
    with pytest.raises(InputError, match="in clear"):
        Client("http://faces.example", "mf_1_2")
    Client("http://faces.example", "mf_1_2", plain=True).close()
    Client("https://faces.example", "mf_1_2").close()
    Client("http://[::1]:8000", "mf_1_2").close()


@pytest.mark.parametrize("key", ["", "mf_1_2 ", "mf 1_2", "mf_1_2\n", "mf_1_ü"])
def test_a_key_that_is_none_is_told_before_anything_is_sent(key: str) -> None:
    with pytest.raises(InputError, match="a key is as mf_"):
        Client("http://127.0.0.1:8000", key)


def test_the_key_is_not_shown() -> None:
    with Client("http://127.0.0.1:1", "mf_secret_key") as client:
        assert "mf_secret" not in repr(client) + repr(client.collection("staff")) + repr(client.jobs)


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.pem"):
        Client("https://faces.example", ca=tmp_path / "nothing.pem")
