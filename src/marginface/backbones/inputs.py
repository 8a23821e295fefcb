"""What a backbone accepts: checks that every architecture shares."""

from __future__ import annotations

import torch
from torch import Tensor

from marginface.errors import InputError

STRIDE = 16  # every backbone here halves the image four times
LARGEST = 4096  # pixels; a longer side is a slip of the pen, and takes all memory


def grid_size(input_size: int) -> int:
    """Return the side of the last feature map, input_size / 16; raise InputError if that is none, or too large."""
    if input_size < STRIDE or input_size % STRIDE:
        near = max(STRIDE, round(input_size / STRIDE) * STRIDE)
        raise InputError(
            f"input_size is a multiple of {STRIDE}, because the image is halved four times; got {input_size}. "
            f"Near: {near}. Usual: 112, or 64 for small training."
        )
    if input_size > LARGEST:
        raise InputError(f"input_size is at most {LARGEST:,}, in pixels; got {input_size}. Usual: 112")
    return input_size // STRIDE


def check_batch(batch: Tensor, input_size: int) -> Tensor:
    """Return the batch if it is (N, 3, S, S) with S = input_size; raise InputError otherwise.

    While torch.jit traces, the check is skipped: a trace is made from a batch that fits.
    """
    if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        return batch
    if batch.ndim != 4 or tuple(batch.shape[1:]) != (3, input_size, input_size) or not batch.is_floating_point():
        raise InputError(
            f"a batch is float of shape (N, 3, {input_size}, {input_size}); got {batch.dtype} {tuple(batch.shape)}. "
            f"Resize the crops, or build the backbone with the input_size of the crops."
        )
    return batch


def check_width_and_dropout(width: float, dropout: float) -> None:
    """Raise InputError unless the multiplier of channels is above 0 and the share set to zero in [0, 1)."""
    if not width > 0 or not 0 <= dropout < 1:
        raise InputError(f"width is above 0 and dropout in [0, 1); got width {width}, dropout {dropout}")


def scaled(channels: int, width: float) -> int:
    """Return channels × width as a multiple of 8, at least 8."""
    return max(8, round(channels * width / 8) * 8)
