"""Class centres and their cosines: what every head that compares angles has."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from marginface.errors import InputError


class ClassCenters(nn.Module):
    """C class centres of size D, and the cosine of a feature to each. It runs in the dtype of the centres.

    Args:
        num_classes: C, the number of identities.
        embedding_size: D.

    Attributes:
        centers: (C, D), not normalized; N(0, 0.01) at first.

    Raises:
        InputError: an argument is below 1.
    """

    def __init__(self, num_classes: int, embedding_size: int) -> None:
        super().__init__()
        if num_classes < 1 or embedding_size < 1:
            raise InputError(f"num_classes and embedding_size are at least 1; got {num_classes} and {embedding_size}")
        self.centers = nn.Parameter(torch.randn(num_classes, embedding_size) * 0.01)

    @torch.no_grad()
    def cosine(self, features: Tensor) -> Tensor:
        """Return the cosine of each feature and each centre (N, C), without gradient and without margin."""
        with torch.autocast(features.device.type, enabled=False):
            return self.cosines_with_gradient(features.to(self.centers.dtype))

    def cosines_with_gradient(self, features: Tensor) -> Tensor:
        """Return the cosine of each feature and each centre (N, C); features in the dtype of the centres."""
        return functional.normalize(features) @ functional.normalize(self.centers).T
