"""``marginface evaluate suite``: a list of protocols on a model, one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.bars import progress_bar
from marginface.cli.evaluate.choices import EvaluatedModel
from marginface.cli.options import Runtime, make_folder, typed_command
from marginface.cli.tables import print_table
from marginface.defaults import DEFAULT_ENGINE

if TYPE_CHECKING:
    from marginface.embedding import Embedder
    from marginface.evaluation.suite import SuiteResult


def suite(
    model: EvaluatedModel,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A TOML file with a protocol table for each.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.", show_default=False)],
    engine: Runtime = DEFAULT_ENGINE,
) -> None:
    """Run a list of protocols and write report.html, results.csv, .json and .tex into --out.

    Run it again to go on: a protocol that is done under the same settings, data (names, sizes and times of change of
    its files) and contract is not done again, and a photo that was embedded is not embedded again. Another model needs
    a folder of its own, and one suite at a time is at work in it. The web page shows how far it is.
    """
    from functools import cache

    from marginface.embedding import load_embedder
    from marginface.evaluation.reading import cropping_of, protocol_cropper
    from marginface.evaluation.suite import Tools, read_suite, run_suite, write_suite_page, write_tables
    from marginface.training.folder.lock import held

    @cache
    def opened(mirror: bool) -> Embedder:
        return load_embedder(model, mirror=mirror, engine=engine)

    listed, cropper = read_suite(file), protocol_cropper()
    with held(make_folder(out), "suite"), progress_bar("Reading", "images") as bar:
        tools = Tools(opened, cropper, cropping_of(cropper), bar, lambda line: typer.echo(line, err=True), engine)
        result = run_suite(listed, out, tools)
        write_tables(result, out)
        page = write_suite_page(result, out, typed_command())
    _print(result)
    typer.echo(f"Report: {page}. Tables: results.csv, results.json, results.tex beside it.")


def _print(result: SuiteResult) -> None:
    from marginface.evaluation.suite.tables import lines

    print_table(("Protocol", "Figure", "Value", "95 % interval"), lines(result), title=result.model)
