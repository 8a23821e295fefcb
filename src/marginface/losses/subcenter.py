"""Sub-center ArcFace: several centers for a class, so that wrong labels find a place of their own; then find them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from marginface.errors import InputError
from marginface.losses.arcface import ArcFace
from marginface.losses.cross_entropy import ABSENT, check_batch
from marginface.losses.head import Gradient, MarginHead
from marginface.losses.past_pi import PastPi
from marginface.losses.sharded.shard import Shard

_ROWS = 4096  # samples at a time in find_outliers: their own sub-centers are rows × K × D numbers
PAPER_ANGLE = math.radians(75)


def subcenter_arcface(
    num_classes: int,
    embedding_size: int,
    *,
    margin: float = 0.5,
    past_pi: PastPi = "continue",
    sub_centers: int = 3,
    scale: float = 64.0,
    gradient: Gradient = "exact",
    shard: Shard | None = None,
) -> MarginHead:
    r"""ArcFace with K centers a class, of which the nearest counts: cos θ_j = max_k cos θ_jk, ψ(θ) = cos(θ + m).

    Source: Deng et al., "Sub-center ArcFace: Boosting Face Recognition by Large-scale Noisy Web Faces", ECCV 2020
    (K = 3, m = 0.5, s = 64).

    The clean faces of a class gather at one sub-center, wrong labels at the others. Three steps: train with K = 3; drop
    what ``find_outliers`` names; train plain ArcFace on what is left. ``head.centers`` is (C, K, D). ``head.cosine``
    is (N, C), the cosine to the nearest sub-center of each class, which alone gets the gradient of a sample.

    Args:
        num_classes: C.
        embedding_size: D.
        margin: m in radians.
        past_pi: the treatment beyond π − m, see ArcFace.
        sub_centers: K; 1 is ArcFace.
        scale: s.
        gradient: "exact" or "straight_through", see MarginHead.
        shard: the classes whose centers this process holds (losses.sharded); None: all.

    Raises:
        InputError: an argument is out of range.
    """
    return MarginHead(
        num_classes,
        embedding_size,
        margin=ArcFace(margin, past_pi),
        scale=scale,
        gradient=gradient,
        sub_centers=sub_centers,
        shard=shard,
    )


@dataclass(frozen=True, eq=False)
class Outliers:
    """The samples of a training set that sit far from where their class gathers.

    Attributes:
        drop: (M,) int64, rising: the samples to leave out, by their place among the features given.
        angles: (N,) radians from each sample to the dominant sub-center of its class; 0 where the label is −1.
        dominant: (C,) int64, the sub-center that is nearest for most samples of a class; −1 for a class without any.
        counts: (C, K) int64, for how many samples of the class each sub-center is the nearest.
    """

    drop: Tensor
    angles: Tensor
    dominant: Tensor
    counts: Tensor


@torch.no_grad()
def find_outliers(features: Tensor, labels: Tensor, centers: Tensor, *, max_angle: float = PAPER_ANGLE) -> Outliers:
    """Find the samples farther than an angle from the dominant sub-center of their class.

    Of sub-centers with equal counts the first is dominant. Nothing is changed, the mode of no module included.

    pytorch-metric-learning's version returns a pair even where only the outliers are asked for (its conditional
    applies to half of the pair), gives float indices where there are none, and fails for a class without samples.

    Args:
        features: (N, D), as the backbone gives them, not normalized.
        labels: (N,) int64 in 0 … C − 1; −1 is left out.
        centers: (C, K, D) of the trained head; (C, D) is taken for K = 1.
        max_angle: in radians; 75° in the paper's second step.

    Raises:
        InputError: a shape or the angle is wrong.

    >>> centers = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    >>> found = find_outliers(torch.tensor([[2.0, 0.1], [1.0, 0.0], [-1.0, 9.0]]), torch.zeros(3).long(), centers)
    >>> found.drop.tolist(), found.dominant.tolist(), found.counts.tolist()
    ([2], [0], [[2, 1]])
    """
    if not 0 < max_angle <= math.pi:
        raise InputError(f"max_angle is in radians, 0 to π; got {max_angle} (degrees? 75° is {PAPER_ANGLE:.3f})")
    if centers.ndim not in (2, 3):
        raise InputError(f"centers are (C, K, D), those of a subcenter_arcface head; got {tuple(centers.shape)}")
    check_batch(features, labels, centers)
    centers = functional.normalize(centers[:, None] if centers.ndim == 2 else centers, dim=2)
    known, present = labels.clamp_min(0), labels != ABSENT
    cosine = _own_cosines(features, known, centers)
    counts = _counts(cosine.argmax(1)[present], labels[present], centers)
    dominant = counts.argmax(1)
    angles = cosine.gather(1, dominant[known, None]).squeeze(1).clamp(-1, 1).acos()
    angles = torch.where(present, angles, torch.zeros_like(angles))
    dominant = torch.where(counts.sum(1) > 0, dominant, torch.full_like(dominant, -1))
    return Outliers((angles > max_angle).nonzero().squeeze(1), angles, dominant, counts)


def _own_cosines(features: Tensor, known: Tensor, centers: Tensor) -> Tensor:
    """Return the cosine of each feature and each sub-center of its class (N, K); centers have length 1."""
    tiles = zip(torch.split(features, _ROWS), torch.split(known, _ROWS), strict=True)
    unit = ((functional.normalize(x.to(centers.dtype)), y) for x, y in tiles)
    return torch.cat([torch.einsum("nd,nkd->nk", x, centers[y]) for x, y in unit])


def _counts(nearest: Tensor, labels: Tensor, centers: Tensor) -> Tensor:
    """Return how often each sub-center is the nearest (C, K)."""
    classes, of_class = centers.shape[:2]
    return torch.bincount(labels * of_class + nearest, minlength=classes * of_class).reshape(classes, of_class)
