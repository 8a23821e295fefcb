"""How many identities and images a training has: of its data, or as the recipe states them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from marginface.errors import DataError
from marginface.training.feed.sources import open_data
from marginface.training.recipe import DrawnData, FolderData, PackedData, Recipe


@dataclass(frozen=True)
class Counts:
    """Identities and images to train on; ``missing`` is the data that is not here, "" where it was counted."""

    identities: int
    images: int
    missing: str = ""


def counts_of(recipe: Recipe) -> Counts:
    """Return the counts of the data where it is here, else those of [paper].

    Raises:
        DataError: the data is not here and the recipe states no counts, or the data is not as described.
    """
    missing = _missing(recipe.data)
    if not missing:
        data = open_data(recipe.model_copy(update={"data": _not_decoded(recipe.data)}))
        return Counts(len(data.train.identities), len(data.train.labels))
    paper, held = recipe.paper, recipe.data.hold_out
    if paper.identities <= held or paper.images <= 0:
        raise DataError(
            f"{missing}: not here, and the recipe does not state what is in it. Put the data there, or write "
            f"identities and images under [paper]; got {paper.identities:,} and {paper.images:,}, and {held} are held "
            "out"
        )
    identities = paper.identities - held
    return Counts(identities, paper.images * identities // paper.identities, missing)


def _missing(data: DrawnData | FolderData | PackedData) -> str:
    """Return the first place that is not here, or an empty string."""
    if isinstance(data, DrawnData):
        return ""
    if isinstance(data, FolderData):
        return next((folder for folder in data.folders if not Path(folder).is_dir()), "")
    path = Path(data.path).absolute()
    pattern = str(path.relative_to(path.anchor))
    return "" if path.exists() or any(Path(path.anchor).glob(pattern)) else data.path


def _not_decoded(data: DrawnData | FolderData | PackedData) -> DrawnData | FolderData | PackedData:
    """Return the section without the reading of every image that a training begins with."""
    return data.model_copy(update={"check": "index"}) if isinstance(data, PackedData) else data
