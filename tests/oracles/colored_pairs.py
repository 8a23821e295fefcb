"""A protocol whose images are single colors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from marginface.values import Pairs


def write_color(path: Path, color: tuple[int, int, int], size: int = 112) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (size, size), color).save(path)
    return path


def color_pairs(folder: Path, size: int = 112) -> Pairs:
    """Eight people of two images; each genuine pair and each with its neighbor, in two folds."""
    rng = np.random.default_rng(0)
    images = []
    for person in range(8):
        red, green, blue = (int(value) for value in rng.integers(70, 250, 3))
        images.append(write_color(folder / f"{person}" / "a.png", (red, green, blue), size))
        images.append(
            write_color(folder / f"{person}" / "b.png", (red, min(green + 30 * (person % 3), 255), blue), size)
        )
    first = np.concatenate([np.arange(0, 16, 2), np.arange(0, 16, 2)])
    second = np.concatenate([np.arange(1, 16, 2), (np.arange(0, 16, 2) + 3) % 16])
    genuine, fold = np.arange(16) < 8, np.arange(16) % 2
    return Pairs("colors", tuple(images), first, second, genuine, fold)
