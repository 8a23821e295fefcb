"""Which face is meant, if there are several."""

from __future__ import annotations

from collections.abc import Iterable

from marginface.values import Face


def by_area(faces: Iterable[Face]) -> tuple[Face, ...]:
    """Return faces sorted by the area of their box, largest first; equal areas by score."""
    return tuple(sorted(faces, key=lambda face: (-face.box.area, -face.score)))


def largest(faces: tuple[Face, ...]) -> Face | None:
    """Return the face with the largest box, or None if there is none."""
    return by_area(faces)[0] if faces else None


def nearest_center(faces: tuple[Face, ...], image_shape: tuple[int, ...]) -> Face | None:
    """Return the face whose box is centered nearest to the center of the image, or None if there is none.

    This is the face an image of LFW is about; others in the background are ignored by its protocol.

    Args:
        faces: Faces of one image.
        image_shape: Its shape, (H, W) or (H, W, 3).
    """
    height, width = image_shape[:2]

    def squared_distance(face: Face) -> float:
        x, y = face.box.center
        return (x - width / 2) ** 2 + (y - height / 2) ** 2

    return min(faces, key=squared_distance, default=None)
