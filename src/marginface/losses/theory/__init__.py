"""What the papers say about a margin without training anything. Angles in radians, float64 arrays in and out.

curve          the target cosine as a function of the angle, its derivatives, the loss it gives
class_angle    where two classes end, and the margin between them as a function of the angle between their centers
bounds         how large a scale must be and a margin may be for C classes in D dimensions
cautions       all of this about a head, in sentences
"""

from __future__ import annotations

from marginface.losses.theory.bounds import (
    Bound,
    adacos_scale,
    bounds,
    loss_bound,
    magface_penalty_bound,
    scale_bound,
    sphereface_margin_bound,
    widest_class_angle,
)
from marginface.losses.theory.cautions import cautions_of, facts_of
from marginface.losses.theory.class_angle import (
    boundary,
    class_margin,
    falling_ranges,
    feasibility_angle,
    in_pieces,
    is_of_target_alone,
    looks_at_the_other,
    margin_growth,
)
from marginface.losses.theory.curve import TargetCurve, curve_of

__all__ = [
    "Bound",
    "TargetCurve",
    "adacos_scale",
    "boundary",
    "bounds",
    "cautions_of",
    "class_margin",
    "curve_of",
    "facts_of",
    "falling_ranges",
    "feasibility_angle",
    "in_pieces",
    "is_of_target_alone",
    "looks_at_the_other",
    "loss_bound",
    "magface_penalty_bound",
    "margin_growth",
    "scale_bound",
    "sphereface_margin_bound",
    "widest_class_angle",
]
