"""marginface gallery: what the commands print, their exit status, and that they say what to do."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from marginface.cli import app
from marginface.gallery import About, Gallery
from marginface.gallery.sealing.keys import default_key_path
from oracles.galleries import new_face

runner = CliRunner()
SFACE = "59b08417f911d62a"


@pytest.fixture(autouse=True)
def own_config(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path_factory.mktemp("config")))
    monkeypatch.setenv("COLUMNS", "160")
    for name in ("MARGINFACE_GALLERY_KEY", "MARGINFACE_ARCHIVE_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def place(tmp_path: Path) -> str:
    """Return a gallery for SFace with three people."""
    path = tmp_path / "people.db"
    chance = np.random.default_rng(0)
    with Gallery.create(path) as gallery:
        people = gallery.create_collection("people", contract=SFACE, embedding_size=128)
        for name, photos in {"Ann Example": ["a", "b"], "Ben": ["c"], "Cem": []}.items():
            faces = [new_face(chance, photo, size=128, contract=SFACE, crop=b"crop") for photo in photos]
            people.add_many({name: faces}, About("signed", "the door", date(2030, 1, 31)))
    return str(path)


def say(*arguments: str, status: int = 0) -> str:
    answer = runner.invoke(app, ["gallery", *arguments])
    assert answer.exit_code == status, answer.output
    return answer.stdout if status in (0, 1) else answer.stderr


def told(*arguments: str, status: int = 0) -> object:
    return json.loads(say(*arguments, "--json", status=status))


def names(place: str) -> list[str]:
    return [person["name"] for person in told("list", place)]  # type: ignore[attr-defined]


def test_create_makes_a_gallery_for_a_model_and_its_key_and_then_another_collection(tmp_path: Path) -> None:
    place = str(tmp_path / "people.db")
    text = say("create", place)
    assert "collection people, for sface (contract " in text
    assert f"Sealed by the key in {default_key_path()}" in text
    made = told("create", place, "--collection", "visitors", "--rotated")
    assert isinstance(made, dict)
    assert (made["collection"], made["embedding_size"], made["key"]) == ("visitors", 128, str(default_key_path()))
    assert "already" in say("create", place, status=2)
    assert "whether it is sealed was said" in say("create", place, "--unsealed", status=2)
    assert "Unsealed" in say("create", str(tmp_path / "open.db"), "--unsealed")
    assert "key file" in say("list", place, "--key-file", str(tmp_path / "no.key"), status=2)
    assert "name of a collection" in say(
        "create", str(tmp_path / "new.db"), "--unsealed", "--collection", "\t", status=2
    )
    assert not (tmp_path / "new.db").exists(), "the command with another name would find a gallery there"


def test_list_and_show(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = say("list", place)
    assert "people: 3 people" in text
    assert [word in text for word in ("Ann Example", "the door", "2030-01-31")] == [True] * 3
    assert names(place) == ["Ann Example", "Ben", "Cem"]
    monkeypatch.setenv("COLUMNS", "60")
    ids = [person["uid"] for person in told("list", place)]  # type: ignore[attr-defined]
    assert [uid in say("list", place) for uid in ids] == [True] * 3  # whole, to be copied
    text = say("show", place, "Ann Example")
    assert "Consent: signed" in text
    assert text.count("crop kept") == 2
    shown = told("show", place, "Ann Example")
    assert isinstance(shown, dict)
    assert len(shown["faces"]) == 2
    assert "vector" not in shown["faces"][0]
    assert "Did you mean 'Ann Example'" in say("show", place, "Anne Example", status=2)


def test_a_last_day_that_is_past_is_refused(place: str) -> None:
    assert "the next purge would erase them" in say("describe", place, "Ben", "--keep-until", "2020-01-31", status=2)
    words = ("enrol", place, "Ben", "b.jpg", "--keep-until", "2020-01-31")
    assert "the next purge would erase them" in say(*words, status=2)
    assert told("show", place, "Ben")["retain_until"] == "2030-01-31"  # type: ignore[index]


def test_rename_describe_merge_move_delete(place: str) -> None:
    assert "is Dora now" in say("rename", place, "Cem", "Dora")
    say("describe", place, "Dora", "--purpose", "the garage", "--keep-until", "2099-02-03")
    shown = told("show", place, "Dora")
    assert isinstance(shown, dict)
    assert (shown["consent"], shown["purpose"], shown["retain_until"]) == ("signed", "the garage", "2099-02-03")
    assert "Ben has 1 face now" in say("merge", place, "Dora", "Ben")
    say("create", place, "--collection", "visitors")
    assert "Ben, in visitors: 1 face" in say("move", place, "Ben", "visitors", "-c", "people")
    face = told("show", place, "Ann Example", "-c", "people")["faces"][0]["uid"]  # type: ignore[index]
    assert "Ben, in visitors: 2 faces" in say("move", place, face, "Ben", "-c", "people", "--to-collection", "visitors")
    assert "Ben has 1 face left" in say("delete", place, face, "-c", "visitors")
    assert "deleted, with 1 face" in say("delete", place, "Ben", "-c", "visitors")
    assert names(place) == ["Ann Example"]
    assert "several collections" in say("delete", place, "Ann Example", status=2)


def test_changes_of_people_are_told_as_json_too(place: str) -> None:
    say("create", place, "--collection", "visitors")
    at = ("-c", "people")
    assert told("rename", place, "Cem", "Dora", *at)["name"] == "Dora"  # type: ignore[index]
    described = told("describe", place, "Dora", "--purpose", "the garage", *at)
    assert isinstance(described, dict)
    assert (described["consent"], described["purpose"], described["retain_until"]) == (
        "signed",
        "the garage",
        "2030-01-31",
    )
    assert told("merge", place, "Dora", "Ben", *at)["faces"] == 1  # type: ignore[index]
    assert told("move", place, "Ben", "visitors", *at)["collection"] == "visitors"  # type: ignore[index]
    assert told("delete", place, "Ben", "-c", "visitors")["name"] == "Ben"  # type: ignore[index]


def test_erase_prints_a_receipt_and_audit_knows_its_hash(place: str) -> None:
    text = say("erase", place, "Ann Example", "Cem")
    assert "2 people, 2 faces, 2 crops" in text
    assert "Complete." in text
    assert "Ann" not in text
    head = text.split("Audit: ")[1].strip()
    assert "The chain holds" in say("audit", place, "--head", head)
    assert "no entry has the hash" in say("audit", place, "--head", "0" * 63 + "1", status=1)
    assert names(place) == ["Ben"]
    (receipt,) = told("erase", place, "Ben")  # type: ignore[misc]
    assert receipt["complete"]
    assert receipt["files"][0]["traces"] == 0
    assert "say whom to erase" in say("erase", place, status=2)


def test_a_whole_collection_is_erased_after_a_question(place: str) -> None:
    for said in ("n\n", ""):  # the second: a script, which is asked and has nobody to answer
        answer = runner.invoke(app, ["gallery", "erase", place, "--whole-collection", "people"], input=said)
        assert answer.exit_code == 2, "1 says that they are gone, and that this could not be verified"
        assert "nothing was erased" in answer.stderr
    assert len(names(place)) == 3
    assert "3 people, 3 faces" in say("erase", place, "--whole-collection", "people", "--yes")
    assert names(place) == []


def test_purge_erases_whose_day_has_passed(place: str) -> None:
    assert "0 people" in say("purge", place)
    (receipt,) = told("purge", place, "--today", "2030-02-01")  # type: ignore[misc]
    assert (len(receipt["people"]), receipt["action"]) == (3, "purge")


def test_export_and_import_by_a_passphrase_and_in_clear(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "words").write_text("correct horse battery\n", encoding="utf-8")
    archive, clear = str(tmp_path / "archive"), str(tmp_path / "clear")
    assert "3 people, 3 faces" in say("export", place, archive, "--passphrase-file", str(tmp_path / "words"))
    assert "NOT sealed" in say("export", place, clear, "--clear", "--person", "Ben")
    assert "needs a passphrase" in say("export", place, archive, status=2)
    (tmp_path / "windows").write_text("correct horse battery\r\n", encoding="utf-8-sig")
    assert "0 new faces, 3 known" in say("import", place, archive, "--passphrase-file", str(tmp_path / "windows"))
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    assert "expected a passphrase" in say(
        "import", place, archive, "--passphrase-file", str(tmp_path / "photo.jpg"), status=2
    )
    new = str(tmp_path / "new.db")
    say("create", new)
    assert told("import", new, clear) == {"collections": 1, "people": 1, "faces": 1, "faces_known": 0}
    monkeypatch.setenv("MARGINFACE_ARCHIVE_PASSPHRASE", "correct horse battery")
    assert "2 new faces, 1 known" in say("import", new, archive)
    assert names(new) == names(place)
    monkeypatch.setenv("MARGINFACE_ARCHIVE_PASSPHRASE", "wrong horse battery")
    assert "does not open with this passphrase" in say("import", new, archive, status=2)
    assert "No such file" in say("import", new, str(tmp_path / "none"), status=2)


def test_stats_check_and_audit(place: str) -> None:
    text = say("stats", place)
    assert "people: 3 people, 3 faces, 3 crops" in text
    assert "people without a face: 1" in text
    stats = told("stats", place)
    assert isinstance(stats, dict)
    assert stats["collections"][0]["faces"] == 3
    assert "All is well" in say("check", place)
    checked = told("check", place)
    assert isinstance(checked, dict)
    assert checked["ok"]
    text = say("audit", place, "--last", "2")
    assert text.count("add-") == 2
    report = told("audit", place)
    assert isinstance(report, dict)
    assert report["ok"]
    assert len(report["last"]) == report["entries"]


def test_check_ends_with_status_1_where_something_is_wrong(place: str) -> None:
    import sqlite3

    connection = sqlite3.connect(place)
    connection.execute("UPDATE templates SET sealed = x'00' WHERE face_id = 1")
    connection.commit()
    connection.close()
    assert "1 finding:" in say("check", place, status=1)


def test_another_key_and_new_data_keys(place: str, tmp_path: Path) -> None:
    new = tmp_path / "elsewhere" / "new.key"
    change = told("rotate-key", place, str(new), "--data-keys")
    assert isinstance(change, dict)
    assert (change["collections"], change["resealed"], change["log_emptied"]) == (1, 1, True)
    assert "is sealed by key" in say("check", place, status=2)
    assert "All is well" in say("check", place, "--key-file", str(new))
    assert "nothing to copy" in say("migrate-schema", place)


def test_a_gallery_that_is_none_is_one_message(tmp_path: Path) -> None:
    assert "there is no gallery" in say("list", str(tmp_path / "people.db"), status=2)
    (tmp_path / "notes.txt").write_text("notes", encoding="utf-8")
    assert "is not a gallery of marginface" in say("check", str(tmp_path / "notes.txt"), status=2)
    assert "mysql://" in say("stats", "mysql://server/faces", status=2)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.sampled_from(["show", "rename", "merge", "move", "delete", "erase", "describe"]),
    st.lists(st.text(max_size=30) | st.sampled_from(["Ann Example", "Ben", "people", "--keep-until"]), max_size=3),
)
def test_whatever_is_typed_ends_with_a_status_and_never_with_a_traceback(
    place: str, verb: str, words: list[str]
) -> None:
    answer = runner.invoke(app, ["gallery", verb, place, *words])
    assert answer.exit_code in (0, 1, 2)
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    with Gallery.open(place) as gallery:
        assert gallery.check()
