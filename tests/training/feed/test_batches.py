"""Batches: a pure function of seed and step, in whole or in parts, whoever makes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from marginface.data.crops.encoded import EncodedCrops, read_together
from marginface.data.packs import open_images
from marginface.data.sampling.sampler import BlockOrder
from marginface.data.source import ArrayCrops, subset
from marginface.errors import CheckpointError, DataError, RecipeError
from marginface.training import Recipe, recipe_from, train
from marginface.training.feed.batches import Batches
from marginface.training.feed.sources import open_data
from marginface.training.recipe.file import recipe_sha256
from marginface.training.resolve import resolve
from marginface.values import ImageArray, IntArray
from oracles.image_packs import crop_bytes, labeled, write_parquet, write_tar

Small = Callable[..., Recipe]
CPU = torch.device("cpu")
EVERYTHING = {
    "shift": 0.05, "rotation_degrees": 10.0, "crop": 0.4, "photometric": 0.7, "brightness": 0.5, "contrast": 0.5,
    "saturation": 0.5, "gray": 0.2, "blur": 0.4, "low_resolution": 0.4, "erase": 0.4, "noise": 6.0,
}  # fmt: skip
CROPS = np.random.default_rng(0).integers(0, 256, (90, 112, 112, 3), dtype=np.uint8)
SOURCE = ArrayCrops(CROPS, np.arange(90) // 6, tuple(f"person {i}" for i in range(15)))
PACKED = {"source": "packed", "path": "a.tar"}
SAMPLERS: dict[str, dict[str, dict[str, object]]] = {
    "every image once": {},
    "balanced": {"data": {"balance": 0.5}},
    "by identity": {"train": {"batch_images_per_identity": 3}},
    "by blocks": {"data": {**PACKED, "shuffle": "blocks", "shuffle_block": 5, "shuffle_buffer": 20}},
}


def recipe(sampler: str = "every image once", **data: object) -> Recipe:
    chosen = SAMPLERS[sampler]
    train_keys = {"batch_size": 12, "steps": 30, "seed": 7, "threads": 1}
    return recipe_from(
        {
            "data": {**chosen.get("data", {}), **data},
            "augment": EVERYTHING,
            "backbone": {"name": "tiny", "input_size": 48},
            "train": {**train_keys, **chosen.get("train", {})},
        }
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("ranks", [2, 3])
def test_the_parts_of_a_batch_are_the_whole_to_the_bit(sampler: str, ranks: int) -> None:
    chosen = recipe(sampler)
    whole = Batches(SOURCE, chosen, CPU)
    size = 12 // ranks
    parts = [Batches(SOURCE, chosen, CPU, slice(rank * size, (rank + 1) * size)) for rank in range(ranks)]
    for step in (0, 5, 17):
        expected, found = whole.load(step), [part.load(step) for part in parts]
        assert torch.equal(torch.cat([part.images for part in found]), expected.images)
        assert torch.equal(torch.cat([part.labels for part in found]), expected.labels)


@pytest.mark.parametrize(("workers", "prefetch"), [(1, 1), (2, 0), (3, 7)])
def test_the_number_of_workers_changes_nothing(workers: int, prefetch: int) -> None:
    batches = Batches(SOURCE, recipe(workers=workers, prefetch=prefetch), CPU)
    assert (batches.workers, batches.ahead) == (workers, prefetch or workers + 1)
    plain = Batches(SOURCE, recipe(), CPU)
    for step, batch in zip(range(4, 12), batches.from_step(4), strict=False):
        expected = plain.load(step)
        assert torch.equal(batch.images, expected.images)
        assert torch.equal(batch.labels, expected.labels)


def test_from_step_ends_with_the_run() -> None:
    batches = Batches(SOURCE, recipe(), CPU)
    assert len(list(batches.from_step(27))) == 3
    assert list(batches.from_step(30)) == []


def test_seed_and_step_decide_and_nothing_else() -> None:
    batches = Batches(SOURCE, recipe(), CPU)
    assert torch.equal(batches.load(3).images, batches.load(3).images)
    assert not torch.equal(batches.load(3).images, batches.load(4).images)
    other = recipe().model_copy(update={"train": recipe().train.model_copy(update={"seed": 8})})
    assert not torch.equal(batches.load(3).images, Batches(SOURCE, other, CPU).load(3).images)


class Failing:
    """A source of which one crop cannot be read."""

    labels, identities = SOURCE.labels, SOURCE.identities

    def read(self, indices: IntArray) -> ImageArray:
        if 40 in indices:
            raise DataError("a.tar, 40: it was readable when the data was opened and is not now")
        return SOURCE.read(indices)

    def fingerprint(self) -> str:
        return SOURCE.fingerprint()


def test_a_crop_that_cannot_be_read_stops_at_its_step_with_its_name() -> None:
    batches = Batches(Failing(), recipe(workers=3), CPU)
    bad = next(step for step in range(30) if 40 in batches.indices(step))
    coming = batches.from_step(0)
    assert len(list(islice(coming, bad))) == bad
    with pytest.raises(DataError, match=r"a\.tar, 40"):
        next(coming)


def test_a_recipe_chooses_blocks_and_refuses_them_with_another_order() -> None:
    chosen = recipe("by blocks")
    expected = BlockOrder(np.arange(0, 90, 5), 90, 20).batch(12, 7, 9)
    assert np.array_equal(Batches(SOURCE, chosen, CPU).indices(9), expected)
    with pytest.raises(RecipeError, match=r"leave balance at 1; got 0\.5"):
        recipe("by blocks", balance=0.5)
    by_identity = {"batch_size": 12, "batch_images_per_identity": 3}
    with pytest.raises(RecipeError, match=r"leave \[data\] shuffle at images"):
        recipe_from({"data": SAMPLERS["by blocks"]["data"], "train": by_identity})


def test_workers_decide_no_number_and_the_decoder_is_recorded() -> None:
    assert recipe_sha256(recipe(workers=1)) == recipe_sha256(recipe(workers=5, prefetch=9))
    packed = recipe_from({"data": PACKED})
    assert packed.data.model_dump()["decoder"] == "auto"
    assert resolve(packed).data.model_dump()["decoder"] in ("simplejpeg", "pillow")


def test_a_run_records_its_decoder_and_goes_on_with_no_other(small: Small, tmp_path: Path) -> None:
    members = [m for i in range(24) for m in labeled(f"{i:02d}", crop_bytes(i), f"person {i % 6}")]
    write_tar(tmp_path / "a.tar", members)
    assert len(open_images(tmp_path / "a.tar").listing.labels) == 24
    values = small(train={"steps": 2}).model_dump(mode="json", exclude_none=True)

    def with_decoder(name: str) -> Recipe:
        data = {"source": "packed", "path": str(tmp_path / "a.tar"), "decoder": name}
        return recipe_from({**values, "data": data})

    train(with_decoder("pillow"), tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["data"]["decoder"].startswith("Pillow ")
    assert 'decoder = "pillow"' in (tmp_path / "run" / "recipe.toml").read_text(encoding="utf-8")
    pytest.importorskip("simplejpeg")
    with pytest.raises(CheckpointError, match=r"data\.decoder: 'simplejpeg', the run has 'pillow'"):
        train(with_decoder("auto"), tmp_path / "run", resume=True)


def test_the_row_groups_of_parquet_stay_whole_also_among_the_crops_that_are_trained_on(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    names = [f"person {i // 2:02d}" for i in range(40)]
    write_parquet(tmp_path / "a.parquet", [crop_bytes(i) for i in range(40)], names, row_group_size=8)
    crops = EncodedCrops(open_images(tmp_path / "a.parquet"), exclude=["person 00", "person 05"])
    assert crops.starts.tolist() == [0, 6, 12, 20, 28]
    kept = subset(crops, [label for label, name in enumerate(crops.identities) if name != "person 19"])
    assert read_together(kept).tolist() == [0, 6, 12, 20, 28]
    assert read_together(SOURCE).tolist() == []


def test_data_with_other_row_groups_is_other_data_where_the_order_depends_on_them(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    names = [f"person {i // 4:02d}" for i in range(40)]
    images = [crop_bytes(i) for i in range(40)]
    paths = [write_parquet(tmp_path / f"{rows}.parquet", images, names, row_group_size=rows) for rows in (8, 20)]
    data = [{**PACKED, "path": str(path), "shuffle": shuffle} for path in paths for shuffle in ("images", "blocks")]
    found = [open_data(recipe_from({"data": values})).fingerprint for values in data]
    assert found[0] == found[2]
    assert len(set(found)) == 3
