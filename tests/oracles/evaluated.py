"""Evaluations as the commands themselves leave them, of a few drawn crops: what is browsed is what is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from marginface.cli import app
from marginface.data.synthetic import DrawnFaces
from marginface.data.synthetic.layouts.ijb import IjbPlan, write_ijb
from oracles.small_recipe import SMALL_RECIPE

PEOPLE, PHOTOS = 8, 2
RECIPE = f'name = "two losses"\n{SMALL_RECIPE}'


def invoke(*words: object) -> None:
    """Run a command in this process, and look that it did what it was asked."""
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def write_crops(folder: Path) -> Path:
    """Write drawn crops in the layout of LFW with a list of pairs, pairs.txt; return the folder of photos."""
    drawn = DrawnFaces(PEOPLE, PHOTOS, seed=0, strength=0.3)
    crops, lines = drawn.read(np.arange(PEOPLE * PHOTOS)), [f"2\t{PEOPLE // 2}"]
    for person in range(PEOPLE):
        place = folder / "photos" / f"P{person}"
        place.mkdir(parents=True, exist_ok=True)
        for image in range(PHOTOS):
            Image.fromarray(crops[person * PHOTOS + image]).save(place / f"P{person}_{image + 1:04d}.png")
    for fold in (range(PEOPLE // 2), range(PEOPLE // 2, PEOPLE)):
        lines += [f"P{person}\t1\t2" for person in fold]
        lines += [f"P{person}\t1\tP{(person + 1) % PEOPLE}\t2" for person in fold]
    (folder / "pairs.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "photos"


def write_suite_list(folder: Path) -> Path:
    """Write the list of a suite on the crops of write_crops; return its path."""
    path = folder / "suite.toml"
    path.write_text(
        'name = "drawn"\n[[protocol]]\nname = "Drawn pairs"\ndata = "photos"\npairs = "pairs.txt"\naligned = true\n'
        '[[protocol]]\nname = "Drawn open set"\nkind = "identify"\ndata = "photos"\nstrangers = 0.4\naligned = true\n',
        encoding="utf-8",
    )
    return path


def write_suite(data: Path, out: Path) -> None:
    """Run a suite of two protocols on SFace."""
    write_crops(data)
    invoke("evaluate", "suite", "sface", write_suite_list(data), "--out", out)


def write_single(data: Path, out: Path) -> None:
    """Run a protocol of pairs, one of templates, an open set, and a file of scores, each into its own files."""
    photos = write_crops(data)
    pairs = ["sface", photos, "--pairs", data / "pairs.txt", "--aligned", "--scores", data / "scores.csv"]
    invoke("evaluate", "pairs", *pairs, "--out", out / "pairs.json", "--report", out / "pairs.html")
    invoke("evaluate", "identify", "sface", photos, "--aligned", "--strangers", 0.4, "--out", out / "people.json")
    invoke("evaluate", "scores", data / "scores.csv", "--out", out / "scores.json")
    invoke("evaluate", "compare", data / "scores.csv", data / "scores.csv", "--out", out / "two.json")
    write_ijb(data / "ijb", IjbPlan(subjects=4, probes=2, photos=2, frames=2, impostors=3))
    invoke("evaluate", "templates", "sface", data / "ijb", "--out", out / "ijb.json", "--no-verification")


def write_prepared(data: Path, out: Path) -> None:
    """Calibrate a model and audit a data set, each with its page."""
    photos, out = write_crops(data), out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    calibrated = ["--out", out / "door.toml", "--report", out / "door.html", "--description", "drawn people"]
    invoke("calibrate", "sface", photos, "--aligned", *calibrated)
    invoke("data", "audit", photos, "--out", out / "crops.json", "--report", out / "crops.html")


def write_comparison(data: Path, out: Path, *losses: str) -> None:
    """Train losses for three steps each and compare them, in this process."""
    from marginface.training import read_recipe
    from marginface.training.comparing.compare import Plan as ComparisonPlan
    from marginface.training.comparing.compare import compare
    from marginface.training.comparing.variants import read_variants

    data.mkdir(parents=True, exist_ok=True)
    (data / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    compare(read_recipe(data / "recipe.toml"), ComparisonPlan(read_variants(",".join(losses)), 1, out, jobs=0))
