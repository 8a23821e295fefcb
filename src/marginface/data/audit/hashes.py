r"""Perceptual hashes of an image: the signs of the low frequencies of its cosine transform.

The image is made gray and shrunk to 64×64; its two-dimensional discrete cosine transform (type II) has the coefficients
c(u, v), u down and v across. Bit (u, v) says c(u, v) > 0. c(0, 0), the mean, is no bit: brightness does not count. The
coarse hash has the 63 bits with u, v < 8, the fine hash the 255 bits with u, v < 16. An image and its mirror image have
c(u, v) and (−1)^v c(u, v): the mirrored hash is the hash with the bits of odd v turned over, and needs no second
transform.

Source: the DCT hash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010 (pHash), with
the sign in place of the comparison with the median, for the sake of mirror images.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from marginface.values import ImageArray

COARSE_BITS, FINE_BITS = 63, 255
_SIDE, _COARSE, _FINE = 64, 8, 16
Words = NDArray[np.uint64]


def perceptual_hashes(image: ImageArray) -> tuple[int, Words]:
    """Return the coarse hash (63 bits in one number) and the fine hash, 255 bits in (4,) uint64.

    >>> image = np.arange(64 * 64 * 3, dtype=np.uint64).astype(np.uint8).reshape(64, 64, 3)
    >>> coarse, fine = perceptual_hashes(image)
    >>> perceptual_hashes(np.ascontiguousarray(image[:, ::-1]))[0] == coarse ^ int(MIRROR_COARSE)
    True
    """
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    shrinks = min(gray.shape) >= _SIDE
    small = cv2.resize(gray, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    signs = cv2.dct(small) > _LEAST
    return int(_packed(signs[:_COARSE, :_COARSE])[0]), _packed(signs[:_FINE, :_FINE])


def bit_distance(first: Words, second: Words) -> NDArray[np.int64]:
    """Return how many bits differ: (…, W) and (…, W) words, broadcast, → (…)."""
    return np.asarray(np.bitwise_count(first ^ second).sum(axis=-1), np.int64)


def _packed(signs: NDArray[np.bool_]) -> Words:
    """Return bits, the one of the mean left out, in words of 64."""
    flat = signs.reshape(-1).copy()
    flat[0] = False
    return np.packbits(flat).view(np.uint64)


def _odd_columns(side: int) -> Words:
    return _packed(np.broadcast_to(np.arange(side) % 2 == 1, (side, side)))


# Of an even area the coefficients are 0 up to rounding; a sign of less than a thousandth of a gray level is noise.
_LEAST = 1e-3 * _SIDE
MIRROR_COARSE: np.uint64 = _odd_columns(_COARSE)[0]
MIRROR_FINE: Words = _odd_columns(_FINE)
