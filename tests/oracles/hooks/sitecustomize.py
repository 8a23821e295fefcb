"""Put in front of PYTHONPATH: the service and the processes of its jobs use the red detector and the blue embedder.

A photo whose bytes end with b"crash" ends the process that decodes it, b"hang" keeps it for ever; one of KILLER pixels
ends the process that looks for its faces. MARGINFACE_TEST_SLOW seconds pass for each photo, and after
GATE photos a process goes on only when there is a file MARGINFACE_TEST_GATE.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from typing import Any

KILLER = (33, 311)  # height, width
GATE = 48


def use_red_faces() -> None:
    from marginface.cropping import cropper
    from marginface.pipeline import recognizer
    from oracles.red_faces import BlueEmbedder, RedDetector

    detect, slow = RedDetector.detect, float(os.environ.get("MARGINFACE_TEST_SLOW", "0"))
    gate, numbers = os.environ.get("MARGINFACE_TEST_GATE"), itertools.count()

    def slowly(self: RedDetector, image: Any, *, min_score: float) -> Any:
        time.sleep(slow)
        if gate is not None and next(numbers) >= GATE:
            while not os.path.exists(gate):  # noqa: PTH110
                time.sleep(0.02)
        if image.shape[:2] == KILLER:
            os.kill(os.getpid(), signal.SIGSEGV)
        return detect(self, image, min_score=min_score)

    def load(model: str, *, mirror: bool = False, engine: str = "") -> BlueEmbedder:
        return BlueEmbedder()

    cropper.load_detector = lambda name: RedDetector()
    recognizer.load_embedder = load
    RedDetector.detect = slowly  # type: ignore[method-assign]


def use_dying_photos() -> None:
    from marginface import images

    read_image = images.read_image

    def read(source: bytes, *, max_pixels: int) -> object:
        if source.endswith(b"crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if source.endswith(b"hang"):
            time.sleep(600)
        return read_image(source, max_pixels=max_pixels)

    images.read_image = read  # type: ignore[assignment]


if {"marginface.server.jobs.child", "serve"} & set(sys.orig_argv) or "MARGINFACE_TEST_RED" in os.environ:
    use_red_faces()
if "marginface.server.decoding.program" in sys.orig_argv:
    use_dying_photos()
