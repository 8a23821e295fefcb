"""Vision transformers of insightface: patches of 9×9 pixels, no class token, all tokens flattened into the feature.

Source: Dosovitskiy et al., "An Image is Worth 16×16 Words", ICLR 2021, arXiv:2010.11929, in the form that An et al.,
"Killing Two Birds with One Stone" (Partial FC), CVPR 2022, arXiv:2203.15565, trained on WebFace42M, as in the vit.py of
arcface_torch: blocks with the normalization first, ReLU6, no bias for queries, keys and values, and two fully connected
layers with batch normalization behind the tokens. In training a share of the tokens is left out, as in He et al.,
"Masked Autoencoders", CVPR 2022, arXiv:2111.06377, and a learned token takes their places behind the blocks.

Two differences from that code. It masks 0.1 whatever its ``mask_ratio`` says, as soon as that is above 0; here the
share is as given. It computes attention in float32; here that is the kernel's matter (under autocast it multiplies in
bfloat16 and sums in float32).
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from marginface.backbones.inputs import check_batch
from marginface.backbones.projection import Projection
from marginface.errors import InputError

HEADS = 8
PATCH = 9  # pixels; 12×12 patches of a 112 pixel face, whose last 4 rows and columns are not looked at
DEVIATION = 0.02  # of the first weights; that code cuts them off at ±2, a hundred deviations away
EPSILON = 2e-5  # of the batch normalizations


class DropPath(nn.Module):
    """In training, leave a residual path out for a share of the samples and scale the others up.

    Source: Huang et al., "Deep Networks with Stochastic Depth", ECCV 2016, arXiv:1603.09382.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, path: Tensor) -> Tensor:
        """Return path (N, …), each sample times 0 or 1 / (1 − share)."""
        if not self.training or self.share == 0:
            return path
        kept = torch.rand(len(path), *[1] * (path.ndim - 1), device=path.device) >= self.share
        return path * kept.to(path.dtype) / (1 - self.share)


class Attention(nn.Module):
    """Multi-head self-attention over tokens (N, T, W)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inputs = nn.Linear(width, 3 * width, bias=False)
        self.output = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens (N, T, W)."""
        count, places, width = tokens.shape
        split = self.inputs(tokens).view(count, places, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(split[0], split[1], split[2])
        mixed: Tensor = self.output(attended.transpose(1, 2).flatten(2))
        return mixed


class Block(nn.Module):
    """Attention, then a perceptron of 4 W hidden units with ReLU6, each behind a LayerNorm and added to its input."""

    def __init__(self, width: int, drop_path: float) -> None:
        super().__init__()
        perceptron = (nn.Linear(width, 4 * width), nn.ReLU6(), nn.Linear(4 * width, width))
        self.attention = nn.Sequential(nn.LayerNorm(width), Attention(width), DropPath(drop_path))
        self.perceptron = nn.Sequential(nn.LayerNorm(width), *perceptron, DropPath(drop_path))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens (N, T, W)."""
        tokens = tokens + self.attention(tokens)
        total: Tensor = tokens + self.perceptron(tokens)
        return total


class VisionTransformer(nn.Module):
    """Images (N, 3, S, S) → features (N, D).

    On WebFace42M the recipes have drop_path 0.05, and mask_ratio 0 for T and S, 0.05 for B.

    Args:
        size: W, the length of a token, and the number of blocks.
        embedding_size: D.
        input_size: S, at least the side of a patch.
        patch: side of a patch, pixels; what is left of S / patch is not looked at.
        mask_ratio: share of the tokens that training leaves out.
        drop_path: share of the samples for which training leaves out the last block; it rises linearly from 0.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(
        self,
        size: tuple[int, int],
        *,
        embedding_size: int,
        input_size: int,
        patch: int = PATCH,
        mask_ratio: float = 0.1,
        drop_path: float = 0.1,
    ) -> None:
        super().__init__()
        _check(input_size, patch, mask_ratio, drop_path)
        width, depth = size
        self.input_size, self.mask_ratio = input_size, mask_ratio
        self.grid, self.patch = input_size // patch, patch
        places = self.grid**2
        self.patches = nn.Conv2d(3, width, patch, stride=patch)
        self.position = nn.Parameter(torch.empty(1, places, width))
        self.blocks = nn.Sequential(*(Block(width, drop_path * i / max(depth - 1, 1)) for i in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.mask_token = nn.Parameter(torch.empty(1, 1, width)) if mask_ratio > 0 else None
        self.projection = nn.Sequential(
            Projection(places * width, width, bias=False, learned_scale=True, epsilon=EPSILON),
            Projection(width, embedding_size, bias=False, learned_scale=True, epsilon=EPSILON),
        )
        self._draw_weights()

    def forward(self, images: Tensor) -> Tensor:
        """Return the features (N, D) of normalized images (N, 3, S, S)."""
        features: Tensor = self.projection(self.tokens(images))
        return features

    def tokens(self, images: Tensor) -> Tensor:
        """Return the token of each patch (N, P, W), row by row, of normalized images (N, 3, S, S)."""
        tokens = self.patches(check_batch(images, self.input_size)).flatten(2).transpose(1, 2) + self.position
        if not self.training or self.mask_token is None:
            seen: Tensor = self.norm(self.blocks(tokens))
            return seen
        count, places, width = tokens.shape
        order = torch.rand(count, places, device=tokens.device).argsort(1)[..., None].expand(-1, -1, width)
        kept = order[:, : max(int(places * (1 - self.mask_ratio)), 1)]
        seen = self.norm(self.blocks(tokens.gather(1, kept)))
        filled = self.mask_token.to(seen.dtype).expand(count, places, width)
        return filled.scatter(1, kept, seen)

    def _draw_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=DEVIATION)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.normal_(self.position, std=DEVIATION)
        if self.mask_token is not None:
            nn.init.normal_(self.mask_token, std=DEVIATION)


def _check(input_size: int, patch: int, mask_ratio: float, drop_path: float) -> None:
    if patch != int(patch) or not 1 <= patch <= input_size:
        raise InputError(
            f"patch of a vision transformer is a whole number of pixels, 1 to input_size; got {patch} with input_size "
            f"{input_size}. Usual: 9 at 112"
        )
    if not (0 <= mask_ratio < 1 and 0 <= drop_path < 1):
        raise InputError(f"mask_ratio and drop_path are in [0, 1); got {mask_ratio} and {drop_path}. Usual: 0.1")


vit_t = partial(VisionTransformer, (256, 12))
vit_s = partial(VisionTransformer, (512, 12))
vit_b = partial(VisionTransformer, (512, 24))
