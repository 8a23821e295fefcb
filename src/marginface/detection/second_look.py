"""SecondLook: a Detector that looks again, in other ways, where the first pass finds nothing or is not sure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from marginface.defaults import DEFAULT_MIN_SCORE
from marginface.detection.choose import by_area
from marginface.detection.protocol import Detector
from marginface.errors import InputError
from marginface.geometry import apply_transform, between_pixel_centers
from marginface.values import Box, DoubleArray, Face, ImageArray

LONGEST = 1280  # pixels of the longer side from which a photo is shrunk before it is framed or tilted
TURNS = (1, 2, 3, 4, 5, 6, 7)  # eighths of a turn that are looked at where nothing is sure


@dataclass(frozen=True)
class View:
    """An image made from another one, and the (2, 3) matrix that takes its coordinates back to the other's."""

    image: ImageArray
    back: DoubleArray

    def restore(self, face: Face) -> Face:
        """Return a face of this view in the coordinates of the image the view was made from.

        The box is taken back as what it is around: the ellipse within it. A square stays a square of its size however
        it is turned; the box around its corners would be twice as large after an eighth of a turn.
        """
        box = face.box
        ((x, y),) = apply_transform(self.back, np.array([box.center])).tolist()
        half_x, half_y = np.hypot(self.back[:, 0] * box.width / 2, self.back[:, 1] * box.height / 2).tolist()
        marks = apply_transform(self.back, face.landmarks).astype(np.float32)
        return Face(Box(x - half_x, y - half_y, x + half_x, y + half_y), marks, face.score)

    def of(self, other: View) -> View:
        """Return this view, which was made from another view, as one of the image that the other was made from."""
        turn, shift = other.back[:, :2], other.back[:, 2]
        return View(self.image, np.column_stack([turn @ self.back[:, :2], turn @ self.back[:, 2] + shift]))


def as_it_is(image: ImageArray) -> View:
    """Return the image itself as a view."""
    return View(image, np.array([[1.0, 0, 0], [0, 1, 0]]))


def padded(image: ImageArray, share: float) -> View:
    """Add a black border of ``share`` of the longer side: a detector wants to see what is around a face."""
    border = max(1, round(share * max(image.shape[:2])))
    wide = np.pad(image, ((border, border), (border, border), (0, 0)))
    return View(wide, np.array([[1.0, 0, -border], [0, 1, -border]]))


def resized(image: ImageArray, side: int) -> View:
    """Enlarge or shrink the image so that its longer side has ``side`` pixels."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    made = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    return View(np.asarray(made, np.uint8), np.array([[width / size[0], 0, 0], [0, height / size[1], 0]]))


def bounded(image: ImageArray) -> View:
    """Shrink the image if it is large: what is made of it is never more than a few times LONGEST² pixels."""
    return as_it_is(image) if max(image.shape[:2]) <= LONGEST else resized(image, LONGEST)


def turned(image: ImageArray, quarters: int) -> View:
    """Turn the image counter-clockwise by so many quarter turns (1, 2 or 3)."""
    height, width = image.shape[:2]
    backs = {
        1: np.array([[0.0, -1, width], [1, 0, 0]]),
        2: np.array([[-1.0, 0, width], [0, -1, height]]),
        3: np.array([[0.0, 1, 0], [-1, 0, height]]),
    }
    return View(np.ascontiguousarray(np.rot90(image, quarters)), backs[quarters])


def tilted(image: ImageArray, eighths: int) -> View:
    """Turn the image counter-clockwise by an odd number of eighth turns, onto a black square that holds all of it."""
    height, width = image.shape[:2]
    side = math.ceil((height + width) / math.sqrt(2))
    cosine, sine = math.cos(eighths * math.pi / 4), math.sin(eighths * math.pi / 4)
    turn, middle = np.array([[cosine, sine], [-sine, cosine]]), np.array([width / 2, height / 2])
    there = np.column_stack([turn, side / 2 - turn @ middle])
    square = cv2.warpAffine(image, between_pixel_centers(there), (side, side), flags=cv2.INTER_LINEAR)
    return View(np.asarray(square, np.uint8), np.column_stack([turn.T, middle - turn.T @ [side / 2, side / 2]]))


@dataclass(frozen=True)
class SecondLook:
    """A Detector around another one, which looks again where that finds nothing or is not sure.

    Where nothing is found, the looks are, until one finds: a black border (close-up faces that fill the photo); the
    photo enlarged to ``small_side``, where it is smaller; the ``fine`` detector, where there is one and the photo is
    larger (small faces). Then, if the best score is below ``sure``, the photo is turned by 45°, 90° … 315°, and the
    best turn wins if it finds a face where nothing else did, or beats the best score by ``lead``. A detector that was
    trained on upright faces calls an upside-down or tilted one a face too, with a lower score and landmarks in wrong
    places.

    The score asked for is never lowered, and a face keeps the score of the look that found it. A face found
    turned has its landmarks in the order of the upright face, so that it is aligned upright.

    ``sure`` and ``least_turned`` were set on 300 photos of LFW and 150 profiles of CFP, ``lead`` on 80 of each;
    docs/experiments.md has what is found of others. A face far from upright can still be taken for an upright one.

    Attributes:
        first: The detector.
        fine: One that sees smaller faces in large photos.
        border: Width of the black border, as a share of the longer side.
        small_side: Photos with a shorter longest side are enlarged to this.
        sure: Best score from which no turned look is taken.
        lead: How much better a turned look must be.
        least_turned: Score below which nothing found turned is believed, whatever score is asked for.
    """

    first: Detector
    fine: Detector | None = None
    border: float = 0.5
    small_side: int = 640
    sure: float = 0.9
    lead: float = 0.03
    least_turned: float = 0.8

    def __post_init__(self) -> None:
        if not 0 < self.border <= 2:
            raise InputError(f"border is a share of the longer side, above 0 and at most 2; got {self.border}")

    @property
    def network(self) -> str:
        """The network of the detector within."""
        return self.first.network

    def detect(self, image: ImageArray, *, min_score: float = DEFAULT_MIN_SCORE) -> tuple[Face, ...]:
        """Return the faces, largest first; see Detector.detect."""
        upright = self._detect_upright(image, min_score)
        if _best_score(upright) >= self.sure or 0 in image.shape:
            return upright
        least = max(min_score, self.least_turned)
        best = max((_look(self.first, view, least) for view in _turns(image)), key=_best_score, default=())
        is_better = not upright or _best_score(best) >= _best_score(upright) + self.lead
        return best if is_better else upright

    def _detect_upright(self, image: ImageArray, min_score: float) -> tuple[Face, ...]:
        faces = self.first.detect(image, min_score=min_score)
        if faces or 0 in image.shape:
            return faces
        looks = (_look(detector, view, min_score) for detector, view in self._upright(image))
        return next(filter(None, looks), ())

    def _upright(self, image: ImageArray) -> Iterator[tuple[Detector, View]]:
        longest = max(image.shape[:2])
        small = bounded(image)
        yield self.first, padded(small.image, self.border).of(small)
        if longest < self.small_side:
            yield self.first, resized(image, self.small_side)
        elif self.fine is not None:
            yield self.fine, as_it_is(image)


def _turns(image: ImageArray) -> Iterator[View]:
    small = bounded(image)
    for eighths in TURNS:
        yield turned(image, eighths // 2) if eighths % 2 == 0 else tilted(small.image, eighths).of(small)


def _look(detector: Detector, view: View, min_score: float) -> tuple[Face, ...]:
    return by_area(view.restore(face) for face in detector.detect(view.image, min_score=min_score))


def _best_score(faces: tuple[Face, ...]) -> float:
    return max((face.score for face in faces), default=0.0)
