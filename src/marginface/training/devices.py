"""The device of a training by its number: "cuda" alone means another GPU in each thread."""

from __future__ import annotations

import torch


def numbered(device: str) -> torch.device:
    """Return cpu, or the GPU that this thread computes on, with its number.

    CUDA keeps the current GPU for each thread, and a new thread begins with the first one. What the threads that make
    batches send to "cuda" would lie on GPU 0 in every process of a machine; what they send to "cuda:3" lies there.

    >>> numbered("cpu")
    device(type='cpu')
    """
    return torch.device(device, torch.cuda.current_device()) if device == "cuda" else torch.device(device)
