"""The branch for turned heads behind a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from marginface import export
from marginface.contract import file_sha256, read_card
from marginface.detection import YuNet
from marginface.embedding import TorchEmbedder, YawEmbedder, load_embedder
from marginface.errors import InputError, RecipeError, WeightsError
from marginface.geometry import TEMPLATE
from marginface.training import Recipe, train
from marginface.training.dream import pose_pairs, some_identities, train_branch
from marginface.training.folder.state import open_run
from marginface.training.recipe import DreamSection
from marginface.values import Box, Face, ImageArray

Small = Callable[..., Recipe]
NAN = float("nan")


def test_turned_faces_are_paired_with_the_mean_of_the_frontal_ones_of_their_identity() -> None:
    features = np.arange(14, dtype=np.float32).reshape(7, 2)
    labels = np.array([0, 0, 0, 1, 1, 2, 0])
    yaws = np.array([3, -19, 70, 60, 30, 0, NAN], np.float32)  # 1 has no frontal face, 2 no turned one
    pairs = pose_pairs(features, labels, yaws, DreamSection())
    assert (pairs.features.tolist(), pairs.yaws.tolist(), pairs.identities) == ([[4, 5]], [70], 1)
    assert pairs.targets.tolist() == [[1, 2]]
    with pytest.raises(RecipeError, match="of 3 identities none has both"):
        pose_pairs(features, labels, yaws, DreamSection(turned_degrees=80))


def test_the_branch_learns_to_undo_what_a_turn_does_to_a_feature() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(150), 4)
    frontal = random.standard_normal((150, 8)).astype(np.float32)[labels]
    turned = np.arange(600) % 2 == 1
    shift = np.linspace(0, 2, 8, dtype=np.float32)
    features = np.where(turned[:, None], frontal * 0.7 - shift, frontal).astype(np.float32)
    yaws = np.where(turned, 80.0, 0.0).astype(np.float32)
    dream = DreamSection(steps=400, batch_size=64, learning_rate=1e-2)
    train_part, test_part = labels < 100, (labels >= 100) & turned
    branch = train_branch(pose_pairs(features[train_part], labels[train_part], yaws[train_part], dream), dream, 0)
    with torch.no_grad():
        moved = branch(torch.from_numpy(features[test_part]), torch.from_numpy(yaws[test_part])).numpy()
    before = np.square(features[test_part] - frontal[test_part]).sum(1).mean()
    assert np.square(moved - frontal[test_part]).sum(1).mean() < 0.5 * before


def test_training_a_branch_leaves_torch_s_random_state_alone_and_depends_on_the_seed() -> None:
    features, labels = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32), np.array([0, 0, 1, 1, 2, 2])
    yaws = np.array([0, 60, 0, 60, 0, 60], np.float32)
    dream = DreamSection(steps=3, batch_size=4)
    pairs = pose_pairs(features, labels, yaws, dream)
    before = torch.random.get_rng_state()
    first, again, other = (train_branch(pairs, dream, seed).state_dict() for seed in (0, 0, 1))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["residual.0.weight"], other["residual.0.weight"])


def test_whole_identities_are_drawn_up_to_a_number_of_images() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])
    assert some_identities(labels, 9, 0).tolist() == list(range(9))
    kept = labels[some_identities(labels, 5, 0)]
    assert 1 <= len(kept) <= 5
    assert all((labels == label).sum() == (kept == label).sum() for label in kept)


@pytest.mark.parametrize("values", [{"frontal_degrees": 50}, {"turned_degrees": 95}])
def test_frontal_is_below_turned(small: Small, values: dict[str, float]) -> None:
    with pytest.raises(RecipeError, match=r"\[?dream\]?.*frontal_degrees < turned_degrees ≤ 90"):
        small(dream=values)


class Guesses:
    """A detector whose yaw follows the brightness of the image; no weights are needed."""

    def detect(self, image: ImageArray, *, min_score: float = 0.6) -> tuple[Face, ...]:
        points = TEMPLATE + 56
        points[2, 0] += (int(image.sum(dtype=np.int64)) // 1000) % 40 - 20
        return (Face(Box(66, 66, 158, 158), points, 0.9),)


def test_a_run_with_a_branch_gives_a_model_that_knows_what_it_needs(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(YuNet, "load", lambda: Guesses())
    recipe = small(dream={"steps": 5, "batch_size": 8}, train={"steps": 4})
    result = train(recipe, tmp_path / "run")
    assert result.branch == tmp_path / "run" / "dream"
    assert str(result.branch) in result.summary()
    files = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert files["dream/card.toml"] == file_sha256(result.branch / "card.toml")
    card = read_card(result.branch / "card.toml")
    assert (card.pose, card.name) == ("yaw", "marginface-dream")
    trunk, model = load_embedder(tmp_path / "run"), load_embedder(result.branch)
    assert isinstance(trunk, TorchEmbedder)
    assert isinstance(model, YawEmbedder)
    assert model.contract.id != trunk.contract.id
    crops = np.random.default_rng(0).integers(0, 256, (40, 112, 112, 3), dtype=np.uint8)
    crops[0] = 0  # sum 0: the nose 20 pixels off, a turned head
    together, alone = model.embed(crops), np.concatenate([model.embed(crop[None]) for crop in crops])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.abs(together[0] - trunk.embed(crops)[0]).max() > 1e-4
    assert len(model.embed(crops[:0])) == 0
    assert load_embedder(result.branch, mirror=True).embed(crops[:2]).shape == (2, 16)
    with pytest.raises(InputError, match="without its branch"):
        export.export(result.branch, tmp_path / "model.onnx")


class Straight:
    """A detector whose faces all look straight ahead."""

    def detect(self, image: ImageArray, *, min_score: float = 0.6) -> tuple[Face, ...]:
        return (Face(Box(66, 66, 158, 158), TEMPLATE + 56, 0.9),)


def test_a_run_without_turned_faces_says_how_to_end_without_a_branch_and_does(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(YuNet, "load", lambda: Straight())
    out = tmp_path / "run"
    with pytest.raises(RecipeError, match=r"go on with --resume .*--set dream\.steps=0 --allow dream\.steps") as caught:
        train(small(dream={"steps": 5}, train={"steps": 4}), out)
    assert "--allow data" not in str(caught.value)
    assert open_run(out).state == "failed"
    train(small(train={"steps": 4}, dream={"steps": 0}), out, resume=True, allow=["dream.steps"])
    assert open_run(out).state == "finished"


def test_a_detector_that_is_missing_ends_a_run_before_it_begins(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise WeightsError("yunet: not found")

    monkeypatch.setattr(YuNet, "load", missing)
    with pytest.raises(WeightsError):
        train(small(dream={"steps": 5}), tmp_path / "run")
    assert not (tmp_path / "run").exists()
