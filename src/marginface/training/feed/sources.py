"""The [data] section → crops to train on and held-out crops with their pairs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from marginface.data.crops.encoded import EncodedCrops, read_together
from marginface.data.crops.exclusions import read_exclusions
from marginface.data.crops.folder import IdentityFolders
from marginface.data.images.decoding import choose_decoder
from marginface.data.packs import open_images
from marginface.data.sampling.closed_set import ClosedAndOpen, keep_out_probes
from marginface.data.sampling.holdout import PairIndex, split, verification_pairs
from marginface.data.source import CropSource
from marginface.data.synthetic import DrawnFaces
from marginface.errors import RecipeError
from marginface.locations import location
from marginface.training.recipe import DrawnData, FolderData, PackedData, Recipe
from marginface.values import IntArray

_LEFT_OUT = ("unreadable", "excluded", "excluded_images", "too_few")


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Crops to train on; held-out crops of other identities and the pairs drawn from them, or None.

    ``searched`` are crops for closed set beside open set, where the recipe asks for it.
    ``blocks`` is where what the store reads at once begins, if the order of the images depends on it, else empty.
    """

    train: CropSource
    held_out: CropSource | None
    pairs: PairIndex | None
    description: dict[str, object]
    blocks: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    searched: ClosedAndOpen | None = None

    @property
    def fingerprint(self) -> str:
        """Return the sha256 of what is trained on, and of the blocks that decide its order."""
        content = self.train.fingerprint()
        return hashlib.sha256(content.encode() + self.blocks.tobytes()).hexdigest() if len(self.blocks) else content


def open_source(data: DrawnData | FolderData | PackedData) -> CropSource:
    """Return every crop that the section names, the held-out ones included."""
    if isinstance(data, DrawnData):
        return DrawnFaces(
            data.identities,
            data.images_per_identity,
            seed=data.seed,
            strength=data.strength,
            label_noise=data.label_noise,
            tail=data.tail,
        )
    decoder = choose_decoder(data.decoder)
    exclude = read_exclusions(Path(data.exclude)) if isinstance(data.exclude, str) else data.exclude
    if isinstance(data, PackedData):
        return EncodedCrops(
            open_images(location(data.path), label=data.label),
            exclude=exclude,
            min_images=data.min_images,
            memory_gb=data.memory_gb,
            check=data.check,
            decoder=decoder,
        )
    folders = [location(folder) for folder in data.folders]
    return IdentityFolders(
        folders, exclude=exclude, min_images=data.min_images, memory_gb=data.memory_gb, decoder=decoder
    )


def open_data(recipe: Recipe) -> TrainingData:
    """Return the data of a recipe: crops opened, identities held out, pairs drawn.

    Raises:
        DataError: the crops or the identities do not suffice.
    """
    source = open_source(recipe.data)
    description: dict[str, object] = {"identities": len(source.identities), "images": len(source.labels)}
    manifest = getattr(source, "manifest", None)
    if manifest is not None:
        description |= {name: list(getattr(manifest, name)) for name in _LEFT_OUT}
    if isinstance(source, EncodedCrops):
        description["decoder"] = source.decoder.description
        description |= {"problems": list(source.problems)} if source.problems else {}
    evaluation = recipe.evaluation
    if recipe.data.hold_out == 0:
        _check_beside(recipe)
        return TrainingData(source, None, None, description, _blocks(recipe, source))
    train, held_out = split(source, recipe.data.hold_out, evaluation.seed)
    pairs = verification_pairs(held_out, evaluation.pairs, evaluation.folds, evaluation.seed)
    searched = None
    if evaluation.closed_set:
        train, searched = keep_out_probes(train, held_out, evaluation.closed_set, evaluation.seed)
    return TrainingData(train, held_out, pairs, description, _blocks(recipe, train), searched)


def _check_beside(recipe: Recipe) -> None:
    """Refuse a closed set without identities of another kind beside it."""
    if recipe.evaluation.closed_set:
        raise RecipeError(
            f"evaluation.closed_set is {recipe.evaluation.closed_set} and data.hold_out is 0: a closed-set figure is "
            "shown beside the same search among identities that were held out. Hold some out, or set closed_set to 0"
        )


def _blocks(recipe: Recipe, train: CropSource) -> IntArray:
    by_blocks = isinstance(recipe.data, PackedData) and recipe.data.shuffle == "blocks"
    return read_together(train) if by_blocks else np.empty(0, np.int64)
