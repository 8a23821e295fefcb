"""Trainings from packs: the same bits as from folders, resumed as well, and recipes that say where the packs are."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from marginface.data.convert import convert
from marginface.data.packs import open_images
from marginface.data.synthetic import DrawnFaces
from marginface.errors import CheckpointError, DataError, RecipeError
from marginface.training import Recipe, read_recipe, recipe_from, train
from marginface.training.feed.sources import open_data
from marginface.training.resolve import resolve

Small = Callable[..., Recipe]
KINDS = ["recordio", "tar", "list", *(["parquet"] if find_spec("pyarrow") else [])]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same drawn faces in every format."""
    root = tmp_path_factory.mktemp("faces")
    drawn = DrawnFaces(12, 6, seed=0, strength=0.3)
    crops = drawn.read(np.arange(len(drawn.labels)))
    lines = []
    for i, (label, crop) in enumerate(zip(drawn.labels.tolist(), crops, strict=True)):
        path = root / "folders" / f"person-{label:02d}" / f"{i:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), crop[..., ::-1])
        lines.append((label, i, f"{path.relative_to(root)}\tperson-{label:02d}\n"))
    (root / "list").mkdir()
    for kind in KINDS:
        if kind != "list":
            convert(open_images(root / "folders"), root / kind, kind, per_shard=30)
    (root / "list" / "all.tsv").write_text("".join(f"../{line}" for _, _, line in sorted(lines)))
    return root


def packed(root: Path, kind: str, **keys: object) -> dict[str, object]:
    return {"source": "packed", "path": str(root / kind / "all.tsv" if kind == "list" else root / kind), **keys}


def recipe_of(small: Small, data: dict[str, object], **changes: dict[str, object]) -> Recipe:
    """The small recipe, with this section [data] and nothing of the other one."""
    values = small(**changes).model_dump(mode="json", exclude_none=True)
    return recipe_from({**values, "data": {"hold_out": 4, **data}})


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    found = sorted(folder.glob("*.safetensors"))
    return {f"{path.name}:{name}": value for path in found for name, value in load_file(path).items()}


@pytest.mark.parametrize("check", ["images", "index"])
def test_every_format_trains_to_the_same_bits_as_folders(small: Small, faces: Path, tmp_path: Path, check: str) -> None:
    folders = {"source": "folders", "folders": [str(faces / "folders")]}
    expected = train(recipe_of(small, folders), tmp_path / "folders")
    reference = tensors(expected.checkpoint.folder)
    for kind in KINDS:
        result = train(recipe_of(small, packed(faces, kind, check=check)), tmp_path / kind)
        found = tensors(result.checkpoint.folder)
        assert found.keys() == reference.keys()
        assert [name for name in found if not torch.equal(found[name], reference[name])] == [], kind
        assert result.held_out is not None
        assert expected.held_out is not None
        assert result.held_out.scores.accuracy.mean == expected.held_out.scores.accuracy.mean
        data = json.loads((tmp_path / kind / "manifest.json").read_text(encoding="utf-8"))["data"]
        assert data["trained_on"]["held_out_identities"] == 4
        assert data["unreadable"] == []


def test_a_resumed_run_notices_that_the_pack_is_another(small: Small, faces: Path, tmp_path: Path) -> None:
    convert(open_images(faces / "folders"), tmp_path / "pack", "tar", per_shard=30)
    recipe = recipe_of(small, {"source": "packed", "path": str(tmp_path / "pack")}, train={"steps": 10})
    train(recipe, tmp_path / "run")
    again = train(recipe, tmp_path / "run", resume=True)
    assert again.checkpoint.step == 10
    (tmp_path / "pack" / "train-000002.tar").unlink()
    with pytest.raises(CheckpointError, match="the data has changed since the run began"):
        train(recipe, tmp_path / "run", resume=True)


def test_an_unfinished_conversion_is_no_data(small: Small, faces: Path, tmp_path: Path) -> None:
    convert(open_images(faces / "folders"), tmp_path / "pack", "tar")
    state = tmp_path / "pack" / "marginface-conversion.json"
    state.write_text(state.read_text().replace('"finished": true', '"finished": false'))
    with pytest.raises(DataError, match="a conversion into this folder has not ended"):
        train(recipe_of(small, {"source": "packed", "path": str(tmp_path / "pack")}), tmp_path / "run")


def test_folders_may_lie_in_a_store_and_are_the_same_data(small: Small, faces: Path) -> None:
    pytest.importorskip("upath", reason="stores need pip install 'marginface[ray]'")
    from marginface.locations import location

    store = location("memory://marginface-folders")
    for path in sorted((faces / "folders").rglob("*.png")):
        (store / path.relative_to(faces / "folders").as_posix()).write_bytes(path.read_bytes())
    prints = set()
    for place in (str(faces / "folders"), str(store)):
        recipe = resolve(recipe_of(small, {"source": "folders", "folders": [place]}))
        prints.add(open_data(recipe).fingerprint)
    assert recipe.data.source == "folders"
    assert "://" in recipe.data.folders[0]
    assert len(prints) == 1


def test_paths_of_a_resolved_recipe_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.toml").write_text('[data]\nsource = "packed"\npath = "a/train-*.tar"\nexclude = "names.txt"\n')
    data = resolve(read_recipe(tmp_path / "r.toml")).data
    assert data.model_dump()["path"] == str(tmp_path / "a" / "train-*.tar")
    assert data.model_dump()["exclude"] == str(tmp_path / "names.txt")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"source": "packed"}, r"\[data\] path: Field required"),
        (
            {"source": "packed", "path": "a", "folders": ["b"]},
            r"\[data\] has no key 'folders'\. .*Keys of \[data\]: source",
        ),
        ({"source": "packed", "path": "a", "check": "all"}, r"\[data\] check: Input should be 'images' or 'index'"),
        ({"source": "recordio", "path": "a"}, r"does not match any of the expected tags: 'drawn', 'folders', 'packed'"),
    ],
)
def test_a_wrong_key_is_told_in_the_words_of_the_recipe(data: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe_from({"data": data})
