"""The [start] of a recipe: weights, and class centers where the identities are.

resolve_start   names the weights for good: path, sha256, license
begin           loads the weights and places the centers, before the first step of a new run
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from marginface.adopt import adopt_published
from marginface.contract import ModelCard
from marginface.data.augmentation.transforms import PIXEL_CENTER
from marginface.data.source import CropSource
from marginface.embedding import TorchEmbedder, checkpoint_folder, load_embedder
from marginface.errors import HashMismatch, RecipeError
from marginface.losses import LOSSES, PairLoss
from marginface.losses.centers import ClassCenters
from marginface.losses.summed import without_terms
from marginface.training.devices import numbered
from marginface.training.distributed import Ranks
from marginface.training.measuring.features import unit_features
from marginface.training.recipe import BackboneSection, Recipe, StartSection
from marginface.weights import WEIGHTS

if TYPE_CHECKING:
    from marginface.training.learning.learner import Learner


def resolve_start(recipe: Recipe) -> StartSection:
    """Return [start] with an absolute path, the sha256 and the license of its weights.

    A run folder becomes its newest checkpoint. A section that has its sha256 is left as it is: a resumed run needs the
    weights no more.

    Raises:
        CheckpointError: the folder holds no weights.
        RecipeError: they are of another network than [backbone], or the loss has no class centers to place.
    """
    start = recipe.start
    if not start.weights:
        return start
    if start.head == "class_means" and isinstance(LOSSES[recipe.loss.name], PairLoss):
        raise RecipeError(
            f"[start] head: {recipe.loss.name} is a pair loss, without class centers to place; leave head at random"
        )
    if start.sha256:
        return start
    found = _found(start.weights)
    _require_fit(found.card, recipe.backbone, start.weights)
    return start.model_copy(update={"weights": found.place, "sha256": found.sha256, "license": found.card.license})


def begin(learner: Learner, recipe: Recipe, source: CropSource, ranks: Ranks) -> tuple[str, ...]:
    """Give a new run its start; return what there is to say about it. All processes of the run call it.

    Raises:
        HashMismatch: the weights have changed since the recipe named them.
        RecipeError: they do not fit the options of [backbone].
    """
    start = recipe.start
    if not start.weights:
        return ()
    found = _found(start.weights)
    if found.sha256 != start.sha256:
        raise HashMismatch(
            f"[start] {start.weights}: the recipe means those of sha256 {start.sha256}, now there are {found.sha256}. "
            "Put the old ones back, or leave sha256 out of the recipe to take these"
        )
    for network in {id(each): each for each in (learner.backbone, learner.served)}.values():
        _load(network, found.backbone.state_dict(), start)
    notes = (f"starts from {found.card.name}, {start.weights}",)
    if start.head == "random":
        return notes
    place_centers(learner.head, class_means(learner.backbone, source, recipe, ranks))
    return (*notes, f"class centers: mean directions of {len(source.labels):,} images")


@dataclass(frozen=True)
class _Found:
    """Weights that a start names: where for good, the sha256 of the file, the card and the backbone."""

    place: str
    sha256: str
    card: ModelCard
    backbone: nn.Module


def _found(weights: str) -> _Found:
    if weights in WEIGHTS:
        adopted = adopt_published(weights)
        return _Found(weights, WEIGHTS[weights].sha256, adopted.card, adopted.backbone)
    folder = checkpoint_folder(Path(weights)).resolve()
    embedder = load_embedder(folder)
    assert isinstance(embedder, TorchEmbedder), "a checkpoint folder is loaded by torch"
    return _Found(str(folder), embedder.card.sha256, embedder.card, embedder.backbone)


def _require_fit(card: ModelCard, section: BackboneSection, weights: str) -> None:
    if (card.color_order, card.mean, card.std) != ("RGB", PIXEL_CENTER, PIXEL_CENTER):
        raise RecipeError(
            f"[start] {weights}: a training feeds RGB with mean and std {PIXEL_CENTER}; the card says "
            f"{card.color_order}, {card.mean:g}, {card.std:g}. marginface weights convert puts them into the weights"
        )
    assert card.backbone is not None, "load_embedder refuses a checkpoint without [backbone]"
    theirs = {"name": card.backbone.name, "embedding_size": card.embedding_size, "input_size": card.input_size}
    ours = {key: getattr(section, key) for key in theirs}
    if ours != theirs:
        wanted = ", ".join(f"{key} = {value!r}" for key, value in theirs.items()).replace("'", '"')
        got = ", ".join(f"{key} = {value!r}" for key, value in ours.items()).replace("'", '"')
        raise RecipeError(f"[start] {weights} needs under [backbone]: {wanted}; got {got}")


def _load(network: nn.Module, state: dict[str, Tensor], start: StartSection) -> None:
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise RecipeError(f"[start] {start.weights} does not fit the options of [backbone]: {first}") from None


def class_means(backbone: nn.Module, source: CropSource, recipe: Recipe, ranks: Ranks) -> Tensor:
    """Return the mean direction of the features of each identity (C, D), length 1, in one pass over the crops.

    m_c = Σ x_i/‖x_i‖ over the images of c, divided by its length. Of several processes each goes over its part.
    """
    device = numbered(recipe.train.device)
    sums = torch.zeros(len(source.identities), recipe.backbone.embedding_size, device=device)
    labels = torch.tensor(source.labels, device=device)
    for start, rows in unit_features(backbone, source, recipe.backbone.input_size, device, ranks):
        sums.index_add_(0, labels[start : start + len(rows)], rows)
    return functional.normalize(ranks.processes.summed(sums))


@torch.no_grad()
def place_centers(head: nn.Module, means: Tensor) -> None:
    """Put the class centers of a head where the means (C, D) are, at length 1.

    With sub-centers the first of each class is its mean; the others keep their random directions, at length 1, for
    images that do not look like the rest. A bias, a learned scale and the centers of terms stay as they begin. A head
    with a shard takes the means of its classes.

    Raises:
        RecipeError: the head has no class centers.
    """
    core = without_terms(head)
    if not isinstance(core, ClassCenters):
        raise RecipeError(
            '[start] head: a pair loss has no class centers to place; write head = "random" under [start]'
        )
    shard = core.shard
    own = means if shard is None else means[shard.start : shard.stop]
    if core.centers.ndim == 2:
        core.centers.copy_(own)
    else:
        core.centers.copy_(functional.normalize(core.centers, dim=2))
        core.centers[:, 0].copy_(own)
