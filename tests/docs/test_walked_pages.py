"""Pages whose commands and Python run from the first to the last, in a folder with the drawn photos that they name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from marginface.data.synthetic import DrawnFaces, draw_photo
from oracles.drawn_videos import person, scene, write_video
from oracles.walked_pages import Walk


@dataclass(frozen=True)
class Page:
    """A page, what has to lie in the folder, what is made smaller, and what one of its commands prints."""

    name: str
    prepare: Callable[[], None]
    smaller: dict[str, str] = field(default_factory=dict)
    says: dict[str, str] = field(default_factory=dict)


def photo(path: str, who: int, number: int = 0) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_photo(who, number, strength=0.1)[0]).save(path)


def nothing() -> None:
    """The page begins with an empty folder."""


def two_photos() -> None:
    photo("a.jpg", 30)
    photo("b.jpg", 30, 1)


def staff() -> None:
    for name, who in (("Ann", 30), ("Ben", 78)):
        photo(f"staff/{name}/0.png", who)
    photo("door.jpg", 30, 1)
    photo("yard.jpg", 78, 1)


def heap() -> None:
    for number in range(3):
        photo(f"PHOTOS/{number}.jpg", 30, number)


def many_people() -> None:
    two_photos()
    for who in range(600, 626):
        photo(f"photos/person-{who}/0.jpg", who)
    photo("photos/person-600/1.jpg", 600, 1)


def people_to_audit() -> None:
    for name, who in (("Ann", 30), ("Ben", 78)):
        for number in range(2):
            photo(f"PHOTOS/{name}/{number}.png", who, number)
    crops("lfw_crops", identities=2, images=2)


def a_pack() -> None:
    from typer.testing import CliRunner

    from marginface.cli import app

    crops("crops", identities=3, images=2)
    for words in (["crops", "faces_emore", "--format", "recordio"], ["crops", "data", "--format", "parquet"]):
        assert CliRunner().invoke(app, ["data", "convert", *words]).exit_code == 0


def crops(folder: str, *, identities: int, images: int) -> None:
    faces = DrawnFaces(identities_count=identities, images_per_identity=images)
    for index, crop in enumerate(faces.read(np.arange(identities * images))):
        path = Path(folder, f"person-{faces.labels[index]}", f"{index}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop).save(path)


def a_recipe() -> None:
    crops("shards", identities=2, images=2)
    for path in list(Path("shards").rglob("*.png")):  # a batch without a recipe has 128 images
        for number in range(32):
            shutil.copy(path, path.with_name(f"{path.stem}-{number}.png"))
    recipe = """
    [data]
    source = "folders"
    folders = ["shards"]
    [backbone]
    name = "tiny"
    input_size = 32
    embedding_size = 8
    options = { width = 0.25 }
    [train]
    steps = 2
    batch_size = 4
    threads = 1
    """
    Path("recipe.toml").write_text(recipe, encoding="utf-8")


def a_video() -> None:
    for name, who in (("ann", 2), ("bob", 6)):
        for place in (f"{name}.png", f"people/{name}/0.png"):
            Path(place).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(person(who, 0)).save(place)
    write_video(Path("door.avi"), [scene(number, (2, 0)) for number in range(8)])


def a_gallery() -> None:
    from marginface.gallery import Gallery

    with Gallery.create("people.db") as gallery:
        gallery.create_collection("staff", contract=16 * "0", embedding_size=2)


PAGES = (
    Page("index.md", two_photos, says={"marginface verify": "Same."}),
    Page(
        "how-to/calibrate.md",
        many_people,
        {"--fmr 1e-3,1e-4": "--fmr 1e-2", "--fmr 1e-4 --calibration": "--fmr 1e-2 --calibration"},
        {"marginface calibrate": "photos: 27 photos of 26 people"},
    ),
    Page("how-to/cluster.md", heap, says={"marginface cluster": "Groups of two or more: 1."}),
    Page(
        "how-to/enrol-and-identify.md",
        staff,
        {
            'Gallery.create("people.db")': 'Gallery.create("others.db")',
            "migrate people.db --model runs/mine": "migrate others.db --model sface --mirror",
        },
        {"marginface gallery enrol": "2 people: 2 enrolled", "marginface gallery identify": "Ann"},
    ),
    Page(
        "how-to/audit-your-data.md",
        people_to_audit,
        {"exclude = ": "# exclude = "},
        {"marginface data audit": "4 images of 2 identities"},
    ),
    Page("how-to/bring-your-data.md", a_pack, says={"marginface data inspect": "6 images of 3 identities"}),
    Page(
        "how-to/fast-data.md",
        a_recipe,
        {
            "bench data recipe.toml  ": "bench data recipe.toml --seconds 0.1  ",
            "bench data shards": "bench data shards --seconds 0.1",
            "--seconds 10": "--seconds 0.1",
        },
        {"marginface bench data recipe.toml": "bottleneck"},
    ),
    Page("how-to/video.md", a_video, {"door.mp4": "door.avi"}, {"marginface identify door": "ann"}),
    Page("how-to/openvino.md", two_photos, {"openvino-bf16": "openvino"}, {"marginface verify": "Same."}),
    Page("how-to/log-and-confirm.md", a_gallery, says={"marginface keys create": "mf_"}),
    Page("how-to/come-from-compreface.md", nothing, says={"marginface keys create": "mf_"}),
    Page("how-to/come-from-other-systems.md", nothing),
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name.rsplit("/")[-1])
def test_a_page_runs_from_top_to_end(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page.name.endswith("openvino.md"):
        pytest.importorskip("openvino")
    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("MARGINFACE_GALLERY_KEY", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    page.prepare()
    walk = Walk(page.name, page.smaller)
    walk.go()
    assert walk.printed
    for beginning, said in page.says.items():
        assert said in walk.of(beginning)
