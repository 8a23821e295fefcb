"""ArcFace: a margin on the angle."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from marginface.losses.margin import MarginContext
from marginface.losses.past_pi import PastPi, add_angle, check_angle, check_past_pi


@dataclass(frozen=True)
class ArcFace:
    r"""Additive angular margin: ψ(θ) = cos(θ + m).

    Source: Deng et al., "ArcFace", CVPR 2019, arXiv:1801.07698 (m = 0.5 rad, s = 64).
    Beyond θ = π − m the cosine would rise again. ``past_pi`` names what happens there:

    - ``continue``: cos θ − (1 − cos m), continuous and falling;
    - ``fallback``: cos θ − m·sin m, falls by a step at π − m (first public code);
    - ``plain``: cos(θ + m) everywhere, rises beyond π − m (insightface since 2022);
    - ``easy``: the margin only for θ < 90°, cos θ beyond; jumps up by sin m at 90°;
    - ``clip``: cos(min(θ + m, π)) = −1, flat: no gradient beyond (AdaFace).

    Attributes:
        margin: m in radians.
        past_pi: the treatment beyond π − m.

    >>> import torch
    >>> ArcFace(margin=0.5)(torch.tensor([1.0, 0.0]), MarginContext.of_curve(torch.ones(2)))
    tensor([ 0.8776, -0.4794])
    """

    margin: float = 0.5
    past_pi: PastPi = "continue"

    def __post_init__(self) -> None:
        check_angle("arcface", self.margin)
        check_past_pi("arcface", self.past_pi)

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:  # noqa: ARG002
        """Return cos(θ + m), with the chosen treatment beyond π − m."""
        return add_angle(cosine, self.margin, self.past_pi)
