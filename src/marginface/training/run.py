"""A run folder from first to last.

recipe.toml, data.json      what is trained, on what
history.jsonl               when it was begun, resumed, ended, with the recipe of each sitting
journal.jsonl               a line per step
tensorboard/                the same as curves, where the recipe asks for them
checkpoints/                the newest
dream/                      the branch for turned heads, where the recipe asks for it
report.html, manifest.json  when it is finished; the manifest has the sha256 of the rest
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from marginface import __version__
from marginface.contract import file_sha256
from marginface.environment import describe_environment
from marginface.errors import CheckpointError, DataError, InputError
from marginface.files import write_json
from marginface.training.distributed import Place, Ranks, joined
from marginface.training.dream import add_branch, check_detector
from marginface.training.feed.sources import TrainingData, open_data
from marginface.training.folder.checkpoint import Checkpoint, newest_checkpoint, same_checkpoint
from marginface.training.folder.history import add_event, read_history
from marginface.training.folder.journal import read_journal, truncate_journal
from marginface.training.folder.lock import check_free, held, holds_only_a_lock
from marginface.training.folder.names import CURVES, DATA, DREAM, HISTORY, JOURNAL, MANIFEST, RECIPE, REPORT
from marginface.training.folder.report import write_run_report
from marginface.training.loop.failures import Ending, explained, noted
from marginface.training.loop.live_curves import check_tensorboard, live_curves
from marginface.training.loop.trainer import OnProgress, Progress, Trainer, torch_settings
from marginface.training.measuring.held_out import HeldOutResult
from marginface.training.measuring.pack_figures import pack_sentences
from marginface.training.measuring.packs import check_packs
from marginface.training.recipe import Recipe
from marginface.training.recipe.file import recipe_sha256
from marginface.training.resolve import resolve, resolve_device, resolve_loss
from marginface.training.resumption import Sitting, begin, given_back, put_down, reopen
from marginface.words import percent


@dataclass(frozen=True, slots=True, eq=False)
class TrainResult:
    """A finished run: its folder, its last checkpoint and the last held-out evaluation (None without held-out data).

    ``branch`` is the folder of the model with the branch of [dream], None without one; ``packs`` says what came out on
    each evaluation pack.
    """

    out: Path
    checkpoint: Checkpoint
    held_out: HeldOutResult | None
    branch: Path | None = None
    packs: tuple[str, ...] = ()

    def summary(self) -> str:
        """Say in two or three lines what came out and where it is."""
        where = f"Step {self.checkpoint.step}. Checkpoint: {self.checkpoint.folder}. Report: {self.out / REPORT}"
        where += "" if self.branch is None else f"\nThe same with its branch for turned heads: {self.branch}"
        where = "\n".join((*self.packs, where))
        if self.held_out is None:
            nothing = "" if self.packs else ", so nothing was measured"
            return f"No identities were held out{nothing}.\n{where}"
        accuracy, interval = self.held_out.scores.accuracy.mean, self.held_out.scores.accuracy_interval.to_list()
        pairs = len(self.held_out.scores.genuine)
        closed = "" if self.held_out.closed_set is None else f"\n{self.held_out.closed_set.sentence()}"
        return (
            f"Held-out pairs: {percent(accuracy)} right (95 % interval {percent(interval[0])} to "
            f"{percent(interval[1])}, {pairs:,} pairs).{closed}\n{where}"
        )


def _silent(progress: Progress) -> None:
    """Say nothing."""


def train(
    recipe: Recipe,
    out: str | Path,
    *,
    resume: bool = False,
    allow: Sequence[str] = (),
    progress: OnProgress = _silent,
) -> TrainResult:
    """Train a recipe into a folder.

    The same recipe gives the same numbers on the same machine with the same number of threads, also when it was
    interrupted and resumed. In processes that torchrun has started, all call it, and train one run together: the first
    one writes the folder and speaks, ``batch_size`` is that of all, and the numbers are those of one process but for
    rounding and batch norm.

    Args:
        recipe: what to do; see recipe.file.read_recipe.
        out: a new or empty folder; with ``resume`` the folder of a run.
        resume: go on from the newest whole checkpoint.
        allow: keys that a resumed run may have otherwise than before, as ``train.epochs``; ``data`` allows other images
            of the same identities. See recipe.changes.
        progress: called before the first step and after each; a KeyboardInterrupt it raises ends the run in order.

    Raises:
        InputError: the folder holds something, or the recipe does not fit.
        FolderBusy: another process trains there.
        CheckpointError: the run to resume is of another recipe or other data.
        DataError: the data is not as described, or not any more.
        StorageError: the disk is full, or a file cannot be written or read.
        TrainingDiverged: the loss, a gradient or a weight is not finite, or the loss runs away.
        TrainingInterrupted: by Ctrl-C or SIGTERM, after a checkpoint.
        RankFailed: another process of the run has ended; the message is what it has said.
    """
    out = Path(out)
    if allow and not resume:
        raise InputError("allow is for a run that is resumed: a new run takes any recipe. Leave --allow out")
    check_tensorboard(recipe)
    check_packs(recipe.evaluation.packs)
    one_writes = noted(out) if Place.here().rank == 0 else nullcontext(Ending())
    with one_writes as ending, joined(resolve_device(recipe.train.device)) as ranks:
        if ranks.is_first:
            check_free(out)
            _check_folder(out, resume=resume)
            check_detector(recipe.dream)
        with ranks.first_on_machine("data"):
            data = open_data(resolve(recipe))
        recipe = resolve_loss(resolve(recipe), len(data.train.identities))
        _check_alike(recipe, data, ranks)
        with explained(out):
            if not ranks.is_first:
                return _trained_beside(recipe, data, out, ranks)
            out.mkdir(parents=True, exist_ok=True)
            with held(out, "training"):
                _check_folder(out, resume=resume)  # another may have been there meanwhile
                if resume:
                    return _trained(reopen(recipe, data, out, allow), data, ranks, progress, ending, resumed=True)
                with given_back(out, ending):
                    return _trained(begin(recipe, data, out), data, ranks, progress, ending, resumed=False)


def _trained(
    sitting: Sitting, data: TrainingData, ranks: Ranks, progress: OnProgress, ending: Ending, *, resumed: bool
) -> TrainResult:
    """Train in a folder that is ours, in the process that writes it."""
    out, recipe = sitting.out, sitting.recipe
    truncate_journal(out / JOURNAL, sitting.step)
    ranks.first_says(sitting.checkpoint.folder.name if sitting.checkpoint else "")
    with torch_settings(recipe), live_curves(recipe, out) as draw:

        def tell(word: Progress) -> None:
            if not word.record:  # the checkpoint fits, and no step is done yet
                put_down(sitting, word.total_steps, resumed=resumed)
                ending.begun = True
            draw(word)
            _tell_who_watches(progress, word)

        trainer = Trainer(recipe, data, out, tell, ranks)
        found = trainer.run(sitting.checkpoint, sitting.notes() if resumed else ())
    result = _ended(recipe, data, out, found)
    ranks.first_says("" if result.branch is None else str(result.branch))  # until here the others stay
    return result


def _trained_beside(recipe: Recipe, data: TrainingData, out: Path, ranks: Ranks) -> TrainResult:
    """Train in a process that is not the first, which writes the folder and has looked at the data."""
    found = same_checkpoint(out, ranks.first_says(""))
    checkpoint = None if found is None else replace(found, data_fingerprint=data.fingerprint)
    with torch_settings(recipe):
        trainer = Trainer(recipe, data, out, _silent, ranks)
        result = trainer.run(checkpoint)
    assert trainer.saved is not None, "a run that has ended has saved"
    branch = ranks.first_says("")
    return TrainResult(out, trainer.saved, result, Path(branch) if branch else None)


def _ended(recipe: Recipe, data: TrainingData, out: Path, result: HeldOutResult | None) -> TrainResult:
    """Write what says what came of a run that is at its end."""
    saved, _ = newest_checkpoint(out)
    if saved is None:
        raise CheckpointError(f"{out}: the last checkpoint was deleted or damaged while the run ended")
    write_run_report(recipe, data, result, out / REPORT)
    dream = recipe.dream
    branch = add_branch(saved.folder, out, data.train, data.held_out, dream, recipe.train.seed) if dream.steps else None
    add_event(out, "finished", saved.step, {})
    _write_manifest(recipe, data, saved, result, out)
    packs = (sentence for record in read_journal(out / JOURNAL)[-1:] for sentence in pack_sentences(record))
    return TrainResult(out, saved, result, branch, tuple(packs))


def _tell_who_watches(progress: OnProgress, word: Progress) -> None:
    """Pass a word on; where a terminal was closed or a pipe has ended, that is a request to stop."""
    try:
        progress(word)
    except OSError as error:
        if error.errno not in (errno.EIO, errno.EPIPE):
            raise
        raise KeyboardInterrupt from None


def _check_alike(recipe: Recipe, data: TrainingData, ranks: Ranks) -> None:
    """Raise an error in a process whose recipe or data is not that of the first."""
    recipe_here, data_here = recipe_sha256(recipe), data.fingerprint
    recipe_there, data_there = ranks.first_says(f"{recipe_here} {data_here}").split()
    if recipe_here != recipe_there:
        raise InputError("its recipe is not that of rank 0: give all processes the same file and the same --set")
    if data_here != data_there:
        raise DataError(
            f"its data is not that of rank 0: fingerprint {data_here[:12]}, there {data_there[:12]}. All "
            "processes read the same images: look at [data] on its machine"
        )


def _check_folder(out: Path, *, resume: bool) -> None:
    """Refuse a used folder for a new run, and one without a run for a resumed one; before any slow work."""
    if resume and not (out / RECIPE).is_file():
        raise CheckpointError(f"{out}: no run to resume: there is no {RECIPE}. Start one without --resume.")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: the folder of a run is a folder; this is a file")
    if not resume and out.exists() and not holds_only_a_lock(out):
        kind = "a run: --resume goes on with it" if (out / RECIPE).is_file() else "other files"
        raise InputError(f"{out}: expected a new or empty folder; it holds {kind}. Or choose another folder for --out.")


def _write_manifest(
    recipe: Recipe, data: TrainingData, checkpoint: Checkpoint, result: HeldOutResult | None, out: Path
) -> None:
    """Write what was trained on, with what, what came out, and the sha256 of every file of it but older checkpoints."""
    names = (RECIPE, DATA, HISTORY, JOURNAL, REPORT)
    folders = (checkpoint.folder, out / DREAM, out / CURVES)
    files = [out / name for name in names] + [path for folder in folders for path in sorted(folder.glob("*"))]
    values: dict[str, Any] = {
        "marginface": __version__,
        "recipe_sha256": recipe_sha256(recipe),
        "step": checkpoint.step,
        "held_out": None if result is None else result.scores.to_dict(),
        "closed_set": None if result is None or result.closed_set is None else result.closed_set.record(),
        "history": [{key: value for key, value in event.items() if key != "recipe"} for event in read_history(out)],
        "data": {
            **data.description,
            "trained_on": _counts(data),
            "held_out_identities": [] if data.held_out is None else list(data.held_out.identities),
            "fingerprint": data.fingerprint,
        },
        "environment": describe_environment(),
        "files": {path.relative_to(out).as_posix(): file_sha256(path) for path in files if path.is_file()},
    }
    write_json(out / MANIFEST, values)


def _counts(data: TrainingData) -> dict[str, int]:
    held = data.held_out
    return {
        "identities": len(data.train.identities),
        "images": len(data.train.labels),
        "held_out_identities": 0 if held is None else len(held.identities),
        "held_out_images": 0 if held is None else len(held.labels),
    }
