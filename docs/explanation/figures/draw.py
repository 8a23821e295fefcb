"""Draw the figures of docs/explanation/margins.md, beside this file or in the folder that is named.

Run: python docs/explanation/figures/draw.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

from marginface.losses import ArcFace, CosFace, ExpFace, Margin, SphereFace, X2Softmax
from marginface.losses.theory import TargetCurve
from marginface.plots import margin_picture, render

SPHEREFACE, AS_TRAINED = SphereFace(margin=4, floor=0), SphereFace(margin=4, floor=5)
GROWING = X2Softmax(a=-0.9, h=-0.3, k=1.0)

FIGURES: dict[str, tuple[str, dict[str, Margin]]] = {
    "target_cosine.svg": (
        "logit",
        {
            "SphereFace, m = 4": SPHEREFACE,
            "SphereFace, λ = 5": AS_TRAINED,
            "CosFace, m = 0.35": CosFace(),
            "ArcFace, m = 0.5": ArcFace(),
            "X2-Softmax": X2Softmax(),
        },
    ),
    "decision_regions.svg": (
        "decision",
        {
            "SphereFace, m = 4": SPHEREFACE,
            "CosFace, m = 0.35": CosFace(),
            "ArcFace, m = 0.5": ArcFace(),
            "X2-Softmax": X2Softmax(),
            "X2-Softmax, h = −0.3, k = 1": GROWING,
            "ExpFace, m = 0.7": ExpFace(),
        },
    ),
    "class_angle.svg": (
        "margin",
        {
            "CosFace, m = 0.35": CosFace(),
            "ArcFace, m = 0.5": ArcFace(),
            "X2-Softmax": X2Softmax(),
            "X2-Softmax, h = −0.3, k = 1": GROWING,
            "ExpFace, m = 0.7": ExpFace(),
            "SphereFace, m = 4": SPHEREFACE,
        },
    ),
    "gradients.svg": (
        "derivative",
        {
            "CosFace, m = 0.35": CosFace(),
            "ArcFace, m = 0.5": ArcFace(),
            "X2-Softmax": X2Softmax(),
            "ArcFace, past_pi = plain": ArcFace(past_pi="plain"),
        },
    ),
    "loss.svg": (
        "loss",
        {
            "CosFace, m = 0.35": CosFace(),
            "ArcFace, m = 0.5": ArcFace(),
            "X2-Softmax": X2Softmax(),
        },
    ),
}


def draw(folder: Path) -> None:
    """Write every figure into a folder."""
    for name, (kind, margins) in FIGURES.items():
        curves = {title: TargetCurve(margin) for title, margin in margins.items()}
        (folder / name).write_bytes(render(margin_picture(kind, curves)))


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
