"""Put in front of PYTHONPATH: the service and the processes of its jobs use the red detector and the blue embedder.

A photo whose bytes end with b"crash" ends the process that decodes it. MARGINFACE_TEST_SLOW seconds pass for each
photo, and after MARGINFACE_TEST_SILENCE seconds a job is taken over.
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

    if "MARGINFACE_TEST_SILENCE" in os.environ:
        from marginface.server.jobs import claims

        claims.SILENCE = float(os.environ["MARGINFACE_TEST_SILENCE"])
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


if {"marginface.server.jobs.child", "serve"} & set(sys.orig_argv) or "MARGINFACE_TEST_RED" in os.environ:
    use_red_faces()
