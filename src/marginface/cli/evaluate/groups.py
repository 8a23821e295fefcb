"""``marginface evaluate groups``: verification by group, RFW and BFW."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.bars import progress_bar
from marginface.cli.evaluate.choices import Aligned, Audit, EvaluatedModel, Far, Mirror, Numbers, deliver_numbers
from marginface.cli.options import Runtime
from marginface.cli.tables import print_table
from marginface.defaults import DEFAULT_ENGINE

if TYPE_CHECKING:
    from marginface.evaluation.protocols.groups import GroupResult


def groups(
    model: EvaluatedModel,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", show_default=False, help="RFW: the folder of data and txts. With --pairs: of the images."
        ),
    ],
    table: Annotated[Path | None, typer.Option("--pairs", help="A table of pairs as BFW has it: FILE.csv.")] = None,
    by: Annotated[
        str, typer.Option(help="Groups of the table: att, g or e, the start of its columns att1 and att2, and so on.")
    ] = "att",
    aligned: Aligned = False,
    mirror: Mirror = True,
    far: Far = None,
    audit: Audit = None,
    out: Numbers = None,
    engine: Runtime = DEFAULT_ENGINE,
) -> None:
    """Score RFW, or BFW (--pairs FILE.csv), by group: at thresholds of each group's own, and at one for all.

    Papers print the first, a service meets the second: FMR and FNMR of each group at the one threshold of all pairs,
    worst over best. A photo without a face is listed, and its pairs count as different people.
    """
    from marginface.data.pairs.bfw import read_bfw
    from marginface.data.pairs.rfw import read_rfw
    from marginface.embedding import load_embedder
    from marginface.evaluation.kinds.audit import training_of
    from marginface.evaluation.protocols.groups import evaluate_groups
    from marginface.evaluation.reading import Reader, protocol_cropper

    data = read_rfw(folder) if table is None else read_bfw(folder, table, by)
    embedder = load_embedder(model, mirror=mirror, engine=engine)
    trained = training_of(embedder.card, audit)
    with progress_bar("Reading", "images") as bar:
        reader = Reader(cropper=None if aligned else protocol_cropper(), progress=bar)
        result = evaluate_groups(embedder, data, reader, fars=far or None)
    deliver_numbers({"data": str(folder), **result.to_dict(), **trained}, out, lambda: _print(result))


def _print(result: GroupResult) -> None:
    from marginface.evaluation.reports.lines import group_lines, slice_lines

    title = f"{result.model} on {result.data.pairs.protocol}, {len(result.data.pairs):,} pairs"
    head = ("Group", "Accuracy, own thresholds", "Accuracy, common thresholds", "TAR at FAR, own threshold")
    print_table(head, group_lines(result), title=title)
    common = f"At the threshold {result.rates.threshold:.3f} of all pairs"
    print_table(("Group", "FMR", "FNMR"), slice_lines(result.rates), title=common)
    typer.echo("Brackets: 95 %, of accuracies over people, of rates over pairs (Wilson).")
    typer.echo(f"Without a face: {len(result.failures):,} of {len(result.data.pairs.images):,} images.")
    typer.echo(f"Contract {result.contract.id}, {result.seconds:.1f} s.")
