"""``marginface data audit``: what is wrong with a data set, as words, JSON, a page and a list of exclusions."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.bars import progress_bars
from marginface.cli.data.options import Label
from marginface.cli.options import (
    Address,
    BatchRuntime,
    BatchWorkers,
    ExecutorName,
    JsonFlag,
    Model,
    NumbersFile,
    deliver,
    executor_of,
    typed_command,
)
from marginface.defaults import DEFAULT_ENGINE, DEFAULT_MODEL, DEFAULT_WORKERS

if TYPE_CHECKING:
    from marginface.values import Threshold

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA",
        show_default=False,
        help="What a recipe trains on: a pack or a list, or one or several folders of identities; paths or URLs.",
    ),
]
Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="DATA",
        help="An evaluation set that the training must not have seen: folders of people, a .bin pack, or any format; a "
        "path or URL.",
    ),
]
Pairs = Annotated[
    Path | None, typer.Option("--pairs", metavar="FILE", help="Of --against: an LFW pair list; only its images count.")
]
NamesOfData = Annotated[
    Path | None, typer.Option("--names", metavar="FILE", help="Names of the identities of DATA: line i names the i-th.")
]
NamesOfAgainst = Annotated[
    Path | None, typer.Option("--against-names", metavar="FILE", help="Names of the identities of --against.")
]
Embed = Annotated[
    bool, typer.Option("--embed/--no-embed", help="Compare faces too; without it only files, photos and names.")
]
Fmr = Annotated[
    float, typer.Option("--fmr", help="False-match rate of the similarity from which images count as one person.")
]
GivenThreshold = Annotated[
    float | None, typer.Option("--threshold", help="This similarity, instead of one measured on DATA at --fmr.")
]


def audit(
    data: Sources,
    against: Against = None,
    pairs: Pairs = None,
    names: NamesOfData = None,
    against_names: NamesOfAgainst = None,
    label: Label = "",
    embed: Embed = True,
    model: Model = DEFAULT_MODEL,
    runtime: BatchRuntime = DEFAULT_ENGINE,
    min_images: Annotated[int, typer.Option("--min-images", help="Name identities with fewer images.")] = 2,
    fmr: Fmr = 1e-6,
    threshold: GivenThreshold = None,
    shards: Annotated[
        str,
        typer.Option(
            "--shards", metavar="FOLDER", help="Keep what is found of DATA here, a folder or URL, and not in the cache."
        ),
    ] = "",
    executor: ExecutorName = "local",
    address: Address = "",
    workers: BatchWorkers = DEFAULT_WORKERS,
    out: NumbersFile = None,
    page: Annotated[
        Path | None, typer.Option("--report", metavar="FILE.html", help="Write a page with the pictures side by side.")
    ] = None,
    exclusions_file: Annotated[
        Path | None,
        typer.Option(
            "--exclusions", metavar="FILE.toml", help="What to leave out, with reasons, for exclude in a recipe."
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Find what is wrong with a data set before a training does.

    Unreadable images; copies; one photo under several identities; images that look like another identity; identities
    that look like one person; identities of few images; gaps in label numbers; sizes; people and photos that are in
    the evaluation set too. Faces are compared on aligned 112×112 crops.

    Run it again to go on after an interruption: what was read and embedded is kept in the cache. Embeddings are
    biometric data: the last line says where they are, delete them when you are done.
    """
    from marginface.auditing import Auditor, kept_folder
    from marginface.batch import run
    from marginface.batch.audited import Auditing, audited
    from marginface.data.audit import AuditReport, AuditSettings, Named, exclusions_of
    from marginface.data.audit import audit as find
    from marginface.data.audit.opened import open_evaluation, open_training, with_names
    from marginface.embedding import load_embedder
    from marginface.locations import location
    from marginface.matching.calibration import known_thresholds

    command = typed_command()
    settings = AuditSettings(min_images=min_images, fmr=fmr, match=_given(threshold))
    _check(against, pairs, against_names, exclusions_file)
    _check_executor(executor, address, workers, shards)
    source = open_training([location(place) for place in data], label)
    images = with_names(source, names)
    others = (
        None
        if against is None
        else with_names(open_evaluation(location(against), pairs=pairs, label=label), against_names)
    )
    embedder = load_embedder(model, engine=runtime) if embed else None
    if embedder is not None:
        settings = replace(settings, known=known_thresholds(embedder.card, embedder.contract))
    with progress_bars("images") as progress:
        auditor, reading = Auditor(embedder, workers, progress, runtime), partial(progress, "Reading")
        if shards:
            work, maker = Auditing(model if embed else "", runtime), executor_of(executor, workers, address)
            looked = run(source, work, location(shards), "npy", executor=maker, command=command, progress=reading)
            here = Named(audited(looked, images.listing), images)
        else:
            here = Named(auditor.look_at(images), images)
        there = None if others is None else Named(auditor.look_at(others), others)
    found = find(here.data, settings, None if there is None else there.data)
    exclusions, proposed = exclusions_of(found, here, there)
    report = AuditReport(found, here, there, exclusions)
    values = {"command": command, **report.to_dict()}
    deliver(values, out, as_json=as_json, show=lambda: typer.echo("\n".join(report.lines())))
    if page is not None:
        from marginface.evaluation.reports.audit_page import AuditPage

        AuditPage(report, command).write(page)
        typer.echo(f"Page: {page}", err=as_json)
    if exclusions_file is not None:
        from marginface.data.crops.exclusions import write_exclusions

        write_exclusions(exclusions, exclusions_file, about=f"Made by: {command}", proposed=proposed)
        count = f"{len(exclusions.identities):,} identities, {len(exclusions.images):,} images"
        typer.echo(
            f'Exclusions: {exclusions_file} ({count}); in a recipe: [data] exclude = "{exclusions_file}"', err=as_json
        )
    kept = [shards or kept_folder(images), *([] if others is None else [kept_folder(others)])]
    typer.echo(f"Kept: {', '.join(str(folder) for folder in kept)}", err=as_json)


def _check_executor(executor: str, address: str, workers: int, shards: str) -> None:
    """Refuse an executor without a place that all its workers see."""
    from marginface.errors import InputError

    executor_of(executor, workers, address)
    if executor != "local" and not shards:
        raise InputError(
            f"--engine {executor} keeps what it finds in shards: say --shards FOLDER, one that every worker sees"
        )


def _given(similarity: float | None) -> Threshold | None:
    from marginface.errors import InputError
    from marginface.values import Threshold

    if similarity is None:
        return None
    if not 0 < similarity < 1:
        raise InputError(f"--threshold is a similarity between 0 and 1; got {similarity}")
    return Threshold(similarity, 0.0, 0, "given by --threshold; its false-match rate was not measured")


def _check(against: str | None, pairs: Path | None, names: Path | None, exclusions: Path | None) -> None:
    """Refuse before the work what would be refused after it."""
    from marginface.errors import InputError

    if against is None and (pairs is not None or names is not None):
        raise InputError(f"{'--pairs' if pairs else '--against-names'} belongs to --against DATA, which is missing")
    if exclusions is not None and exclusions.suffix.lower() != ".toml":
        raise InputError(f"--exclusions writes TOML: expected a name that ends in .toml; got {exclusions.name}")
