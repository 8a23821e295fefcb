"""A face of ellipses that a real detector takes for one: tests of the use road need no photograph."""

from __future__ import annotations

import cv2
import numpy as np


def draw_face(height=320, width=320, center=(160, 160), radius=70):
    """Return RGB uint8 (height, width, 3) with one drawn face, its width about 2 × radius."""
    image = np.full((height, width, 3), (150, 170, 190), np.uint8)
    add_face(image, center, radius)
    return cv2.GaussianBlur(image, (0, 0), 1.5)


def add_face(image, center, radius):
    """Draw a face into an image, in place."""
    x, y = center

    def ellipse(dx, dy, a, b, color, start=0, end=360):
        middle = (round(x + dx * radius), round(y + dy * radius))
        cv2.ellipse(image, middle, (round(a * radius), round(b * radius)), 0, start, end, color, -1)

    ellipse(0, 0, 1, 1.3, (224, 180, 150))
    ellipse(0, -0.75, 1.05, 0.7, (60, 40, 30), 180, 360)
    for side in (-0.42, 0.42):
        ellipse(side, -0.2, 0.2, 0.1, (250, 250, 250))
        ellipse(side, -0.2, 0.09, 0.09, (40, 30, 20))
        ellipse(side, -0.42, 0.26, 0.06, (60, 40, 30), 180, 360)
    ellipse(0, 0.22, 0.14, 0.1, (190, 140, 110), 0, 180)
    ellipse(0, 0.62, 0.36, 0.12, (170, 70, 70))
