"""What a resumed run may change of its recipe: key by key, with what a change does to the figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marginface.errors import CheckpointError, RecipeError
from marginface.registry import near_names
from marginface.training.recipe import Recipe
from marginface.training.recipe.file import FREE_KEYS, flat

DATA = "data"  # --allow data: other images of the same identities

_LENGTH = (
    "learning rate, margin and augmentation follow the fraction of the run: with another length they jump at this step"
)
_ORDER = "the images come in another order from here on: of this epoch some come twice and some not at all"
_ROUNDING = "sums are rounded otherwise: the run no longer equals an uninterrupted one to the bit"
_FITS_NOT = "the weights of the checkpoint, or the optimizer's state, would not fit"
_BEGUN = "a run begins once: what its weights and class centers came from cannot be another now"
_WHY = {
    "train.epochs": _LENGTH,
    "train.steps": _LENGTH,
    "train.batch_size": f"{_ORDER}; an epoch has another number of steps, and a learning rate fits one batch size",
    "train.batch_images_per_identity": _ORDER,
    "train.seed": f"{_ORDER}; the weights were drawn with the old one",
    "train.precision": _ROUNDING,
    "train.channels_last": _ROUNDING,
    "train.compile": _ROUNDING,
    "train.accumulate": _ROUNDING,
    "optim.fused": _ROUNDING,
    "loss.implementation": _ROUNDING,
    "loss.multiply": _ROUNDING,
    "loss.tiles": _ROUNDING,
    "optim.learning_rate": "the steps from here on are of another size, on the momentum of the old one",
    "optim.clip_norm": "the largest steps from here on are of another size",
    "optim.head_in_backward": _ROUNDING,
    "data.decoder": "pixels of other decoders may differ: the run no longer equals an uninterrupted one to the bit",
    "data.shuffle": _ORDER,
    "data.shuffle_block": _ORDER,
    "data.shuffle_buffer": _ORDER,
    "data.balance": "identities come more or less often from here on",
    "backbone.input_size": "the network sees other images than it was trained on so far",
}
_WHY_OF_SECTION = {
    "augment": "the images look different from here on: the loss before and after does not compare",
    "loss": "something else is minimized from here on: the loss before and after does not compare, and the result is "
    "that of neither loss",
    "optim": "the steps from here on are others, on the optimizer's state of the old ones",
    "schedule": "the learning rate jumps at this step",
    "dream": "the branch behind the training is another; the training itself is the same",
    "evaluation": "other pairs are decided: held-out figures before and after do not compare",
}
# What the data is: not these keys but its fingerprint decides whether it is the same; packs may move.
_OF_DATA = frozenset(
    f"data.{key}"
    for key in (
        *("source", "path", "folders", "label", "check", "exclude", "min_images", "hold_out"),
        *("identities", "images_per_identity", "seed", "strength", "label_noise", "tail"),
    )
)
_OF_OPTIMIZER = frozenset(
    {"optim.kind", "optim.decay_all", "start.freeze", "start.rates"}
)  # what it has, in what order
_OF_START = frozenset({"start.weights", "start.head", "start.sha256", "start.license"})
_FIXED = frozenset({"backbone.name", "backbone.embedding_size", "backbone.options", *_OF_OPTIMIZER, *_OF_START})


@dataclass(frozen=True, slots=True)
class Change:
    """A key whose value is not that of the run; None where it has none."""

    key: str
    given: Any
    stored: Any

    @property
    def is_free(self) -> bool:
        """Say whether the key decides no number, or is one of the data, whose fingerprint decides."""
        return self.key in FREE_KEYS or self.key in _OF_DATA

    @property
    def is_fixed(self) -> bool:
        """Say whether no run can go on with this."""
        toggles_average = self.key == "optim.ema" and 0 in (self.given, self.stored)
        return self.key in _FIXED or toggles_average

    @property
    def why(self) -> str:
        """Return what the change would do."""
        if self.key in _OF_START:
            return _BEGUN
        section = self.key.partition(".")[0]
        known = _WHY.get(self.key) or _WHY_OF_SECTION.get(section)
        return _FITS_NOT if self.is_fixed else known or "it decides numbers of the training"

    def __str__(self) -> str:
        return f"{self.key} {self.stored!r} → {self.given!r}"


def changes_of(given: Recipe, stored: Recipe) -> list[Change]:
    """Return every key that differs, sorted.

    >>> from marginface.training.recipe.file import recipe_from
    >>> [str(change) for change in changes_of(recipe_from({"train": {"seed": 1}}), recipe_from({}))]
    ['train.seed 0 → 1']
    """
    ours, theirs = flat(given), flat(stored)
    keys = sorted(ours.keys() | theirs.keys())
    return [Change(key, ours.get(key), theirs.get(key)) for key in keys if ours.get(key) != theirs.get(key)]


def check_changes(changes: Sequence[Change], allowed: Sequence[str]) -> None:
    """Refuse changes that are neither free nor allowed.

    Raises:
        CheckpointError: it names each key, both values, what the change does and how to allow it.
    """
    refused = [change for change in changes if not change.is_free and (change.is_fixed or change.key not in allowed)]
    if not refused:
        return
    lines = [f"  {change.key}: {change.given!r}, the run has {change.stored!r}: {change.why}" for change in refused]
    options = " ".join(f"--allow {change.key}" for change in refused if not change.is_fixed)
    ways = ["Resume with the recipe.toml of its folder", "start a new run in another folder"]
    ways += [f"repeat the command with {options}"] if options else []
    never = [change.key for change in refused if change.is_fixed]
    cannot = f" Nothing allows {' or '.join(never)}." if never else ""
    text = "\n".join(lines)
    raise CheckpointError(
        f"the run was begun with another recipe:\n{text}\n{', '.join(ways[:-1])}, or {ways[-1]}.{cannot}"
    )


def check_names(allowed: Sequence[str], *recipes: Recipe) -> None:
    """Refuse a name in --allow that is no key of these recipes, nor "data".

    Raises:
        RecipeError: with the nearest key.
    """
    known = [DATA, *sorted({key for recipe in recipes for key in flat(recipe)})]
    for name in allowed:
        if name not in known:
            raise RecipeError(
                f"--allow {name}: not a key of the recipe. {near_names(name, known)}It takes section.key, as in "
                "--allow train.epochs, or data for other images of the same identities"
            )
