"""The loop: batches in, steps, journal, held-out evaluation, checkpoints. It knows no loss and no backbone by name."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from marginface import __version__
from marginface.contract import BackboneEntry, ModelCard
from marginface.errors import CheckpointError
from marginface.losses.theory import cautions_of
from marginface.training.devices import numbered
from marginface.training.distributed import Ranks
from marginface.training.feed.batches import Batch, Batches, check_shares, identity_batches
from marginface.training.feed.sources import TrainingData
from marginface.training.folder.checkpoint import Checkpoint, checkpoints_folder, save_checkpoint
from marginface.training.folder.journal import Journal, read_journal
from marginface.training.folder.names import JOURNAL
from marginface.training.interrupt import StopRequest, TrainingInterrupted, stop_on_signal
from marginface.training.learning.learner import Learner
from marginface.training.learning.start import begin
from marginface.training.loop.collapse import CollapseWatch
from marginface.training.loop.divergence import LossWatch, check_gradient, check_labels, check_weights, first_loss_note
from marginface.training.loop.failures import resume_command
from marginface.training.measuring.held_out import HeldOut, HeldOutResult
from marginface.training.measuring.pack_figures import is_evaluated, of_packs
from marginface.training.measuring.packs import Packs
from marginface.training.recipe import Recipe
from marginface.training.recipe.file import recipe_sha256
from marginface.training.schedule import learning_rate_factor, margin_strength
from marginface.words import percent, plural

SPEED_SMOOTHING = 0.9


@dataclass(frozen=True, slots=True)
class Progress:
    """What the progress callback gets: before the first step with an empty record, then after each step.

    ``record`` is the journal's object of the step; ``notes`` are sentences for the person who watches.
    """

    step: int
    total_steps: int
    record: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return loss, learning rate, speed and, where they were measured, accuracies in one line."""
        if not self.record:
            return "starting"
        record = self.record
        parts = [f"loss {record['loss']:.3f}", f"lr {record['learning_rate']:.2g}"]
        parts += [f"{record['images_per_second']:.0f} images/s"]
        parts += [f"training {percent(record['train_accuracy'], 1)}"] if "train_accuracy" in record else []
        kinds = ("genuine_similarity", "impostor_similarity")
        parts += [f"{kind.replace('_', ' ')} {record[kind]:.2f}" for kind in kinds if kind in record]
        parts += [f"held-out pairs {percent(record['accuracy_mean'])}"] if "accuracy_mean" in record else []
        parts += [f"{pack} {percent(share)}" for pack, share in of_packs(record).items()]
        return ", ".join(parts)

    def is_milestone(self) -> bool:
        """Say whether a log should show this step: one in twenty of the run, and every evaluation."""
        every = max(self.total_steps // 20, 1)
        return bool(self.record) and (self.step % every == 0 or is_evaluated(self.record))


OnProgress = Callable[[Progress], None]


class Trainer:
    """One run over its data, from a step to the end; of several processes each has one, and the first one speaks."""

    def __init__(
        self, recipe: Recipe, data: TrainingData, out: Path, on_progress: OnProgress, ranks: Ranks | None = None
    ) -> None:
        check_labels(data.train.labels, len(data.train.identities))
        self.recipe = recipe
        self._out = out
        self._data = data
        self._ranks = Ranks() if ranks is None else ranks
        self._tell: OnProgress = on_progress if self._ranks.is_first else _silent
        self._device = numbered(recipe.train.device)
        processes = self._ranks.processes
        check_shares(recipe, processes.size)
        self.batches = Batches(data.train, recipe, self._device, processes.own(recipe.train.batch_size))
        self.learner = Learner(recipe, len(data.train.identities), self._device, processes)
        self._held_out = self._open_held_out()
        self._packs = Packs.of(recipe, self._device)
        self.saved: Checkpoint | None = None
        self._watch = LossWatch()
        self._collapse = CollapseWatch(self.learner.collapsed_loss)
        self._speed, self._last_end = 0.0, 0.0

    def run(self, checkpoint: Checkpoint | None, notes: tuple[str, ...] = ()) -> HeldOutResult | None:
        """Train from a checkpoint, or from the start, to the end; return the last held-out evaluation.

        Raises:
            CheckpointError: the checkpoint is of other data.
            TrainingDiverged: the loss is not finite or runs away.
            TrainingInterrupted: someone asked to stop; a checkpoint is saved.
        """
        first = self._restore(checkpoint)
        begun = begin(self.learner, self.recipe, self._data.train, self._ranks) if checkpoint is None else ()
        self._remember(read_journal(self._out / JOURNAL))
        self._tell(Progress(first, self.batches.total_steps, {}, (*notes, *begun, *self._plan())))
        result = None
        written = self._out / JOURNAL if self._ranks.is_first else Path(os.devnull)
        with stop_on_signal() as stop, Journal(written) as journal:
            batches = self.batches.from_step(first)
            self._last_end = time.perf_counter()
            for step, batch in enumerate(batches, start=first):
                result = self._one_step(step, batch, journal, stop)
                asked = self._ranks.any(stop.wanted or self._ranks.is_orphan)
                if asked and step + 1 < self.batches.total_steps:
                    batches.close()  # type: ignore[attr-defined]
                    self._interrupted(step + 1)
        return self._evaluate() if first == self.batches.total_steps else result

    def _one_step(self, step: int, batch: Batch, journal: Journal, stop: StopRequest) -> HeldOutResult | None:
        """Learn from a batch, then record, evaluate and save as far as this step is due."""
        done, train = step + 1, self.recipe.train
        last = done == self.batches.total_steps
        record, notes = self._learn(step, batch)
        due = last or (train.evaluate_every > 0 and done % train.evaluate_every == 0)
        result = self._evaluate() if due else None
        record |= result.record() if result is not None else {}
        record |= self._evaluate_packs() if due else {}
        journal.write({**record, "notes": list(notes)} if notes else record)
        if last or (train.checkpoint_every > 0 and done % train.checkpoint_every == 0):
            self.save(done, result)
        try:
            self._tell(Progress(done, self.batches.total_steps, record, notes))
        except KeyboardInterrupt:
            stop.wanted = True
        return result

    def _learn(self, step: int, batch: Batch) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Do the step and return its record and what there is to say about it."""
        total, recipe = self.batches.total_steps, self.recipe
        rate = recipe.optim.learning_rate * self._factor(step)
        strength = margin_strength(recipe.loss, step, total)
        result = self.learner.learn(batch, step, learning_rate=rate, margin_strength=strength)
        loss = self._ranks.mean(result.loss)
        self._watch.check(step + 1, loss, settling=strength < 1)
        check_gradient(step + 1, result.gradient_norm)
        record: dict[str, Any] = {
            "step": step + 1,
            "epoch": round((step + 1) / self.batches.steps_per_epoch, 4),
            "loss": loss,
            "learning_rate": rate,
            "gradient_norm": result.gradient_norm,
            "images_per_second": round(self._images_per_second(recipe.train.batch_size), 1),
        }
        if recipe.loss.margin_full > 0:
            record["margin_strength"] = strength
        if (step + 1) % recipe.train.log_every == 0 or step + 1 == total:
            record |= self.learner.diagnostics(result.features, batch.labels) | self.learner.report(step)
        notes = (self._first_loss_note(loss) if step == 0 else "", self._collapse.look(record))
        return record, tuple(note for note in notes if note)

    def _first_loss_note(self, loss: float) -> str:
        learner, identities = self.learner, len(self._data.train.identities)
        return first_loss_note(loss, identities, learner.scale) if self._knows_nothing else ""

    @property
    def _knows_nothing(self) -> bool:
        """Say whether the first step meets a softmax with random class centers."""
        return self.learner.is_softmax and self.recipe.start.head == "random"

    def save(self, step: int, result: HeldOutResult | None = None) -> Checkpoint:
        """Write a checkpoint of the present state, with what was measured of it; all processes call it."""
        self.learner.mean_statistics()
        state = Checkpoint(self._out, step, recipe_sha256(self.recipe), self._data.fingerprint)
        card = model_card(self.recipe, state, result)
        keep, content = self.recipe.train.keep_checkpoints, self.learner.content()
        check_weights(step, content.files)
        self.saved = save_checkpoint(self._out, state, content, card, keep=keep, ranks=self._ranks)
        return self.saved

    def _restore(self, checkpoint: Checkpoint | None) -> int:
        if checkpoint is None:
            return 0
        if checkpoint.data_fingerprint != self._data.fingerprint:
            raise CheckpointError(
                f"the data has changed since the run began: fingerprint {self._data.fingerprint[:12]}, the "
                f"checkpoint has {checkpoint.data_fingerprint[:12]}. Put the data back, or start a "
                "new run in another folder."
            )
        self.learner.restore(checkpoint)
        self.saved = checkpoint
        return checkpoint.step

    def _remember(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Let both watches see the steps that a resumed run has behind it, so that nothing is said a second time."""
        for record in records:
            self._watch.see(record["loss"], settling=record.get("margin_strength", 1.0) < 1)
            self._collapse.look(record)

    def _factor(self, step: int) -> float:
        return learning_rate_factor(self.recipe.schedule, step, self.batches.total_steps, self.batches.steps_per_epoch)

    def _evaluate(self) -> HeldOutResult | None:
        if self._held_out is None:
            return None
        self.learner.mean_statistics()
        return self._held_out.evaluate(self.learner.served, self._ranks)

    def _evaluate_packs(self) -> dict[str, Any]:
        if self._packs.protocols:
            self.learner.mean_statistics()
        return self._packs.evaluate(self.learner.served, self._ranks)

    def _open_held_out(self) -> HeldOut | None:
        data = self._data
        if data.held_out is None or data.pairs is None:
            return None
        return HeldOut(data.held_out, data.pairs, self.recipe.backbone.input_size, self._device, data.searched)

    def _images_per_second(self, images: int) -> float:
        """Return the smoothed speed from the end of a step to the end of the next, the wait for a batch included."""
        now = time.perf_counter()
        speed = images / max(now - self._last_end, 1e-9)
        self._last_end = now
        self._speed = speed if self._speed == 0 else SPEED_SMOOTHING * self._speed + (1 - SPEED_SMOOTHING) * speed
        return self._speed

    def _interrupted(self, step: int) -> None:
        """Save what there is, if that has not just been done, and say how to go on."""
        saved = self.saved if self.saved is not None and self.saved.step == step else self.save(step)
        place = checkpoints_folder(self._out).name
        raise TrainingInterrupted(
            f"stopped after step {step} of {self.batches.total_steps}; {place}/{saved.folder.name} is saved. Go on "
            f"with: {resume_command(self._out)}"
        )

    def _plan(self) -> tuple[str, ...]:
        """Say what will happen, before it does."""
        train, source = self.recipe.train, self._data.train
        batches, optim = self.batches, self.recipe.optim
        held = 0 if self._data.held_out is None else len(self._data.held_out.identities)
        peak = max(self._factor(round(place * (batches.total_steps - 1) / 100)) for place in range(101))
        met = max(round(self.recipe.loss.sample_rate * len(source.identities)), 1)  # classes in a step
        starts_at = f"; a softmax that knows nothing has loss {math.log(met):.2f}"
        return (
            f"{len(source.labels):,} images of {len(source.identities):,} identities ({held:,} more held out)",
            f"{batches.total_steps:,} steps of {train.batch_size} images, {batches.steps_per_epoch:,} an epoch; "
            f"learning rate up to {optim.learning_rate * peak:g}",
            f"{self.recipe.backbone.name} at {self.recipe.backbone.input_size} px in {train.precision} on "
            f"{train.device} with {plural(train.threads, 'thread')}{self._ranks.describe()}"
            f"{starts_at if self._knows_nothing else ''}",
            *self._plan_of_batches(),
            self._plan_of_loading(),
            *(f"caution: {sentence}" for sentence in cautions_of(self.learner.head)),
        )

    def _plan_of_batches(self) -> tuple[str, ...]:
        """Say what a batch of P × K is, and how many identities have too few images for it."""
        batches = identity_batches(self._data.train.labels, self.recipe)
        if batches is None:
            return ()
        images, short = batches.images_per_identity, batches.short_identities
        plan = f"each batch: {self.recipe.train.batch_size // images} identities with {images} images each"
        repeats = f"{short:,} identities have fewer than {images} images: theirs are repeated within a batch"
        return (plan, repeats) if short else (plan,)

    def _plan_of_loading(self) -> str:
        batches, decoder = self.batches, self._data.description.get("decoder")
        made = f"decoded by {decoder}, " if decoder else ""
        return f"batches: {made}made up to {batches.ahead} ahead on {plural(batches.workers, 'thread')}"


def _silent(progress: Progress) -> None:
    """Say nothing."""


def model_card(recipe: Recipe, state: Checkpoint, result: HeldOutResult | None) -> ModelCard:
    """Return the card of a checkpoint with what was measured of it; save_checkpoint fills in the hash of its file."""
    backbone = BackboneEntry(name=recipe.backbone.name, options=dict(recipe.backbone.options))
    start = recipe.start
    begun = f", fine-tuned from {Path(start.weights).name} (sha256 {start.sha256[:16]})" if start.weights else ""
    return ModelCard(
        name=recipe.name,
        file="backbone.safetensors",
        sha256="0" * 64,
        license="; ".join(filter(None, (start.license, "as your training data allows"))),
        provenance=(
            f"marginface {__version__}, step {state.step}, recipe {state.recipe_sha256[:16]}, "
            f"data {state.data_fingerprint[:16]}{begun}"
        ),
        embedding_size=recipe.backbone.embedding_size,
        input_size=recipe.backbone.input_size,
        backbone=backbone,
        thresholds=() if result is None else result.thresholds,
        usual_norm=None if result is None else result.usual_norm,
    )


@contextmanager
def torch_settings(recipe: Recipe) -> Iterator[None]:
    """Set the threads, and leave threads and torch's random state afterwards as they were."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(enabled=True):
        torch.set_num_threads(recipe.train.threads)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
