"""What docs/how-to/prepare-millions-of-photos.md shows is run, in the order of the page."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from marginface.cli import app
from marginface.data.packs import open_images
from marginface.data.synthetic import draw_photo
from marginface.locations import location, store_of
from marginface.training import recipe_from

pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "localhost"])
PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "prepare-millions-of-photos.md"
TEXT = PAGE.read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)


def test_the_commands_run_and_leave_what_the_page_says(
    cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for i in range(3):
        path = tmp_path / "photos" / f"person-{i % 2}" / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw_photo(i % 2, i)[0]).save(path)
    fs, key = store_of(location("s3://bucket/photos"))
    fs.mkdir("bucket")
    fs.put(str(tmp_path / "photos"), key, recursive=True)
    lines = [line for line in "".join(blocks("sh")).splitlines() if line.startswith("marginface ")]
    assert len(lines) == 6
    for line in lines:
        done = CliRunner().invoke(app, shlex.split(line, comments=True)[1:])
        assert done.exit_code == 0, (line, done.output)
    (tree,) = blocks("text")
    shown = re.findall(r"[├└]── (\S+)", tree)
    there = {path.relative_to("crops").as_posix() for path in Path("crops").rglob("*") if path.is_file()}
    assert {name for name in there if not name.endswith(".tries")} == set(shown)
    assert len(open_images(tmp_path / "crops-here").listing.labels) == 3


def test_the_recipe_is_one() -> None:
    (text,) = blocks("toml")
    data = recipe_from(tomllib.loads(text)).data
    assert data.model_dump()["path"] == "s3://bucket/crops/train-*.tar"
