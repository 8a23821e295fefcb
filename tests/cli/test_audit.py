"""`marginface data audit` as a user calls it, and the list of exclusions in a recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from marginface import cli, embedding
from marginface.data.convert import convert
from marginface.data.crops.encoded import EncodedCrops
from marginface.data.crops.exclusions import Exclusions, read_exclusions
from marginface.data.crops.folder import IdentityFolders
from marginface.data.packs import open_images
from marginface.errors import DataError
from marginface.training import recipe_from
from marginface.training.feed.sources import open_data
from oracles.audits import jpeg, photo, png
from oracles.mean_color import MeanColor


@pytest.fixture(autouse=True)
def own_cache_and_embedder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARGINFACE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(embedding, "load_embedder", lambda _, engine="": MeanColor())


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """Ann has a copy, Bob a photo of Ann's, Cy only one photo."""
    root = tmp_path / "crops"
    contents = {
        "Ann/1.png": png(photo(1, 112, 112)),
        "Ann/2.jpg": jpeg(photo(1, 112, 112), 60),
        "Ann/3.png": png(photo(2, 112, 112)),
        "Bob/1.png": png(photo(3, 112, 112)),
        "Bob/2.png": png(photo(4, 112, 112)),
        "Bob/3.jpg": jpeg(photo(2, 112, 112), 60),
        "Cy/1.png": png(photo(5, 112, 112)),
        "Cy/2.png": b"no image",
    }
    for name, content in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(cli.app, ["data", "audit", *(str(argument) for argument in arguments)])


def test_the_findings_are_printed_and_written(crops: Path, tmp_path: Path) -> None:
    files = {kind: tmp_path / "out" / f"audit.{kind}" for kind in ("json", "html", "toml")}
    answer = call(crops, "--no-embed", "--out", files["json"], "--report", files["html"], "--exclusions", files["toml"])
    assert answer.exit_code == 0, answer.output
    for text in ("8 images of 3 identities", "unreadable: 1", "Ann/1.png, Ann/2.jpg", "Ann/3.png, Bob/3.jpg"):
        assert text in answer.stdout
    assert "one person from similarity" not in answer.stdout
    values = json.loads(files["json"].read_text(encoding="utf-8"))
    assert values["one_photo_under_several_identities"] == [{"images": ["Ann/3.png", "Bob/3.jpg"], "identical": False}]
    assert values["labels"] is None
    page = files["html"].read_text(encoding="utf-8")
    assert page.count("<img") == 4
    assert "http://" not in page
    assert set(read_exclusions(files["toml"]).images) == {"Ann/2.jpg", "Ann/3.png", "Bob/3.jpg"}


def test_faces_are_compared_with_a_stated_threshold(crops: Path, tmp_path: Path) -> None:
    answer = call(crops, "--against", crops, "--out", tmp_path / "audit.json")
    assert answer.exit_code == 0, answer.output
    assert "one person from similarity" in answer.stdout
    assert "every two of 7 images of 3 identities of this data" in answer.stdout
    assert "identities of one name: 3" in answer.stdout
    assert "photos in both: 11" in answer.stdout
    assert f"Kept: {tmp_path / 'cache' / 'audit'}" in answer.stdout
    given = call(crops, "--threshold", "0.9")
    assert "one person from similarity 0.900 (given by --threshold" in given.stdout


def test_the_evaluation_set_may_be_a_url_too(crops: Path) -> None:
    answer = call(crops, "--no-embed", "--against", f"file://{crops}")
    assert answer.exit_code == 0, answer.output
    assert "identities of one name: 3" in answer.stdout


def test_wrong_input_is_one_message(crops: Path, tmp_path: Path) -> None:
    for arguments, message in (
        ((tmp_path / "none",), "expected train.rec, tar shards"),
        ((crops, "--pairs", "pairs.txt"), "--pairs belongs to --against"),
        ((crops, "--exclusions", "names.txt"), "ends in .toml"),
        ((crops, "--threshold", "30"), "between 0 and 1; got 30"),
        ((crops, "--fmr", "0"), "between 0 and 1; got 0"),
        ((crops, crops / "Ann"), "expected a folder with one folder per identity"),
    ):
        answer = call(*arguments)
        assert (answer.exit_code, answer.stdout) == (2, "")
        assert answer.stderr.startswith("marginface: ")
        assert message in answer.stderr


def test_a_recipe_leaves_out_what_the_list_says_and_says_so(crops: Path, tmp_path: Path) -> None:
    listed = tmp_path / "audit.toml"
    assert call(crops, "--no-embed", "--exclusions", listed).exit_code == 0
    listed.write_text(listed.read_text() + "\n", encoding="utf-8")
    section = {"source": "folders", "folders": [str(crops)], "exclude": str(listed), "min_images": 1}
    data = open_data(recipe_from({"data": section}))
    assert len(data.train.labels) == 4
    assert data.description["excluded_images"] == [
        "Ann/2.jpg: a copy of Ann/1.png",
        "Ann/3.png: one photo under 2 identities: Ann, Bob",
        "Bob/3.jpg: one photo under 2 identities: Ann, Bob",
    ]
    without = open_data(recipe_from({"data": {**section, "exclude": ()}}))
    assert without.fingerprint != data.fingerprint


@pytest.mark.parametrize("check", ["images", "index"])
@pytest.mark.parametrize("kind", ["recordio", "tar"])
def test_packs_leave_out_what_their_own_audit_names(crops: Path, tmp_path: Path, kind: str, check: str) -> None:
    (crops / "Cy" / "2.png").unlink()
    convert(open_images(crops), tmp_path / "pack", kind)
    listed = tmp_path / "audit.toml"
    assert call(tmp_path / "pack", "--no-embed", "--exclusions", listed).exit_code == 0
    section = {"source": "packed", "path": str(tmp_path / "pack"), "exclude": str(listed), "check": check}
    data = open_data(recipe_from({"data": {**section, "min_images": 1}}))
    pixels = data.train.read(np.arange(len(data.train.labels)))
    expected = [photo(seed, 112, 112) for seed in (1, 3, 4, 5)]
    assert {image.tobytes() for image in pixels} == {image.tobytes() for image in expected}


def test_a_name_that_means_two_images_is_refused_and_the_number_decides(crops: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "Ann" / "1.png"
    other.parent.mkdir(parents=True)
    other.write_bytes(png(photo(9, 112, 112)))
    roots = [crops, tmp_path / "other"]
    with pytest.raises(DataError, match=r"Ann/1.png: .* means 0/Ann/1.png and 1/Ann/1.png"):
        IdentityFolders(roots, exclude=Exclusions({}, {"Ann/1.png": "wrong"}))
    found = IdentityFolders(roots, exclude=Exclusions({"cy": "gone"}, {"1/Ann/1.png": "wrong"}))
    assert found.manifest.excluded == ("Cy: gone",)
    assert found.manifest.excluded_images == ("1/Ann/1.png: wrong",)
    assert len(found.labels) == 6
    again = EncodedCrops(open_images(crops), exclude=Exclusions({}, {"Ann/1.png": "wrong", "No/1.png": "gone"}))
    assert again.manifest.excluded_images == ("Ann/1.png: wrong",)
    assert again.problems == ("names in the list of exclusions that are no image here, or of an identity left out: 1",)
    assert found.problems == ()
