"""KappaFace: a margin for each class, larger where its features are scattered and its images few."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from marginface.errors import InputError
from marginface.losses.margin import MarginContext
from marginface.losses.past_pi import PastPi, add_angle, check_angle, check_past_pi

_MOST_CONCENTRATED = 0.99  # the largest r̄ that counts: κ has a pole at 1
_ROUNDING = 1e-5  # a spread of κ below this share of it is none


class KappaFace(nn.Module):
    r"""Additive angular margin of each class: ψ(θ) = cos(θ + m·w_y).

    w_y = γ·(1 − σ(T·κ̃_y)) + (1 − γ)·(cos(π·n_y/K) + 1)/2, K = 1.05·max n

    κ = r̄·(d − r̄²)/(1 − r̄²) estimates how concentrated the unit features of a class are (von Mises–Fisher), with r̄
    the length of their mean; κ̃ is κ standardized over the classes; n_y is the number of samples of the class.

    Source: Oinar et al., "KappaFace", 2022, arXiv:2201.07394. m = 0.8, T = 0.4, γ = 0.7, s = 64 are those of the
    authors' configuration; their classes have 0.62 and 0.55 for m and T. Their past_pi is "plain".

    Where their code has a table of all images and updates the weights at the end of an epoch, a head sees batches, so:

    - the mean feature of a class is that of its latest samples: exact for the first ``window`` of them, then each new
      one has the weight 1/window; ``window`` is ours, about the images of a class in MS1MV2;
    - n_y are the samples seen in training so far, in proportion to the images of a class after an epoch;
    - a batch updates both before it is judged by them;
    - a class seen less than twice has no concentration and counts as average, κ̃ = 0, as do all where there are not two
      classes to compare. So before anything is seen w = γ/2 + 1 − γ, 0.65; theirs is 1 in the first epoch;
    - r̄ is clipped at 0.99, as κ is infinite at 1; theirs replaces an infinite κ by the largest finite one.

    Samples with label −1 do not count. No gradient goes through the weights. With equally many samples in all classes
    the second part is near 0, and the margin is about m·γ/2 = 0.28.

    Args:
        num_classes: C.
        embedding_size: D, the d of κ.
        margin: m, the largest margin, radians.
        temperature: T.
        gamma: γ in [0, 1], the share of the concentration.
        window: how many samples of a class its mean remembers.
        past_pi: the treatment beyond π − m·w, see ArcFace.

    Attributes:
        means: (C, D), the mean unit feature of each class; where the classes are spread, those of all in every process.
        counts: (C,) int64, the samples seen of each.

    Raises:
        InputError: an argument is out of range.

    >>> KappaFace(3, 2).margins()
    tensor([0.5200, 0.5200, 0.5200])
    """

    means: Tensor
    counts: Tensor

    def __init__(
        self,
        num_classes: int,
        embedding_size: int,
        *,
        margin: float = 0.8,
        temperature: float = 0.4,
        gamma: float = 0.7,
        window: int = 64,
        past_pi: PastPi = "continue",
    ) -> None:
        super().__init__()
        if num_classes < 1 or embedding_size < 1:
            raise InputError(f"num_classes and embedding_size are at least 1; got {num_classes} and {embedding_size}")
        check_angle("kappaface", margin)
        check_past_pi("kappaface", past_pi)
        if not (0 <= temperature < math.inf and 0 <= gamma <= 1 and window >= 2):
            raise InputError(
                f"temperature of kappaface is 0 or above, gamma in [0, 1], window 2 or more; got {temperature}, "
                f"{gamma} and {window}. Usual: 0.4, 0.7 and 64"
            )
        self.margin, self.temperature, self.gamma = margin, temperature, gamma
        self.window, self.past_pi = window, past_pi
        self.register_buffer("means", torch.zeros(num_classes, embedding_size))
        self.register_buffer("counts", torch.zeros(num_classes, dtype=torch.int64))

    def forward(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        """Return cos(θ + m·w_y), with the chosen treatment beyond π − m·w_y."""
        return add_angle(cosine, self.margins()[context.labels], self.past_pi)

    def margins(self) -> Tensor:
        """Return m·w of each class (C,), in radians."""
        compact = torch.sigmoid(self.temperature * self._standardized(self.concentrations()))
        counts = self.counts.to(self.means.dtype)
        share = counts / (1.05 * counts.max().clamp_min(1))
        rare = (torch.cos(math.pi * share) + 1) / 2
        return self.margin * (self.gamma * (1 - compact) + (1 - self.gamma) * rare)

    def concentrations(self) -> Tensor:
        """Return κ of each class (C,)."""
        length: Tensor = torch.linalg.vector_norm(self.means, dim=1).clamp_max(_MOST_CONCENTRATED)
        square = length.square()
        return length * (self.means.shape[1] - square) / (1 - square)

    def observe(self, target: Tensor, context: MarginContext, /) -> None:  # noqa: ARG002
        """Let counts and means of the classes in the batch learn from its samples that are present."""
        classes, place, new = torch.unique(context.labels[context.present], return_inverse=True, return_counts=True)
        features = functional.normalize(context.features[context.present])
        sums = torch.zeros_like(self.means[classes]).index_add_(0, place, features)
        self.counts[classes] += new
        remembered = self.counts[classes].clamp_max(self.window).maximum(new)
        self.means[classes] += (sums - new[:, None] * self.means[classes]) / remembered[:, None]

    def report(self, step: int) -> Mapping[str, float]:  # noqa: ARG002
        """Return the smallest and the largest margin of the classes, in radians."""
        least, most = self.margins().aminmax()
        return {"margin_least": least.item(), "margin_most": most.item()}

    def _standardized(self, kappa: Tensor) -> Tensor:
        """Return κ̃: zero mean and unit deviation over the classes seen twice or more, 0 for the others."""
        known = self.counts >= 2
        if known.sum() < 2:
            return torch.zeros_like(kappa)
        mean, spread = kappa[known].mean(), kappa[known].std()
        deviation = (kappa - mean) / spread.clamp_min(_ROUNDING * mean.clamp_min(1))
        return torch.where(known, deviation, torch.zeros_like(kappa))
