"""How much fine structure a face has, whatever its contrast."""

from __future__ import annotations

import cv2
import numpy as np

from marginface.quality.light import COLUMNS, ROWS
from marginface.values import FloatArray, ImageArray

_NOISE_SIGMA = 1.5  # pixels of the crop: what is finer is taken for noise
_LEAST_SPREAD = 1.0  # gray steps: a face without any contrast is not divided by nothing
_BENDS: tuple[FloatArray, ...] = tuple(
    np.array(kernel, np.float32)
    for kernel in (
        [[1, -2, 1]],
        [[1], [-2], [1]],
        [[0.5, 0, 0], [0, -1, 0], [0, 0, 0.5]],
        [[0, 0, 0.5], [0, -1, 0], [0.5, 0, 0]],
    )
)


def least_bend(crop: ImageArray) -> float:
    """Return the strength of the second derivative in the direction that has least of it, as a share of the contrast.

        sharpness = min over directions d of rms(∂²(G * Y)/∂d²) / std(Y)

    Y is the gray crop (112, 112) between brows and chin, G a Gaussian of 1.5 pixels that takes noise away, d one of
    across, down and the two diagonals. Halving the contrast changes nothing; blur and enlarging lower it, and so does
    motion, which takes the detail of one direction only.

    Source: the energy of second derivatives as a measure of focus, Subbarao, Choi & Nikzad, "Focusing techniques",
    Optical Engineering 32(11), 1993; the least direction and the division by the contrast are ours. The reference
    software of ISO/IEC 29794-5 feeds such numbers to a random forest, which is not used: the name is the standard's,
    the number is not.
    """
    gray = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    smooth = cv2.GaussianBlur(gray, (0, 0), _NOISE_SIGMA)
    bends = (cv2.filter2D(smooth, -1, kernel)[ROWS, COLUMNS] for kernel in _BENDS)
    least = min(float(np.sqrt(np.square(bend).mean())) for bend in bends)
    return least / max(float(gray[ROWS, COLUMNS].std()), _LEAST_SPREAD)
