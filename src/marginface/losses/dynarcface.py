"""Dyn-ArcFace: a margin on the angle that grows with the distance to the nearest other class."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from marginface.errors import InputError
from marginface.losses.margin import MarginContext
from marginface.losses.past_pi import PastPi, add_angle, check_past_pi

_CLASSES = 4096  # that are compared at a time


@dataclass(frozen=True)
class DynArcFace:
    r"""Additive angular margin of each class: ψ(θ) = cos(θ + m_y).

    m_y = max(0, θ_nn − k1)·k2 + k3 + 0.03·k3/(1 + |20·(θ_nn − k1)|^1.1)

    θ_nn is the angle between the center of class y and the nearest other center. No gradient goes through it. Where
    there is no other class, θ_nn = π.

    Source: Jiao et al., "Dyn-ArcFace", 2021; the paper was not read. The formula is a re-implementation, that of the
    authors of X2-Softmax in their public code, trained straight-through. Of k1, k2, k3 no published values are known.
    Ours: ArcFace's 0.5 where the neighbor is within 1 rad (57°), and 0.61 where it is at 90°, as most are in 512
    dimensions. s = 64 is assumed.

    Only the rows of the classes in the batch are compared with all centers: N×C products, not C×C.

    Attributes:
        k1: the angle from which the margin grows, radians.
        k2: margin per radian beyond it.
        k3: the margin of a class with near neighbors, radians.
        past_pi: the treatment beyond π − m, see ArcFace.

    >>> DynArcFace().margins(torch.tensor([0.5, math.pi / 2]))
    tensor([0.5011, 0.6151])
    """

    k1: float = 1.0
    k2: float = 0.2
    k3: float = 0.5
    past_pi: PastPi = "continue"

    def __post_init__(self) -> None:
        finite = all(0 <= value < math.inf for value in (self.k1, self.k2, self.k3))
        largest = max(0.0, math.pi - self.k1) * self.k2 + 1.03 * self.k3
        if not finite or largest >= math.pi:
            raise InputError(
                f"k1, k2 and k3 of dynarcface are 0 or above (k1, k3 in radians), and the margin they give stays below "
                f"π; got {self.k1}, {self.k2}, {self.k3}: up to {largest:.2f}. Usual: 1, 0.2, 0.5"
            )
        check_past_pi("dynarcface", self.past_pi)

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        """Return cos(θ + m_y), with the chosen treatment beyond π − m_y."""
        classes, place = torch.unique(context.labels, return_inverse=True)
        margins = self.margins(nearest_angles(context.centers, classes))
        return add_angle(cosine, margins[place], self.past_pi)

    def needs_all_centers(self) -> str:
        """Return what all centers are for."""
        return "dynarcface compares the centers of a batch's classes with all others"

    def margins(self, angles: Tensor) -> Tensor:
        """Return m of classes from the angles to their nearest neighbors, both in radians."""
        beyond = angles - self.k1
        bump = 0.03 * self.k3 / (1 + (20 * beyond).abs() ** 1.1)
        return beyond.clamp_min(0) * self.k2 + self.k3 + bump


@torch.no_grad()
def nearest_angles(centers: Tensor, classes: Tensor) -> Tensor:
    """Return the angle between some centers (K,) and the nearest other of all centers (C, D); π if there is none."""
    directions = functional.normalize(centers[classes])
    nearest = directions.new_full((len(classes),), -1.0)
    for start in range(0, len(centers), _CLASSES):
        tile = functional.normalize(centers[start : start + _CLASSES])
        other = torch.arange(start, start + len(tile), device=classes.device) != classes[:, None]
        cosine = torch.where(other, directions @ tile.T, -1.0)
        nearest = torch.maximum(nearest, cosine.amax(1))
    return nearest.clamp_max(1).acos()
