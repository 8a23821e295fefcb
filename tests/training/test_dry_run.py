"""Dry runs of every recipe of the repository, small, and of what they say: against figures by hand."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from marginface.errors import DataError, InputError, RecipeError
from marginface.losses import build as build_loss
from marginface.losses.chunked import Chunked
from marginface.losses.dense import Dense
from marginface.losses.sampled import Sampled
from marginface.training import Recipe, read_recipe, recipe_from
from marginface.training.dry_run import DryRun, Limits, dry_run
from marginface.training.dry_run.cost import ImageCost, cost_of
from marginface.training.dry_run.memory import StepMemory
from marginface.training.dry_run.rates import rates_of
from marginface.training.dry_run.steps import fitting_images
from marginface.training.plan import head_of, way_of
from marginface.training.resolve import resolve
from marginface.training.schedule import Length
from oracles.image_packs import crop_bytes, write_insightface
from oracles.patience import PATIENCE

RECIPES = sorted((Path(__file__).resolve().parents[2] / "recipes").rglob("*.toml"))
QUICK = Limits(memory=100_000_000, operations=1e8, gflops=100.0)
NARROW = {"iresnet50": 0.125, "iresnet100": 0.125, "spherenet20": 0.25, "spherenet64": 0.125, "sface": 0.25}
STATED = {
    "paper": {"identities": 100, "images": 1000},
    "data": {"source": "packed", "path": "nowhere", "min_images": 1},
}
TINY = {"backbone": {"name": "tiny", "input_size": 32, "embedding_size": 16, "options": {"width": 0.5}}}


def narrow(path: Path) -> Recipe:
    """Return a recipe with a narrow network for small images; all else is its own."""
    width = NARROW.get(read_recipe(path).backbone.name)
    changes = ["backbone.input_size=32", "train.threads=1", "train.precision=float32"]
    changes += ["start.weights=''", "start.head=random"] if read_recipe(path).start.weights else []  # whole networks
    return read_recipe(path, changes if width is None else [*changes, f"backbone.options.width={width}"])


def stated(**changes: dict[str, Any]) -> Recipe:
    sections = {**STATED, **TINY, "train": {"batch_size": 8, "threads": 1, "epochs": 2.0}}
    names = sections.keys() | changes.keys()
    return recipe_from({name: {**sections.get(name, {}), **changes.get(name, {})} for name in names})


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_takes_two_steps_without_its_data_and_leaves_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cfp_names.txt").write_text("nobody\n", encoding="utf-8")
    run = dry_run(narrow(path), QUICK)
    recipe = run.recipe
    assert all(math.isfinite(loss) for loss in run.here.losses)
    assert 2 <= run.here.images <= recipe.train.batch_size
    assert run.here.classes <= run.counts.identities
    stated = recipe.paper.identities - recipe.data.hold_out
    assert run.counts.identities == (stated if recipe.paper.identities else 120)
    assert run.memory.bytes > run.memory_here.bytes or run.here.images == recipe.train.batch_size
    assert run.step_seconds > 0
    assert [file.name for file in tmp_path.iterdir()] == ["cfp_names.txt"]


def test_a_head_too_large_is_planned_whole_and_taken_with_fewer_classes() -> None:
    run = dry_run(stated(paper={"identities": 50_000, "images": 400_000}), Limits(memory=10_000_000, gflops=100.0))
    assert run.counts.identities == 50_000
    assert run.here.classes == 6250  # of 16 numbers, their gradient and momentum: a quarter of 10 MB holds them
    assert run.memory.fixed["head"] > 2 * 50_000 * 16 * 4  # centers and momentum, at least
    assert run.memory.fixed["head"] > 1.5 * run.memory_here.fixed["head"]


def test_a_checkpoint_is_that_of_all_classes() -> None:
    changes = {"paper": {"identities": 50_000, "images": 400_000}, "train": {"checkpoint_every": 30_000}}
    whole = dry_run(stated(**changes), Limits(gflops=100.0))
    fewer = dry_run(stated(**changes), Limits(memory=10_000_000, gflops=100.0))
    assert whole.here.classes == 50_000
    assert fewer.here.classes < 50_000
    assert fewer.checkpoints == whole.checkpoints
    assert whole.checkpoints.written == 4  # after 30,000, 60,000 and 90,000 of 100,000 steps, and at the end
    assert whole.checkpoints.kept == 2
    assert whole.checkpoints.bytes > 2 * 50_000 * 16 * 4


def test_the_length_and_the_images_are_those_stated_without_the_held_out() -> None:
    run = dry_run(stated(data={"hold_out": 20}, evaluation={"pairs": 20, "folds": 2}), QUICK)
    assert (run.counts.identities, run.counts.images) == (80, 800)
    assert (run.length.per_epoch, run.length.steps) == (100, 200)
    assert run.counts.missing.endswith("nowhere")


def test_data_that_is_here_counts_itself(tmp_path: Path) -> None:
    write_insightface(tmp_path / "pack", [[crop_bytes(number) for number in range(4)] for _ in range(3)])
    run = dry_run(stated(data={"path": str(tmp_path / "pack")}, train={"batch_size": 2}), QUICK)
    assert (run.counts.identities, run.counts.images, run.counts.missing) == (3, 12, "")


def test_data_that_is_not_here_and_not_stated_is_refused_with_what_to_write() -> None:
    with pytest.raises(DataError, match=r"nowhere: not here.*identities and images under \[paper\]; got 0 and 0"):
        dry_run(stated(paper={"identities": 0, "images": 0}), QUICK)
    with pytest.raises(DataError, match="got 100 and 1,000, and 100 are held out"):
        dry_run(stated(data={"hold_out": 100}), QUICK)


def test_a_batch_larger_than_the_set_is_refused() -> None:
    with pytest.raises(InputError, match="a batch has 1 to 1000 images"):
        dry_run(stated(train={"batch_size": 1001}), QUICK)


def test_the_same_recipe_begins_the_training_with_the_same_weights_and_the_random_state_stays() -> None:
    before = torch.get_rng_state()
    losses = [dry_run(stated(), QUICK).here.losses for _ in range(2)]
    assert losses[0] == losses[1]
    assert torch.equal(torch.get_rng_state(), before)


def test_pair_losses_have_no_head_to_plan() -> None:
    run = dry_run(stated(loss={"name": "triplet"}, train={"batch_size": 16, "batch_images_per_identity": 4}), QUICK)
    assert "head" not in run.memory.fixed
    assert run.here.images % 4 == 0


def test_the_rates_are_where_they_change() -> None:
    step = recipe_from({"schedule": {"kind": "step", "milestones": [1.5], "milestone_steps": [8], "warmup": 0.1}})
    rates = [(rate.step, round(rate.rate, 6)) for rate in rates_of(step, Length(steps=20, per_epoch=10))]
    assert rates == [(0, 0.05), (2, 0.1), (8, 0.01), (15, 0.001), (19, 0.001)]
    smooth = recipe_from({"schedule": {"kind": "polynomial"}})
    rates = [(rate.step, round(rate.rate, 6)) for rate in rates_of(smooth, Length(steps=20, per_epoch=10))]
    assert rates == [(0, 0.1), (5, 0.075), (10, 0.05), (15, 0.025), (19, 0.005)]


class Two(nn.Module):
    """A convolution of 3 → 4 maps, and a fully connected layer to 5: what it costs can be said."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.maps, self.features = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4 * size**2, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.features(self.maps(images).flatten(1))
        return features


def test_the_cost_of_an_image_is_that_of_its_products_and_of_their_inputs() -> None:
    recipe = resolve(stated(train={"precision": "float32", "channels_last": False}))
    places = 32**2
    found = cost_of(Two(32), recipe)
    assert found.operations == 2 * (27 * 4 * places + 4 * places * 5)
    assert found.kept_bytes == 4 * (3 * places + 4 * places)


def test_memory_is_what_is_fixed_and_what_images_take() -> None:
    memory = StepMemory({"backbone": 1000, "head": 500}, per_image=100, images=20)
    assert memory.bytes == 3500
    assert memory.images_in(3499) == 19
    assert StepMemory({"backbone": 1000}, per_image=100, images=2, update=500).bytes == 1500
    assert memory.images_in(1600) == 1
    assert memory.images_in(1500) == memory.images_in(10) == 0


def test_a_batch_in_parts_keeps_one_part_at_a_time_and_all_pixels() -> None:
    run = dry_run(stated(train={"batch_size": 64}), QUICK)
    parted = dry_run(stated(train={"batch_size": 64, "accumulate": 4}), QUICK)
    assert (run.memory.images, parted.memory.images) == (64, 16)
    assert parted.memory.per_image == parted.cost.kept_bytes
    pixels = 64 * (run.memory.per_image - run.cost.kept_bytes)
    assert parted.memory.fixed["batches"] == pixels
    assert parted.memory.bytes < run.memory.bytes
    assert parted.memory.fixed["head"] < run.memory.fixed["head"] + 100 * 16 * 4  # and their gradient so far
    assert "in 4 parts of 16 images" in described(parted)


def test_more_batches_ahead_take_more_memory() -> None:
    few, many = (dry_run(stated(data={"prefetch": ahead}), QUICK).memory.per_image for ahead in (1, 5))
    assert many - few == 4 * 4 * 3 * 32**2


def test_parts_that_a_training_refuses_are_refused() -> None:
    with pytest.raises(RecipeError, match="accumulate equal parts"):
        dry_run(stated(train={"batch_size": 10, "accumulate": 3}), QUICK)
    pairs = {"batch_size": 16, "batch_images_per_identity": 4, "accumulate": 2}
    with pytest.raises(RecipeError, match="leave accumulate at 1"):
        dry_run(stated(loss={"name": "triplet"}, train=pairs), QUICK)


def test_images_fit_operations_and_memory_in_groups_of_an_identity() -> None:
    cost = ImageCost(operations=100, kept_bytes=10)
    assert fitting_images(recipe_from({"train": {"batch_size": 64}}), cost, 10**6, 3000) == 10
    assert fitting_images(recipe_from({"train": {"batch_size": 64}}), cost, 200, 1e9) == 5
    assert fitting_images(recipe_from({"train": {"batch_size": 64}}), cost, 10**6, 1) == 2
    assert fitting_images(recipe_from({"train": {"batch_size": 4}}), cost, 10**6, 3000) == 4
    grouped = recipe_from({"train": {"batch_size": 64, "batch_images_per_identity": 4}})
    assert [fitting_images(grouped, cost, 10**6, most) for most in (3000, 1)] == [8, 8]


@pytest.mark.parametrize(
    ("loss", "optim", "classes", "kind"),
    [
        ({}, {}, 100, Dense),
        ({}, {}, 5000, Chunked),
        ({"implementation": "dense"}, {}, 5000, Dense),
        ({"tiles": "recompute"}, {}, 100, Chunked),
        ({"sample_rate": 0.1}, {}, 100_000, Sampled),
    ],
)
def test_the_way_that_is_priced_is_the_one_that_a_head_takes(
    loss: dict[str, Any], optim: dict[str, Any], classes: int, kind: type
) -> None:
    recipe = recipe_from({"loss": loss, "optim": optim, "backbone": {"embedding_size": 4}})
    with torch.device("meta"):
        head = build_loss("arcface", num_classes=classes, embedding_size=4, **loss)
    assert isinstance(head.implementation, kind)
    way = way_of(recipe, head_of(recipe, classes))
    assert (way.implementation == "dense") == (kind is Dense)
    assert way.sample_rate == loss.get("sample_rate", 1.0)
    assert way.head_in_backward == (kind is Sampled)


def test_a_recipe_stores_its_tiles_as_long_as_they_are_small() -> None:
    recipe = recipe_from({"train": {"batch_size": 128}})
    ways = {classes: way_of(recipe, head_of(recipe, classes)).tiles for classes in (1_000_000, 2_000_000)}
    assert ways == {1_000_000: "store", 2_000_000: "recompute"}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of a process is read on Linux")
def test_the_memory_of_a_process_is_near_what_was_predicted() -> None:
    code = (
        "from marginface.training import recipe_from; from marginface.training.dry_run import dry_run\n"
        "recipe = recipe_from({'paper': {'identities': 20000, 'images': 100000}, 'data': {'source': 'packed', "
        "'path': 'nowhere'}, 'backbone': {'name': 'iresnet18', 'input_size': 64}, 'train': {'batch_size': 24, "
        "'threads': 1}})\n"
        "run = dry_run(recipe)\n"
        "assert run.here.images == 24, run.here\n"
        "print(run.here.peak_bytes / run.memory_here.bytes)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert 0.7 < float(answer.stdout) < 1.6


def described(run: DryRun) -> str:
    from marginface.cli.dry_run import rows

    return "\n".join(f"{subject}: {text}" for subject, text in rows(run))


def test_what_is_printed_says_what_was_made_smaller_and_where_memory_ends() -> None:
    paper = {"title": "Someone, 2020", "arxiv": "1234.5678", "results": "LFW 99", "differs": ["the colors"]}
    recipe = stated(paper={"identities": 50_000, "images": 400_000, **paper}, train={"batch_size": 64, "compile": True})
    text = described(dry_run(recipe, Limits(memory=10_000_000, operations=1e8, gflops=100.0)))
    for part in (
        *("source: Someone, 2020, arXiv:1234.5678", "published: LFW 99", "differs: - the colors"),
        *("400,000 images of 50,000 identities, as the recipe states: ", " identities and not 50,000"),
        *(
            "images and not 64",
            "12,500 steps of 64 images; 6,250 an epoch, 2 epochs",
            "it does not fit, with any batch",
        ),
    ):
        assert part in text
    whole = described(dry_run(recipe, Limits(gflops=100.0)))
    assert ": it fits" in whole
    assert "and not" not in whole.split("differs")[0]
