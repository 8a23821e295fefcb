"""Evaluation packs (lfw.bin, cfp_fp.bin …) that are measured while a training goes on, as insightface's trainer does.

The numbers are those of `marginface evaluate pairs RUN PACK`: features of crop and mirror image added up, ten folds.
They decide nothing of the training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from marginface.data.source import check_indices
from marginface.errors import DataError, RecipeError
from marginface.evaluation.protocols.pair_files import OpenProtocol, open_protocol
from marginface.evaluation.reading import crop_reader
from marginface.evaluation.scoring.scores import PairScores, score_pairs
from marginface.training.distributed import Ranks
from marginface.training.measuring.features import features_by_batch
from marginface.training.measuring.pack_figures import PACK
from marginface.training.recipe import Recipe
from marginface.values import ImageArray, IntArray

SUFFIXES = (".bin", ".parquet")


@dataclass(frozen=True, eq=False)
class PackCrops:
    """The crops of a pack as a source, each an identity of its own: who they show is not in it.

    Attributes:
        protocol: the open pack.
        step: 1, or −1 for the mirror images.
    """

    protocol: OpenProtocol
    step: int = 1

    @property
    def identities(self) -> tuple[str, ...]:
        """The names of the images."""
        return tuple(str(image) for image in self.protocol.pairs.images)

    @property
    def labels(self) -> IntArray:
        """0, 1, 2 …, (N,) int64."""
        return np.arange(len(self.protocol.pairs.images), dtype=np.int64)

    def read(self, indices: IntArray) -> ImageArray:
        """Return the crops at these indices, decoded by the thread that calls."""
        images, read = self.protocol.pairs.images, crop_reader(None, self.protocol.store)
        crops = [read(images[index]) for index in check_indices(indices, len(images)).tolist()]
        return np.ascontiguousarray(np.stack(crops)[:, :, :: self.step])  # type: ignore[arg-type]

    def fingerprint(self) -> str:
        """Return the name of the pack: nothing is trained on it."""
        return self.protocol.pairs.protocol


@dataclass(frozen=True, eq=False)
class Packs:
    """The open packs of a recipe by name, and how they are fed."""

    protocols: Mapping[str, OpenProtocol]
    input_size: int
    device: torch.device

    @classmethod
    def of(cls, recipe: Recipe, device: torch.device) -> Packs:
        """Open the packs of a recipe; none where it names none.

        Raises:
            DataError: one is not there, or is no pack.
        """
        paths = [Path(pack) for pack in recipe.evaluation.packs]
        return cls({path.stem: open_protocol(path) for path in paths}, recipe.backbone.input_size, device)

    def evaluate(self, backbone: nn.Module, ranks: Ranks) -> dict[str, Any]:
        """Return the numbers for the journal: the accuracy of each pack and its 95 % interval, shares in [0, 1].

        Of several processes each embeds a part, and all return the same.
        """
        record: dict[str, Any] = {}
        for name, protocol in self.protocols.items():
            scores = self._scores(backbone, protocol, ranks)
            record[PACK + name] = scores.accuracy.mean
            record[f"{PACK}{name}_interval"] = scores.accuracy_interval.to_list()
        return record

    def _scores(self, backbone: nn.Module, protocol: OpenProtocol, ranks: Ranks) -> PairScores:
        both = self._features(backbone, PackCrops(protocol), ranks)
        both += self._features(backbone, PackCrops(protocol, step=-1), ranks)
        pairs = protocol.pairs
        vectors = functional.normalize(both).numpy()
        return score_pairs(vectors, pairs.first, pairs.second, pairs.genuine, pairs.fold)

    def _features(self, backbone: nn.Module, crops: PackCrops, ranks: Ranks) -> Tensor:
        rows = [rows.cpu() for _, rows in features_by_batch(backbone, crops, self.input_size, self.device, ranks)]
        return ranks.rows_of_all(torch.cat(rows))


def check_packs(packs: Sequence[str]) -> None:
    """Refuse, before a training, packs that are none or are not there.

    Raises:
        DataError: a file is not there.
        RecipeError: it is no pack, or two have one name.
    """
    for path in map(Path, packs):
        if path.suffix.lower() not in SUFFIXES:
            raise RecipeError(
                f"[evaluation] packs: {path} is no file of pairs of crops, lfw.bin or one in Parquet. Other protocols: "
                "marginface evaluate, also while the training goes on"
            )
        if not path.is_file():
            raise DataError(f"[evaluation] packs: {path}: no such file. Correct the path, or leave the pack out")
    names = [Path(path).stem for path in packs]
    if len(set(names)) < len(names):
        raise RecipeError(f"[evaluation] packs: each has a name of its own in the journal; got {', '.join(names)}")
