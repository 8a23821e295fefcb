"""DequantizeLinear written from the ONNX operator definition, one element at a time."""

from __future__ import annotations

import itertools

import numpy as np


def dequantize_linear(x, scale, zero_point, axis, block_size):
    """y = (x - x_zero_point) * x_scale; the scale of element i of the axis is i // block_size, i, or the only one."""
    y = np.empty(x.shape, np.float32)
    for place in itertools.product(*map(range, x.shape)):
        if block_size:
            where = tuple(i // block_size if d == axis else i for d, i in enumerate(place))
        elif scale.ndim == 1:
            where = (place[axis],)
        else:
            where = ()
        y[place] = np.float32(np.float32(int(x[place]) - int(zero_point[where])) * np.float32(scale[where]))
    return y
