"""The yaw of the head in an aligned crop, by a detector that looks at the crop itself."""

from __future__ import annotations

import numpy as np

from marginface.detection.choose import nearest_center
from marginface.detection.protocol import Detector
from marginface.detection.second_look import padded
from marginface.geometry import yaw_degrees
from marginface.values import FloatArray, ImageArray

BORDER = 0.5  # of the side, black: a detector wants to see what is around a face
MIN_SCORE = 0.3  # a crop is known to hold a face


def crop_yaws(detector: Detector, crops: ImageArray) -> FloatArray:
    """Return the yaw of each crop in degrees (N,) float32, above 0 turned to the right; NaN where no face is found.

    The landmarks come from the crop and not from the photo it was cut from, so that crops of any origin (packs without
    landmarks too) have a yaw, and the same one in training, evaluation and use.

    Args:
        detector: finds the face; a single pass of YuNet takes about 4 ms a crop.
        crops: RGB uint8 (N, 112, 112, 3).
    """
    return np.array([_yaw(detector, crop) for crop in crops], np.float32)


def _yaw(detector: Detector, crop: ImageArray) -> float:
    view = padded(crop, BORDER)
    faces = tuple(view.restore(face) for face in detector.detect(view.image, min_score=MIN_SCORE))
    face = nearest_center(faces, crop.shape)
    return float("nan") if face is None else yaw_degrees(face.landmarks)
