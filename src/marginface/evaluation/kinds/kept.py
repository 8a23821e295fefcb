"""What is drawn of a protocol besides its numbers, kept so that the page of a resumed suite has it too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from marginface.arrays import read_npz
from marginface.evaluation.protocols.pairs import PairResult
from marginface.evaluation.protocols.score_file import read_scores, write_scores
from marginface.evaluation.reading import CropReader
from marginface.evaluation.reports.runs import ErrorPair, Measurement, measure
from marginface.files import write_whole
from marginface.geometry import CROP_SIZE
from marginface.metrics.all_pairs import TOP, SimilarityCounts, steps_of
from marginface.values import BoolArray, DoubleArray

_KINDS = ("false_matches", "false_non_matches")


def keep_measurement(result: PairResult, read_crop: CropReader, out: Path, name: str) -> None:
    """Write NAME.csv, the similarities, and NAME.npz, the crops of the hardest errors."""
    write_scores(result, out / f"{name}.csv")
    measured = measure(result, read_crop)
    arrays: dict[str, Any] = {}
    for kind in _KINDS:
        errors: Sequence[ErrorPair] = getattr(measured, kind)
        crops = [np.stack([error.first, error.second]) for error in errors]
        arrays[f"{kind}_crops"] = np.stack(crops) if crops else np.empty((0, 2, CROP_SIZE, CROP_SIZE, 3), np.uint8)
        arrays[f"{kind}_names"] = np.array([error.names for error in errors], dtype=str).reshape(-1, 2)
        arrays[f"{kind}_similarities"] = np.array([error.similarity for error in errors])
    write_whole(out / f"{name}.npz", partial(np.savez_compressed, allow_pickle=False, **arrays))


def is_kept(out: Path, name: str) -> bool:
    """Say whether both files of a protocol are there."""
    return all((out / f"{name}.{suffix}").is_file() for suffix in ("csv", "npz"))


def kept_measurement(numbers: Mapping[str, Any], out: Path, name: str) -> Measurement:
    """Return the measurement of a protocol that was kept."""
    table = read_scores(out / f"{name}.csv")
    arrays = read_npz(out / f"{name}.npz")
    errors = {kind: _errors(arrays, kind) for kind in _KINDS}
    return Measurement({**numbers, "protocol": numbers["name"]}, table.scores, table.genuine, **errors)


def keep_counts(similarities: DoubleArray, genuine: BoolArray, out: Path, name: str) -> None:
    """Write NAME.npz, how many pairs have which similarity: of 15 million pairs the curves need no more."""
    steps = steps_of(similarities.astype(np.float32))
    counts: dict[str, Any] = {
        kind: np.bincount(steps[which], minlength=TOP + 2) for kind, which in _kinds(genuine).items()
    }
    write_whole(out / f"{name}.npz", partial(np.savez_compressed, allow_pickle=False, **counts))


def kept_counts(out: Path, name: str) -> SimilarityCounts:
    """Return the counts that were kept."""
    arrays = read_npz(out / f"{name}.npz")
    return SimilarityCounts(*(arrays[kind].astype(np.int64) for kind in ("genuine", "impostor")))


def _kinds(genuine: BoolArray) -> dict[str, BoolArray]:
    return {"genuine": genuine, "impostor": ~genuine}


def _errors(arrays: Mapping[str, Any], kind: str) -> tuple[ErrorPair, ...]:
    parts = (arrays[f"{kind}_{part}"] for part in ("crops", "similarities", "names"))
    return tuple(
        ErrorPair(crops[0], crops[1], float(similarity), (str(names[0]), str(names[1])))
        for crops, similarity, names in zip(*parts, strict=True)
    )
