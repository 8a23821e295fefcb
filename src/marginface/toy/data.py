"""The images of the toy study: the digits of scikit-learn, or a few identities of a folder of aligned crops.

A quarter of the images of every class is held out, drawn by the seed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from marginface.data.crops.folder import IdentityFolders
from marginface.data.sampling.sampler import generator
from marginface.data.source import ArrayCrops
from marginface.errors import DataError, InputError, MissingExtra
from marginface.geometry import CROP_SIZE
from marginface.images import list_images
from marginface.values import DoubleArray, ImageArray, IntArray

Choice = Literal["most images", "most spread", "most compact"]

HELD_OUT = 4  # one image in so many of each class
FEWEST = 8  # images of a class: two are held out
CANDIDATES = 4  # times the wanted identities are looked at for their spread: those with the most images
SPREAD_SIDE = 28  # pixels of the gray image whose spread is measured
VARIANCE = 0.9  # share of the variance that the whitening keeps


@dataclass(frozen=True, slots=True, eq=False)
class ToyData:
    """Classes to draw: crops to train on, crops of the same classes that are held out, and where they are from.

    ``is_photos`` says whether the images are faces, which may be mirrored; digits may not.
    """

    name: str
    train: ArrayCrops
    held_out: ArrayCrops
    is_photos: bool
    description: dict[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes, by label."""
        return self.train.identities

    @property
    def counts(self) -> dict[str, int]:
        """Return how many classes and images there are."""
        images = {"training images": len(self.train.labels), "held-out images": len(self.held_out.labels)}
        return {"classes": len(self.classes), **images}


def digits(count: int = 10, *, seed: int = 0) -> ToyData:
    """Return the first ``count`` of the ten digits: 8×8 pixels, about 180 images each, enlarged to a crop.

    Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998, as scikit-learn has it.

    Raises:
        MissingExtra: scikit-learn is not installed.
        InputError: there are not so many digits.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingExtra("the digits come with scikit-learn: pip install 'marginface[toy]'") from error
    if not 2 <= count <= 10:
        raise InputError(f"there are 10 digits, and 2 to 10 of them can be asked for; got {count}")
    images, labels = load_digits(return_X_y=True)
    chosen = labels < count
    small = np.rint(images[chosen].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    crops = np.stack([_enlarged(image) for image in small])
    names = tuple(str(digit) for digit in range(count))
    description = {"data": "digits of scikit-learn, 8×8 pixels, enlarged", "choice": f"the first {count} digits"}
    train, held_out = _split(ArrayCrops(crops, labels[chosen].astype(np.int64), names), seed)
    return ToyData("digits", train, held_out, is_photos=False, description=description)


def _enlarged(image: ImageArray) -> ImageArray:
    large = cv2.resize(image, (CROP_SIZE, CROP_SIZE), interpolation=cv2.INTER_CUBIC)
    return np.repeat(large[:, :, None], 3, axis=2).astype(np.uint8)


def identities_of(folder: Path, count: int = 8, *, choice: Choice = "most images", seed: int = 0) -> ToyData:
    """Return ``count`` identities of a folder of aligned crops, root/Name/1.jpg.

    "most images" takes those with the most images. "most spread" and "most compact" look at the 4 × count identities
    with the most images, and take those whose images differ most and least: the spread of an identity is the root mean
    square distance of its images to their mean, in gray pixels of 28×28, whitened over all these images (the principal
    components that hold 90 % of the variance, each scaled to variance 1). That is light, pose and expression as much as
    the person; no network is asked.

    Raises:
        DataError: fewer than ``count`` identities have 8 or more images, or a crop is not 112×112.
        InputError: fewer than two identities are asked for.
    """
    if count < 2:
        raise InputError(f"a picture needs two identities or more; got {count}")
    looked_at = count if choice == "most images" else CANDIDATES * count
    names = _most_photographed(folder, count, looked_at)
    others = [entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name not in names]
    source = IdentityFolders(folder, exclude=others)
    crops = source.read(np.arange(len(source.labels)))
    spreads = whitened_spread(crops, source.labels, len(source.identities))
    chosen = _chosen(source, spreads, count, choice)
    description = {
        "data": f"crops in {folder.name}/",
        "choice": f"the {count} identities with the {choice}"
        + ("" if choice == "most images" else f" among the {len(source.identities)} with the most images"),
        "spread of whitened pixels": {source.identities[label]: round(float(spreads[label]), 3) for label in chosen},
    }
    new_label = {label: place for place, label in enumerate(chosen)}
    kept = np.isin(source.labels, chosen)
    labels = np.array([new_label[label] for label in source.labels[kept].tolist()], dtype=np.int64)
    named = tuple(source.identities[label].replace("_", " ") for label in chosen)
    train, held_out = _split(ArrayCrops(crops[kept], labels, named), seed)
    return ToyData(folder.name, train, held_out, is_photos=True, description=description)


def _most_photographed(folder: Path, count: int, looked_at: int) -> set[str]:
    """Return the names of the folders with the most images, ``looked_at`` of them if there are so many."""
    if not folder.is_dir():
        raise DataError(
            f"{folder}: no such folder. --data is digits, or a folder of aligned crops with one folder per identity; "
            "`marginface align PHOTOS CROPS` makes one"
        )
    images = {entry.name: len(list_images(entry)) for entry in folder.iterdir() if entry.is_dir()}
    able = sorted((name for name, number in images.items() if number >= FEWEST), key=lambda name: (-images[name], name))
    if len(able) < count:
        raise DataError(
            f"{folder}: {len(able)} identities have {FEWEST} or more images, {count} are asked for. Lower "
            "--identities, or choose a folder with more images of each person"
        )
    return set(able[:looked_at])


def _chosen(source: IdentityFolders, spreads: DoubleArray, count: int, choice: Choice) -> list[int]:
    """Return the labels of the chosen identities, the most extreme first."""
    images = np.bincount(source.labels, minlength=len(source.identities))
    able = np.flatnonzero(images >= FEWEST)
    if len(able) < count:
        raise DataError(f"{len(able)} identities have {FEWEST} or more readable images, {count} are asked for")
    key = {"most images": -images, "most spread": -spreads, "most compact": spreads}[choice]
    return sorted(able.tolist(), key=lambda label: (key[label], source.identities[label]))[:count]


def whitened_spread(crops: ImageArray, labels: IntArray, classes: int) -> DoubleArray:
    """Return the spread of each class, see identities_of: about 1 for a class that differs as much as all images do."""
    gray = np.stack([_gray(crop) for crop in crops]).reshape(len(crops), -1)
    centered = gray - gray.mean(axis=0)
    left, scales, _ = np.linalg.svd(centered, full_matrices=False)
    kept = int(np.searchsorted(np.cumsum(scales**2) / (scales**2).sum(), VARIANCE)) + 1
    white = left[:, :kept] * np.sqrt(len(crops))
    return np.array([_spread(white[labels == label]) for label in range(classes)])


def _gray(crop: ImageArray) -> DoubleArray:
    small = cv2.resize(crop, (SPREAD_SIDE, SPREAD_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.float64)


def _spread(points: DoubleArray) -> float:
    """Return the root mean square deviation per component, unbiased by the number of points; NaN for a single one."""
    if len(points) < 2:
        return float("nan")
    squares = np.square(points - points.mean(axis=0)).sum()
    return float(np.sqrt(squares / ((len(points) - 1) * points.shape[1])))


def _split(crops: ArrayCrops, seed: int) -> tuple[ArrayCrops, ArrayCrops]:
    """Hold out a quarter of the images of every class."""
    held = np.zeros(len(crops.labels), dtype=np.bool_)
    for label in range(len(crops.identities)):
        own = np.flatnonzero(crops.labels == label)
        held[generator(seed, label).permutation(own)[: len(own) // HELD_OUT]] = True
    train, held_out = (ArrayCrops(crops.crops[part], crops.labels[part], crops.identities) for part in (~held, held))
    return train, held_out
