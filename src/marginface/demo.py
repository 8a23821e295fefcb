"""Both roads in three minutes, offline: draw or align faces, train twice, measure, report, export, verify."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marginface.cropping import FaceCropper, crop_tree
from marginface.data.synthetic import draw_photo
from marginface.environment import describe_environment
from marginface.errors import DataError, InputError
from marginface.evaluation.reports.report import write_report
from marginface.evaluation.reports.runs import RunReport
from marginface.export import export
from marginface.images import list_images
from marginface.pipeline import Recognizer, Verification
from marginface.training import Progress, Recipe, TrainResult, recipe_from, train
from marginface.training.feed.sources import open_data
from marginface.training.folder.report import run_summary
from marginface.values import ImageArray
from marginface.words import plural

# Milder than the papers: 120 identities and a minute are not 93,431 and a week.
MILDER: dict[str, dict[str, Any]] = {"arcface": {"margin": 0.3}, "x2softmax": {"options": {"k": 0.85}}}
LOSSES = tuple(MILDER)
STEPS = 450
SMALLEST = 8  # identities: half of the folders must be left to train on
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class DemoResult:
    """What the demo made: a run per loss, the report that compares them, the exported model, two answers."""

    runs: dict[str, TrainResult]
    report: Path
    model: Path
    same: Verification
    different: Verification


def run_demo(out: Path, *, photos: Path | None, say: Say, progress: Callable[[Progress], None]) -> DemoResult:
    """Run the demo into a new folder.

    Args:
        out: a new or empty folder.
        photos: a folder of photos with one folder per person; None draws faces.
        say: called with each line for the person who watches.
        progress: called for each training step.

    Raises:
        InputError: the folder is in use.
        DataError: too few people in the photos.
    """
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: expected a new or empty folder. Remove it, or choose another with --out.")
    began = time.perf_counter()
    data = _drawn_data() if photos is None else _photo_data(photos, out / "crops", say)
    runs: dict[str, TrainResult] = {}
    for loss in LOSSES:
        say(f"Training {data['source']} faces with {loss} …")
        runs[loss] = train(_recipe(loss, data), out / loss, progress=progress)
        say(runs[loss].summary().splitlines()[0])
    if not any(_beats_chance(run) for run in runs.values()):
        say(
            "No model is shown to beat chance (50 %): the interval of each reaches it. So few people cannot teach what "
            "a face is; hundreds are a start. The default recognizer needs no training: marginface verify A.jpg B.jpg"
        )
    report = out / "report.html"
    _write_comparison(runs, data, report)
    best = max(LOSSES, key=lambda loss: _accuracy(runs[loss]))
    model = export(runs[best].out, out / "model.onnx")
    say(f"Exported the {best} model: {model.model} (cosine to torch at least {model.smallest_cosine:.7f})")
    same, different = _verify(Recognizer.load(model.model), _photo_triple(photos, runs[best]))
    say(f"Finished in {time.perf_counter() - began:.0f} s.")
    return DemoResult(runs, report, model.model, same, different)


def _drawn_data() -> dict[str, Any]:
    return {"source": "drawn", "identities": 160, "images_per_identity": 20, "hold_out": 40}


def _photo_data(photos: Path, crops: Path, say: Say) -> dict[str, Any]:
    """Align the photos and return the [data] section that trains on them, a quarter of the people held out."""
    say(f"Aligning the photos below {photos} …")
    say(crop_tree(photos, crops, cropper=FaceCropper.load()).summary())
    people = [folder for folder in sorted(crops.iterdir()) if folder.is_dir() and len(list_images(folder)) >= 2]
    if len(people) < SMALLEST:
        raise DataError(
            f"{photos}: {plural(len(people), 'person')} with two or more usable photos; the demo needs "
            f"{SMALLEST}. Expected one folder per person: photos/Name/1.jpg, photos/Name/2.jpg, …"
        )
    return {"source": "folders", "folders": [str(crops)], "min_images": 2, "hold_out": max(len(people) // 4, 4)}


def _recipe(loss: str, data: dict[str, Any]) -> Recipe:
    drawn = data["source"] == "drawn"
    values = {
        "name": loss,
        "about": "The demo: a tiny network, one minute. The numbers say nothing about a real recognizer.",
        "data": data,
        "augment": {"flip": 0.5, "shift": 0.04, "brightness": 0.2, "contrast": 0.2},
        "backbone": {"name": "tiny", "input_size": 64, "embedding_size": 128},
        "loss": {"name": loss, "scale": 32.0, "margin_from": 0.2, "margin_full": 0.5, **MILDER[loss]},
        "optim": {"learning_rate": 0.1, "nesterov": True},
        "schedule": {"kind": "cosine", "warmup": 0.1},
        "train": {"steps": STEPS, "batch_size": 64 if drawn else 16, "log_every": 10, "evaluate_every": 150},
        "evaluation": {"pairs": 2000, "folds": 10} if drawn else {"pairs": 120, "folds": 2},
    }
    return recipe_from(values)


def _accuracy(run: TrainResult) -> float:
    return 0.0 if run.held_out is None else run.held_out.scores.accuracy.mean


def _beats_chance(run: TrainResult) -> bool:
    """Say whether the whole interval of the accuracy on held-out pairs is above one half."""
    return run.held_out is not None and run.held_out.scores.accuracy_interval.low > 0.5


def _write_comparison(runs: dict[str, TrainResult], data: dict[str, Any], path: Path) -> None:
    summaries = []
    for loss, run in runs.items():
        recipe = _recipe(loss, data)
        summaries.append(run_summary(recipe, open_data(recipe), run.out, run.held_out))
    report = RunReport(
        title="The marginface demo",
        summary="One tiny network, trained with two losses; measured on identities that neither training has seen.",
        runs=summaries,
        environment=describe_environment(),
        data=data,
        command="make demo",
    )
    write_report(report, path)


def _photo_triple(photos: Path | None, run: TrainResult) -> tuple[ImageArray | Path, ...]:
    """Return two photos of one held-out identity and one of another."""
    names = _held_out_names(run)
    if photos is None:
        first, second = (int(name.rsplit("-", 1)[-1]) for name in names[:2])
        return draw_photo(first, 0)[0], draw_photo(first, 1)[0], draw_photo(second, 0)[0]
    first_photos, second_photos = (list_images(photos / name) for name in names[:2])
    return first_photos[0], first_photos[1], second_photos[0]


def _held_out_names(run: TrainResult) -> list[str]:
    manifest = json.loads((run.out / "manifest.json").read_text(encoding="utf-8"))
    return list(manifest["data"]["held_out_identities"])


def _verify(recognizer: Recognizer, triple: tuple[ImageArray | Path, ...]) -> tuple[Verification, Verification]:
    """Compare two photos of one identity, then two of different ones, at the largest FMR the card has."""
    fmr = max(entry.fmr for entry in recognizer.embedder.card.thresholds)
    one, other, stranger = triple
    return recognizer.verify(one, other, fmr=fmr), recognizer.verify(one, stranger, fmr=fmr)
