"""Drawn faces as a source of crops, and as photos: every image is a function of (seed, identity, image)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from marginface.data.crops.memory import CropMemory
from marginface.data.source import check_indices
from marginface.data.synthetic.drawing import draw_crop, draw_scene
from marginface.data.synthetic.identity import DrawnIdentity, draw_identity
from marginface.data.synthetic.nuisance import draw_nuisance
from marginface.errors import InputError
from marginface.geometry import CROP_SIZE
from marginface.values import FloatArray, ImageArray, IntArray, frozen

MEMORY_GB = 4.0
RECIPE_VERSION = 1  # part of the fingerprint: raise it with any change of what is drawn
_WHO, _IMAGE, _PHOTO, _TAIL, _NOISE = range(5)  # streams of random numbers


def _stream(seed: int, kind: int, *counters: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, kind, *counters])))


@lru_cache(maxsize=4096)
def _who(seed: int, identity: int) -> DrawnIdentity:
    return draw_identity(_stream(seed, _WHO, identity))


_Settings = tuple[int, int, int, float, float, float, int]


@dataclass(frozen=True, eq=False)
class DrawnFaces:
    """A CropSource of faces drawn by this package: no photograph, no person, any number; drawn once, then kept.

    Args:
        identities_count: how many persons.
        images_per_identity: images of each; with a long tail, of the first.
        seed: another seed, other persons.
        strength: how much the images of one person differ, 0 (passport photos) to 1.
        label_noise: the fraction of images whose label is another person's.
        tail: 0 gives everyone as many images; t > 0 gives identity i the share (i + 1)**−t, at least 2.
        first_identity: the number of the first person, so that two sources can be disjoint.
    """

    identities_count: int
    images_per_identity: int
    seed: int = 0
    strength: float = 1.0
    label_noise: float = 0.0
    tail: float = 0.0
    first_identity: int = 0
    labels: IntArray = field(init=False, repr=False)
    _drawn: IntArray = field(init=False, repr=False)
    _number: IntArray = field(init=False, repr=False)
    _memory: CropMemory = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.identities_count < 1 or self.images_per_identity < 1 or self.seed < 0 or self.first_identity < 0:
            raise InputError(
                "drawn faces need identities_count ≥ 1, images_per_identity ≥ 1, seed ≥ 0, first_identity ≥ 0; got "
                f"{self.identities_count}, {self.images_per_identity}, {self.seed}, {self.first_identity}"
            )
        for name in ("strength", "label_noise"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} is in [0, 1]; got {getattr(self, name)}")
        if self.tail < 0:
            raise InputError(f"tail is ≥ 0; got {self.tail}")
        counts = self._counts()
        drawn = np.repeat(np.arange(self.identities_count), counts)
        object.__setattr__(self, "_drawn", frozen(drawn))
        object.__setattr__(self, "_number", frozen(np.concatenate([np.arange(count) for count in counts])))
        object.__setattr__(self, "_memory", CropMemory(len(drawn), MEMORY_GB))
        object.__setattr__(self, "labels", frozen(self._noisy(drawn)))

    @property
    def identities(self) -> tuple[str, ...]:
        """Names like drawn-00042; the number says who is drawn, whatever the source."""
        return tuple(f"drawn-{self.first_identity + i:05d}" for i in range(self.identities_count))

    def read(self, indices: IntArray) -> ImageArray:
        """Draw the crops at these indices, (n, 112, 112, 3)."""
        chosen = check_indices(indices, len(self.labels))
        out = np.empty((len(chosen), CROP_SIZE, CROP_SIZE, 3), dtype=np.uint8)
        held = self._memory.holds(chosen)
        out[held] = self._memory.get(chosen[held])
        for place in np.flatnonzero(~held):
            out[place] = self._draw(int(chosen[place]))
            self._memory.put(int(chosen[place]), out[place])
        return out

    def fingerprint(self) -> str:
        """Return the sha256 over the settings and the version of the drawing code."""
        return hashlib.sha256(f"drawn faces {RECIPE_VERSION} {self._settings()}".encode()).hexdigest()

    def _settings(self) -> _Settings:
        return (
            self.identities_count,
            self.images_per_identity,
            self.seed,
            self.strength,
            self.label_noise,
            self.tail,
            self.first_identity,
        )

    def _draw(self, index: int) -> ImageArray:
        identity = self.first_identity + int(self._drawn[index])
        who, random = _who(self.seed, identity), _stream(self.seed, _IMAGE, identity, int(self._number[index]))
        nuisance = draw_nuisance(random, glasses_habit=who.glasses_habit, strength=self.strength)
        return draw_crop(who, nuisance, random)

    def _counts(self) -> IntArray:
        shares = (np.arange(self.identities_count) + 1.0) ** -self.tail
        counts = np.round(self.images_per_identity * shares).astype(np.int64)
        return counts if self.tail == 0 else np.maximum(counts, 2)

    def _noisy(self, labels: IntArray) -> IntArray:
        """Return the labels, a fraction of them moved to another identity."""
        if self.label_noise == 0 or self.identities_count < 2:
            return labels
        random = _stream(self.seed, _NOISE)
        wrong = random.random(len(labels)) < self.label_noise
        moved = (labels + random.integers(1, self.identities_count, len(labels))) % self.identities_count
        return np.where(wrong, moved, labels)


def draw_photo(
    identity: int,
    image: int,
    *,
    size: tuple[int, int] = (480, 640),
    seed: int = 0,
    strength: float = 0.4,
    face_share: float = 0.5,
) -> tuple[ImageArray, FloatArray]:
    """Draw a photo with the face of one identity in it: the same person as in DrawnFaces of this seed.

    Args:
        identity: who, from 0.
        image: which photo of them, from 0.
        size: (height, width) in pixels.
        seed: see DrawnFaces.
        strength: see DrawnFaces.
        face_share: the height of the head as a fraction of the height.

    Returns:
        The photo (height, width, 3) uint8 and the true landmarks (5, 2) float32 in its pixels.

    Raises:
        InputError: a number is negative, or the size is below 64 pixels.
    """
    if min(identity, image, seed) < 0 or min(size) < 64 or not 0 < face_share <= 1:
        raise InputError(
            "draw_photo needs identity, image, seed ≥ 0, a size of at least 64×64 and face_share in (0, 1]; got "
            f"{identity}, {image}, {seed}, {size}, {face_share}"
        )
    who, random = _who(seed, identity), _stream(seed, _PHOTO, identity, image)
    nuisance = draw_nuisance(random, glasses_habit=who.glasses_habit, strength=strength)
    photo, landmarks = draw_scene(who, nuisance, random, size, face_share)
    return photo, landmarks.astype(np.float32)
