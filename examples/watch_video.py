"""Who is in a video, and when? People are followed, and each is one decision.

python examples/watch_video.py door.avi staff
"""

from __future__ import annotations

import argparse
from pathlib import Path

from marginface import Recognizer
from marginface.images import list_images
from marginface.video import VideoSettings, identify_video, open_frames


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Say who is seen in a video.")
    parser.add_argument("video", help="a file, or the number of a camera")
    parser.add_argument("people", type=Path, help="a folder for each person, with their photos")
    parser.add_argument("--every", type=float, default=0.2, help="seconds between the frames that are looked at")
    parser.add_argument("--fpir", type=float, default=0.02, help="how often a stranger may be taken for somebody")
    asked = parser.parse_args(words)

    # The pass without a second look: in a video there is a next frame.
    recognizer = Recognizer.load("sface", detector="yunet-single-pass")
    folders = sorted(path for path in asked.people.iterdir() if path.is_dir())
    known = recognizer.enrol({folder.name: list_images(folder) for folder in folders})
    print(known.explain())
    frames = open_frames(asked.video, every=asked.every)
    for track in identify_video(recognizer, frames, known, VideoSettings(fpir=asked.fpir)):
        name = track.person or "nobody we know"
        print(f"{track.first:.1f} s to {track.last:.1f} s: {name} ({track.decision.value}, {len(track.places)} frames)")


if __name__ == "__main__":
    main()
