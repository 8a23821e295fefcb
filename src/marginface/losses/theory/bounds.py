"""How large a scale must be, and a margin may be, for C classes in D dimensions. Formulas of the papers, one home each.

The picture behind them is the best that could happen: every feature on its class center, and the centers as far apart
as they go. What fails there fails everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from marginface.errors import InputError


@dataclass(frozen=True)
class Bound:
    """One bound: what it is about, "at least" or "at most", the number, its meaning and its source."""

    name: str
    side: str
    value: float
    meaning: str
    source: str


def scale_bound(num_classes: int, posterior: float, *, perfect: float = 1.0, other: float | None = None) -> float:
    r"""Return the smallest s at which a feature on its class center can have this posterior probability.

    s ≥ ln((C − 1)·P/(1 − P)) / (ψ(0) − c) with c the cosine to every other center.

    Source: Wang et al., "CosFace", CVPR 2018, arXiv:1801.09414, section 3.3, for ψ(0) = 1 and c = −1/(C − 1), where it
    is (C − 1)/C·ln((C − 1)·P/(1 − P)). With a margin ψ(0) < 1: 1 − m for CosFace (our derivation).

    Args:
        num_classes: C, 2 or more.
        posterior: P, above 0 and below 1.
        perfect: ψ(0), the target cosine of a perfect feature.
        other: c; None is the least that is possible, −1/(C − 1), a regular simplex.

    Returns:
        The bound; 0 if any scale will do, infinity if none does because the other centers are nearer than ψ(0).

    >>> round(scale_bound(10_572, 0.99), 2)
    13.86
    """
    if num_classes < 2 or not 0 < posterior < 1:
        raise InputError(f"a posterior is in (0, 1), of 2 or more classes; got {posterior} of {num_classes}")
    room = perfect - (-1 / (num_classes - 1) if other is None else other)
    wanted = math.log(num_classes - 1) + math.log(posterior) - math.log1p(-posterior)
    if wanted <= 0:
        return 0.0
    return wanted / room if room > 0 else math.inf


def loss_bound(num_classes: int, scale: float) -> float:
    r"""Return log(1 + (C − 1)·exp(−s·C/(C − 1))), the least loss that is possible without a margin.

    Source: Wang et al., "NormFace", ACM MM 2017, arXiv:1704.06369, section 3.3, with s = ℓ²: all features on the
    centers of a regular simplex. It is scale_bound read the other way round, with P = e^−loss.
    """
    if num_classes < 2 or not 0 < scale < math.inf:
        raise InputError(f"a loss needs 2 or more classes and a scale above 0; got {num_classes} and {scale}")
    return float(math.log1p((num_classes - 1) * math.exp(-scale * num_classes / (num_classes - 1))))


def widest_class_angle(num_classes: int, embedding_size: int) -> float:
    """Return an angle that the nearest two of C centers in D dimensions cannot exceed, in radians.

    D = 2: 2π/C, the regular polygon. C ≤ D + 1: arccos(−1/(C − 1)), the regular simplex. C > D + 1: 90°, and in three
    dimensions less, arccos(1/(2·sin²(π·C/(6·(C − 2)))) − 1). The bound is met by polygon, simplex, octahedron and
    icosahedron, and by any C ≤ 2D beyond the simplex.

    Source: CosFace, section 3.4, for the polygon and the simplex, where C > D + 1 has no more than "far below the
    simplex"; Rankin, "The closest packing of spherical caps in n dimensions", 1955, for 90°; Fejes Tóth, 1943, for
    three dimensions. The last two are quoted from memory and tested on regular solids.

    >>> round(math.degrees(widest_class_angle(8, 2)), 6), round(math.degrees(widest_class_angle(10_000, 512)), 6)
    (45.0, 90.0)
    """
    if num_classes < 2 or embedding_size < 1:
        raise InputError(
            f"an angle needs 2 or more classes and 1 or more dimensions; got {num_classes} and {embedding_size}"
        )
    if num_classes <= embedding_size + 1:
        return math.acos(-1 / (num_classes - 1))
    if embedding_size == 1:
        return 0.0
    if embedding_size == 2:
        return 2 * math.pi / num_classes
    if embedding_size == 3:
        return math.acos(0.5 / math.sin(math.pi * num_classes / (6 * (num_classes - 2))) ** 2 - 1)
    return math.pi / 2


def sphereface_margin_bound(num_classes: int) -> float:
    """Return the smallest m of SphereFace at which every angle within a class is below every angle between classes.

    2 + √3 for two classes, 3 for more with evenly spread centers. Source: Liu et al., "SphereFace", CVPR 2017,
    arXiv:1704.08063, properties 2 and 3; hence its m = 4.
    """
    if num_classes < 2:
        raise InputError(f"a margin needs 2 or more classes; got {num_classes}")
    return 2 + math.sqrt(3) if num_classes == 2 else 3.0


def adacos_scale(num_classes: int) -> float:
    """Return √2·ln(C − 1), the fixed scale of AdaCos. Source: Zhang et al., CVPR 2019, arXiv:1905.00292.

    >>> round(adacos_scale(10_572), 2)
    13.1
    """
    if num_classes < 3:
        raise InputError(f"the scale of AdaCos, √2·ln(C − 1), needs 3 or more classes; got {num_classes}")
    return math.sqrt(2) * math.log(num_classes - 1)


def magface_penalty_bound(
    scale: float, *, margins: tuple[float, float] = (0.45, 0.8), norms: tuple[float, float] = (10.0, 110.0)
) -> float:
    r"""Return the smallest λ_g of MagFace at which each feature has one best norm.

    λ_g ≥ s·K·u²·l²/(u² − l²) with norms l to u and the slope of the margin K = (m_u − m_l)/(u − l).

    Source: Meng et al., "MagFace", CVPR 2021, arXiv:2103.06627; ranges of its defaults. The argparse default of the
    public code, 20, violates it at s = 64; the 35 of its command does not.

    >>> round(magface_penalty_bound(64.0), 2)
    22.59
    """
    (least_margin, most_margin), (low, high) = margins, norms
    if not (0 < low < high and least_margin <= most_margin and scale > 0):
        raise InputError(f"norms and margins rise and scale is above 0; got {norms}, {margins} and {scale}")
    slope = (most_margin - least_margin) / (high - low)
    return scale * slope * high**2 * low**2 / (high**2 - low**2)


def bounds(
    num_classes: int, embedding_size: int, posterior: float, *, margin: float | None = None, scale: float = 64.0
) -> tuple[Bound, ...]:
    """Return every bound for C classes in D dimensions and a wanted posterior P of a perfect feature.

    Args:
        num_classes: C.
        embedding_size: D.
        posterior: P.
        margin: m of CosFace; with it come the scales that it needs.
        scale: s where a bound depends on it.

    Raises:
        InputError: a number is out of range.
    """
    if not 0 < scale < math.inf:
        raise InputError(f"scale is above 0; got {scale}. Usual: 64")
    if margin is not None and not 0 <= margin <= 2:
        raise InputError(f"the margin of cosface is a difference of cosines, 0 ≤ m ≤ 2; got {margin}. Usual: 0.35")
    widest = widest_class_angle(num_classes, embedding_size)
    rows = [
        _scale_row("scale", scale_bound(num_classes, posterior), posterior, "no margin, centers on a simplex"),
        *(() if margin is None else _scales_with_margin(num_classes, posterior, margin)),
        Bound("margin of cosface", "at most", 1 - math.cos(widest), _reach(widest), "CosFace, section 3.4"),
        Bound("margin of arcface", "at most", widest, f"radians; {_reach(widest)}", "our derivation"),
        Bound(
            "margin of sphereface",
            "at least",
            sphereface_margin_bound(num_classes),
            "angles within a class below angles between classes",
            "SphereFace, properties 2 and 3",
        ),
        Bound(
            "penalty of magface",
            "at least",
            magface_penalty_bound(scale),
            f"λ_g for one best norm of a feature, s = {scale:g}",
            "MagFace",
        ),
        Bound("loss", "at least", loss_bound(num_classes, scale), f"no margin, s = {scale:g}", "NormFace, section 3.3"),
    ]
    if num_classes > 2:
        meaning = "what AdaCos takes; a choice and no bound"
        rows.append(Bound("scale of adacos", "is", adacos_scale(num_classes), meaning, "AdaCos"))
    return tuple(rows)


def _scales_with_margin(num_classes: int, posterior: float, margin: float) -> tuple[Bound, ...]:
    """Return the scales that CosFace needs, with its centers on a simplex and at 90°."""
    simplex = scale_bound(num_classes, posterior, perfect=1 - margin)
    right_angle = scale_bound(num_classes, posterior, perfect=1 - margin, other=0.0)
    return (
        _scale_row("scale of cosface", simplex, posterior, f"m = {margin:g}, centers on a simplex"),
        _scale_row("scale of cosface", right_angle, posterior, f"m = {margin:g}, centers at 90°"),
    )


def _scale_row(name: str, value: float, posterior: float, how: str) -> Bound:
    meaning = f"a perfect feature has posterior {posterior:g}; {how}"
    return Bound(name, "at least", value, meaning, "CosFace, section 3.3")


def _reach(widest: float) -> str:
    return f"no placing of the centers has all angles above {math.degrees(widest):.1f}°"
