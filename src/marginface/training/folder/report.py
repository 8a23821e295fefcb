"""The report of one training run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from marginface.data.source import CropSource
from marginface.environment import describe_environment
from marginface.evaluation.reports.report import write_report
from marginface.evaluation.reports.runs import ErrorPair, Measurement, RunReport, RunSummary
from marginface.training.feed.sources import TrainingData
from marginface.training.folder.journal import read_journal
from marginface.training.folder.names import JOURNAL, RECIPE
from marginface.training.measuring.held_out import HeldOutResult
from marginface.training.measuring.pack_figures import pack_sentences
from marginface.training.recipe import Recipe
from marginface.values import IntArray
from marginface.words import percent

PROTOCOL = "held-out pairs"
HARDEST = 6


def write_run_report(recipe: Recipe, data: TrainingData, result: HeldOutResult | None, path: Path) -> None:
    """Write report.html: curves from the journal, held-out scores and hardest pairs, recipe, data, environment."""
    out = path.parent
    report = RunReport(
        title=f"Training of {recipe.name}",
        summary=" ".join((_sentence(recipe, data, result), *_of_packs(out))),
        runs=[run_summary(recipe, data, out, result)],
        environment=describe_environment(),
        data={**data.description, "fingerprint": data.fingerprint},
        command=f"marginface train {out / RECIPE} --out {out}",
    )
    write_report(report, path)


def run_summary(recipe: Recipe, data: TrainingData, out: Path, result: HeldOutResult | None) -> RunSummary:
    """Return what a report says about the run in a folder."""
    return RunSummary(
        name=recipe.name,
        description=recipe.about,
        recipe={key: value for key, value in recipe.model_dump(mode="json").items() if isinstance(value, dict)},
        recipe_toml=(out / RECIPE).read_text(encoding="utf-8"),
        journal=read_journal(out / JOURNAL),
        measurements=[] if result is None or data.held_out is None else [_measurement(data, result)],
    )


def _of_packs(out: Path) -> list[str]:
    """Say what came out on each evaluation pack."""
    journal = read_journal(out / JOURNAL)
    return [f"{sentence}." for sentence in pack_sentences(journal[-1])] if journal else []


def _sentence(recipe: Recipe, data: TrainingData, result: HeldOutResult | None) -> str:
    trained = (
        f"{recipe.backbone.name} with {recipe.loss.name}, trained on {len(data.train.labels):,} images of "
        f"{len(data.train.identities):,} identities."
    )
    if result is None or data.held_out is None:
        return f"{trained} No identities were held out."
    accuracy, interval = result.scores.accuracy.mean, result.scores.accuracy_interval.to_list()
    closed = "" if result.closed_set is None else f" {result.closed_set.sentence()}"
    return (
        f"{trained} On {len(result.scores.genuine):,} pairs of {len(data.held_out.identities):,} identities it never "
        f"saw, it decides {percent(accuracy)} right (95 % interval {percent(interval[0])} to "
        f"{percent(interval[1])}).{closed}"
    )


def _measurement(data: TrainingData, result: HeldOutResult) -> Measurement:
    scores, pairs, source = result.scores, data.pairs, data.held_out
    assert pairs is not None, "a held-out result has pairs"
    assert source is not None, "a held-out result has crops"
    false_matches, false_non_matches = scores.hardest(HARDEST)
    numbers: dict[str, Any] = {"protocol": PROTOCOL, **scores.to_dict()}

    def shown(chosen: IntArray) -> tuple[ErrorPair, ...]:
        ends = [(int(pairs.first[pair]), int(pairs.second[pair]), float(scores.similarities[pair])) for pair in chosen]
        return tuple(_error_pair(source, first, second, similarity) for first, second, similarity in ends)

    return Measurement(numbers, scores.similarities, scores.genuine, shown(false_matches), shown(false_non_matches))


def _error_pair(source: CropSource, first: int, second: int, similarity: float) -> ErrorPair:
    crops = source.read(np.asarray([first, second]))
    names = tuple(source.identities[source.labels[index]] for index in (first, second))
    return ErrorPair(crops[0], crops[1], similarity, (names[0], names[1]))
