"""Keep people in a sealed gallery, find them in a photo, and erase one for good.

python examples/who_is_it.py people.db staff door.jpg --erase "Ann Example"
"""

from __future__ import annotations

import argparse
from pathlib import Path

from marginface import Recognizer
from marginface.enrolment import (
    Enroller,
    EnrolSettings,
    SearchSettings,
    collection_for,
    folder_of_people,
    identify_each,
)
from marginface.gallery import Gallery


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Enrol a folder of people and say who is in a photo.")
    parser.add_argument("gallery", help="a new file, or one that is there")
    parser.add_argument("people", type=Path, help="a folder for each person, with their photos")
    parser.add_argument("photo", type=Path)
    parser.add_argument("--fpir", type=float, default=0.01, help="how often a search of a stranger may find anybody")
    parser.add_argument("--erase", metavar="NAME", help="erase this person at the end")
    asked = parser.parse_args(words)

    recognizer = Recognizer.load("sface")
    make = Gallery.open if Gallery.exists(asked.gallery) else Gallery.create
    with make(asked.gallery) as gallery:
        people = collection_for(gallery, "", recognizer)
        # Photos that are enrolled already cost their hash: run it again after you have added some.
        print(Enroller(people, recognizer, EnrolSettings()).enrol(folder_of_people(asked.people).photos).explain())
        for answer in identify_each(recognizer, people, [asked.photo], SearchSettings(fpir=asked.fpir)):
            print(answer.explain())
        if asked.erase:
            print(people.erase(asked.erase).explain())


if __name__ == "__main__":
    main()
