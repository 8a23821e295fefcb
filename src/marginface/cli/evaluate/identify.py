"""``marginface evaluate identify``: open-set identification on photos of people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.bars import progress_bar
from marginface.cli.evaluate.choices import (
    Aligned,
    Audit,
    EvaluatedModel,
    Mirror,
    Nearest,
    Numbers,
    deliver_numbers,
    rule_of,
)
from marginface.cli.options import Runtime
from marginface.cli.tables import print_table
from marginface.defaults import DEFAULT_ENGINE

if TYPE_CHECKING:
    from marginface.evaluation.protocols.open_set import OpenSetResult


def identify(
    model: EvaluatedModel,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", show_default=False, help="Photos or crops, a folder per person.")
    ],
    enrolled: Annotated[int, typer.Option(help="Photos of a person that are enrolled.")] = 1,
    strangers: Annotated[float, typer.Option(help="Share of the people drawn to be strangers besides.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Decides which strangers are drawn.")] = 0,
    distance: Annotated[str, typer.Option(help="cosine, euclidean or manhattan.")] = "cosine",
    aligned: Aligned = False,
    mirror: Mirror = True,
    nearest: Nearest = False,
    audit: Audit = None,
    out: Numbers = None,
    engine: Runtime = DEFAULT_ENGINE,
) -> None:
    """Enrol people, search their other photos and strangers: rank 1, 5, 10 and TPIR at FPIR.

    Of everyone with more photos than are enrolled the first (by name) are the gallery and the rest are mated probes;
    everyone else is a stranger, whose searches should return nobody. A photo without a face counts as a failure.
    """
    from marginface.data.identification.photos import identification_split, photos_by_person
    from marginface.embedding import load_embedder
    from marginface.evaluation.kinds.audit import training_of
    from marginface.evaluation.protocols.open_set import evaluate_open_set
    from marginface.evaluation.reading import Reader, protocol_cropper
    from marginface.evaluation.scoring.distances import DISTANCES

    DISTANCES[distance]  # raises UnknownName before the work
    split = identification_split(photos_by_person(folder), enrolled=enrolled, strangers=strangers, seed=seed)
    embedder = load_embedder(model, mirror=mirror, engine=engine)
    trained = training_of(embedder.card, audit)
    with progress_bar("Reading", "images") as bar:
        reader = Reader(cropper=None if aligned else protocol_cropper(), progress=bar)
        result = evaluate_open_set(embedder, split, reader, distance=distance, rule=rule_of(nearest=nearest))
    deliver_numbers({"data": str(folder), **result.to_dict(), **trained}, out, lambda: _print(result, folder))


def _print(result: OpenSetResult, folder: Path) -> None:
    from marginface.evaluation.reports.lines import open_set_lines

    title = f"{result.model} on {folder}, open set"
    print_table(("", "Figure", "95 % interval, note"), open_set_lines(result), title=title)
    typer.echo(f"Split: {result.split.rule}.")
    typer.echo(f"Contract {result.contract.id}, {result.seconds:.1f} s.")
