"""What a finished run decides on the pairs of a comparison, computed once and kept beside the run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np
import torch
from PIL import Image

from marginface.arrays import read_npz
from marginface.cropping import Crop
from marginface.data.pairs.cfp import cfp_pairs
from marginface.errors import CheckpointError
from marginface.evaluation.comparison.losses import Decisions
from marginface.evaluation.protocols.pairs import evaluate_pairs, identities_by_folder
from marginface.evaluation.reading import Cropper, Reader, protocol_cropper
from marginface.files import write_whole
from marginface.images import read_image
from marginface.training.feed.sources import TrainingData
from marginface.training.folder.checkpoint import BACKBONE, newest_checkpoint
from marginface.training.folder.names import RECIPE
from marginface.training.learning.learner import build_backbone
from marginface.training.measuring.held_out import HeldOut
from marginface.training.recipe.file import read_recipe
from marginface.values import ImageArray

Split = Literal["FF", "FP"]
SPLITS: tuple[Split, ...] = ("FF", "FP")


def held_out_decisions(run: Path, folder: Path, data: TrainingData, device: torch.device) -> Decisions:
    """Return what the newest checkpoint of a run decides on the held-out pairs; kept in ``folder``.

    Raises:
        CheckpointError: the run has no whole checkpoint.
    """
    return _kept(folder / "held_out.npz", lambda: _decide_held_out(run, data, device))


def _decide_held_out(run: Path, data: TrainingData, device: torch.device) -> Decisions:
    assert data.held_out is not None, "a comparison has held-out crops"
    assert data.pairs is not None, "a comparison has held-out pairs"
    recipe = read_recipe(run / RECIPE)
    checkpoint, problems = newest_checkpoint(run)
    if checkpoint is None:
        raise CheckpointError(f"{run}: no whole checkpoint. {' '.join(problems)} Delete {run.parent} to train it again")
    backbone = build_backbone(recipe).to(device)
    backbone.load_state_dict(checkpoint.tensors(BACKBONE))
    scores = HeldOut(data.held_out, data.pairs, recipe.backbone.input_size, device).evaluate(backbone).scores
    labels = data.held_out.labels
    return Decisions(scores.accuracy.accepted == scores.genuine, (labels[data.pairs.first], labels[data.pairs.second]))


@dataclass(frozen=True)
class KeptCrops:
    """A cropper that finds the face of a photo once and keeps the crop as a PNG, for every run to be measured on.

    Attributes:
        folder: of the crops, named by the sha256 of the photo's pixels; an empty file is a photo without a face.
        cropper: what finds a face.
    """

    folder: Path
    cropper: Cropper

    def crop(self, image: ImageArray) -> Crop:
        """Return the kept crop, or make it."""
        path = self.folder / f"{hashlib.sha256(image.tobytes()).hexdigest()}.png"
        if not path.is_file():
            found = self.cropper.crop(image)
            write_whole(path, lambda stream: _write_png(found.crop, stream))
            return found
        return Crop(read_image(path) if path.stat().st_size else None, None, 0, "kept")


def _write_png(crop: ImageArray | None, stream: IO[bytes]) -> None:
    if crop is not None:
        Image.fromarray(crop).save(stream, format="PNG")


def check_cfp(cfp: Path) -> None:
    """Raise DataError if a folder is not CFP, before anything is trained."""
    for split in SPLITS:
        cfp_pairs(cfp, split)


def cfp_decisions(run: Path, folder: Path, cfp: Path, crops: Path, tell: Callable[[str], None]) -> dict[str, Decisions]:
    """Return what a run decides on CFP-FF and CFP-FP, crop and mirrored crop summed; kept in ``folder``.

    Args:
        run: the run folder.
        folder: where the decisions are kept.
        cfp: the folder of CFP.
        crops: where the crops are kept, for all runs.
        tell: called when a protocol is measured.

    Raises:
        DataError: the folder is not CFP.
    """

    def decide(split: Split) -> Decisions:
        from marginface.embedding import load_embedder

        tell(f"measuring CFP-{split}")
        pairs = cfp_pairs(cfp, split)
        result = evaluate_pairs(
            load_embedder(str(run), mirror=True), pairs, Reader(cropper=KeptCrops(crops, protocol_cropper()))
        )
        people = identities_by_folder(pairs)
        groups = (pairs.fold, pairs.fold) if people is None else (people[pairs.first], people[pairs.second])
        return Decisions(result.scores.accuracy.accepted == pairs.genuine, groups)

    return {f"CFP-{split}": _kept(folder / f"cfp-{split}.npz", lambda split=split: decide(split)) for split in SPLITS}  # type: ignore[misc]


def _kept(path: Path, decide: Callable[[], Decisions]) -> Decisions:
    """Return decisions from a file, or decide and write it."""
    if not path.is_file():
        made = decide()
        first, second = made.groups
        write_whole(path, lambda stream: np.savez_compressed(stream, right=made.right, first=first, second=second))
    found = read_npz(path)
    return Decisions(found["right"], (found["first"], found["second"]))
