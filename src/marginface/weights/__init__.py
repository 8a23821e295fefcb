"""Published weights: what there is, where it comes from, and the file that runs (table WEIGHTS).

published    the table                      sources, download, cache   where a file comes from
prepare      the file that runs, made by graphs and folding
session      a file → what runs it: onnx_runtime, open_vino (table ENGINES)
layouts/     the tensor names of networks of others

``locate`` gives the file as it was published, checked by its sha256; ``prepared`` gives the float32 ONNX made from it.
"""

from marginface.defaults import DEFAULT_ENGINE
from marginface.weights.cache import cache_folder
from marginface.weights.prepare import prepared
from marginface.weights.published import WEIGHTS, Weights, WheelFile, list_weights
from marginface.weights.session import ENGINES, Session, open_session
from marginface.weights.sources import find_published, is_offline, locate

__all__ = [
    "DEFAULT_ENGINE",
    "ENGINES",
    "WEIGHTS",
    "Session",
    "Weights",
    "WheelFile",
    "cache_folder",
    "find_published",
    "is_offline",
    "list_weights",
    "locate",
    "open_session",
    "prepared",
]
