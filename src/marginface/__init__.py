"""marginface: train, measure, calibrate and serve face recognizers.

The public names are loaded on first use, so that ``import marginface`` costs nothing:

>>> import marginface
>>> recognizer = marginface.Recognizer.load("sface")  # doctest: +SKIP
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marginface import backbones, losses
    from marginface.gallery import Gallery
    from marginface.images import read_image
    from marginface.pipeline import Recognizer

__version__ = "0.1.0"
__all__ = ["Gallery", "Recognizer", "__version__", "backbones", "losses", "read_image"]

# ONNX Runtime keeps a device id and events in the user's cache and sends them, unless this is said before it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

_HOMES = {
    "Gallery": "marginface.gallery",
    "Recognizer": "marginface.pipeline",
    "read_image": "marginface.images",
}


def __getattr__(name: str) -> Any:
    if name in ("backbones", "losses"):
        return import_module(f"marginface.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'marginface' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
