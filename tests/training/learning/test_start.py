from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from marginface.backbones import build
from marginface.contract import read_card
from marginface.data.augmentation.transforms import normalize
from marginface.errors import CheckpointError, HashMismatch, RecipeError
from marginface.losses import build as build_loss
from marginface.losses.arcface import ArcFace
from marginface.losses.head import MarginHead
from marginface.losses.sharded.shard import Shard
from marginface.training import Recipe, TrainingInterrupted, read_recipe, recipe_from, train
from marginface.training.distributed import Ranks
from marginface.training.feed.batches import to_tensor
from marginface.training.feed.sources import open_data
from marginface.training.folder.journal import read_journal
from marginface.training.learning.freezing import freeze
from marginface.training.learning.learner import Learner
from marginface.training.learning.optim import parameter_groups, rate_factor
from marginface.training.learning.start import begin, class_means, place_centers
from marginface.training.measuring.features import evaluating
from marginface.training.resolve import resolve

CPU = torch.device("cpu")
SmallRecipe = Callable[..., Recipe]
FIRST = {
    "data": {"identities": 12, "images_per_identity": 6, "hold_out": 0, "strength": 0.3},
    "backbone": {"name": "tiny", "input_size": 32, "embedding_size": 16, "options": {"width": 0.5}},
    "loss": {"name": "cosface", "scale": 16.0, "margin": 0.1},
    "train": {"steps": 20, "batch_size": 8, "threads": 1},
}


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("start") / "first"
    train(recipe_from(FIRST), out)
    return out


def tiny() -> nn.Module:
    return build("tiny", embedding_size=8, input_size=32, width=0.5)


def test_frozen_parts_stay_to_the_bit_and_the_rest_learns(small: SmallRecipe, first_run: Path, tmp_path: Path) -> None:
    start = {"weights": str(first_run), "freeze": ["maps.0.*", "maps.1.*"]}
    train(small(start=start), tmp_path / "tuned")
    before = load_file(first_run / "checkpoints/step-00000020/backbone.safetensors")
    after = load_file(tmp_path / "tuned/checkpoints/step-00000020/backbone.safetensors")
    same = {name for name in before if torch.equal(before[name], after[name])}
    frozen = {name for name in before if name.startswith(("maps.0.", "maps.1."))}
    assert frozen <= same
    assert not {name for name in same - frozen if "num_batches" not in name and name != "projection.norm.weight"}


def test_a_frozen_batch_norm_uses_its_statistics_also_after_an_evaluation() -> None:
    network = tiny().train()
    freeze(network, ["maps.0.1.running_*"])
    norm = network.get_submodule("maps.0.1")
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.weight.requires_grad
    kept = norm.running_mean.clone()  # type: ignore[union-attr]
    for _ in range(2):
        network(torch.randn(4, 3, 32, 32))
        with evaluating(network):
            assert not any(part.training for part in network.modules())
        assert not norm.training
        assert network.get_submodule("maps.1.1").training
    assert torch.equal(norm.running_mean, kept)  # type: ignore[arg-type]
    x = torch.randn(4, norm.num_features, 3, 3)
    shape = (1, -1, 1, 1)
    deviation = (norm.running_var + norm.eps).sqrt().view(shape)  # type: ignore[operator]
    torch.testing.assert_close(norm(x), (x - kept.view(shape)) / deviation, rtol=1e-5, atol=1e-5)


def test_a_pattern_of_weights_alone_leaves_the_statistics_moving() -> None:
    network = tiny().train()
    freeze(network, ["maps.0.1.weight"])
    norm = network.get_submodule("maps.0.1")
    assert norm.training
    assert not norm.get_parameter("weight").requires_grad
    assert norm.get_parameter("bias").requires_grad


def test_rates_make_groups_and_several_patterns_multiply(small: SmallRecipe) -> None:
    rates = {"maps.*": 0.5, "maps.0.*": 0.2}
    assert rate_factor("maps.0.0.weight", rates) == pytest.approx(0.1)
    assert rate_factor("projection.linear.weight", rates) == 1
    network, head = tiny(), build_loss("arcface", num_classes=3, embedding_size=8)
    groups = parameter_groups(network, head, small().optim, rates)
    found = {id(p): (group["factor"], group["weight_decay"]) for group in groups for p in group["params"]}  # type: ignore[attr-defined]
    assert found[id(network.get_parameter("maps.0.0.weight"))] == (pytest.approx(0.1), 5e-4)
    assert found[id(network.get_parameter("maps.1.1.bias"))] == (0.5, 0.0)
    assert found[id(network.get_parameter("projection.linear.weight"))] == (1.0, 5e-4)
    assert len(found) == sum(p.requires_grad for p in [*network.parameters(), *head.parameters()])
    assert groups[-1]["params"] == [head.centers]


def test_class_means_are_the_mean_directions_of_each_identity(small: SmallRecipe) -> None:
    recipe = resolve(small())
    data, network = open_data(recipe).train, build("tiny", embedding_size=16, input_size=32, width=0.5)
    got = class_means(network, data, recipe, Ranks())
    assert network.training
    network.eval()
    for identity in range(len(data.identities)):
        directions = []
        for index in np.flatnonzero(data.labels == identity):
            with torch.no_grad():
                feature = network(normalize(to_tensor(data.read(np.asarray([index])), 32)))[0]
            directions.append(feature / feature.norm())
        mean = torch.stack(directions).mean(0)
        torch.testing.assert_close(got[identity], mean / mean.norm(), rtol=1e-4, atol=1e-5)


def test_centers_are_placed_in_plain_sub_center_and_sharded_heads_and_under_terms() -> None:
    means = functional.normalize(torch.randn(5, 8))
    plain = build_loss("cosface", num_classes=5, embedding_size=8, terms={"center": {}})
    place_centers(plain, means)
    torch.testing.assert_close(plain.cosine(means).argmax(1), torch.arange(5))
    torch.testing.assert_close(plain.centers, means)
    several = build_loss("subcenter_arcface", num_classes=5, embedding_size=8)
    place_centers(several, means)
    torch.testing.assert_close(several.centers[:, 0], means)
    torch.testing.assert_close(several.centers.norm(dim=2), torch.ones(5, 3))
    assert not torch.allclose(several.centers[:, 1], means, atol=0.1)
    shard = Shard(2, 4, 5)
    part = MarginHead(5, 8, margin=ArcFace(0.5), shard=shard)
    place_centers(part, means)
    torch.testing.assert_close(part.centers.data, means[shard.start : shard.stop])


def test_a_first_loss_that_no_fresh_head_has_is_no_warning_with_class_means(
    small: SmallRecipe, first_run: Path, tmp_path: Path
) -> None:
    out, once = tmp_path / "out", {"steps": 1, "log_every": 1}
    train(small(start={"weights": str(first_run), "head": "class_means"}, train=once), out)
    assert "notes" not in read_journal(out / "journal.jsonl")[0]


def test_what_was_resolved_is_in_recipe_card_and_report(small: SmallRecipe, first_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "tuned"
    train(small(start={"weights": str(first_run), "head": "class_means", "rates": {"maps.*": 0.1}}), out)
    start = read_recipe(out / "recipe.toml").start
    folder = first_run / "checkpoints/step-00000020"
    assert start.weights == str(folder)
    assert start.sha256 == read_card(folder / "card.toml").sha256
    card = read_card(out / "checkpoints/step-00000020/card.toml")
    assert f"fine-tuned from step-00000020 (sha256 {start.sha256[:16]})" in card.provenance
    assert start.sha256 in (out / "report.html").read_text(encoding="utf-8")


def test_a_resumed_run_continues_to_the_bit_without_its_start(
    small: SmallRecipe, first_run: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(first_run / "checkpoints/step-00000020", weights)
    start = {"weights": str(weights), "head": "class_means", "freeze": ["maps.0.*"], "rates": {"maps.*": 0.3}}
    recipe = small(start=start, optim={"ema": 0.9})
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(recipe, whole)

    def stop(progress: object) -> None:
        if getattr(progress, "step", 0) == 7:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted):
        train(recipe, parts, progress=stop)
    shutil.rmtree(weights)
    train(read_recipe(parts / "recipe.toml"), parts, resume=True)
    for name in ("backbone", "live", "head", "optimizer"):
        one, two = (load_file(out / f"checkpoints/step-00000020/{name}.safetensors") for out in (whole, parts))
        assert one.keys() == two.keys()
        assert all(torch.equal(one[key], two[key]) for key in one), name


def test_the_average_begins_at_the_start_too(small: SmallRecipe, first_run: Path) -> None:
    recipe = resolve(small(start={"weights": str(first_run)}, optim={"ema": 0.99}))
    data = open_data(recipe)
    learner = Learner(recipe, len(data.train.identities), CPU)
    begin(learner, recipe, data.train, Ranks())
    live, served = learner.backbone.state_dict(), learner.served.state_dict()
    assert learner.served is not learner.backbone
    assert all(torch.equal(live[name], served[name]) for name in live)


def test_weights_that_changed_are_refused(small: SmallRecipe, first_run: Path, tmp_path: Path) -> None:
    recipe = small(start={"weights": str(first_run), "sha256": "0" * 64})
    with pytest.raises(HashMismatch, match="the recipe means those of sha256 0000"):
        train(recipe, tmp_path / "out")


@pytest.mark.parametrize(
    ("start", "others", "message"),
    [
        ({"weights": "RUN"}, {"backbone": {"embedding_size": 8}}, r"needs under \[backbone\]: .*embedding_size = 16"),
        ({"weights": "RUN"}, {"backbone": {"options": {"width": 1.0}}}, r"does not fit the options of \[backbone\]"),
        ({"freeze": ["map.*"]}, {}, r"\[start\] freeze: 'map\.\*' names nothing .*begin with maps, projection"),
        ({"rates": {"maps.0.1.running_mean": 0.1}}, {}, r"\[start\] rates: .* names nothing"),
        (
            {"weights": "RUN", "head": "class_means"},
            {"loss": {"name": "triplet", "scale": None, "margin": None, "margin_from": 0.0, "margin_full": 0.0},
             "train": {"batch_images_per_identity": 4}},
            r"triplet is a pair loss, without class centers",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(
    start: dict[str, object], others: dict[str, dict[str, object]], message: str, small: SmallRecipe,
    first_run: Path, tmp_path: Path,
) -> None:  # fmt: skip
    given = {key: str(first_run) if value == "RUN" else value for key, value in start.items()}
    with pytest.raises(RecipeError, match=message):
        train(small(start=given, **others), tmp_path / "out")


def test_a_start_that_is_not_there_and_means_without_weights_are_refused(small: SmallRecipe, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint"):
        train(small(start={"weights": str(tmp_path / "nowhere")}), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(RecipeError, match='head "class_means" needs weights'):
        small(start={"head": "class_means"})
