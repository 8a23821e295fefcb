"""Augmentation of a batch on its device: every image gets its own draw, from its seed, its step and its place.

The random numbers are drawn before any decision (``draw``), so that an image is a function of its pixels, its draw and
the settings: one setting does not change what another draws, and a part of a batch is augmented as within the whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from itertools import permutations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from marginface.data.augmentation.head import PITCH_STEP, YAW_STEP, turned_places
from marginface.data.augmentation.resampling import INTERPOLATIONS, gaussian_blur, lower_resolution
from marginface.errors import InputError

PIXEL_CENTER = 127.5
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
CROP_RATIO = 4 / 3  # width to height of a crop's box is even in its logarithm from 1/CROP_RATIO to CROP_RATIO
CROP_TRIES = 10

# Columns of the uniform numbers of an image.
_FLIP, _PLACE, _BLUR, _SIGMA, _LOW, _SIDE = 0, slice(1, 5), 5, 6, 7, 8
_COLOR, _GRAY, _ERASE, _NOISE, _ERASE_BOX = slice(9, 12), 12, 13, 14, slice(15, 20)
_CROP, _CROP_TOP, _CROP_LEFT, _SHRINK, _ENLARGE, _PHOTOMETRIC, _ORDER = range(20, 27)
_CROP_BOX = slice(27, 27 + 2 * CROP_TRIES)
_BEFORE_TURNS = _CROP_BOX.stop
_TURN, _YAW, _PITCH = range(_BEFORE_TURNS, _BEFORE_TURNS + 3)
DRAWS = _PITCH + 1

_ORDERS = tuple(permutations(range(3)))  # of brightness, contrast and saturation


def normalize(batch: Tensor) -> Tensor:
    """Return (x − 127.5) / 127.5 as float32: uint8 (N, 3, S, S) → [−1, 1]."""
    return batch.to(torch.float32).sub_(PIXEL_CENTER).div_(PIXEL_CENTER)


@dataclass(frozen=True, slots=True)
class Draws:
    """The random numbers of N images: ``uniform`` (N, DRAWS) in [0, 1), ``noise_seeds`` (N,), on the CPU."""

    uniform: Tensor
    noise_seeds: Tensor

    def part(self, chosen: slice) -> Draws:
        """Return those of some of the images."""
        return Draws(self.uniform[chosen], self.noise_seeds[chosen])

    def __len__(self) -> int:
        return len(self.uniform)


def draw(images: int, generator: torch.Generator) -> Draws:
    """Draw the random numbers of a batch from a generator on the CPU, the same on every machine.

    Those of turns come last, so that a recipe without them has the numbers that it had before there were any.
    """
    uniform = torch.rand((images, _BEFORE_TURNS), generator=generator)
    noise_seeds = torch.randint(2**62, (images,), generator=generator)
    turns = torch.rand((images, DRAWS - _BEFORE_TURNS), generator=generator)
    return Draws(torch.cat([uniform, turns], dim=1), noise_seeds)


_TOPS = {"rotation_degrees": 180, "turn_yaw_degrees": 90, "turn_pitch_degrees": 30} | dict.fromkeys(
    ("noise", "blur_sigma"), math.inf
)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What may happen to a training crop; only the mirror is on by default.

    flip, turn, crop, gray, blur, low_resolution, photometric and erase are probabilities in [0, 1]; shift, scale, the
    degrees, brightness, contrast and saturation are the largest change, drawn evenly in ±value. ``ADAFACE`` has the
    settings of that paper.

    Args:
        flip: mirror left and right.
        turn: the crop is laid on a generic head, which is turned and aligned again; see data.augmentation.head.
        turn_yaw_degrees: to the left and right, at most 90.
        turn_pitch_degrees: up and down, at most 30.
        shift: as a fraction of the side.
        scale: as a fraction: 0.1 draws 0.9 to 1.1.
        rotation_degrees: about the center.
        crop: one box is kept, all around it turns black (AdaFace's crop).
        smallest_crop: the smallest area of that box, as a fraction; its sides are 3:4 to 4:3.
        photometric: whether brightness, contrast and saturation change at all, in an order that is drawn.
        brightness: factor 1 ± value.
        contrast: factor 1 ± value about the image's mean luma.
        saturation: factor 1 ± value about the pixel's luma.
        gray: all color gone.
        blur: Gaussian, sigma even in (0, blur_sigma].
        blur_sigma: in pixels of a 112-pixel crop; it shrinks with the input.
        low_resolution: shrunk and enlarged again, each by an interpolation that is drawn (AdaFace's).
        smallest_resolution: the strongest shrinking, as a fraction of the side.
        erase: one box filled with its own flat random color.
        erase_side: the largest side of that box, as a fraction of the side.
        noise: standard deviation of Gaussian noise, even in [0, value], in pixel values of 255.
    """

    flip: float = 0.5
    turn: float = 0.0
    turn_yaw_degrees: float = 60.0
    turn_pitch_degrees: float = 8.0
    shift: float = 0.0
    scale: float = 0.0
    rotation_degrees: float = 0.0
    crop: float = 0.0
    smallest_crop: float = 0.2
    photometric: float = 1.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    gray: float = 0.0
    blur: float = 0.0
    blur_sigma: float = 2.0
    low_resolution: float = 0.0
    smallest_resolution: float = 0.2
    erase: float = 0.0
    erase_side: float = 0.5
    noise: float = 0.0

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            top = _TOPS.get(name, 1)
            if not 0 <= value <= top:
                raise InputError(f"augmentation {name} is in [0, {top:g}]; got {value}")
        if self.scale >= 1 or self.smallest_resolution <= 0 or self.smallest_crop <= 0:
            raise InputError(
                f"scale is below 1, smallest_resolution and smallest_crop above 0; got {self.scale}, "
                f"{self.smallest_resolution} and {self.smallest_crop}"
            )

    def __call__(self, batch: Tensor, draws: Draws, strength: float = 1.0) -> Tensor:
        """Return the augmented, normalized batch.

        Args:
            batch: uint8 (N, 3, S, S).
            draws: the random numbers of these N images; see ``draw``.
            strength: multiplies every amount and every probability but those of ``flip``, ``turn`` and ``photometric``:
                a pose is no damage. 0 leaves the mirror and the turn.

        Returns:
            float32 (N, 3, S, S) in [−1, 1].
        """
        if batch.dtype != torch.uint8 or batch.ndim != 4 or batch.shape[1] != 3:
            raise InputError(f"a batch is uint8 (N, 3, S, S); got {batch.dtype} {tuple(batch.shape)}")
        if not 0 <= strength <= 1 or len(draws) != len(batch):
            raise InputError(
                f"strength is in [0, 1] and every image has its draw; got {strength}, {len(draws)} draws for "
                f"{len(batch)} images"
            )
        uniform = draws.uniform.to(batch.device)
        # What _place returns is ours, so that the steps after it change images in place.
        images = self._place(batch, uniform, strength)
        images = self._crop(images, uniform, strength)
        images = self._degrade(images, uniform, strength)
        images = self._color(images, uniform, strength)
        images = self._add_noise(images, draws, strength)
        images = self._erase(images, uniform, strength)
        return images.clamp_(0, 255).sub_(PIXEL_CENTER).div_(PIXEL_CENTER)

    def _place(self, images: Tensor, draw: Tensor, strength: float) -> Tensor:
        """Turn, mirror, shift, scale and rotate: one bilinear sampling; what comes from outside repeats the border."""
        mirrored = draw[:, _FLIP] < self.flip
        if self.turn + (self.shift + self.scale + self.rotation_degrees) * strength == 0:
            return torch.where(mirrored[:, None, None, None], images.flip(3), images).to(torch.float32)
        images = images.to(torch.float32)
        signed = (2 * draw[:, _PLACE] - 1) * strength
        angle = signed[:, 0] * math.radians(self.rotation_degrees)
        zoom = 1 / (1 + signed[:, 1] * self.scale)
        sine, cosine = torch.sin(angle) * zoom, torch.cos(angle) * zoom
        side = 1 - 2 * mirrored.to(images.dtype)
        rows = (side * cosine, -side * sine, 2 * self.shift * signed[:, 2], sine, cosine, 2 * self.shift * signed[:, 3])
        matrix = torch.stack(rows, dim=1).view(-1, 2, 3)
        grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
        turned = _where(draw[:, _TURN] < self.turn)
        if len(turned):
            grid.index_copy_(0, turned, self._turned(grid[turned], draw[turned]))
        return functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)

    def _turned(self, grid: Tensor, draw: Tensor) -> Tensor:
        """Return where places (N, S, S, 2) of turned crops lie in the crops; each turns by its own yaw and pitch."""
        largest = torch.tensor([self.turn_yaw_degrees, self.turn_pitch_degrees], device=draw.device)
        step = torch.tensor([YAW_STEP, PITCH_STEP], device=draw.device)
        poses = ((2 * draw[:, [_YAW, _PITCH]] - 1) * largest / step).round() * step
        side = grid.shape[1]
        places = torch.from_numpy(np.stack([turned_places(side, yaw, pitch) for yaw, pitch in poses.tolist()]))
        found = functional.grid_sample(places.to(grid.device), grid, padding_mode="border", align_corners=False)
        return found.permute(0, 2, 3, 1)

    def _crop(self, images: Tensor, draw: Tensor, strength: float) -> Tensor:
        """Turn all but one box black in some images."""
        chosen = _where(draw[:, _CROP] < self.crop * strength)
        if not len(chosen):
            return images
        inside = boxes(draw[chosen], images.shape[3], self.smallest_crop)
        return images.index_copy_(0, chosen, images[chosen] * inside[:, None])

    def _degrade(self, images: Tensor, draw: Tensor, strength: float) -> Tensor:
        """Blur some images and shrink some."""
        side = images.shape[3]
        blurred = _where(draw[:, _BLUR] < self.blur * strength)
        if len(blurred):
            sigma = (1 - draw[blurred, _SIGMA]) * self.blur_sigma * side / 112
            images.index_copy_(0, blurred, gaussian_blur(images[blurred], sigma))
        shrunk = _where(draw[:, _LOW] < self.low_resolution * strength)
        if len(shrunk):
            share = self.smallest_resolution + (1 - self.smallest_resolution) * draw[shrunk, _SIDE]
            sides = (share * side).int().clamp_min(1).tolist()
            ways = (draw[shrunk][:, [_SHRINK, _ENLARGE]] * len(INTERPOLATIONS)).int().T.tolist()
            images.index_copy_(0, shrunk, lower_resolution(images[shrunk], sides, ways[0], ways[1]))
        return images

    def _color(self, images: Tensor, draw: Tensor, strength: float) -> Tensor:
        """Change brightness, contrast and saturation of some images, then take all color from some."""
        amounts = torch.tensor([self.brightness, self.contrast, self.saturation], device=images.device) * strength
        chosen = _where(draw[:, _PHOTOMETRIC] < self.photometric)
        if amounts.any() and len(chosen):
            factors = 1 + (2 * draw[chosen, _COLOR] - 1) * amounts
            order = torch.tensor(_ORDERS, device=images.device)[(draw[chosen, _ORDER] * len(_ORDERS)).long()]
            changed = jitter(images[chosen], factors, order)
            images = changed if len(chosen) == len(images) else images.index_copy_(0, chosen, changed)
        gray = _where(draw[:, _GRAY] < self.gray * strength)
        if len(gray):
            images.index_copy_(0, gray, luma_of(images[gray]).expand(-1, 3, -1, -1))
        return images

    def _add_noise(self, images: Tensor, draws: Draws, strength: float) -> Tensor:
        """Add to each image the noise of its own seed."""
        if self.noise * strength == 0:
            return images
        amounts = (draws.uniform[:, _NOISE] * self.noise * strength).tolist()
        grain = torch.empty(images.shape)
        for image, amount, seed in zip(grain, amounts, draws.noise_seeds.tolist(), strict=True):
            image.normal_(0, amount, generator=torch.Generator().manual_seed(seed))
        return images + grain.to(images.device)

    def _erase(self, images: Tensor, draw: Tensor, strength: float) -> Tensor:
        """Fill one box in some images; its sides are even in [0.2, 1] × erase_side."""
        if self.erase * strength == 0:
            return images
        box = draw[:, _ERASE_BOX]
        place = torch.arange(images.shape[3], device=images.device)[None] / images.shape[3]
        half = (0.2 + 0.8 * box[:, :2]) * self.erase_side / 2
        rows = (place - box[:, 2:3]).abs() < half[:, :1]
        columns = (place - box[:, 3:4]).abs() < half[:, 1:]
        chosen = (draw[:, _ERASE] < self.erase * strength)[:, None, None]
        inside = (rows[:, :, None] & columns[:, None, :] & chosen)[:, None]
        tint = torch.frac(box[:, 4:5] * torch.tensor([1.0, 31.0, 977.0], device=images.device)) * 255
        return torch.where(inside, tint[:, :, None, None], images)


# Kim, Jain and Liu, "AdaFace: Quality Adaptive Margin for Face Recognition", CVPR 2022, arXiv:2204.00964, section 4.1
# (each of the three with probability 0.2), and the amounts of its public code.
ADAFACE = Augmentation(crop=0.2, low_resolution=0.2, photometric=0.2, brightness=0.5, contrast=0.5, saturation=0.5)


def boxes(draw: Tensor, side: int, smallest: float) -> Tensor:
    """Return which pixels (N, S, S) are in the box that each image keeps.

    As torchvision's RandomResizedCrop chooses it: the area even in [smallest, 1], the ratio even in its logarithm, up
    to ten tries until it fits, else the whole image; its place even.
    """
    tries = draw[:, _CROP_BOX].double().view(-1, CROP_TRIES, 2)
    area = smallest + (1 - smallest) * tries[..., 0]
    ratio = torch.exp((2 * tries[..., 1] - 1) * math.log(CROP_RATIO))
    sizes = (side * torch.sqrt(torch.stack([area / ratio, area * ratio], dim=2))).round()  # height, width
    whole = torch.full_like(sizes[:, :1], side)
    sizes = torch.cat([sizes, whole], dim=1)
    first = (sizes <= side).all(dim=2).int().argmax(dim=1)
    size = sizes[torch.arange(len(sizes), device=draw.device), first].clamp_min(1)
    start = (draw[:, [_CROP_TOP, _CROP_LEFT]] * (side - size + 1)).floor()
    place = torch.arange(side, device=draw.device)
    inside = (place >= start[..., None]) & (place < (start + size)[..., None])  # (N, 2, S)
    return inside[:, 0, :, None] & inside[:, 1, None, :]


def jitter(images: Tensor, factors: Tensor, order: Tensor) -> Tensor:
    """Change brightness, contrast and saturation of each image (N, 3, S, S), 0 to 255, in its own order.

    Each is x ← clamp(f·x + (1 − f)·y) with y black for brightness, the mean luma of the image for contrast, the luma of
    the pixel for saturation, as in Pillow's ImageEnhance and torchvision's ColorJitter, which round to 8 bits after
    each.

    Args:
        images: float (N, 3, S, S).
        factors: f of the three, (N, 3).
        order: which of the three comes first, second and third, (N, 3).
    """
    images = images.contiguous()  # plane by plane: half the time of pixel by pixel
    for turn in order.T[:, :, None, None, None]:
        luma = luma_of(images)
        mean = luma.mean(dim=(1, 2, 3), keepdim=True, dtype=torch.float64).to(images.dtype)
        other = luma.mul_(turn == 2).add_(mean * (turn == 1))
        factor = factors.gather(1, turn.flatten(1))[:, :, None, None]
        images = torch.lerp(other, images, factor).clamp_(0, 255)
    return images


def luma_of(images: Tensor) -> Tensor:
    """Return the luma (N, 1, S, S) of images (N, 3, S, S)."""
    luma = images[:, 0:1] * LUMA[0]
    return luma.add_(images[:, 1:2], alpha=LUMA[1]).add_(images[:, 2:3], alpha=LUMA[2])


def _where(chosen: Tensor) -> Tensor:
    return torch.nonzero(chosen).squeeze(1)
