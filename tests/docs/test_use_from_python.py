"""docs/how-to/use-from-python.md, done: every block of the page runs on drawn photos, in order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from marginface.data.synthetic import draw_photo
from marginface.pipeline.reader import CHOICES
from marginface.quality import GATES
from marginface.reasons import Reason

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/use-from-python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the page in a folder with the photos it names; return its names."""
    folder = tmp_path_factory.mktemp("photos")
    photos = {"a": (1, 0), "b": (1, 1), "c": (2, 0)}
    drawn = {name: draw_photo(*which, strength=0.1)[0] for name, which in photos.items()}
    garden = np.random.default_rng(0).integers(60, 160, (240, 320, 3)).astype(np.uint8)
    for name, image in {**drawn, "garden": garden, "group": np.hstack([drawn["a"], drawn["c"]])}.items():
        Image.fromarray(image).save(folder / f"{name}.jpg", quality=95)
    (folder / "letter.txt").write_text("Dear Ann, ...")
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in BLOCKS:
            exec(block, names)
    return names


def test_the_blocks_run_and_give_what_the_page_says(done: dict[str, Any]) -> None:
    assert len(BLOCKS) == 9
    clusters = done["clusters"]
    assert sum(len(group) for group in clusters.groups) == 5
    assert {"a.jpg", "b.jpg"} <= {clusters.name(face) for face in clusters.groups[0]}
    assert next(pair.decision.value for pair in done["table"].pairs()) == "same"
    assert done["answer"].decision.value == "match"
    assert set(done["answer"].people) <= {"Ann", "Bob"}
    assert done["photo"].faces[0].quality["inter_eye_distance"] > 50


def test_the_page_names_the_policies_and_gates_there_are() -> None:
    listed = set(re.findall(r'^\| `"(\w+)"` \|', PAGE, re.MULTILINE))
    assert listed == set(CHOICES)
    for gate in GATES:
        assert f"`{gate}`" in PAGE


def test_the_codes_on_the_page_exist() -> None:
    for name in re.findall(r"Reason\.([A-Z_]+)", PAGE):
        assert name in Reason.__members__
