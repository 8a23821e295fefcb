"""Photos of people → a calibration: read, crop, embed, compare every two (matching.calibration).

A photo without a face, or that cannot be decoded, is a failure to acquire: it is counted and listed, and no pair has
it. That is not how a protocol counts it (evaluation.pairs): a threshold is asked about two faces that were found.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from marginface.data.crops.exclusions import Exclusions, excluded_labels, without_images
from marginface.data.crops.folder import FolderImages
from marginface.data.images.encoded import short_name
from marginface.environment import describe_environment
from marginface.errors import CalibrationError, DataError, ImageError
from marginface.evaluation.reading import ALIGNED, Reader, Vectors
from marginface.matching.calibration import Calibration, Making, Origin, calibrate, ladder, write_calibration
from marginface.metrics import SimilarityCounts
from marginface.values import IntArray
from marginface.words import plural

if TYPE_CHECKING:
    from marginface.embedding import Embedder

_VERSIONS = ("marginface", "commit", "python", "numpy", "onnxruntime", "openvino", "opencv-python-headless", "torch")


@dataclass(frozen=True, slots=True, eq=False)
class PeoplePhotos:
    """Photos of N: ``names`` are Set/Person/photo, ``people`` and ``sets`` (N,) numbers; ``excluded`` is left out."""

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    people: IntArray
    sets: IntArray
    excluded: tuple[str, ...] = ()

    def impostor_pairs(self) -> int:
        """Return how many impostor pairs there are if every photo shows a face: pairs of two people within a set."""
        of_set = np.bincount(self.sets)
        of_person = np.unique(np.stack([self.sets, self.people]), axis=1, return_counts=True)[1]
        return int(np.square(of_set).sum() - np.square(of_person).sum()) // 2


def people_photos(roots: Sequence[str | Path] | str | Path, exclude: Exclusions | None = None) -> PeoplePhotos:
    """Return the photos below folders that hold a folder for each person. Each root is a set: pairs are made within it.

    Raises:
        DataError: a root has no folders with photos, or an exclusion means two photos.
    """
    folders = [roots] if isinstance(roots, str | Path) else roots
    images, exclusions = FolderImages([Path(folder) for folder in folders]), exclude or Exclusions()
    listing = images.listing
    out, people_out = excluded_labels(listing.identities, exclusions.identities)
    kept, images_out = without_images(images, np.flatnonzero(~out[listing.labels]), exclusions.images)
    if not len(kept):
        raise DataError(f"{listing.origin}: no photo is left; {len(people_out):,} people are excluded")
    return PeoplePhotos(
        paths=tuple(Path(images.place(index)) for index in kept.tolist()),
        names=tuple(short_name(images, index) for index in kept.tolist()),
        people=listing.labels[kept],
        sets=np.array([int(images.name(index).partition("/")[0]) for index in kept.tolist()], np.int64),
        excluded=(*people_out, *images_out),
    )


def require_enough_photos(photos: PeoplePhotos, fmrs: Sequence[float]) -> None:
    """Refuse before the work what would be refused after it: a rate that all these photos could not support.

    Raises:
        CalibrationError: with the number of pairs it would take.
    """
    pairs = photos.impostor_pairs()
    supported = ladder(pairs) if pairs else ()
    if not supported:
        count, people = plural(len(photos.paths), "photo"), plural(len(np.unique(photos.people)), "person")
        raise CalibrationError(
            f"{count} of {people} are {plural(pairs, 'impostor pair')}; "
            "30 are the least, for FMR 0.1. Give a folder that has a folder of photos for each of several people"
        )
    for fmr in fmrs:
        if not 0 < fmr < 1 or fmr * (1 + 1e-9) < supported[-1]:
            raise CalibrationError(_beyond(fmr, pairs, supported[-1]))


def _beyond(fmr: float, pairs: int, smallest: float) -> str:
    if not 0 < fmr < 1:
        return f"a false-match rate is a share between 0 and 1, such as 1e-3; got {fmr!r}"
    return (
        f"{pairs:,} impostor pairs cannot support FMR {fmr:g}: no error in n pairs bounds the rate below 3/n at 95 %, "
        f"so that {3 / fmr:,.0f} are needed. Smallest FMR here: {smallest:.2g}"
    )


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationResult:
    """A calibration with what a report shows: the similarities, and the photos that gave none with the reason."""

    calibration: Calibration
    counts: SimilarityCounts
    failures: dict[str, str]
    excluded: tuple[str, ...]
    seconds: float

    def write(self, path: str | Path) -> None:
        """Write the thresholds as TOML, for ``Recognizer.load(…, calibration=path)``."""
        write_calibration(self.calibration, path)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            **self.calibration.model_dump(mode="json"),
            "failures": self.failures,
            "excluded": list(self.excluded),
            "seconds": round(self.seconds, 2),
        }


def calibrate_photos(
    embedder: Embedder, photos: PeoplePhotos, description: str, reader: Reader = ALIGNED, *, command: str = ""
) -> CalibrationResult:
    """Embed every photo and compare every two. Without a ``reader`` that has a cropper the images are aligned crops.

    Args:
        embedder: the model.
        photos: of people.
        description: whose photos, in words that stand in the file.
        reader: finds the faces, such as ``Reader(cropper=FaceCropper.load())``.
        command: that made it, for the file.

    Raises:
        CalibrationError: too few photos of different people show a face, or photos of one person lie under two names.
        DataError: an aligned crop has another size.
    """
    started, unreadable = time.perf_counter(), dict[Path, str]()
    contract = embedder.contract

    def note(path: Path, error: ImageError) -> None:
        unreadable[path] = str(error).removeprefix(f"{path}: ")

    tolerant = replace(reader, unreadable=note)
    vectors, found = tolerant.embed(photos.paths, Vectors.of(embedder))
    failures = {
        name: unreadable.get(path, "no face found")
        for name, path, ok in zip(photos.names, photos.paths, found.tolist(), strict=True)
        if not ok
    }
    if not replace(photos, people=photos.people[found], sets=photos.sets[found]).impostor_pairs():
        raise CalibrationError(
            f"{len(failures):,} of {len(found):,} photos show no face; no two people of a folder are left. "
            "Tight crops need a border: marginface align --pad 0.25, then --aligned"
        )
    cropping = "aligned crops as they are" if reader.cropper is None else str(reader.cropper)
    making = _making(cropping, contract.template, command)
    origin = Origin(contract.id, embedder.card.name, description, len(failures), making)
    fitted = calibrate(vectors[found], photos.people[found], origin, photos.sets[found])
    seconds = time.perf_counter() - started
    return CalibrationResult(fitted.calibration, fitted.counts, failures, photos.excluded, seconds)


def _making(cropping: str, template: str, command: str) -> Making:
    environment = describe_environment()
    return Making(
        date=datetime.now(UTC).date(),
        cropping=cropping,
        alignment=template,
        command=command,
        versions={name: environment[name] for name in _VERSIONS if name in environment},
    )
