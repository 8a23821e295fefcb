"""The head: class centres, cosines, a margin on the target, softmax cross entropy. It knows no loss by name."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from marginface.errors import InputError
from marginface.losses.cross_entropy import check_batch, present_mean, target_cross_entropy
from marginface.losses.margin import Margin, MarginContext

Gradient = Literal["exact", "straight_through"]


class MarginHead(nn.Module):
    r"""Features (N, D), labels (N,) → mean loss.

    loss_i = softplus(LSE_{j≠y}(s·cos θ_j) − s·ψ(cos θ_y))

    All of it runs in the dtype of the centres, float32, whatever the dtype of an autocast around it. A sample with
    label −1 ("this centre is not here") is left out of the mean. The dense head holds N×C logits: it is the readable
    implementation that others are tested against.

    Args:
        num_classes: C, the number of identities.
        embedding_size: D.
        margin: ψ.
        scale: s.
        gradient: "exact" is the derivative of the formula; "straight_through" takes ψ' = 1, as insightface and the
            authors of X2-Softmax do: the gradient by the cosines is s·(p − onehot), and ψ only shapes p.

    Attributes:
        centers: (C, D), not normalized; N(0, 0.01) at first.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(
        self,
        num_classes: int,
        embedding_size: int,
        *,
        margin: Margin,
        scale: float = 64.0,
        gradient: Gradient = "exact",
    ) -> None:
        super().__init__()
        if num_classes < 1 or embedding_size < 1:
            raise InputError(f"num_classes and embedding_size are at least 1; got {num_classes} and {embedding_size}")
        if not 0 < scale < float("inf"):
            raise InputError(f"scale is above 0; got {scale}. Usual: 64")
        if gradient not in get_args(Gradient):
            raise InputError(f"gradient is 'exact' or 'straight_through'; got {gradient!r}")
        self.centers = nn.Parameter(torch.randn(num_classes, embedding_size) * 0.01)
        self.margin, self.scale, self.gradient = margin, float(scale), gradient
        self._margin_strength = 1.0

    @property
    def margin_strength(self) -> float:
        """λ in [0, 1] of ψ_λ = (1 − λ)·cos θ + λ·ψ(cos θ); 1 at first. Raise it over the first steps to warm up.

        Linear annealing between no margin and all of it, as in SphereFace (arXiv:1704.08063), whose own λ is another:
        its 1/(1 + λ) is ours. It is no part of the saved state; the trainer sets it from the step.
        """
        return self._margin_strength

    @margin_strength.setter
    def margin_strength(self, strength: float) -> None:
        if not 0 <= strength <= 1:
            raise InputError(f"margin_strength is in [0, 1]: 0 is no margin, 1 all of it; got {strength}")
        self._margin_strength = float(strength)

    def forward(self, features: Tensor, labels: Tensor, step: int = 0) -> Tensor:
        """Return the mean loss, a scalar.

        Args:
            features: (N, D) as the backbone gives them, not normalized.
            labels: (N,) int64 in 0 … C − 1, or −1.
            step: the step of the training, for margins that follow it.

        Raises:
            InputError: shape, dtype or range of features or labels is wrong.
        """
        check_batch(features, labels, self.centers)
        with torch.autocast(features.device.type, enabled=False):
            features = features.to(self.centers.dtype)
            cosine, known = self._cosine(features), labels.clamp_min(0)
            target = cosine.gather(1, known[:, None]).squeeze(1)
            margined = self._margined(target, MarginContext(features.norm(dim=1), step))
            return present_mean(target_cross_entropy(self.scale * cosine, self.scale * margined, known), labels)

    @torch.no_grad()
    def cosine(self, features: Tensor) -> Tensor:
        """Return the cosine of each feature and each centre (N, C), without gradient and without margin."""
        with torch.autocast(features.device.type, enabled=False):
            return self._cosine(features.to(self.centers.dtype))

    def _cosine(self, features: Tensor) -> Tensor:
        return functional.normalize(features) @ functional.normalize(self.centers).T

    def _margined(self, target: Tensor, context: MarginContext) -> Tensor:
        margined = torch.lerp(target, self.margin(target, context), self.margin_strength)
        straight_through = self.gradient == "straight_through"
        return target + (margined - target).detach() if straight_through else margined
