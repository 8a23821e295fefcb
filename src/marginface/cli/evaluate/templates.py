"""``marginface evaluate templates``: IJB-B and IJB-C on a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.bars import progress_bar
from marginface.cli.evaluate.choices import Audit, EvaluatedModel, Mirror, Nearest, Numbers, deliver_numbers, rule_of
from marginface.cli.options import Runtime
from marginface.cli.tables import print_table
from marginface.defaults import DEFAULT_ENGINE

if TYPE_CHECKING:
    from marginface.evaluation.protocols.templates import TemplateResult


def templates(
    model: EvaluatedModel,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", show_default=False, help="The folder with meta and loose_crop of IJB-B or IJB-C."
        ),
    ],
    verification: Annotated[bool, typer.Option(help="Score the pairs (1:1).")] = True,
    identification: Annotated[bool, typer.Option(help="Search the probes in both galleries (1:N).")] = True,
    pooling: Annotated[
        str, typer.Option(help="insightface (N1D1), unit (N0D1), length (N1D0) or mean (N0D0): images to templates.")
    ] = "insightface",
    mirror: Mirror = True,
    nearest: Nearest = False,
    audit: Audit = None,
    out: Numbers = None,
    engine: Runtime = DEFAULT_ENGINE,
) -> None:
    """Score IJB-B or IJB-C: TAR at FAR of 1:1; rank 1, 5, 10 and TPIR at FPIR of 1:N, each gallery apart.

    The official metadata files are read as they are. Images of one media are averaged, a template is the sum over its
    media; which switches were on is in the numbers (N1D1F1 and its like; N1: features keep their length).
    """
    from marginface.data.identification.ijb import find_meta, read_searches, read_template_pairs, read_templates
    from marginface.embedding import load_embedder
    from marginface.errors import InputError
    from marginface.evaluation.kinds.audit import training_of
    from marginface.evaluation.protocols.templates import evaluate_templates
    from marginface.evaluation.reading import Reader
    from marginface.evaluation.scoring.pooling import POOLINGS

    if not (verification or identification):
        raise InputError("nothing to score: leave out --no-verification or --no-identification")
    how = POOLINGS[pooling]  # raises UnknownName before the work
    files = find_meta(folder)
    images = read_templates(files)
    pairs = read_template_pairs(files, images) if verification else None
    searches = read_searches(files, images) if identification else None
    embedder = load_embedder(model, mirror=mirror, engine=engine)
    trained = training_of(embedder.card, audit)
    with progress_bar("Reading", "images") as bar:
        result = evaluate_templates(
            embedder,
            images,
            Reader(progress=bar),
            pairs=pairs,
            searches=searches,
            pooling=how,
            rule=rule_of(nearest=nearest),
        )
    deliver_numbers({**result.to_dict(), **trained}, out, lambda: _print(result))


def _print(result: TemplateResult) -> None:
    from marginface.evaluation.reports.lines import template_lines

    title = f"{result.model} on {result.protocol}, {result.pooling.describe(mirror=result.contract.mirror)}"
    print_table(("", "Figure", "95 % interval, note"), template_lines(result), title=title)
    typer.echo(f"Contract {result.contract.id}, {result.images:,} images, {result.seconds:.1f} s.")
