"""``marginface evaluate all-pairs``: every pair of a set of photos, as MFR-ongoing has it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.bars import progress_bar
from marginface.cli.evaluate.choices import (
    Aligned,
    Audit,
    EvaluatedModel,
    Far,
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
    from marginface.evaluation.protocols.all_pairs import AllPairsResult


def all_pairs(
    model: EvaluatedModel,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            show_default=False,
            help="Photos or crops, a folder per person, or embeddings of them: FILE.npz, shards.",
        ),
    ],
    metadata: Annotated[Path | None, typer.Option(help="A CSV file with the column image and others.")] = None,
    slices: Annotated[
        list[str] | None,
        typer.Option("--slice", help="Score the photos of each value of this column alone too; may be repeated."),
    ] = None,
    cross: Annotated[
        str, typer.Option(help="A column of two values, such as mask: pairs of one with the other alone.")
    ] = "",
    aligned: Aligned = False,
    mirror: Mirror = True,
    far: Far = None,
    nearest: Nearest = False,
    audit: Audit = None,
    out: Numbers = None,
    engine: Runtime = DEFAULT_ENGINE,
) -> None:
    """Score all pairs of a set of photos and of its groups: TAR at FAR 1e-6 of billions of pairs, exactly.

    MFR-ongoing's rules: all genuine and all impostor pairs; --slice race with --far 1e-6, children with --far 1e-4,
    and --cross mask --far 1e-4 for photos with a mask against those without.
    """
    from marginface.embedding import load_embedder
    from marginface.evaluation.kinds.audit import training_of
    from marginface.evaluation.protocols.all_pairs import evaluate_all_pairs, parts_of
    from marginface.evaluation.reading import Reader, list_people, protocol_cropper
    from marginface.evaluation.scoring.slices import read_metadata

    about = None if metadata is None else read_metadata(metadata)
    listed = list_people(folder)
    parts = parts_of(listed, about, slices or (), cross, far or None)
    embedder = load_embedder(model, mirror=mirror, engine=engine)
    trained = training_of(embedder.card, audit)
    with progress_bar("Reading", "images") as bar:
        reader = Reader(cropper=None if aligned else protocol_cropper(), progress=bar)
        faces = listed.faces(embedder, reader)
        result = evaluate_all_pairs(embedder, faces, parts, fars=far or None, rule=rule_of(nearest=nearest))
    deliver_numbers({**result.to_dict(), **trained}, out, lambda: _print(result))


def _print(result: AllPairsResult) -> None:
    from marginface.evaluation.reports.lines import all_pairs_lines

    title = f"{result.model} on {result.source}, all pairs" + (f" of {result.crossed}" if result.crossed else "")
    print_table(("", "Figure", "95 % interval, note"), all_pairs_lines(result), title=title)
    typer.echo(f"Contract {result.contract.id}, {result.seconds:.1f} s.")
