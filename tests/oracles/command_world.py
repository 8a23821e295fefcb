"""A folder in which every command of the command line has work to do, stand-ins for what takes long, hostile places."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from marginface import demo, embedding, toy
from marginface.batch import embeddings
from marginface.cli import train as train_command
from marginface.cropping import cropper
from marginface.errors import InputError
from marginface.gallery import About, Gallery
from marginface.pipeline import recognizer
from marginface.server.running import serving
from marginface.server.state import open_state
from marginface.server.state.places import state_address
from marginface.training import distributed, dry_run, loading, recipe_from, train
from marginface.training.comparing import compare, sweep
from marginface.weights import ENGINES
from oracles.command_line import PLACES, TEXTS
from oracles.enrolments import write_people
from oracles.red_faces import BlueEmbedder, RedDetector

RECIPE: dict[str, Any] = {
    "data": {"identities": 6, "images_per_identity": 2, "hold_out": 0},
    "backbone": {"name": "tiny", "input_size": 32, "embedding_size": 8},
    "train": {"steps": 2, "batch_size": 4, "threads": 1},
}


def begin(*_: object, **__: object) -> None:
    raise InputError("the work begins")


def make_world(place: Path) -> Path:
    """Put into a folder what the lines of BASES name."""
    write_people(place / "people", {"Ann": (0, 12), "Bob": (100, 110), "Cem": (180,)})
    for name in ("a", "b"):
        shutil.copy(place / "people" / "Ann" / "000.png", place / f"{name}.png")
    recipe = recipe_from(RECIPE)
    train(recipe, place / "runs" / "one")
    shutil.copy(place / "runs" / "one" / "recipe.toml", place / "recipe.toml")
    with Gallery.create(place / "people.db", sealed=False) as gallery:
        staff = gallery.create_collection("people", contract=BlueEmbedder().contract.id, embedding_size=2)
        for name in ("Ann", "Bob"):
            staff.add_person(name, About("signed", "the door"))
        gallery.export_archive(place / "people.archive", passphrase=None)
        gallery.create_collection("other", contract=BlueEmbedder().contract.id, embedding_size=2)
    open_state(state_address(str(place / "people.db"))).close()
    for ending in ("", ".service"):
        (place / f"people.db{ending}").rename(place / f"kept{ending}")
    _write_protocols(place)
    return place


def _write_protocols(place: Path) -> None:
    from marginface.data.synthetic.layouts.grouped_pairs import GroupPlan, write_rfw
    from marginface.data.synthetic.layouts.ijb import IjbPlan, write_ijb
    from marginface.data.synthetic.layouts.tinyface import TinyPlan, write_tinyface

    write_rfw(place / "rfw", GroupPlan(people=3, images=2, folds=2, per_fold=2))
    write_tinyface(place / "tiny", TinyPlan(people=2, distractors=2))
    write_ijb(place / "ijb", IjbPlan(subjects=4, probes=2, photos=1, frames=2, impostors=3))
    lines = ["2\t1"]
    for person in range(4):
        for image in (1, 2):
            path = place / "lfw" / f"P{person}" / f"P{person}_{image:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (112, 112), (40 * person + image, 90, 200)).save(path)
    lines += ["P0\t1\t2", "P0\t1\tP1\t2", "P2\t1\t2", "P2\t1\tP3\t2"]
    (place / "pairs.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (place / "suite.toml").write_text('name = "s"\n[[protocol]]\nname = "o"\nkind = "identify"\ndata = "people"\n')
    scores = [f"{score},{int(score > 0.5)},{number % 2}" for number, score in enumerate(np.linspace(0, 1, 20))]
    (place / "scores.csv").write_text("score,genuine,fold\n" + "\n".join(scores) + "\n", encoding="utf-8")
    faces = '[{"subject": "Ann", "embedding": [0.6, 0.8], "calculator": "one"}]'
    (place / "faces.json").write_text(faces, encoding="utf-8")


def stand_in(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to the world, with the red detector and the blue embedder; what takes long says that it would begin."""

    def load(model: str, *, mirror: bool = False, engine: str = "onnxruntime") -> BlueEmbedder:
        ENGINES[engine]
        if model not in ("m", "sface"):
            return embedding_load(model, mirror=mirror, engine=engine)
        return BlueEmbedder()

    embedding_load = embedding.load_embedder
    monkeypatch.setattr(cropper, "load_detector", lambda name: RedDetector())
    for module in (embedding, recognizer, embeddings):
        monkeypatch.setattr(module, "load_embedder", load)
    for place, name in (
        (demo, "run_demo"), (toy, "run_toy"), (compare, "compare"), (sweep, "sweep"), (dry_run, "dry_run"),
        (loading, "measure_loading"), (distributed, "launch"),
    ):  # fmt: skip
        monkeypatch.setattr(place, name, begin)
    monkeypatch.setattr("marginface.training.train", begin)
    monkeypatch.setattr(serving, "run", begin)
    monkeypatch.setenv("MARGINFACE_GALLERY", str(world / "served.db"))
    monkeypatch.setattr(train_command, "progress_bar", no_bar)
    monkeypatch.setenv("MARGINFACE_CONFIG", str(world / "config"))
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.chdir(world)


@contextmanager
def no_bar() -> Iterator[None]:
    yield None


def restore(world: Path) -> None:
    """Put the hostile places, and the gallery, back as they were."""
    for name in (*PLACES, *TEXTS):
        place = world / name[:200]
        if place.is_dir() and place.resolve() not in (world, *world.parents):
            shutil.rmtree(place)
        elif place.is_file():
            place.unlink()
    (world / "folder").mkdir()
    (world / "garbage").write_bytes(bytes(range(256)) * 8)
    (world / "empty").write_bytes(b"")
    for left in world.glob("people.db*"):
        left.unlink()
    for ending in ("", ".service"):
        shutil.copy(world / f"kept{ending}", world / f"people.db{ending}")
