"""Images → templates, with memory for the templates and not for the images.

A template is the sum over its media of the mean feature of the media's images, at length 1:

    f_T = Σ_media (1 / n_media) Σ_{image in media} w·f_image   →   f_T / ‖f_T‖

so an image adds w / n_media times its feature to its template, and nothing else of it is kept. Three switches, whose
letters the public scripts use, are part of a result: **F** the features of crop and mirror image are summed (the
embedder's ``mirror``); **N** features keep their length, or each is brought to length 1 first; **D** w is the
detector's score, or 1. On IJB-C at FAR 1e-4 they matter as much as a choice of loss (insightface's tables).

Source: Whitelam et al. 2017 and Maze et al. 2018 (data.templates); the switches are those of insightface's
ijb_11.py, ijb_1n.py and ijb_onnx.py, where N1 keeps the length; ijb_evals.py means the opposite by its N, so that its
N0D1F1 is N1D1F1 here. All of them keep the length unless told otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginface.data.templates import Templates
from marginface.errors import DataError
from marginface.values import DoubleArray, FloatArray

_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Pooling:
    """How images become a template: the switches N (``keep_length``) and D (``by_detection``) of the public scripts."""

    keep_length: bool = False
    by_detection: bool = True

    def describe(self, *, mirror: bool) -> str:
        """Return N0D1F1 and its like; N1: features keep their length."""
        return f"N{int(self.keep_length)}D{int(self.by_detection)}F{int(mirror)}"


def image_weights(templates: Templates, pooling: Pooling) -> DoubleArray:
    """Return what each image (N,) counts in its template: w / n_media."""
    _, media, counts = np.unique(
        np.stack([templates.template, templates.media]), axis=1, return_inverse=True, return_counts=True
    )
    weights = 1 / counts[media.ravel()]
    return weights * templates.detection if pooling.by_detection else weights


class TemplateSums:
    """Templates (T, D) that grow by the features of their images, in any order."""

    def __init__(self, templates: Templates, pooling: Pooling, size: int) -> None:
        self._templates = templates
        self._weights = image_weights(templates, pooling)
        self._sums = np.zeros((len(templates), size), dtype=np.float64)

    def add(self, images: slice, features: FloatArray) -> None:
        """Add the features (n, D) of a run of images."""
        owner = self._templates.template[images]
        order = np.argsort(owner, kind="stable")
        starts = np.flatnonzero(np.diff(owner[order], prepend=-1))
        weighted = features[order].astype(np.float64) * self._weights[images][order, None]
        self._sums[owner[order][starts]] += np.add.reduceat(weighted, starts)

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
