"""Image → faces (table DETECTORS): a detector gives boxes, five landmarks and a score in the image's own pixels.

protocol      what a detector is          yunet   the one that is used
second_look   looks again, in other ways, where that finds nothing or is not sure
choose        which face is meant         yaw     of the head, in an aligned crop
"""

from __future__ import annotations

from collections.abc import Callable

from marginface.defaults import DEFAULT_DETECTOR
from marginface.detection.choose import largest, nearest_center
from marginface.detection.protocol import Detector
from marginface.detection.second_look import SecondLook
from marginface.detection.yunet import YuNet
from marginface.registry import Registry

__all__ = ["DETECTORS", "Detector", "SecondLook", "YuNet", "largest", "load_detector", "nearest_center"]


def _yunet() -> Detector:
    """One pass at 640 pixels, and a second look where it finds nothing or is not sure."""
    first = YuNet.load()
    return SecondLook(first, fine=first.with_sides(1280))


def _yunet_small_faces() -> Detector:
    """Two passes, at 640 and 1280 pixels, on every photo: for groups in large photos."""
    return SecondLook(YuNet.load().with_sides(640, 1280))


DETECTORS: Registry[Callable[[], Detector]] = Registry("detector")
DETECTORS.add("yunet", _yunet)
DETECTORS.add("yunet-single-pass", YuNet.load)
DETECTORS.add("yunet-small-faces", _yunet_small_faces)


def load_detector(name: str = DEFAULT_DETECTOR) -> Detector:
    """Return a ready detector by its name in DETECTORS.

    - ``yunet``: one pass at 640 pixels; where it finds nothing or is not sure, a second look (border, 1280 pixels,
      turned).
    - ``yunet-single-pass``: the one pass only; the fastest on photos without a face.
    - ``yunet-small-faces``: passes at 640 and 1280 pixels on every photo, then the second look.

    Raises:
        UnknownName: No such detector.
        WeightsError: Its weights cannot be found.
    """
    return DETECTORS[name]()
