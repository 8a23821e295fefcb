"""How much fine structure a face has, whatever its contrast."""

from __future__ import annotations

import cv2
import numpy as np

from marginface.quality.light import COLUMNS, ROWS
from marginface.values import ImageArray

_NOISE_SIGMA = 1.0  # pixels of the crop: what is finer is taken for noise
_LEAST_SPREAD = 1.0  # gray steps: a face without any contrast is not divided by nothing


def laplacian_share(crop: ImageArray) -> float:
    """Return the strength of the Laplacian of a crop as a share of the contrast of the face.

        sharpness = rms(∇²(G₁ * Y)) / std(Y)

    Y is the gray crop (112, 112) between brows and chin, G₁ a Gaussian of one pixel that takes noise away. Halving the
    contrast changes nothing; blur, motion and enlarging lower it.

    Source: the energy of the Laplacian as a measure of focus, Subbarao, Choi & Nikzad, "Focusing techniques", Optical
    Engineering 32(11), 1993; divided by the contrast here. The reference software of ISO/IEC 29794-5 feeds such
    numbers to a random forest, which is not used: the name is the standard's, the number is ours.
    """
    gray = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = cv2.Laplacian(cv2.GaussianBlur(gray, (0, 0), _NOISE_SIGMA), cv2.CV_32F)[ROWS, COLUMNS]
    spread = max(float(gray[ROWS, COLUMNS].std()), _LEAST_SPREAD)
    return float(np.sqrt(np.square(fine).mean())) / spread
