"""The Python of docs/how-to/video.md runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from oracles.drawn_videos import person, scene, write_video

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "video.md"


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    for name, who in (("ann", 2), ("bob", 6)):
        Image.fromarray(person(who, 0)).save(f"{name}.png")
    write_video(Path("door.avi"), [scene(number, (2, 0)) for number in range(8)])
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), {})
    assert capsys.readouterr().out.splitlines() == ["Ann match 0.0 s to 0.6 s 4"]
