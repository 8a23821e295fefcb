"""``marginface evaluate templates``: IJB-B and IJB-C on a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.evaluate.bar import ImageBar
from marginface.cli.evaluate.choices import JsonFile, Mirror, Nearest, lines_table, rule_of
from marginface.cli.options import Runtime, write_json
from marginface.defaults import DEFAULT_ENGINE

if TYPE_CHECKING:
    from marginface.evaluation.templates import TemplateResult


def templates(
    model: Annotated[str, typer.Argument(help="A run or checkpoint folder, an .onnx file with its card, or a name.")],
    folder: Annotated[Path, typer.Argument(help="The folder with meta and loose_crop of IJB-B or IJB-C.")],
    verification: Annotated[bool, typer.Option(help="Score the pairs (1:1).")] = True,
    identification: Annotated[bool, typer.Option(help="Search the probes in both galleries (1:N).")] = True,
    pooling: Annotated[
        str, typer.Option(help="insightface (N1D1), unit (N0D1), length (N1D0) or mean (N0D0): images to templates.")
    ] = "insightface",
    mirror: Mirror = True,
    nearest: Nearest = False,
    json_file: JsonFile = None,
    engine: Runtime = DEFAULT_ENGINE,
) -> None:
    """Score IJB-B or IJB-C: TAR at FAR of 1:1; rank 1, 5, 10 and TPIR at FPIR of 1:N, each gallery apart.

    The official metadata files are read as they are. Images of one media are averaged, a template is the sum over its
    media; which switches were on is in the numbers (N1D1F1 and its like; N1: features keep their length).
    """
    from marginface.data.templates import find_meta, read_searches, read_template_pairs, read_templates
    from marginface.embedding import load_embedder
    from marginface.errors import InputError
    from marginface.evaluation.pooling import POOLINGS
    from marginface.evaluation.reading import Reader
    from marginface.evaluation.templates import evaluate_templates

    if not (verification or identification):
        raise InputError("nothing to score: leave out --no-verification or --no-identification")
    how = POOLINGS[pooling]  # raises UnknownName before the work
    files = find_meta(folder)
    images = read_templates(files)
    pairs = read_template_pairs(files, images) if verification else None
    searches = read_searches(files, images) if identification else None
    embedder = load_embedder(model, mirror=mirror, engine=engine)
    with ImageBar() as bar:
        result = evaluate_templates(
            embedder,
            images,
            Reader(progress=bar.show),
            pairs=pairs,
            searches=searches,
            pooling=how,
            rule=rule_of(nearest=nearest),
        )
    _print(result)
    write_json(result.to_dict(), json_file)


def _print(result: TemplateResult) -> None:
    from rich.console import Console

    from marginface.evaluation.score_lines import template_lines

    console = Console()
    title = f"{result.model} on {result.protocol}, {result.pooling.describe(mirror=result.contract.mirror)}"
    console.print(lines_table(title, ("", "Figure", "95 % interval, note"), template_lines(result)))
    typer.echo(f"Contract {result.contract.id}, {result.images:,} images, {result.seconds:.1f} s.")
