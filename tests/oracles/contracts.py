"""Which loss is an exception to which contract of the sweeps, and why. A loss that is not listed keeps them all."""

from __future__ import annotations

DRAWS = dict.fromkeys(
    ("elastic_arc", "elastic_cos", "elastic_arc_plus", "elastic_cos_plus"),
    "draws its margins in training, so two calls differ; the sweeps look at it in evaluation mode",
)

FLAT = {"sphereface_r": "ψ = cos(min(mθ, π)) stays at −1 beyond π/m: there the loss does not rise, but does not fall"}

FOLLOWS_NORMS = {
    "softmax": "inner products with a bias",
    "lsoftmax": "inner products: feature and center norms take the place of the scale",
    "sphereface": "feature norms take the place of the scale",
}

NO_SCALE = {name: FOLLOWS_NORMS[name] for name in ("softmax", "lsoftmax", "sphereface")}
