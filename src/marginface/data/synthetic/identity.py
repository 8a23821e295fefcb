"""Who a drawn face is: everything that stays the same in all its images, drawn from (seed, identity)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginface.data.synthetic.canvas import Color
from marginface.values import DoubleArray

# Mean and spread of each measure, in head units (half a face is about 1 wide); drawn normal, cut at 2 spreads.
_SHAPE: dict[str, tuple[float, float]] = {
    "width": (0.98, 0.07),
    "jaw": (0.80, 0.08),
    "chin": (1.58, 0.10),
    "chin_width": (0.30, 0.08),
    "crown": (-1.44, 0.08),
    "eye_distance": (0.44, 0.035),
    "eye_width": (0.190, 0.024),
    "eye_height": (0.095, 0.020),
    "eye_tilt": (0.05, 0.10),
    "brow_height": (0.27, 0.05),
    "brow_width": (0.065, 0.022),
    "brow_arch": (0.06, 0.035),
    "brow_tilt": (0.00, 0.05),
    "nose_length": (0.58, 0.06),
    "nose_width": (0.20, 0.038),
    "nose_bridge": (0.085, 0.02),
    "nose_height": (1.18, 0.08),
    "mouth_height": (0.98, 0.05),
    "mouth_width": (0.36, 0.045),
    "upper_lip": (0.075, 0.024),
    "lower_lip": (0.105, 0.030),
    "ear_size": (0.28, 0.05),
    "ear_out": (0.10, 0.05),
    "cheek": (0.92, 0.05),
    "hairline": (-0.80, 0.12),
    "lines": (0.10, 0.14),
}


@dataclass(frozen=True, slots=True)
class FaceShape:
    """Measures of a head in head units; y grows downwards and is 0 at the eyes."""

    width: float
    jaw: float
    chin: float
    chin_width: float
    crown: float
    eye_distance: float
    eye_width: float
    eye_height: float
    eye_tilt: float
    brow_height: float
    brow_width: float
    brow_arch: float
    brow_tilt: float
    nose_length: float
    nose_width: float
    nose_bridge: float
    nose_height: float
    mouth_height: float
    mouth_width: float
    upper_lip: float
    lower_lip: float
    ear_size: float
    ear_out: float
    cheek: float
    hairline: float
    lines: float


@dataclass(frozen=True, slots=True)
class FaceColors:
    """RGB colors, 0 to 255."""

    skin: Color
    hair: Color
    iris: Color
    lip: Color
    brow: Color


@dataclass(frozen=True, slots=True)
class DrawnIdentity:
    """One drawn person.

    ``moles`` and ``freckles`` are places (x, y, radius) on the face; ``glasses_habit`` is how often they wear glasses.
    """

    shape: FaceShape
    colors: FaceColors
    hair: str
    beard: str
    glasses: str
    glasses_habit: float
    moles: tuple[tuple[float, float, float], ...]
    freckles: tuple[tuple[float, float, float], ...]


HAIR_STYLES = ("bald", "receding", "short", "side", "fringe", "long", "wavy", "curly", "bun")
_HAIR_SHARES = (0.07, 0.08, 0.22, 0.14, 0.12, 0.13, 0.10, 0.09, 0.05)
BEARDS = ("none", "stubble", "moustache", "goatee", "full")
_BEARD_SHARES = (0.66, 0.12, 0.06, 0.07, 0.09)
GLASSES = ("round", "square", "wide")

_SKINS = np.array([[250, 220, 200], [238, 196, 168], [222, 172, 138], [190, 136, 100], [146, 98, 70], [98, 64, 48]])
_HAIRS = np.array(
    [[32, 26, 24], [52, 36, 28], [88, 58, 38], [128, 84, 50], [190, 150, 92], [150, 70, 38], [168, 166, 164]]
)
_HAIR_COLOR_SHARES = (0.28, 0.22, 0.17, 0.11, 0.10, 0.05, 0.07)
_IRISES = np.array([[62, 40, 26], [96, 62, 34], [104, 98, 54], [84, 116, 92], [82, 116, 152], [110, 122, 132]])


def draw_identity(random: np.random.Generator) -> DrawnIdentity:
    """Return a new person."""
    shape = FaceShape(*(_measure(random, mean, spread) for mean, spread in _SHAPE.values()))
    hair = str(random.choice(HAIR_STYLES, p=_HAIR_SHARES))
    beard = str(random.choice(BEARDS, p=_BEARD_SHARES)) if hair not in ("long", "wavy", "bun") else "none"
    return DrawnIdentity(
        shape=shape,
        colors=_draw_colors(random),
        hair=hair,
        beard=beard,
        glasses=str(random.choice(GLASSES)),
        glasses_habit=float(random.choice([0.0, 0.12, 0.85], p=[0.6, 0.22, 0.18])),
        moles=_draw_spots(random, int(random.choice([0, 1, 2, 3], p=[0.45, 0.3, 0.15, 0.1])), 0.022, 0.04),
        freckles=_draw_spots(random, int(random.choice([0, 24], p=[0.85, 0.15])), 0.010, 0.018),
    )


def _measure(random: np.random.Generator, mean: float, spread: float) -> float:
    return mean + spread * float(np.clip(random.normal(), -2, 2))


def _draw_colors(random: np.random.Generator) -> FaceColors:
    place = random.uniform(0, len(_SKINS) - 1)
    low = min(int(place), len(_SKINS) - 2)
    skin = _SKINS[low] + (place - low) * (_SKINS[low + 1] - _SKINS[low]) + random.normal(0, [3, 4, 6])
    hair = _HAIRS[random.choice(len(_HAIRS), p=_HAIR_COLOR_SHARES)] * random.uniform(0.75, 1.25)
    if place > 3:
        hair = hair * 0.5
    iris = _IRISES[random.integers(2 if place > 3 else len(_IRISES))] * random.uniform(0.8, 1.2)
    lip = skin * [0.80, 0.56, 0.58] + random.uniform(0, 22) * np.array([1.0, 0.1, 0.3])
    return FaceColors(_rgb(skin), _rgb(hair), _rgb(iris), _rgb(lip), _rgb(hair * 0.72 + skin * 0.12))


def _draw_spots(
    random: np.random.Generator, count: int, smallest: float, largest: float
) -> tuple[tuple[float, float, float], ...]:
    places = random.uniform([-0.55, 0.15, smallest], [0.55, 1.15, largest], size=(count, 3))
    return tuple((float(x), float(y), float(radius)) for x, y, radius in places)


def _rgb(values: DoubleArray) -> Color:
    red, green, blue = np.clip(values, 4, 252)
    return float(red), float(green), float(blue)
