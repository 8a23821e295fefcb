"""The JSON of several losses (``marginface compare``, ``sweep``) and of two models, as parts with figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import PurePath

from marginface.evaluation.comparison.losses import p_text
from marginface.evaluation.kinds.figures import Figure, Numbers, Part, figure_of, short
from marginface.evaluation.kinds.kind import Kind


def _compared(kind: str, numbers: Numbers, _name: str) -> tuple[Part, ...]:
    """Return a part for each protocol: the accuracy of each loss, then its difference to the first."""
    return tuple(_protocol(name, kind, told) for name, told in numbers["protocols"].items())


def _two_models(numbers: Numbers, _name: str) -> tuple[Part, ...]:
    """Return one part: the accuracies of two models, TARs, and what the second has more than the first."""
    models = _short_names(numbers["models"])
    accuracies = () if numbers["accuracy"] is None else numbers["accuracy"]["of"]
    first = [figure_of(f"accuracy ({model})", share) for model, share in zip(models, accuracies, strict=False)]
    figures = (*first, *_differences(numbers, *models))
    headline = max(len(first), 1)
    sentences = [_renamed(sentence, numbers["models"], models) for sentence in numbers["sentences"]]
    part = Part(
        " and ".join(models),
        "two-models",
        figures=figures,
        headline=headline,
        facts={"pairs": numbers["pairs"]},
        sentences=tuple(map(short, sentences)),
    )
    return (part,)


def _short_names(models: Sequence[str]) -> tuple[str, str]:
    """Return two models by the last two names of their paths: the rest is how a machine is arranged."""
    first, second = ("/".join(PurePath(short(model)).parts[-2:]) for model in models)
    return first, second


def _renamed(sentence: str, before: Sequence[str], after: Sequence[str]) -> str:
    for long, brief in zip(before, after, strict=True):
        sentence = sentence.replace(long, brief)
    return sentence


def _protocol(name: str, kind: str, told: Numbers) -> Part:
    rows = [row for row in told["results"] if row["accuracy"] is not None]
    shares = [figure_of(f"accuracy ({row['loss']})", row["accuracy"], row["interval"]) for row in rows]
    first = told["results"][0]["loss"]
    differences = [_difference(row, first) for row in rows if row["difference"] is not None]
    missing = [f"{row['loss']}: {row['trouble']}." for row in told["results"] if row["trouble"]]
    return Part(
        short(name),
        kind,
        figures=(*shares, *differences),
        headline=len(shares),
        sentences=tuple(map(short, (*told["sentences"], *missing))),
    )


def _difference(row: Numbers, first: str) -> Figure:
    note = f"p {p_text(row['p'])}, after Holm {p_text(row['p_holm'])}"
    name = f"{row['loss']} − {first}"
    return figure_of(name, row["difference"], row["difference_interval"], is_difference=True, note=note)


def _differences(numbers: Numbers, first: str, second: str) -> Iterator[Figure]:
    if (accuracy := numbers["accuracy"]) is not None:
        note = f"p {p_text(accuracy['p_value'])} over {accuracy['over']}"
        value, interval = accuracy["difference"], accuracy["interval"]
        yield figure_of(f"accuracy, {second} − {first}", value, interval, is_difference=True, note=note)
    for one in numbers["tar_at_far"]:
        for model, share in zip((first, second), one["tar"], strict=True):
            yield figure_of(f"TAR at FAR {one['far']:g} ({model})", share)
        name = f"TAR at FAR {one['far']:g}, {second} − {first}"
        yield figure_of(name, one["difference"], one["interval"], is_difference=True)


_MARKS = frozenset({"title", "protocols", "runs"})
COMPARISON = Kind("comparison", _MARKS, partial(_compared, "comparison"))
SWEEP = Kind("sweep", _MARKS, partial(_compared, "sweep"), stem="sweep")
TWO_MODELS = Kind("two-models", frozenset({"models", "sentences", "tar_at_far"}), _two_models)
