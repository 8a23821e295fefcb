"""Directions of a whole source by the network as it is: evaluation mode, float32, no augmentation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from marginface.data.augmentation.transforms import normalize
from marginface.data.source import CropSource
from marginface.training.distributed import Ranks
from marginface.training.feed.batches import to_tensor
from marginface.training.feed.prefetch import default_workers, prefetched
from marginface.values import FloatArray

BATCH = 128


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode, and each of its parts afterwards into the mode it had (see start.freeze)."""
    training = [part for part in network.modules() if part.training]
    network.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True


def features_by_batch(
    backbone: nn.Module, source: CropSource, input_size: int, device: torch.device, ranks: Ranks
) -> Iterator[tuple[int, Tensor]]:
    """Yield the place of the first crop of a batch and the features (n, D) of its crops, float32, in order.

    Of several processes each has its part of the batches; one without any gets one of no crops.
    """
    count = len(source.labels)
    starts = range(0, count, BATCH)[ranks.part_of(-(-count // BATCH))]

    def images(start: int) -> Tensor:
        indices = np.arange(start, min(start + BATCH, count))
        return normalize(to_tensor(source.read(indices), input_size).to(device))

    with evaluating(backbone), torch.inference_mode():
        wanted = starts or range(1)
        batches = prefetched(images, wanted, workers=default_workers(), ahead=2)
        for start, batch in zip(wanted, batches, strict=True):
            rows = backbone(batch).float()
            yield start, rows if starts else rows[:0]


def unit_features(
    backbone: nn.Module, source: CropSource, input_size: int, device: torch.device, ranks: Ranks
) -> Iterator[tuple[int, Tensor]]:
    """Yield what features_by_batch does, at length 1."""
    for start, rows in features_by_batch(backbone, source, input_size, device, ranks):
        yield start, functional.normalize(rows)


def embed_source(
    backbone: nn.Module, source: CropSource, input_size: int, device: torch.device, ranks: Ranks
) -> tuple[FloatArray, FloatArray]:
    """Return the unit vectors (N, D) of a whole source and the lengths (N,) that its features had, float32.

    Of several processes all return all of them.
    """
    rows = [rows.cpu() for _, rows in features_by_batch(backbone, source, input_size, device, ranks)]
    features = ranks.rows_of_all(torch.cat(rows))
    return functional.normalize(features).numpy(), features.norm(dim=1).numpy()
