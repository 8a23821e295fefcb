r"""TransFace: a vision transformer whose training perturbs what it looks at most, and weighs hard samples more.

Source: Dan et al., "TransFace", ICCV 2023, arXiv:2308.10133, in the form of the authors' code (DanJun6737/TransFace):

gate   a squeeze-and-excitation over tokens: each of the P tokens is scaled by a number in (0, 1) made of all of them.
DPAP   dominant patch amplitude perturbation. In a share of the images, the K patches with the largest gates keep the
       phase of their spectrum and mix its amplitude with that of a patch drawn anywhere in the batch:
       A ← (1 − λ)·A + λ·A', λ uniform in [0, 1]. Faces keep their structure, colors and contrast change.
EHSM   entropy-guided hard sample mining. The loss of an image is multiplied by 1 + exp(−γ·E), E the mean over its
       tokens of the deviation of their numbers, which stands for the entropy (of a Gaussian it is ln σ and a constant).
       An image whose tokens hold little information counts up to twice. No gradient goes through the weight.

The amplitude is that of pixels in [0, 1], where the mean of a patch is never negative; the code rounds the result to
whole pixel values, here it stays as it is.
"""

from __future__ import annotations

from functools import partial
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from marginface.backbones.inputs import check_batch
from marginface.backbones.vit import PATCH, VisionTransformer
from marginface.errors import InputError
from marginface.uncompiled import uncompiled


@runtime_checkable
class WeighsSamples(Protocol):
    """A backbone that says how much each image of its latest training batch counts in the loss.

    Attributes:
        sample_weights: (N,) without gradient; None where all count alike.
    """

    sample_weights: Tensor | None

    @property
    def weighs_samples(self) -> bool:
        """Whether training batches get weights."""
        ...


class TransFace(nn.Module):
    """Images (N, 3, S, S) → features (N, D).

    Args:
        trunk: the vision transformer.
        perturb: share of the images that are perturbed; 0.2 in the code, 0 switches it off.
        dominant: K, patches perturbed in each of them; 7 in the code.
        entropy_weight: γ; 1 in the code, 0 switches the weights off.

    Attributes:
        sample_weights: see WeighsSamples.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(self, trunk: VisionTransformer, *, perturb: float, dominant: int, entropy_weight: float) -> None:
        super().__init__()
        places, width = trunk.position.shape[1:]
        if not 0 <= perturb <= 1 or entropy_weight < 0:
            raise InputError(
                f"perturb is in [0, 1] and entropy_weight from 0; got {perturb} and {entropy_weight}. Usual: 0.2 and 1"
            )
        if dominant != int(dominant) or dominant < 1:
            raise InputError(f"dominant is a whole number of patches from 1; got {dominant}. Usual: 7")
        self.trunk = trunk
        self.perturb, self.dominant, self.entropy_weight = perturb, min(int(dominant), places), entropy_weight
        self.gate = nn.Sequential(
            nn.Linear(places * width, places, bias=False),
            nn.ReLU(),
            nn.Linear(places, places, bias=False),
            nn.Sigmoid(),
        )
        self.sample_weights: Tensor | None = None

    def forward(self, images: Tensor) -> Tensor:
        """Return the features (N, D) of normalized images (N, 3, S, S)."""
        check_batch(images, self.trunk.input_size)
        if self.training and self.perturb > 0:
            images = self._perturbed(images)
        tokens = self.trunk.tokens(images)
        scaled = tokens * self.gate(tokens.flatten(1))[..., None]
        weighs = self.training and self.weighs_samples
        self.sample_weights = entropy_weights(scaled, self.entropy_weight) if weighs else None
        features: Tensor = self.trunk.projection(scaled)
        return features

    @property
    def weighs_samples(self) -> bool:
        """Whether training batches get weights."""
        return self.entropy_weight > 0

    @uncompiled
    @torch.no_grad()
    def _perturbed(self, images: Tensor) -> Tensor:
        """Return the batch with the dominant patches of some images perturbed."""
        chosen = torch.nonzero(torch.rand(len(images), device=images.device) < self.perturb).squeeze(1)
        if len(chosen) == 0:
            return images
        gates = self.gate(self.trunk.tokens(images[chosen]).flatten(1))
        dominant = gates.topk(self.dominant, dim=1).indices
        return perturb_patches(images, chosen, dominant, self.trunk.patch)


def entropy_weights(tokens: Tensor, gamma: float) -> Tensor:
    """Return 1 + exp(−γ·E) of each image (N,), without gradient; E is the mean deviation of tokens (N, P, W)."""
    information = tokens.detach().float().std(dim=2).mean(dim=1)
    return 1 + torch.exp(-gamma * information)


def mix_amplitude(patches: Tensor, others: Tensor, share: Tensor) -> Tensor:
    """Return patches with a part of the amplitude spectrum of others and all of their own phase.

    Args:
        patches: (…, H, W) in [0, 1].
        others: of the same shape.
        share: λ in [0, 1], to be broadcast over the patches; 0 returns them as they are.

    Returns:
        (…, H, W), cut off to [0, 1].
    """
    spectrum, other = torch.fft.fft2(patches), torch.fft.fft2(others)
    amplitude = torch.lerp(spectrum.abs(), other.abs(), share)
    mixed: Tensor = torch.fft.ifft2(torch.polar(amplitude, spectrum.angle())).real
    return mixed.clamp(0, 1)


def perturb_patches(images: Tensor, chosen: Tensor, dominant: Tensor, patch: int) -> Tensor:
    """Return a batch in which some patches have a part of the amplitude spectrum of others.

    Args:
        images: (N, 3, S, S) in [−1, 1].
        chosen: (n,) the images to change.
        dominant: (n, K) the patches to change in each, counted row by row.
        patch: the side of a patch, pixels.
    """
    grid = images.shape[3] // patch
    side = grid * patch
    inner = functional.unfold(images[:, :, :side, :side].float(), patch, stride=patch).transpose(1, 2)
    patches = ((inner + 1) / 2).view(len(images), grid**2, 3, patch, patch)
    device, shape = images.device, dominant.shape
    strangers = torch.randint(len(images), shape, device=device), torch.randint(grid**2, shape, device=device)
    own = chosen[:, None].expand(shape), dominant
    share = torch.rand(shape, device=device)[..., None, None, None]
    mixed = patches.index_put(own, mix_amplitude(patches[own], patches[strangers], share))
    columns = (mixed * 2 - 1).flatten(2).transpose(1, 2)
    out = images.clone()
    out[chosen, :, :side, :side] = functional.fold(columns, (side, side), patch, stride=patch)[chosen].to(images.dtype)
    return out


def transface(
    size: tuple[int, int],
    *,
    embedding_size: int,
    input_size: int,
    patch: int = PATCH,
    drop_path: float = 0.05,
    perturb: float = 0.2,
    dominant: int = 7,
    entropy_weight: float = 1.0,
) -> TransFace:
    """Return TransFace on a vision transformer of a size, without masked patches as in the authors' recipes."""
    trunk = VisionTransformer(
        size, embedding_size=embedding_size, input_size=input_size, patch=patch, mask_ratio=0.0, drop_path=drop_path
    )
    return TransFace(trunk, perturb=perturb, dominant=dominant, entropy_weight=entropy_weight)


transface_t = partial(transface, (256, 12))  # the article has S, B and L
transface_s = partial(transface, (512, 12))
transface_b = partial(transface, (512, 24))
