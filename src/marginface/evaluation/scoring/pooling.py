"""Images → templates, with memory for the templates and not for the images.

A template is the sum over its media of the mean feature of the media's images, at length 1:

    f_T = Σ_media (1 / n_media) Σ_{image in media} w·f_image   →   f_T / ‖f_T‖

so an image adds w / n_media times its feature to its template, and nothing else of it is kept. Three switches, whose
letters the public scripts use, are part of a result: **F** the features of crop and mirror image are summed (the
embedder's ``mirror``); **N** features keep their length (N1), or each is brought to length 1 first; **D** w is the
detector's score (D1), or 1. On IJB-C at FAR 1e-4 they matter as much as a choice of loss. By name:

    insightface     N1 D1    the default, for nearly all published figures are this: insightface's ijb_11.py, ijb_1n.py,
                             ijb_onnx.py, ijb_evals.py and arcface_torch's eval_ijbc.py as they come, that is the tables
                             of arcface_torch, of insightface's model zoo, and of papers that run these scripts
    unit            N0 D1    every image counts alike but for the detector; "N1" of ijb_evals.py
    length          N1 D0    AdaFace's validate_IJB_BC.py as it comes, which reads the detector's scores and uses none
    mean            N0 D0    the plain mean of unit features

Of MS1MV2's R100 on IJB-C at FAR 1e-4 insightface#1364 prints 96.28 % for what is ``insightface`` here and 96.07 % for
what is ``unit``. The letters there are those of ijb_evals.py, whose N is the opposite of the N of the other scripts
and of ours: N0D1F1 there is N1D1F1 here. MagFace's eval_ijb.py brings the mean of each media to length 1 and has no
mirror image: it is none of these.

Source: Whitelam et al. 2017 and Maze et al. 2018 (data.identification.ijb).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginface.data.identification.ijb import Templates
from marginface.errors import DataError
from marginface.registry import Registry
from marginface.values import DoubleArray, FloatArray

_BLOCK = 512  # images summed at once: their features as float64, 2 MB of 512 numbers each, stay in the cache


@dataclass(frozen=True, slots=True)
class Pooling:
    """How images become a template: the switches N (``keep_length``) and D (``by_detection``) of the public scripts."""

    keep_length: bool = True
    by_detection: bool = True

    def describe(self, *, mirror: bool) -> str:
        """Return N0D1F1 and its like; N1: features keep their length."""
        return f"N{int(self.keep_length)}D{int(self.by_detection)}F{int(mirror)}"


POOLINGS: Registry[Pooling] = Registry("way of pooling")
POOLINGS.add("insightface", Pooling())
POOLINGS.add("unit", Pooling(keep_length=False))
POOLINGS.add("length", Pooling(by_detection=False))
POOLINGS.add("mean", Pooling(keep_length=False, by_detection=False))


def image_weights(templates: Templates, pooling: Pooling) -> DoubleArray:
    """Return what each image (N,) counts in its template: w / n_media."""
    order = np.lexsort([templates.media, templates.template])
    changes = [np.diff(which[order], prepend=-1) != 0 for which in (templates.template, templates.media)]
    run = np.cumsum(changes[0] | changes[1]) - 1  # of equal template and media, in this order
    weights = np.empty(len(order))
    weights[order] = 1 / np.bincount(run)[run]
    return weights * templates.detection if pooling.by_detection else weights


class TemplateSums:
    """Templates (T, D) that grow by the features of their images, in any order."""

    def __init__(self, templates: Templates, pooling: Pooling, size: int) -> None:
        self._templates = templates
        self._weights = image_weights(templates, pooling)
        self._sums = np.zeros((len(templates), size), dtype=np.float64)

    def add(self, images: slice, features: FloatArray) -> None:
        """Add the features (n, D) of a run of images."""
        owners, place = np.unique(self._templates.template[images], return_inverse=True)
        shares = np.zeros((len(owners), len(features)))
        shares[place, np.arange(len(features))] = self._weights[images]
        self._sums[owners] += shares @ features.astype(np.float64)

    def unit(self) -> FloatArray:
        """Return the templates at length 1, (T, D) float32; raise DataError that names one without a direction."""
        lengths = np.linalg.norm(self._sums, axis=1, keepdims=True)
        zero = np.flatnonzero(lengths[:, 0] == 0)
        if len(zero):
            raise DataError(
                f"{self._templates.name}: template {self._templates.ids[zero[0]]} sums to nothing "
                f"({len(zero)} such templates): its detector scores are 0, or none of its images was embedded"
            )
        return np.asarray(self._sums / lengths, dtype=np.float32)


def pool(templates: Templates, features: FloatArray, pooling: Pooling) -> FloatArray:
    """Return the templates (T, D) of all features (N, D), which may have any length."""
    sums = TemplateSums(templates, pooling, features.shape[1])
    for start in range(0, len(features), _BLOCK):
        part = slice(start, min(start + _BLOCK, len(features)))
        block = features[part]
        if not pooling.keep_length:
            block = block / np.linalg.norm(block, axis=1, keepdims=True)
        sums.add(part, block)
    return sums.unit()
