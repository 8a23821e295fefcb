"""Are these two photos of one person? Three answers, three exit statuses.

python examples/verify_photos.py a.jpg b.jpg
"""

from __future__ import annotations

import argparse

from marginface import Recognizer


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Say whether two photos show one person.")
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("--fmr", type=float, default=1e-3, help="how often two strangers may be called the same")
    asked = parser.parse_args(words)

    recognizer = Recognizer.load("sface")
    # Between the thresholds of two rates the honest answer is that a person should look.
    answer = recognizer.verify(asked.first, asked.second, fmr=asked.fmr, uncertain_fmr=10 * asked.fmr)
    print(answer.explain())
    for name, face in zip((asked.first, asked.second), answer.faces):
        if face is not None:
            print(f"{name}: the face at {face.box.x1:.0f}, {face.box.y1:.0f} was used")
    return answer.exit_status  # 0 same, 1 different, 3 cannot tell


if __name__ == "__main__":
    raise SystemExit(main())
