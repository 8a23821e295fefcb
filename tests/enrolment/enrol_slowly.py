"""A process that enrols a folder of red faces and says what is acknowledged, a line each: to be killed."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from marginface.cropping import FaceCropper
from marginface.enrolment import Enroller, EnrolSettings, enrolling, folder_of_people
from marginface.gallery import Gallery
from marginface.values import Face, ImageArray
from oracles.enrolments import red_recognizer
from oracles.red_faces import RedDetector

BATCH = 5


@dataclass
class SlowDetector(RedDetector):
    """Takes its time, so that there are moments between two photos."""

    def detect(self, image: ImageArray, *, min_score: float = 0.6) -> tuple[Face, ...]:
        time.sleep(0.004)
        return super().detect(image, min_score=min_score)


def main(database: str, folder: str) -> None:
    """Enrol, and print the person, the photo and the face of each photo when it is acknowledged."""
    enrolling.BATCH = BATCH
    recognizer = replace(red_recognizer(), cropper=FaceCropper(SlowDetector()))
    print("ready", flush=True)
    with Gallery.open(database) as gallery:
        settings = EnrolSettings(keep_crops=True)
        for outcome in Enroller(gallery.collection(), recognizer, settings).enrol_each(
            folder_of_people(Path(folder)).photos
        ):
            print(f"{outcome.person}\t{outcome.photo}\t{outcome.face}", flush=True)
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
