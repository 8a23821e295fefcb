"""CurricularFace: impostors that beat the margin count little at first and more as the training gets on."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses.margin import MarginContext
from marginface.losses.past_pi import PastPi, add_angle, check_angle, check_past_pi


class CurricularFace(nn.Module):
    r"""Angular margin, hard negatives by curriculum: ψ(θ) = cos(θ + m), φ(θ_j) = cos θ_j·(t + cos θ_j) where hard.

    Class j ≠ y is hard where cos θ_j > cos(θ_y + m); the others keep φ = cos θ_j. t is the running mean of cos θ_y.

    Source: Huang et al., "CurricularFace: Adaptive Curriculum Learning Loss for Deep Face Recognition", CVPR 2020,
    arXiv:2004.00288 (m = 0.5, s = 64, t = 0 at first). In training mode t ← 0.01·mean(cos θ_y) + 0.99·t before a batch
    is judged, as in the authors' code. The paper's equation prints the two weights the other way round; its
    author confirms the code. A later port has 0.1 for 0.01.

    As long as t + cos θ_j < 1 a hard negative with a positive cosine counts less than it would without the curriculum.
    A hard negative with a cosine below 0 has φ > 0 as long as t < −cos θ_j; its derivative t + 2·cos θ_j is then
    negative, and the exact gradient pulls towards that class. Both are in the paper's formula.

    No gradient goes through t, nor through the choice of what is hard. Straight-through: by the cosines it is s·(p −
    onehot), p from the changed cosines; the factor t + 2·cos θ_j is 1. Samples with label −1 do not count in t, and a
    batch without a sample to count leaves t as it is.

    Args:
        margin: m in radians.
        t_alpha: the weight of a new batch in t.
        past_pi: the treatment of the target beyond π − m, see ArcFace; the authors' code has "fallback". What is hard
            is told by cos(θ_y + m) in any case.

    Attributes:
        t: a scalar, 0 at first.

    Raises:
        InputError: an argument is out of range.

    >>> margin = CurricularFace()
    >>> margin.t += 0.5
    >>> cosines, target = torch.tensor([[0.9, 0.8, 0.1]]), torch.tensor([0.9])
    >>> margined = margin(target, MarginContext.of_curve(target))
    >>> margin.others(cosines, target, margined, MarginContext.of_curve(target))[0, 1:]
    tensor([1.0400, 0.1000])
    """

    t: Tensor

    def __init__(self, *, margin: float = 0.5, t_alpha: float = 0.01, past_pi: PastPi = "continue") -> None:
        super().__init__()
        check_angle("curricularface", margin)
        check_past_pi("curricularface", past_pi)
        if not 0 < t_alpha <= 1:
            raise InputError(
                f"t_alpha of curricularface is the weight of a new batch, 0 < t_alpha ≤ 1; got {t_alpha}. Usual: 0.01"
            )
        self.margin, self.t_alpha, self.past_pi = margin, t_alpha, past_pi
        self.register_buffer("t", torch.tensor(0.0))

    def forward(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return cos(θ + m), with the chosen treatment beyond π − m."""
        return add_angle(cosine, self.margin, self.past_pi)

    def others(self, others: Tensor, target: Tensor, margined: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return cos θ_j·(t + cos θ_j) where hard, else cos θ_j."""
        hard = others > add_angle(target.detach(), self.margin, "plain")[:, None]
        return torch.where(hard, others * (self.t + others), others)

    def observe(self, target: Tensor, context: MarginContext, /) -> None:
        """Let t learn from the cosines of the samples that are present."""
        mean = target[context.present].mean().to(self.t.dtype)
        self.t = torch.where(mean.isfinite(), torch.lerp(self.t, mean, self.t_alpha), self.t)

    def report(self, step: int) -> Mapping[str, float]:  # noqa: ARG002
        """Return t."""
        return {"t": self.t.item()}
