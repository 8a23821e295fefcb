"""The use road end to end in a fresh process, without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from PIL import Image

from marginface.data.synthetic import draw_photo
from oracles.patience import PATIENCE

CODE = """
import json, sys
from marginface import Recognizer

photos = sys.argv[1:]
recognizer = Recognizer.load("sface")
known = recognizer.enrol({"one": photos[:1], "two": photos[1:2]}, quality="off")
answers = [
    recognizer.verify(*photos[:2]).decision.value,
    recognizer.identify(photos[0], known, fpir=0.02).people,
    len(recognizer.compare_all(photos)),
    recognizer.assess(photos[0])[0][1].scores["detector_score"] > 50,
]
print(json.dumps([answers, [name for name in ("torch", "matplotlib", "sklearn") if name in sys.modules]]))
"""


def test_every_verb_runs_without_torch(tmp_path: Path) -> None:
    photos = []
    for who in range(2):
        photos.append(str(tmp_path / f"{who}.png"))
        Image.fromarray(draw_photo(who, 0, strength=0.0)[0]).save(photos[-1])
    answer = subprocess.run(
        [sys.executable, "-c", CODE, *photos], capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    answers, heavy = json.loads(answer.stdout)
    assert answers[1] == ["one"]
    assert answers[2:] == [2, True]
    assert heavy == []


def test_what_only_a_first_start_needs_is_not_imported() -> None:
    code = "import sys, marginface.pipeline; print([n for n in ('onnx', 'ssl', 'http.client') if n in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert answer.stdout.strip() == "[]"
