"""The study on disk: toy.json with every number, toy.png and toy.svg, and toy.html, one file that needs no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from marginface.alignment import resize_crops
from marginface.environment import describe_environment
from marginface.evaluation.reports.sections import background, plain
from marginface.files import write_bytes, write_json
from marginface.markup import (
    Html,
    crop_image,
    document,
    element,
    figure,
    image,
    join,
    row,
    table,
    write_page,
)
from marginface.plots import render
from marginface.plots.features import FeaturePicture, feature_figure, loss_figure
from marginface.toy.entries import FITTED_RULE
from marginface.toy.findings import Finding, findings
from marginface.toy.results import TABLE, LossResult, SplitResult, ToyStudy, table_row

SAMPLES, SAMPLE_SIDE = 8, 56  # images shown of each class, and their side in pixels
NO_CLAIM = (
    "None of the articles' comparisons is in this study: it takes softmax and cosface, cosface with several margins, "
    "or x2softmax and another loss."
)
READING = (
    "Each comparison is of two losses class by class, on the training images: mean difference and 95 % interval over "
    "the classes (Student t). It is one training of each loss: another seed may differ by more. Not shown: the "
    "interval holds 0."
)


def write_study(study: ToyStudy, out: Path, command: str) -> tuple[Path, ...]:
    """Write toy.json, toy.png, toy.svg and toy.html into a folder, which is made; files of these names are replaced.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    found = findings(study)
    train = {result.loss.label: _picture(study, result, result.train) for result in study.results}
    held_out = {result.loss.label: _picture(study, result, result.held_out) for result in study.results}
    overview = feature_figure(train, held_out)
    drawings = {name: loss_figure(train[name], held_out[name]) for name in train}
    shown = {name: render(drawing) for name, drawing in drawings.items()}
    pictures = {"toy.png": render(overview, "png"), "toy.svg": render(overview, "svg")}
    page = render_page(study, found, shown, command)
    numbers = write_json(out / "toy.json", to_dict(study, found, command))
    drawn = [write_bytes(out / name, data) for name, data in pictures.items()]
    return numbers, *drawn, write_page(page, out / "toy.html")


def _picture(study: ToyStudy, result: LossResult, split: SplitResult) -> FeaturePicture:
    return FeaturePicture(split.features, split.labels, result.centers, study.data.classes)


def to_dict(study: ToyStudy, found: tuple[Finding, ...], command: str) -> dict[str, Any]:
    """Return everything that was measured, without the features."""
    return {
        "command": command,
        "dimensions": study.size,
        "seed": study.seed,
        "seconds": round(study.seconds, 1),
        "classes": list(study.data.classes),
        "data": {**study.data.description, **study.data.counts},
        "same_for_all": dict(study.settings),
        "results": [result.to_dict() for result in study.results],
        "findings": [finding.to_dict() for finding in found],
        "environment": describe_environment(),
    }


def render_page(study: ToyStudy, found: tuple[Finding, ...], drawings: Mapping[str, bytes], command: str) -> str:
    """Return the page; ``drawings`` are an SVG per loss."""
    parts = {
        "Results": _results(study),
        "What the articles say": _claims(found),
        "Pictures": join([_legend(study), *(_drawn(result, drawings[result.loss.label]) for result in study.results)]),
        "Images": _images(study),
        "Data and environment": background(
            {**study.data.description, **study.data.counts, **study.settings, "seed": study.seed},
            describe_environment(),
            command,
        ),
        "Glossary": element("dl", *(part for word, meaning in TABLE.items() for part in _term(word, meaning))),
    }
    size = "the plane" if study.size == 2 else "the sphere"
    title = f"The toy study: {len(study.data.classes)} classes in {size}"
    summary = (
        f"One tiny network, trained on {len(study.data.train.labels):,} images with {len(study.results)} losses, equal "
        f"in all else. Its features have {study.size} numbers, so that they can be drawn."
    )
    return document(title, [element("p", summary)], parts)


def _term(word: str, meaning: str) -> tuple[Html, Html]:
    return element("dt", word.capitalize()), element("dd", meaning[:1].upper() + meaning[1:] + ".")


def _results(study: ToyStudy) -> Html:
    rows = [row(table_row(result)) for result in study.results]
    return table([name.capitalize() for name in TABLE], rows, "Angles in degrees; the glossary says what each is.")


def _claims(found: tuple[Finding, ...]) -> Html:
    if not found:
        return element("p", NO_CLAIM)
    rows = [row([finding.article, finding.claim, element("b", finding.verdict), finding.numbers]) for finding in found]
    return join([element("p", READING), table(["Article", "Claim", "This study", "Numbers"], rows, "Claims, tested.")])


def _legend(study: ToyStudy) -> Html:
    """Say what the pictures show, and which key is whom."""
    rays = "Rays are" if study.size == 2 else "Stars are"
    shown = f"{rays} the class centers, the rows of the last layer's weight."
    if study.size == 2:
        shown += " An arc holds 95 % of a class; within the ring the distance from the middle means nothing."
    pairs = [key for key in zip(_keys(study), study.data.classes, strict=True) if key[0] != key[1]]
    names = "Classes: " + ", ".join(f"{key} {name}" for key, name in pairs) + "." if pairs else ""
    return element("p", " ".join(part for part in (shown, names) if part))


def _drawn(result: LossResult, drawing: bytes) -> Html:
    loss = result.loss
    about = f"Parameters: {loss.parameters}." if loss.options else "No parameters."
    cautions = element("ul", *(element("li", sentence) for sentence in loss.cautions)) if loss.cautions else Html("")
    picture = image(drawing, "image/svg+xml", f"Features of {loss.label} with the class centers")
    caption = f"{about} {FITTED_RULE}" if loss.fitted else about
    return join([element("h3", loss.label), figure(picture, caption), cautions])


def _keys(study: ToyStudy) -> tuple[str, ...]:
    return _picture(study, study.results[0], study.results[0].train).keys


def _images(study: ToyStudy) -> Html:
    """Return the first images of every class in a row each."""
    crops, labels = study.data.train.crops, study.data.train.labels
    keys = _keys(study)
    rows = []
    for label, name in enumerate(study.data.classes):
        places = np.flatnonzero(labels == label)[:SAMPLES]
        small = resize_crops(crops[places], SAMPLE_SIDE)
        strip = join(crop_image(crop, f"{name}, image {number + 1}") for number, crop in enumerate(small))
        title = name if keys[label] == name else f"{keys[label]}  {name}"
        rows.append(row([title, plain(int((labels == label).sum())), strip]))
    return table(["Class", "Training images", "The first of them"], rows, str(study.data.description["choice"]) + ".")
