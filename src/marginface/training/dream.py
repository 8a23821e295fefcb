"""The branch of DREAM behind a trained backbone: turned faces are moved to the mean of their frontal ones.

Source: Cao et al., CVPR 2018, arXiv:1803.00839, section 3.3, "stitching": the backbone stays as it is, and the branch
learns by the Euclidean distance between the feature of a turned face, moved, and the mean feature of the frontal faces
of the same identity. The distance is measured in lengths of a mean feature, so that one learning rate fits all
backbones; the optimizer is AdamW (theirs is SGD for features of their network).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from marginface.backbones.dream import Dream, YawBranch
from marginface.contract import ModelCard, file_sha256, write_card
from marginface.data.augmentation.transforms import normalize
from marginface.data.source import CropSource
from marginface.detection import Detector, YuNet
from marginface.detection.yaw import crop_yaws
from marginface.embedding import TorchEmbedder, YawEmbedder, load_embedder
from marginface.errors import RecipeError
from marginface.training.feed.batches import to_tensor
from marginface.training.folder.names import DREAM
from marginface.training.measuring.held_out import thresholds
from marginface.training.recipe.dream import DreamSection
from marginface.values import FloatArray, IntArray

READ = 128  # crops at a time


@dataclass(frozen=True, slots=True, eq=False)
class PosePairs:
    """Turned faces and where their features should be.

    Attributes:
        features: (N, D) of the turned faces.
        yaws: (N,) degrees.
        targets: (N, D) the mean features of the frontal faces of the same identities.
        identities: how many identities they are of.
    """

    features: Tensor
    yaws: Tensor
    targets: Tensor
    identities: int


def pose_pairs(features: FloatArray, labels: IntArray, yaws: FloatArray, dream: DreamSection) -> PosePairs:
    """Return the turned faces of the identities that have a frontal one too.

    Args:
        features: (N, D).
        labels: (N,).
        yaws: (N,) degrees, NaN where unknown: such a face is neither.
        dream: what is frontal and what is turned.

    Raises:
        RecipeError: no identity has both.
    """
    size = np.abs(yaws)
    frontal, turned = size <= dream.frontal_degrees, size >= dream.turned_degrees
    both = np.intersect1d(labels[frontal], labels[turned])
    if len(both) == 0:
        raise RecipeError(
            f"[dream] needs identities with a frontal face (yaw up to {dream.frontal_degrees:g}°) and a turned one "
            f"(from {dream.turned_degrees:g}°); of {len(np.unique(labels)):,} identities none has both. The "
            "training itself is finished and kept: go on with --resume and a lower angle, as in --set "
            "dream.turned_degrees=40 --allow dream.turned_degrees, or without a branch, --set dream.steps=0 --allow "
            "dream.steps"
        )
    means = {label: features[frontal & (labels == label)].mean(0) for label in both.tolist()}
    chosen = np.flatnonzero(turned & np.isin(labels, both))
    targets = np.stack([means[label] for label in labels[chosen].tolist()])
    moved = torch.from_numpy(features[chosen])
    return PosePairs(moved, torch.from_numpy(yaws[chosen]), torch.from_numpy(targets), len(both))


def train_branch(pairs: PosePairs, dream: DreamSection, seed: int) -> YawBranch:
    """Return the branch after so many steps; torch's random state afterwards is as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        branch = YawBranch(pairs.features.shape[1]).train()
        optimizer = torch.optim.AdamW(branch.parameters(), dream.learning_rate, weight_decay=dream.weight_decay)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, dream.steps)
        scale = pairs.targets.square().sum(1).mean()
        for _ in range(dream.steps):
            drawn = torch.randint(len(pairs.yaws), (dream.batch_size,))
            moved = branch(pairs.features[drawn], pairs.yaws[drawn])
            loss = (moved - pairs.targets[drawn]).square().sum(1).mean() / scale
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    return branch.eval()


def check_detector(dream: DreamSection) -> None:
    """Raise WeightsError before a training, not behind it, where the detector that a branch needs cannot be had."""
    if dream.steps:
        YuNet.load()


def add_branch(
    checkpoint: Path, out: Path, source: CropSource, held_out: CropSource | None, dream: DreamSection, seed: int
) -> Path:
    """Train a branch behind the backbone of a checkpoint and write both as a model; return its folder, OUT/dream.

    Args:
        checkpoint: the folder of a checkpoint.
        out: the folder of the run.
        source: crops to train on.
        held_out: crops of other identities that give the model card its thresholds; None: it gets none.
        dream: the settings.
        seed: decides which crops are looked at, the first weights and the batches.

    Raises:
        RecipeError: no identity has frontal and turned faces.
    """
    trunk, detector = load_embedder(checkpoint), YuNet.load()
    assert isinstance(trunk, TorchEmbedder)
    chosen = some_identities(source.labels, dream.images, seed)
    features, yaws = _look(trunk.backbone, trunk.card.input_size, detector, source, chosen)
    pairs = pose_pairs(features, source.labels[chosen], yaws, dream)
    network = Dream(trunk.backbone, train_branch(pairs, dream, seed))
    told = f"; yaw branch of {len(pairs.yaws):,} turned faces of {pairs.identities:,} identities, {dream.steps} steps"
    card = trunk.card.model_copy(
        update={"pose": "yaw", "provenance": trunk.card.provenance + told, "name": f"{trunk.card.name}-dream"}
    )
    embedder = YawEmbedder(network.eval(), detector, card)
    entries = () if held_out is None else thresholds(_embed(embedder, held_out), held_out.labels)
    return _write(network, card.model_copy(update={"thresholds": entries}), out / DREAM)


def some_identities(labels: IntArray, most: int, seed: int) -> IntArray:
    """Return the indices of whole identities, drawn until there are ``most`` images; all where there are no more."""
    if len(labels) <= most:
        return np.arange(len(labels))
    names, counts = np.unique(labels, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    kept = order[: max(int(np.searchsorted(np.cumsum(counts[order]), most, "right")), 1)]
    return np.flatnonzero(np.isin(labels, names[kept]))


def _look(
    network: nn.Module, input_size: int, detector: Detector, source: CropSource, chosen: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return the features (N, D) and the yaws (N,) of some crops."""
    features, yaws = [], []
    with torch.inference_mode():
        for start in range(0, len(chosen), READ):
            crops = source.read(chosen[start : start + READ])
            features.append(network(normalize(to_tensor(crops, input_size))).float().numpy())
            yaws.append(crop_yaws(detector, crops))
    return np.concatenate(features), np.concatenate(yaws)


def _embed(embedder: YawEmbedder, source: CropSource) -> FloatArray:
    parts = [np.arange(start, min(start + READ, len(source.labels))) for start in range(0, len(source.labels), READ)]
    return np.concatenate([embedder.embed(source.read(part)) for part in parts])


def _write(network: Dream, card: ModelCard, folder: Path) -> Path:
    """Write weights and card beside their place and move them there."""
    partial = folder.with_name(f".{folder.name}.partial")
    for old in (partial, folder):
        if old.exists():
            shutil.rmtree(old)
    partial.mkdir(parents=True)
    weights = partial / "backbone.safetensors"
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, weights)
    write_card(card.model_copy(update={"sha256": file_sha256(weights), "file": weights.name}), partial / "card.toml")
    return partial.rename(folder)
