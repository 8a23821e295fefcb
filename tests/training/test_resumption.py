"""What a resumed run may have otherwise than before: key by key, the data too, and what is written down of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from marginface.errors import CheckpointError, InputError, RecipeError
from marginface.training import Progress, Recipe, read_recipe, recipe_from, train
from marginface.training.folder.data_record import DataRecord, difference
from marginface.training.folder.history import read_history
from marginface.training.folder.journal import read_journal
from marginface.training.recipe.changes import Change, changes_of, check_changes, check_names

Small = Callable[..., Recipe]
AtStep = Callable[[int, Callable[[], object]], Callable[[Progress], None]]
Same = Callable[[Path, Path], bool]


pytestmark = pytest.mark.usefixtures("no_pictures")


class Killed(Exception):
    """Stands for a process that dies: nothing is saved."""


def die() -> None:
    raise Killed


def killed_at_13(recipe: Recipe, out: Path, at_step: AtStep) -> None:
    with pytest.raises(Killed):
        train(recipe, out, progress=at_step(13, die))


def refusal(given: dict[str, object], *allowed: str) -> str:
    with pytest.raises(CheckpointError) as caught:
        check_changes(changes_of(recipe_from(given), recipe_from({})), allowed)
    return str(caught.value)


def test_each_key_that_decides_a_number_is_refused_with_both_values_what_it_does_and_how_to_allow_it() -> None:
    told = refusal({"train": {"epochs": 30.0, "seed": 4}, "loss": {"margin": 0.3}}, "train.seed")
    assert "train.epochs: 30.0, the run has 20.0: learning rate, margin and augmentation follow" in told
    assert "loss.margin: 0.3, the run has None: something else is minimized" in told
    assert "--allow loss.margin --allow train.epochs" in told
    assert "train.seed" not in told


def test_every_key_of_the_recipe_is_free_or_says_what_it_does() -> None:
    for key in (
        "optim.momentum",
        "augment.flip",
        "schedule.power",
        "evaluation.pairs",
        "backbone.input_size",
        "dream.steps",
    ):
        assert Change(key, 1, 0).why != "it decides numbers of the training", key
    free = ["name", "train.threads", "train.keep_checkpoints", "train.tensorboard", "data.memory_gb", "data.path"]
    assert all(Change(key, 1, 0).is_free for key in free)
    assert not any(Change(key, 1, 0).is_free for key in ("data.balance", "train.batch_size", "evaluation.seed"))


@pytest.mark.parametrize(
    "given",
    [
        {"backbone": {"name": "tiny"}},
        {"optim": {"kind": "adamw"}},
        {"optim": {"decay_all": True}},
        {"optim": {"ema": 0.9}},
        {"start": {"freeze": ["stages.0.*"]}},
        {"start": {"rates": {"stages.0.*": 0.1}}},
    ],
    ids=["backbone", "optimizer", "decays", "average", "frozen", "rates"],
)
def test_what_the_weights_would_not_fit_is_refused_whatever_is_allowed(given: dict[str, dict[str, object]]) -> None:
    (section, keys), *_ = given.items()
    key = f"{section}.{next(iter(keys))}"
    told = refusal(given, key)
    assert "would not fit" in told
    assert (
        f"Resume with the recipe.toml of its folder, or start a new run in another folder. Nothing allows {key}" in told
    )
    assert "--allow" not in told


def test_a_run_begins_once_from_what_it_began_with() -> None:
    told = refusal({"start": {"weights": "sface"}}, "start.weights")
    assert "a run begins once" in told
    assert "Nothing allows start.weights" in told


def test_an_average_that_only_decays_otherwise_may_be_allowed() -> None:
    stored = recipe_from({"optim": {"ema": 0.9}})
    check_changes(changes_of(recipe_from({"optim": {"ema": 0.99}}), stored), ["optim.ema"])


def test_a_name_that_is_no_key_cannot_be_allowed() -> None:
    check_names(["data", "train.epochs", "loss.options"], recipe_from({}))
    with pytest.raises(RecipeError, match=r"--allow train\.epoch: not a key .*Did you mean 'train\.epochs'"):
        check_names(["train.epoch"], recipe_from({}))


def test_a_new_run_allows_nothing(small: Small, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Leave --allow out"):
        train(small(), tmp_path / "run", allow=["train.steps"])


def test_an_allowed_change_is_written_into_recipe_history_journal_and_manifest(
    small: Small, tmp_path: Path, at_step: AtStep
) -> None:
    out, told = tmp_path / "run", list[str]()
    killed_at_13(small(data={"hold_out": 0}), out, at_step)
    other = small(data={"hold_out": 0}, train={"steps": 22, "log_every": 7})
    with pytest.raises(CheckpointError, match=r"train\.steps: 22, the run has 20"):
        train(other, out, resume=True)
    assert read_recipe(out / "recipe.toml").train.steps == 20
    result = train(other, out, resume=True, allow=["train.steps"], progress=lambda word: told.extend(word.notes))
    assert result.checkpoint.step == 22
    assert told[:3] == [
        "resumed at step 10",
        "from step 11 on: train.log_every 5 → 7",
        "from step 11 on: train.steps 20 → 22",
    ]
    assert read_recipe(out / "recipe.toml").train.steps == 22
    events = read_history(out)
    assert [(event["event"], event["step"]) for event in events] == [("started", 0), ("resumed", 10), ("finished", 22)]
    assert [event["recipe"]["train"]["steps"] for event in events[:2]] == [20, 22]
    assert events[1]["changes"] == {"train.log_every": [5, 7], "train.steps": [20, 22]}
    assert "from step 11 on: train.steps 20 → 22" in read_journal(out / "journal.jsonl")[9]["notes"]
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["history"][1]["changes"]["train.steps"] == [20, 22]


def test_a_change_that_the_checkpoint_does_not_fit_leaves_the_recipe_as_it_was(
    small: Small, tmp_path: Path, at_step: AtStep
) -> None:
    out = tmp_path / "run"
    changes = {"data": {"hold_out": 0}, "loss": {"margin_full": 0.0, "margin_from": 0.0}}
    killed_at_13(small(**changes), out, at_step)
    loss = {"name": "subcenter_arcface", "margin_full": 0.0, "margin_from": 0.0}
    other = small(data={"hold_out": 0}, loss=loss)
    with pytest.raises(CheckpointError, match="do not fit"):
        train(other, out, resume=True, allow=["loss.name", "loss.options"])
    assert read_recipe(out / "recipe.toml").loss.name == "arcface"
    assert [event["event"] for event in read_history(out)] == ["started"]


def test_moved_data_is_the_same_data(
    of_folders: Small, face_folders: Path, tmp_path: Path, at_step: AtStep, same_weights: Same
) -> None:
    whole = train(of_folders(face_folders), tmp_path / "whole")
    killed_at_13(of_folders(face_folders), tmp_path / "run", at_step)
    moved = face_folders.rename(tmp_path / "moved")
    resumed = train(of_folders(moved), tmp_path / "run", resume=True)
    assert same_weights(whole.checkpoint.folder, resumed.checkpoint.folder)
    assert read_recipe(tmp_path / "run" / "recipe.toml").data.folders == (str(moved),)  # type: ignore[union-attr]


def test_other_data_is_refused_by_name_and_count_and_may_be_allowed_where_the_identities_are_the_same(
    of_folders: Small, face_folders: Path, tmp_path: Path, at_step: AtStep
) -> None:
    recipe, out = of_folders(face_folders, data={"hold_out": 4}), tmp_path / "run"
    killed_at_13(recipe, out, at_step)
    trained_on = json.loads((out / "data.json").read_text(encoding="utf-8"))["trained_on"]
    name = list(trained_on)[2]
    sorted((face_folders / name).iterdir())[0].unlink()
    with pytest.raises(CheckpointError) as caught:
        train(recipe, out, resume=True)
    assert f"15 images of 4 identities, the run began with 16 of 4. Other counts: {name} 4 → 3 images" in str(
        caught.value
    )
    assert "--allow data" in str(caught.value)
    result = train(recipe, out, resume=True, allow=["data"])
    assert result.checkpoint.step == 20
    event = next(event for event in read_history(out) if event["event"] == "resumed")
    assert f"{name} 4 → 3 images" in event["data_change"]
    assert train(recipe, out, resume=True).checkpoint.step == 20, "the data as it is now is that of the run"


def test_an_identity_more_is_refused_whatever_is_allowed(
    of_folders: Small, face_folders: Path, tmp_path: Path, at_step: AtStep
) -> None:
    recipe, out = of_folders(face_folders), tmp_path / "run"
    killed_at_13(recipe, out, at_step)
    (face_folders / "person-1").rename(face_folders / "another")
    with pytest.raises(CheckpointError) as caught:
        train(recipe, out, resume=True, allow=["data"])
    assert "Gone identities: person-1. New identities: another" in str(caught.value)
    assert "the class centers are those of the identities" in str(caught.value)


def test_images_with_other_content_are_told_from_others_in_number() -> None:
    began = DataRecord("1", {"Ann": 2, "Bob": 3}, {"Eve": 2})
    assert "the same 2 identities with as many images each" in difference(DataRecord("2", *_people(began)), began)
    many = DataRecord("2", {f"person {i}": 1 for i in range(9)}, {})
    told = difference(many, began)
    assert "New identities: person 0, person 1, person 2, person 3, person 4 and 4 more" in told
    assert "Gone held-out identities: Eve" in told


def _people(record: DataRecord) -> tuple[dict[str, int], dict[str, int]]:
    return record.trained_on, record.held_out


def test_a_run_of_before_there_was_a_record_of_its_data_compares_the_fingerprint(
    of_folders: Small, face_folders: Path, tmp_path: Path, at_step: AtStep
) -> None:
    recipe, out = of_folders(face_folders), tmp_path / "run"
    killed_at_13(recipe, out, at_step)
    for name in ("data.json", "history.jsonl"):
        (out / name).unlink()
    lost = face_folders / "person-3" / "13.png"
    content = lost.read_bytes()
    lost.unlink()
    with pytest.raises(CheckpointError, match="the data has changed since the run began: fingerprint"):
        train(recipe, out, resume=True)
    lost.write_bytes(content)
    assert train(recipe, out, resume=True).checkpoint.step == 20
    assert (out / "data.json").is_file()


def test_a_damaged_record_of_the_data_is_named(small: Small, tmp_path: Path, at_step: AtStep) -> None:
    recipe, out = small(data={"hold_out": 0}), tmp_path / "run"
    killed_at_13(recipe, out, at_step)
    (out / "data.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"data\.json: not what a run writes there"):
        train(recipe, out, resume=True)


def test_a_damaged_newest_checkpoint_does_not_cost_the_good_ones_that_follow(
    small: Small, tmp_path: Path, at_step: AtStep
) -> None:
    recipe, out = small(data={"hold_out": 0}, train={"checkpoint_every": 5, "keep_checkpoints": 1}), tmp_path / "run"
    killed_at_13(recipe, out, at_step)
    (out / "checkpoints" / "step-00000010" / "head.safetensors").write_bytes(b"")
    with pytest.raises(Killed):
        train(recipe, out, resume=True, progress=at_step(6, die))
    assert sorted(path.name for path in (out / "checkpoints").iterdir()) == ["damaged-step-00000010", "step-00000005"]
