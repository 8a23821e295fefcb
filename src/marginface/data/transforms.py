"""Augmentation of a batch on its device: every image gets its own draw, nothing loops over images.

The random numbers come from one torch.Generator and are drawn before any decision, so a batch is a function of
(images, generator state, settings), and one setting does not change what another draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from marginface.errors import InputError

PIXEL_CENTER = 127.5
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
DRAWS = 20  # columns of random numbers per image
RESOLUTION_LEVELS = 4

_PROBABILITIES = ("flip", "gray", "blur", "low_resolution", "erase")


def normalize(batch: Tensor) -> Tensor:
    """Return (x − 127.5) / 127.5 as float32: uint8 (N, 3, S, S) → [−1, 1]."""
    return batch.to(torch.float32).sub_(PIXEL_CENTER).div_(PIXEL_CENTER)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What may happen to a training crop; only the mirror is on by default.

    flip, gray, blur, low_resolution and erase are probabilities in [0, 1]; the others are the largest change, drawn
    evenly in ±value.

    Args:
        flip: mirror left and right.
        shift: as a fraction of the side.
        scale: as a fraction: 0.1 draws 0.9 to 1.1.
        rotation_degrees: about the centre.
        brightness: factor 1 ± value.
        contrast: factor 1 ± value about the image's mean luma.
        saturation: factor 1 ± value about the pixel's luma.
        gray: all colour gone.
        blur: Gaussian, sigma even in (0, blur_sigma].
        blur_sigma: in pixels of a 112-pixel crop; it shrinks with the input.
        low_resolution: shrunk by area and enlarged again.
        smallest_resolution: the strongest shrinking, as a fraction of the side.
        erase: one box filled with its own flat random colour.
        erase_side: the largest side of that box, as a fraction of the side.
        noise: standard deviation of Gaussian noise, even in [0, value], in pixel values of 255.
    """

    flip: float = 0.5
    shift: float = 0.0
    scale: float = 0.0
    rotation_degrees: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    gray: float = 0.0
    blur: float = 0.0
    blur_sigma: float = 2.0
    low_resolution: float = 0.0
    smallest_resolution: float = 0.25
    erase: float = 0.0
    erase_side: float = 0.5
    noise: float = 0.0

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            top = 180 if name == "rotation_degrees" else math.inf if name in ("noise", "blur_sigma") else 1
            if not 0 <= value <= top:
                raise InputError(f"augmentation {name} is in [0, {top:g}]; got {value}")
        if self.scale >= 1 or self.smallest_resolution <= 0:
            raise InputError(
                f"scale is below 1 and smallest_resolution above 0; got {self.scale} and {self.smallest_resolution}"
            )

    def __call__(
        self, batch: Tensor, generator: torch.Generator, strength: float = 1.0, *, start: int = 0, of: int | None = None
    ) -> Tensor:
        """Return the augmented, normalized batch.

        Args:
            batch: uint8 (N, 3, S, S).
            generator: where the random numbers come from, on any device.
            strength: multiplies every setting but ``flip``; 0 leaves the mirror only.
            start: the place of the first image in a larger batch, of which these are a part.
            of: the size of that batch; None: these are all. Its images get the same draws in one part or in several.

        Returns:
            float32 (N, 3, S, S) in [−1, 1].
        """
        if batch.dtype != torch.uint8 or batch.ndim != 4 or batch.shape[1] != 3:
            raise InputError(f"a batch is uint8 (N, 3, S, S); got {batch.dtype} {tuple(batch.shape)}")
        if not 0 <= strength <= 1:
            raise InputError(f"strength is in [0, 1]; got {strength}")
        device, here, of = batch.device, slice(start, start + len(batch)), len(batch) if of is None else of
        draw = torch.rand((of, DRAWS), generator=generator, device=generator.device)[here].to(device)
        images = self._place(batch, draw, strength)
        images = self._degrade(images, draw, strength)
        images = self._color(images, draw, strength)
        if self.noise * strength > 0:
            whole = (of, *images.shape[1:])
            grain = torch.randn(whole, generator=generator, device=generator.device)[here].to(device)
            images = images + grain * (draw[:, 14] * self.noise * strength)[:, None, None, None]
        images = self._erase(images, draw, strength)
        return images.clamp_(0, 255).sub_(PIXEL_CENTER).div_(PIXEL_CENTER)

    def _place(self, images: Tensor, draw: Tensor, strength: float) -> Tensor:
        """Mirror, shift, scale and rotate: one bilinear sampling; what comes from outside repeats the border."""
        mirrored = draw[:, 0] < self.flip
        if (self.shift + self.scale + self.rotation_degrees) * strength == 0:
            return torch.where(mirrored[:, None, None, None], images.flip(3), images).to(torch.float32)
        images = images.to(torch.float32)
        signed = (2 * draw[:, 1:5] - 1) * strength
        angle = signed[:, 0] * math.radians(self.rotation_degrees)
        zoom = 1 / (1 + signed[:, 1] * self.scale)
        sine, cosine = torch.sin(angle) * zoom, torch.cos(angle) * zoom
        side = 1 - 2 * mirrored.to(images.dtype)
        rows = (side * cosine, -side * sine, 2 * self.shift * signed[:, 2], sine, cosine, 2 * self.shift * signed[:, 3])
        matrix = torch.stack(rows, dim=1).view(-1, 2, 3)
        grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
        return functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)

    def _degrade(self, images: Tensor, draw: Tensor, strength: float) -> Tensor:
        """Blur some images and shrink some."""
        blurred = torch.nonzero(draw[:, 5] < self.blur * strength).squeeze(1)
        if len(blurred):
            largest = self.blur_sigma * images.shape[3] / 112
            sigma = (1 - draw[blurred, 6]) * largest
            images = images.index_copy(0, blurred, gaussian_blur(images[blurred], sigma, largest))
        level = (draw[:, 8] * RESOLUTION_LEVELS).floor()
        level = torch.where(draw[:, 7] < self.low_resolution * strength, level, -1)
        if self.low_resolution * strength > 0:
            for number in range(RESOLUTION_LEVELS):
                chosen = torch.nonzero(level == number).squeeze(1)
                if len(chosen):
                    share = self.smallest_resolution + (1 - self.smallest_resolution) * number / RESOLUTION_LEVELS
                    images = images.index_copy(0, chosen, lower_resolution(images[chosen], share))
        return images

    def _color(self, images: Tensor, draw: Tensor, strength: float) -> Tensor:
        """Saturation, then brightness, then contrast, as one 3×3 matrix and one offset per image."""
        amount = self.brightness + self.contrast + self.saturation + self.gray
        if amount * strength == 0:
            return images
        signed = (2 * draw[:, 9:12] - 1) * strength
        bright, contrast = 1 + signed[:, 0] * self.brightness, 1 + signed[:, 1] * self.contrast
        saturation = 1 + signed[:, 2] * self.saturation
        saturation = torch.where(draw[:, 12] < self.gray * strength, 0.0, saturation)[:, None, None]
        luma = torch.tensor(LUMA, device=images.device)
        mix = saturation * torch.eye(3, device=images.device) + (1 - saturation) * luma.expand(3, 3)
        mean_luma = images.mean(dim=(2, 3)) @ luma
        offset = (1 - contrast) * bright * mean_luma
        flat = torch.baddbmm(
            offset[:, None, None].expand(-1, 3, 1), (bright * contrast)[:, None, None] * mix, images.flatten(2)
        )
        return flat.view_as(images).clamp_(0, 255)

    def _erase(self, images: Tensor, draw: Tensor, strength: float) -> Tensor:
        """Fill one box in some images; its sides are even in [0.2, 1] × erase_side."""
        if self.erase * strength == 0:
            return images
        place = torch.arange(images.shape[3], device=images.device)[None] / images.shape[3]
        half = (0.2 + 0.8 * draw[:, 15:17]) * self.erase_side / 2
        rows = (place - draw[:, 17:18]).abs() < half[:, :1]
        columns = (place - draw[:, 18:19]).abs() < half[:, 1:]
        chosen = (draw[:, 13] < self.erase * strength)[:, None, None]
        box = (rows[:, :, None] & columns[:, None, :] & chosen)[:, None]
        tint = torch.frac(draw[:, 19:20] * torch.tensor([1.0, 31.0, 977.0], device=images.device)) * 255
        return torch.where(box, tint[:, :, None, None], images)


def gaussian_blur(images: Tensor, sigma: Tensor, largest: float) -> Tensor:
    """Blur each image (N, 3, S, S) by its own sigma (N,) in pixels, with a kernel that reaches 3 of the largest.

    ``largest`` is not that of these images, so that what an image becomes does not depend on those beside it.
    """
    radius = max(1, math.ceil(3 * largest))
    offset = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (offset[None] / sigma.clamp_min(1e-3)[:, None]) ** 2)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).repeat_interleave(images.shape[1], dim=0)
    planes = images.reshape(1, -1, *images.shape[2:])
    padded = functional.pad(planes, (radius, radius, radius, radius), mode="replicate")
    across = functional.conv2d(padded, kernel[:, None, None, :], groups=planes.shape[1])
    return functional.conv2d(across, kernel[:, None, :, None], groups=planes.shape[1]).view_as(images)


def lower_resolution(images: Tensor, share: float) -> Tensor:
    """Shrink (N, 3, S, S) by area to share × S and enlarge it again, bilinear."""
    size = max(4, round(share * images.shape[3]))
    small = functional.interpolate(images, size=(size, size), mode="area")
    return functional.interpolate(small, size=images.shape[2:], mode="bilinear", align_corners=False)
