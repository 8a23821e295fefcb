"""Class centres and their cosines: what every head that compares angles has."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from marginface.errors import InputError
from marginface.losses.dense import products
from marginface.losses.implementation import SMALLEST_NORM


class ClassCenters(nn.Module):
    """C class centres of size D, and the cosine of a feature to each. It runs in the dtype of the centres.

    Args:
        num_classes: C, the number of identities.
        embedding_size: D.
        sub_centers: K, how many centres a class has. Above 1 the cosine of a class is that of its nearest centre.

    Attributes:
        centers: (C, D), or (C, K, D) with K > 1; not normalized; N(0, 0.01) at first.

    Raises:
        InputError: an argument is below 1.
    """

    def __init__(self, num_classes: int, embedding_size: int, sub_centers: int = 1) -> None:
        super().__init__()
        if num_classes < 1 or embedding_size < 1:
            raise InputError(f"num_classes and embedding_size are at least 1; got {num_classes} and {embedding_size}")
        if sub_centers < 1:
            raise InputError(f"sub_centers, the centres of a class, is at least 1; got {sub_centers}. Usual: 3")
        of_class = (embedding_size,) if sub_centers == 1 else (sub_centers, embedding_size)
        self.centers = nn.Parameter(torch.randn(num_classes, *of_class).mul_(0.01))

    @torch.no_grad()
    def cosine(self, features: Tensor) -> Tensor:
        """Return the cosine of each feature and each class (N, C), without gradient and without margin.

        With sub-centres it is that of the nearest one.
        """
        with torch.autocast(features.device.type, enabled=False):
            directions = functional.normalize(features.to(self.centers.dtype))
            if self.centers.ndim == 3:
                return products(directions, self.centers)
            norms: Tensor = torch.linalg.vector_norm(self.centers, dim=1)
            return products(directions, self.centers, normalized=False).div_(norms.clamp_min(SMALLEST_NORM))
