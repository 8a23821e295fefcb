"""The audit of a data set (``marginface data audit … --out FILE``), as a part with figures.

Its figures are shares of all images or identities there are: counted, not estimated, so without an interval.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from marginface.contract import ModelCard
from marginface.documents import parse_json
from marginface.errors import DataError
from marginface.evaluation.kinds.figures import Figure, Numbers, Part, figure_of, number, short
from marginface.evaluation.kinds.kind import Kind
from marginface.words import cause, plural


def _parts(numbers: Numbers, name: str) -> tuple[Part, ...]:
    """Return one part: what an audit found and proposes to leave out; no name of an image or identity is in it.

    Raises:
        KeyError, TypeError, ValueError: It is damaged.
    """
    labels = numbers["labels"] or {}
    facts = {"images": int(number(numbers["images"])), "identities": int(number(numbers["identities"]))}
    figures = tuple(_figures(numbers, labels))
    facts |= {"faces_compared": int(number(labels["embedded"]))} if labels else {}
    sentences = tuple(_found(numbers))
    return (Part(short(name), "audit", figures=figures, headline=2, facts=facts, sentences=sentences),)


def _figures(numbers: Numbers, labels: Numbers) -> Iterator[Figure]:
    images, identities, left_out = numbers["images"], numbers["identities"], numbers["exclusions"]
    yield _share("images to leave out", len(left_out["images"]), images)
    yield _share("identities to leave out", len(left_out["identities"]), identities)
    yield _share("identities of one image", numbers["identities_of_one_image"], identities)
    if labels:
        yield _share("images that look like another identity", len(labels["suspects"]), labels["embedded"])
    if numbers["overlap"]:
        both = _in_both(numbers["overlap"])
        yield _share("identities that the evaluation set has too", len(both), identities)


def _in_both(overlap: Numbers) -> set[str]:
    return {here for pairs in ("by_name", "by_likeness") for here, *_ in overlap[pairs] or ()}


def training_overlap(path: Path) -> dict[str, Any]:
    """Return what an audit of the training data says of the people of a protocol, to stand beside its numbers.

    Raises:
        DataError: it is no audit, or one that was not made against an evaluation set.
    """
    try:
        numbers = parse_json(path.read_bytes())
        overlap = numbers["overlap"] if KIND.marks <= numbers.keys() else None
        return {
            "training": short(PurePath(numbers["origin"]).name),
            "identities": int(number(numbers["identities"])),
            "identities_in_both": len(_in_both(overlap or {})),
            "photos_in_both": len((overlap or {})["photos"]),
            "asked_by": [how for how in ("by_name", "by_likeness") if (overlap or {})[how] is not None],
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: expected an audit of the training data against this protocol's, as marginface data audit TRAIN "
            f"--against DATA --out FILE.json writes it; got {cause(error)}"
        ) from None


def training_of(card: ModelCard, audit: Path | None) -> dict[str, Any]:
    """Return what stands beside the numbers of any protocol: where the model comes from, and whom it was trained on.

    ``provenance`` is the card's word: of a training its step and the hashes of recipe and data. ``training_overlap`` is
    what an audit says of the people who are measured; None: nobody looked.

    Raises:
        DataError: see training_overlap.
    """
    return {"provenance": card.provenance, "training_overlap": None if audit is None else training_overlap(audit)}


def _share(name: str, count: Any, total: Any) -> Figure:
    return figure_of(name, number(count) / number(total) if total else 0.0)


def _found(numbers: Numbers) -> Iterator[str]:
    """Yield a sentence for each finding that there is."""
    labels, overlap = numbers["labels"] or {}, numbers["overlap"] or {}
    counts = (
        (numbers["unreadable"], "unreadable image", ""),
        (numbers["copies"], "group", " of copies within an identity"),
        (numbers["one_photo_under_several_identities"], "photo", " under several identities"),
        (labels.get("merges"), "pair", " of identities that look like one person"),
        (labels.get("outliers"), "image", " far from their own identity"),
        (overlap.get("photos"), "photo", " that the evaluation set has too"),
    )
    yield from (f"{plural(len(found), noun)}{what}." for found, noun, what in counts if found)
    if not labels:
        yield "Faces were not compared."


KIND = Kind("audit", frozenset({"images_per_identity", "identities_of_one_image", "exclusions"}), _parts)
