"""Class centers, their cosines, and the way from features to losses: what every head with classes has."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional

from marginface.errors import InputError
from marginface.losses.chunked import Chunked
from marginface.losses.cross_entropy import ABSENT, check_shapes, present_mean
from marginface.losses.dense import Dense, products
from marginface.losses.implementation import SMALLEST_NORM, Implementation, losses_by
from marginface.losses.sharded import Sharded
from marginface.losses.sharded.shard import Shard

_BLOCK = 1024  # classes whose first centers are drawn at once: torch draws in sixteens, so a block begins with one
_FIRST_NORM = 0.01


class ClassCenters(nn.Module, ABC):
    """C class centers of size D: features (N, D), labels (N,) → mean loss, by the ``_losses`` of a head.

    It runs in the dtype of the centers.

    Args:
        num_classes: C, the number of identities.
        embedding_size: D.
        sub_centers: K, how many centers a class has. Above 1 the cosine of a class is that of its nearest center.
        shard: the classes whose centers this process holds; None: all.

    Attributes:
        centers: (C, D), or (C, K, D) with K > 1; not normalized; N(0, 0.01) at first. With a shard they, and so the
            saved state, are those of its classes alone; from equal seeds the first ones are equal for any number of
            processes, and to those of a head without a shard.
        num_classes: C, of all processes.
        shard: as given.
        implementation: how sums over classes are computed: Dense() at first, may be replaced at any time.

    Raises:
        InputError: an argument is below 1, or the shard is one of another number of classes.
    """

    def __init__(self, num_classes: int, embedding_size: int, sub_centers: int = 1, shard: Shard | None = None) -> None:
        super().__init__()
        if num_classes < 1 or embedding_size < 1:
            raise InputError(f"num_classes and embedding_size are at least 1; got {num_classes} and {embedding_size}")
        if sub_centers < 1:
            raise InputError(f"sub_centers, the centers of a class, is at least 1; got {sub_centers}. Usual: 3")
        of_class = (embedding_size,) if sub_centers == 1 else (sub_centers, embedding_size)
        self.num_classes, self.shard = num_classes, shard
        self.implementation: Implementation = Dense()
        if shard is not None and shard.num_classes != num_classes:
            raise InputError(f"the shard of a head with {num_classes} classes is one of so many; got {shard}")
        first = torch.randn(num_classes, *of_class) if shard is None else drawn_for(shard, of_class)
        self.centers = nn.Parameter(first.mul_(_FIRST_NORM))

    @property
    def compares_cosines(self) -> bool:
        """Whether logits of other classes are made of cosines, with no part of the lengths of centers."""
        return True

    @property
    def learned_by_parts(self) -> tuple[nn.Parameter, ...]:
        """The parameters that belong to no class: those of margin, scale or rule. The head's own are by class."""
        return tuple(parameter for part in self.children() for parameter in part.parameters())

    def forward(self, features: Tensor, labels: Tensor, step: int = 0) -> Tensor:
        """Return the mean loss, a scalar.

        Args:
            features: (N, D) as the backbone gives them, not normalized.
            labels: (N,) int64 in 0 … C − 1, or −1.
            step: the step of the training, for margins that follow it.

        Raises:
            InputError: shape, dtype or range of features or labels is wrong.
        """
        return present_mean(self.losses(features, labels, step), labels)

    def losses(self, features: Tensor, labels: Tensor, step: int = 0) -> Tensor:
        """Return the loss of each sample (N,), for other weights or sums than the mean; see forward.

        Where the label is −1 it is any number: leave it out.
        """
        check_shapes(features, labels, self.num_classes, self.centers.shape[-1])
        with torch.autocast(features.device.type, enabled=False):
            features = features.to(self.centers.dtype)
            return losses_by(
                self.implementation, features, labels, lambda x, y: self._losses(x, y, step), self.learned_by_parts
            )

    @abstractmethod
    def _losses(self, features: Tensor, labels: Tensor, step: int) -> Tensor:
        """Return the loss of each sample (N,), in the dtype of the centers."""

    @torch.no_grad()
    def cosine(self, features: Tensor) -> Tensor:
        """Return the cosine of each feature and each class (N, C), without gradient and without margin.

        With sub-centers it is that of the nearest one. With a shard the classes are those of this process.
        """
        with torch.autocast(features.device.type, enabled=False):
            directions = functional.normalize(features.to(self.centers.dtype))
            if self.centers.ndim == 3:
                return products(directions, self.centers)
            norms: Tensor = torch.linalg.vector_norm(self.centers, dim=1)
            return products(directions, self.centers, normalized=False).div_(norms.clamp_min(SMALLEST_NORM))

    @torch.no_grad()
    def diagnose(self, features: Tensor, labels: Tensor) -> dict[str, float]:
        """Return how many samples are nearest to their own class, by cosine without margin, and the mean cosine to it.

        It goes through the classes by tiles. A sample as near to another class counts as wrong, as does one of no
        number. A sample with label −1 does not count. With a shard every process must call it, with the same samples:
        the classes of all count.

        Args:
            features: (N, D), not normalized.
            labels: (N,) int64.

        Returns:
            ``train_accuracy`` and ``target_cosine``; nothing where no sample counts.
        """
        here = labels != ABSENT
        if not here.any():
            return {}
        over_classes = Chunked() if self.shard is None else Sharded(Chunked(), self.shard)
        with torch.autocast(features.device.type, enabled=False):
            directions = functional.normalize(features[here].to(self.centers.dtype))
            comparison = over_classes.compare(directions, self.centers, labels[here])
            target = comparison.own_cosine()
            no_farther = comparison.survey(
                lambda cosine, other: (~(cosine < target[:, None]) & other).sum(1, keepdim=True)
            )
        return {"train_accuracy": (no_farther == 0).float().mean().item(), "target_cosine": target.mean().item()}


def drawn_for(shard: Shard, of_class: tuple[int, ...]) -> Tensor:
    """Return the rows of a shard (n, …) of torch.randn(C, …), without ever holding the others.

    All are drawn, block by block, so that torch's generator stands afterwards where it does in any other process. The
    last block takes what is left: a draw of fewer than 16 numbers would be another one.
    """
    kept = torch.empty(shard.size, *of_class)
    blocks = max(shard.num_classes // _BLOCK, 1)
    for block in range(blocks):
        first, after = block * _BLOCK, shard.num_classes if block == blocks - 1 else (block + 1) * _BLOCK
        drawn = torch.randn(after - first, *of_class)
        start, stop = max(shard.start, first), min(shard.stop, after)
        if start < stop:
            kept[start - shard.start : stop - shard.start] = drawn[start - first : stop - first]
    return kept
