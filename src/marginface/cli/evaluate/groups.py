"""``marginface evaluate groups``: verification by group, RFW and BFW."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.evaluate.bar import ImageBar
from marginface.cli.evaluate.choices import Far, JsonFile, Mirror, lines_table
from marginface.cli.options import Runtime, write_json
from marginface.defaults import DEFAULT_ENGINE

if TYPE_CHECKING:
    from marginface.evaluation.groups import GroupResult


def groups(
    model: Annotated[str, typer.Argument(help="A run or checkpoint folder, an .onnx file with its card, or a name.")],
    folder: Annotated[Path, typer.Argument(help="RFW: the folder of data and txts. With --pairs: of the images.")],
    table: Annotated[Path | None, typer.Option("--pairs", help="A table of pairs as BFW has it: FILE.csv.")] = None,
    by: Annotated[
        str, typer.Option(help="Groups of the table: att, g, e, that is its columns att1 and att2 …")
    ] = "att",
    aligned: Annotated[bool, typer.Option("--aligned", help="The images are 112×112 crops already.")] = False,
    mirror: Mirror = True,
    far: Far = None,
    json_file: JsonFile = None,
    engine: Runtime = DEFAULT_ENGINE,
) -> None:
    """Score RFW, or BFW (--pairs FILE.csv), by group: at thresholds of each group's own, and at one for all.

    Papers print the first, a service meets the second: FMR and FNMR of each group at the one threshold of all pairs,
    worst over best. A photo without a face is listed, and its pairs count as different people.
    """
    from marginface.data.bfw import read_bfw
    from marginface.data.rfw import read_rfw
    from marginface.embedding import load_embedder
    from marginface.evaluation.groups import evaluate_groups
    from marginface.evaluation.reading import Reader, protocol_cropper

    data = read_rfw(folder) if table is None else read_bfw(folder, table, by)
    embedder = load_embedder(model, mirror=mirror, engine=engine)
    with ImageBar() as bar:
        reader = Reader(cropper=None if aligned else protocol_cropper(), progress=bar.show)
        result = evaluate_groups(embedder, data, reader, fars=far or None)
    _print(result)
    write_json({"data": str(folder), **result.to_dict()}, json_file)


def _print(result: GroupResult) -> None:
    from rich.console import Console

    from marginface.evaluation.protocol_lines import group_lines
    from marginface.evaluation.score_lines import slice_lines

    console = Console()
    title = f"{result.model} on {result.data.pairs.protocol}, {len(result.data.pairs):,} pairs"
    head = ("Group", "Accuracy, own thresholds", "Accuracy, common thresholds", "TAR at FAR, own threshold")
    console.print(lines_table(title, head, group_lines(result)))
    common = f"At the threshold {result.rates.threshold:.3f} of all pairs"
    console.print(lines_table(common, ("Group", "FMR", "FNMR"), slice_lines(result.rates)))
    typer.echo("Brackets: 95 %, of accuracies over people, of rates over pairs (Wilson).")
    typer.echo(f"Without a face: {len(result.failures):,} of {len(result.data.pairs.images):,} images.")
    typer.echo(f"Contract {result.contract.id}, {result.seconds:.1f} s.")
