"""A disk, data or numbers that fail in the middle of a run: one message, nothing lost, and the run goes on after it."""

from __future__ import annotations

import errno
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from marginface.errors import DataError, FolderBusy, MarginfaceError, StorageError, TrainingDiverged
from marginface.training import Progress, Recipe, TrainingInterrupted, train
from marginface.training.feed.batches import Batch, Batches
from marginface.training.folder.checkpoint import newest_checkpoint
from marginface.training.folder.history import read_history
from marginface.training.folder.journal import read_journal
from marginface.training.folder.state import open_run
from marginface.training.learning import learner
from marginface.training.recipe.file import recipe_sha256
from marginface.training.resolve import resolve
from oracles.disks import remount

Small = Callable[..., Recipe]
AtStep = Callable[[int, Callable[[], object]], Callable[[Progress], None]]
GoesOn = Callable[[Recipe, Path], bool]
NOBODY = 65534
pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Recipe], Path]:
    """Return a function: a recipe → the folder of a run that was never disturbed, one for all tests of a recipe."""
    made: dict[str, Path] = {}

    def folder(recipe: Recipe) -> Path:
        key = recipe_sha256(resolve(recipe))
        if key not in made:
            made[key] = tmp_path_factory.mktemp("whole") / "run"
            train(recipe, made[key])
        return made[key]

    return folder


@pytest.fixture
def goes_on(undisturbed: Callable[[Recipe], Path], same_weights: Callable[[Path, Path], bool]) -> GoesOn:
    """Return what resumes a run and says whether it ends as if nothing had happened."""

    def resume(recipe: Recipe, out: Path) -> bool:
        resumed, whole = train(recipe, out, resume=True), undisturbed(recipe)
        ours, theirs = (read_journal(folder / "journal.jsonl") for folder in (out, whole))
        assert [(record["step"], record["loss"]) for record in ours] == [(r["step"], r["loss"]) for r in theirs]
        assert read_history(out)[-1]["event"] == "finished"
        return same_weights(resumed.checkpoint.folder, whole / "checkpoints" / "step-00000020")

    return resume


def assert_teaches(error: MarginfaceError, out: Path, *parts: str) -> None:
    text = str(error)
    for part in (*parts, f"marginface train {out / 'recipe.toml'} --out {out} --resume"):
        assert part in text
    assert "\n" not in text


def test_a_full_disk_ends_with_what_to_do_and_the_run_goes_on_when_there_is_room(
    small: Small, small_disk: Path, goes_on: GoesOn
) -> None:
    recipe = small(data={"hold_out": 0}, train={"checkpoint_every": 2, "keep_checkpoints": 50})
    out = small_disk / "run"
    with pytest.raises(StorageError) as caught:
        train(recipe, out)
    assert_teaches(
        caught.value, out, "the disk is full", "No space left on device", "Free some room: ", "a checkpoint takes"
    )
    saved, problems = newest_checkpoint(out)
    assert problems == []
    assert saved is not None
    assert f"checkpoints/{saved.folder.name}, is untouched" in str(caught.value)
    assert not list(out.rglob(".*")), "what was half written takes room"
    assert 0 < saved.step < 20
    remount(small_disk, "size=64m")
    assert goes_on(recipe, out)


def test_a_limit_on_the_size_of_files_ends_with_what_to_do(
    small: Small, tmp_path: Path, goes_on: GoesOn, at_step: AtStep, file_limit: Callable[[int], None]
) -> None:
    recipe, out = small(data={"hold_out": 0}), tmp_path / "run"
    with pytest.raises(StorageError) as caught:
        train(recipe, out, progress=at_step(13, lambda: file_limit(10_000)))
    assert_teaches(caught.value, out, "File too large", "ulimit -f", "checkpoints/step-00000010, is untouched")
    file_limit(resource.RLIM_INFINITY)
    assert read_history(out)[-1]["event"] == "failed"
    assert goes_on(recipe, out)


def test_a_journal_that_cannot_be_written_ends_with_its_name_and_what_was_recorded_stays(
    small: Small, tmp_path: Path, goes_on: GoesOn, at_step: AtStep, file_limit: Callable[[int], None]
) -> None:
    recipe, out = small(data={"hold_out": 0}), tmp_path / "run"
    journal = out / "journal.jsonl"
    with pytest.raises(StorageError) as caught:
        train(recipe, out, progress=at_step(13, lambda: file_limit(journal.stat().st_size + 50)))
    assert_teaches(caught.value, out, f"{journal}: File too large")
    assert [record["step"] for record in read_journal(journal)] == list(range(1, 14)), "and not the part of a line"
    file_limit(resource.RLIM_INFINITY)
    assert goes_on(recipe, out)


@pytest.fixture
def other_user() -> Iterator[Callable[[Path], None]]:
    """Return what goes on as a user who may not write in a folder; root may write everywhere."""

    def forbid(folder: Path) -> None:
        folder.chmod(0o555)
        if os.getuid() == 0:
            os.seteuid(NOBODY)

    yield forbid
    os.seteuid(os.getuid())


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that other users may enter, as tmp_path is not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_folder_of_checkpoints_that_may_not_be_written_is_named_with_what_to_do(
    small: Small, open_folder: Path, goes_on: GoesOn, at_step: AtStep, other_user: Callable[[Path], None]
) -> None:
    recipe, out = small(data={"hold_out": 0}), open_folder / "run"
    with pytest.raises(StorageError) as caught:
        train(recipe, out, progress=at_step(13, lambda: other_user(out / "checkpoints")))
    os.seteuid(os.getuid())
    (out / "checkpoints").chmod(0o755)
    assert_teaches(
        caught.value, out, str(out / "checkpoints"), "Permission denied", "Give the user who trains the right"
    )
    assert goes_on(recipe, out)


def test_a_run_that_may_not_be_begun_says_so(small: Small, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file/run: Not a directory\. .*There is no checkpoint yet\. Then repeat"):
        train(small(data={"hold_out": 0}), tmp_path / "file" / "run")


@pytest.mark.parametrize("content", [None, b"no image"], ids=["vanished", "unreadable"])
def test_an_image_that_is_lost_in_the_middle_is_named_and_the_run_goes_on_with_it_put_back(
    of_folders: Small, face_folders: Path, tmp_path: Path, goes_on: GoesOn, at_step: AtStep, content: bytes | None
) -> None:
    recipe, out = of_folders(face_folders), tmp_path / "run"
    lost = face_folders / "person-3" / "13.png"
    whole = lost.read_bytes()

    def lose() -> None:
        lost.unlink() if content is None else lost.write_bytes(content)

    with pytest.raises(DataError) as caught:
        train(recipe, out, progress=at_step(11, lose))
    assert_teaches(caught.value, out, str(lost), "Put the data back", "--allow data", "step-00000010, is untouched")
    lost.write_bytes(whole)
    assert goes_on(recipe, out)


def nan_batches(real: Callable[[Batches, int], Batch], at: int) -> Callable[[Batches, int], Batch]:
    def load(batches: Batches, step: int) -> Batch:
        batch = real(batches, step)
        return Batch(batch.images * float("nan"), batch.labels) if step == at else batch

    return load


def test_a_nan_batch_stops_the_run_and_the_last_checkpoint_stays_as_it_was(
    small: Small, tmp_path: Path, goes_on: GoesOn, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, out = small(data={"hold_out": 0}), tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(Batches, "load", nan_batches(Batches.load, 12))
        with pytest.raises(TrainingDiverged) as caught:
            train(recipe, out)
    for part in (
        "step 13: the loss is nan",
        "halve optim.learning_rate",
        "step-00000010, is untouched",
        "--allow optim",
    ):
        assert part in str(caught.value)
    run = open_run(out)
    assert (run.state, run.step) == ("diverged", 12)
    assert "step 13: the loss is nan" in run.message
    assert goes_on(recipe, out)


@pytest.mark.parametrize("spoilt", ["backbone", "head"])
def test_weights_that_become_nan_are_not_saved_although_the_loss_is_finite(
    small: Small, tmp_path: Path, goes_on: GoesOn, monkeypatch: pytest.MonkeyPatch, spoilt: str
) -> None:
    recipe, out = small(data={"hold_out": 0}, train={"checkpoint_every": 5}), tmp_path / "run"
    real, calls = learner.clip, iter(range(1, 100))
    heads = []
    build = learner.build_head

    def keep_head(*args: object) -> nn.Module:
        heads.append(build(*args))  # type: ignore[arg-type]
        return heads[-1]

    def clip(backbone: nn.Module, largest: float) -> float:
        if next(calls) == 10:
            module = backbone if spoilt == "backbone" else heads[-1]
            gradient = next(module.parameters()).grad
            assert gradient is not None
            gradient.fill_(float("nan"))
        return real(backbone, largest)

    with monkeypatch.context() as patch:
        patch.setattr(learner, "clip", clip)
        patch.setattr(learner, "build_head", keep_head)
        with pytest.raises(TrainingDiverged) as caught:
            train(recipe, out)
    said = "gradient's norm is nan" if spoilt == "backbone" else r"centers (head) is not finite"
    assert f"step 10: {'the loss is finite and the ' if spoilt == 'backbone' else ''}{said}" in str(caught.value)
    saved, _ = newest_checkpoint(out)
    assert saved is not None
    assert saved.step == 5
    assert all(bool(value.isfinite().all()) for value in saved.tensors("head").values())
    assert goes_on(recipe, out)


def test_memory_that_is_full_ends_with_what_to_make_smaller(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(learner, "clip", no_memory)
    with pytest.raises(StorageError) as caught:
        train(small(data={"hold_out": 0}), tmp_path / "run")
    assert_teaches(caught.value, tmp_path / "run", "smaller train.batch_size", "There is no checkpoint yet")


def test_memory_that_is_full_on_a_cpu_ends_so_too(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learner, "clip", lambda *_: torch.empty(10**15))
    with pytest.raises(StorageError, match=r"smaller train\.batch_size"):
        train(small(data={"hold_out": 0}), tmp_path / "run")
    assert open_run(tmp_path / "run").state == "failed"
    monkeypatch.setattr(learner, "clip", lambda *_: torch.ones(2) @ torch.ones(3))
    with pytest.raises(RuntimeError, match="size"):  # a bug stays one
        train(small(data={"hold_out": 0}), tmp_path / "run", resume=True)


def test_a_second_process_that_is_refused_leaves_the_history_of_the_first_alone(
    small: Small, tmp_path: Path, at_step: AtStep
) -> None:
    recipe, out = small(data={"hold_out": 0}), tmp_path / "run"

    def refused_then_stopped() -> None:
        with pytest.raises(FolderBusy):
            train(recipe, out, resume=True)
        raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted):
        train(recipe, out, progress=at_step(7, refused_then_stopped))
    assert [event["event"] for event in read_history(out)] == ["started", "interrupted"]


@pytest.mark.parametrize("number", [errno.EIO, errno.EPIPE])
def test_a_terminal_that_is_closed_stops_the_run_in_order(
    small: Small, tmp_path: Path, at_step: AtStep, number: int
) -> None:
    def gone() -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(TrainingInterrupted, match="step-00000007 is saved"):
        train(small(data={"hold_out": 0}), tmp_path / "run", progress=at_step(7, gone))
    assert open_run(tmp_path / "run").state == "interrupted"
