"""gallery enrol, identify, migrate, import-from, called as a user calls them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from marginface import cli, embedding
from marginface.cropping import cropper
from marginface.data.synthetic import draw_photo
from marginface.enrolment import folder_of_people
from marginface.gallery import Gallery
from marginface.pipeline import recognizer
from oracles.enrolments import FACE, write_people, write_photo
from oracles.patience import PATIENCE
from oracles.red_faces import BlueEmbedder, RedDetector

BLUES = {"Ann": (0, 12), "Bob": (100,)}


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(cli.app, ["gallery", *(str(argument) for argument in arguments)])


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a gallery and people's photos, and commands that use the red detector and the blue embedder."""

    def load(model: str, *, mirror: bool = False, engine: str = "") -> BlueEmbedder:
        blue = BlueEmbedder()
        return blue if not mirror else BlueEmbedder(blue.card.model_copy(update={"name": "other", "sha256": "1" * 64}))

    monkeypatch.setattr(cropper, "load_detector", lambda name: RedDetector())
    monkeypatch.setattr(recognizer, "load_embedder", load)
    monkeypatch.setattr(embedding, "load_embedder", load)
    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    write_people(tmp_path / "photos", BLUES)
    assert call("create", "people.db", "--unsealed").exit_code == 0
    return tmp_path


def test_a_folder_is_enrolled_and_enrolled_again_and_what_failed_is_said_at_once(drawn: Path) -> None:
    answer = call("enrol", "people.db", "--folder", "photos", "--consent", "signed", "--keep-until", "2099-01-31")
    assert (answer.exit_code, answer.stdout) == (0, "2 people: 3 enrolled, 0 known, 0 refused.\n")
    write_photo(drawn / "photos" / "Cem" / "two.png", 60, FACE, (20, 20, 70, 80))
    again = call("enrol", "people.db", "--folder", "photos")
    assert again.exit_code == 3
    assert again.stdout.splitlines() == [
        "photos/Cem/two.png: refused.",
        "  photos/Cem/two.png: 2 faces found, exactly one is wanted. Cut the photo to the face that is meant.",
        "2 people: 0 enrolled, 3 known, 1 refused.",
        "       1  several_faces      Several faces were found where exactly one is wanted.",
        "Nobody enrolled as Cem.",
    ]
    with Gallery.open("people.db") as gallery:
        about = gallery.collection().person("Ann").about
        assert (about.consent, str(about.retain_until)) == ("signed", "2099-01-31")


def test_one_person_by_name_and_photos_as_json(drawn: Path) -> None:
    write_photo(drawn / "bad.png", 220)
    answer = call("enrol", "people.db", "Ann", "photos/Ann/000.png", "bad.png", "--json", "--keep-crops")
    values = json.loads(answer.stdout)
    assert answer.exit_code == 3
    assert [(one["outcome"], one["codes"]) for one in values["photos"]] == [("enrolled", []), ("refused", ["no_face"])]
    assert (values["complete"], values["enrolled"], values["refused"]) == (False, 1, 1)
    with Gallery.open("people.db") as gallery:
        (face,) = gallery.collection().faces("Ann")
        assert (face.uid, face.has_crop) == (values["photos"][0]["face"], True)


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["people.db"], "say whom and from what"),
        (["people.db", "Ann"], "say whom and from what"),
        (["people.db", "Ann", "x.png", "--folder", "photos"], "leave out 'Ann'"),
        (["people.db", "--folder", "nowhere"], "nowhere: no such folder"),
        (["people.db", "Ann", "photos", "--face", "all"], "unknown face policy 'all'"),
        (["people.db", "Ann", "photos", "--quality", "fine"], "unknown quality gate 'fine'"),
        (["nothing.db", "Ann", "photos"], "nothing.db"),
    ],
)
def test_a_wrong_call_is_one_message_and_status_2(arguments: list[str], message: str) -> None:
    answer = call("enrol", *arguments)
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert answer.stdout == ""


def test_identify_says_who_it_is_by_its_words_and_its_status(drawn: Path) -> None:
    call("enrol", "people.db", "--folder", "photos")
    known, stranger, nobody = (write_photo(drawn / f"{blue}.png", blue) for blue in (99, 199, 230))
    answer = call("identify", "people.db", known, "--fpir", "0.01")
    assert answer.exit_code == 0
    assert "Bob, similarity 1.000" in answer.stdout
    assert call("identify", "people.db", known, stranger).exit_code == 1
    assert call("identify", "people.db", known, stranger, nobody).exit_code == 3
    broken = call("identify", "people.db", known, "photos", "--json")
    assert broken.exit_code == 2
    values = json.loads(broken.stdout)
    assert [one["decision"] for one in values] == ["match", "cannot tell"]
    assert values[0]["faces"][0]["person"] == "Bob"
    assert values[0]["comparisons"] == 3


def test_a_rate_that_no_data_supports_is_an_error_with_what_to_do(drawn: Path) -> None:
    call("enrol", "people.db", "--folder", "photos")
    answer = call("identify", "people.db", "photos/Ann/000.png", "--fpir", "1e-6")
    assert answer.exit_code == 2
    assert "a search among 3 faces at FPIR 1e-06 needs a threshold for FMR 3.3e-07" in answer.stderr


def test_another_model_is_refused_and_migrate_makes_it_fit(drawn: Path) -> None:
    call("enrol", "people.db", "--folder", "photos", "--keep-crops")
    call("enrol", "people.db", "Dov", write_photo(drawn / "dov.png", 180))
    refused = call("identify", "people.db", "photos/Bob/100.png", "--mirror")
    assert refused.exit_code == 2
    assert "marginface gallery migrate people.db --model other" in refused.stderr
    migrated = call("migrate", "people.db", "--mirror", "--erase-old", "--json")
    values = json.loads(migrated.stdout)
    assert migrated.exit_code == 3
    assert (values["faces"], values["to_enrol"], values["erased"]["complete"]) == (3, ["Dov"], True)
    answer = call("identify", "people.db", "photos/Bob/100.png", "--mirror")
    assert (answer.exit_code, "Bob" in answer.stdout) == (0, True)
    again = call("migrate", "people.db", "--mirror")
    assert (again.exit_code, "already" in again.stderr) == (2, True)


def test_deepface_is_taken_over_by_its_photos_or_by_its_vectors(drawn: Path) -> None:
    vectors = np.random.default_rng(1).normal(size=(3, 8))
    paths = [str(one.path.relative_to(drawn)) for one in folder_of_people(drawn / "photos").photos]
    name = "ds_model_arcface_detector_yunet_aligned_normalization_base_expand_0.npz"
    np.savez(drawn / name, identity=np.array(paths), embedding=vectors)
    answer = call("import-from", "deepface", name, "people.db")
    assert (answer.exit_code, answer.stdout) == (0, "2 people: 3 enrolled, 0 known, 0 refused.\n")
    taken = call("import-from", "deepface", name, "people.db", "--take", "vectors", "--json")
    values = json.loads(taken.stdout)
    assert (taken.exit_code, values["new"], values["collection"]) == (0, 3, "deepface")
    assert values["contract"] == "foreign:deepface/arcface/yunet/aligned/base/0"
    refused = call("identify", "people.db", paths[0], "--collection", "deepface")
    assert (refused.exit_code, "which only that system can search" in refused.stderr) == (2, True)
    np.savez(drawn / name, identity=np.array(["gone/Ann/1.jpg"]), embedding=vectors[:1])
    gone = call("import-from", "deepface", name, "people.db")
    assert (gone.exit_code, "--photos DIR" in gone.stderr) == (2, True)
    unknown = call("import-from", "deepfaces", name, "people.db")
    assert (unknown.exit_code, "Did you mean 'deepface'?" in unknown.stderr) == (2, True)


def test_drawn_people_by_the_real_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    for person in range(2):
        for number in range(2):
            place = tmp_path / "photos" / f"person {person}" / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw_photo(7 * person, number, strength=0.1)[0]).save(place)
    assert call("create", "people.db").exit_code == 0
    enrolled = call("enrol", "people.db", "--folder", "photos", "--json", "--quality", "off")
    values = json.loads(enrolled.stdout)
    assert values["enrolled"] == 4, enrolled.stdout
    Image.fromarray(draw_photo(7, 5, strength=0.1)[0]).save(tmp_path / "asked.png")
    answer = call("identify", "people.db", "asked.png", "--json", "--quality", "off", "--fpir", "0.4")
    candidates = json.loads(answer.stdout)[0]["faces"][0]["candidates"]
    assert candidates[0]["person"] == "person 1"


@pytest.mark.skipif(os.name != "posix", reason="there is no Ctrl-C to send here")
def test_ctrl_c_keeps_what_is_written_and_the_same_command_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    stream = BytesIO()
    Image.fromarray(draw_photo(1, 0, size=(240, 320), strength=0.1)[0]).save(stream, "PNG")
    (tmp_path / "Ann").mkdir()
    for number in range(70):
        (tmp_path / "Ann" / f"{number:03d}.png").write_bytes(stream.getvalue() + str(number).encode())
    assert call("create", "people.db").exit_code == 0
    command = [sys.executable, "-m", "marginface", "gallery", "enrol", "people.db", "Ann", "Ann", "--quality", "off"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with Gallery.open("people.db") as gallery:
        collection = gallery.collection()
        for _ in range(600):
            if collection.people() or process.poll() is not None:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=PATIENCE)
        assert (process.returncode, "What was written stays" in told) == (130, True)
        kept = collection.person("Ann").faces
        assert 0 < kept < 70
        assert kept % 32 == 0
        assert subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE).returncode == 0
        assert collection.person("Ann").faces == 70
