"""Put in front of PYTHONPATH: a process of a job uses the red detector and the blue embedder, and may be killed by a photo.

A photo whose bytes end with b"crash" ends the process that decodes it; MARGINFACE_TEST_SLOW seconds pass for each photo.
"""

from __future__ import annotations

import os
import signal
import sys
import time


def use_red_faces() -> None:
    from marginface import cropping
    from marginface.enrolment import looking
    from marginface.pipeline import reader, recognizer
    from oracles.red_faces import BlueEmbedder, RedDetector

    read_image, slow = looking.read_image, float(os.environ.get("MARGINFACE_TEST_SLOW", "0"))

    def read(source: bytes) -> object:
        time.sleep(slow)
        if source.endswith(b"crash"):
            os.kill(os.getpid(), signal.SIGSEGV)
        return read_image(source)

    def load(model: str, *, mirror: bool = False, engine: str = "") -> BlueEmbedder:
        return BlueEmbedder()

    cropping.load_detector = lambda name: RedDetector()
    recognizer.load_embedder = load
    looking.read_image = reader.read_image = read


if "marginface.server.jobs.child" in sys.orig_argv:
    use_red_faces()
