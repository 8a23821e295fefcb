"""``marginface evaluate distractors``: identification among distractors, as MegaFace has it."""

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
    from marginface.evaluation.protocols.distractors import DistractorResult


def distractors(
    model: EvaluatedModel,
    probes: Annotated[
        Path,
        typer.Argument(
            metavar="PROBES",
            show_default=False,
            help="Photos or crops, a folder per person, or embeddings of them: FILE.npz, shards.",
        ),
    ],
    others: Annotated[
        Path | None,
        typer.Argument(metavar="DISTRACTORS", help="Photos or crops of anybody else, or embeddings: .npz, .npy."),
    ] = None,
    people: Annotated[
        int,
        typer.Option("--probe-people", help="Without DISTRACTORS: draw so many as probes; 0: all with two photos."),
    ] = 0,
    seed: Annotated[int, typer.Option(help="Decides who is drawn, and the order of the distractors.")] = 0,
    aligned: Aligned = False,
    mirror: Mirror = True,
    far: Far = None,
    nearest: Nearest = False,
    audit: Audit = None,
    out: Numbers = None,
    engine: Runtime = DEFAULT_ENGINE,
) -> None:
    """Search each photo of a person for every other one, among 10, 100 … all distractors: rank 1, 5, 10; TAR at FAR.

    MegaFace's protocol: of every ordered pair of photos of a person one is enrolled with the distractors and the other
    searched. Without DISTRACTORS those who have one photo, or were not drawn, are distractors. Embeddings are what
    marginface embed writes; with --no-mirror unless it had --mirror.
    """
    from marginface.embedding import load_embedder
    from marginface.evaluation.kinds.audit import training_of
    from marginface.evaluation.protocols.distractors import evaluate_distractors, list_probes, probes_and_distractors
    from marginface.evaluation.reading import Reader, list_anybody, list_people, protocol_cropper

    listed, split = list_people(probes), "probes and distractors as given"
    if others is None:
        listed, among, split = probes_and_distractors(listed, people, seed)
    else:
        listed, among = list_probes(listed), list_anybody(others)
    embedder = load_embedder(model, mirror=mirror, engine=engine)
    trained = training_of(embedder.card, audit)
    with progress_bar("Reading", "images") as bar:
        reader = Reader(cropper=None if aligned else protocol_cropper(), progress=bar)
        faces = (part.faces(embedder, reader) for part in (listed, among))
        rule = rule_of(nearest=nearest)
        result = evaluate_distractors(embedder, *faces, split=split, seed=seed, fars=far or None, rule=rule)
    deliver_numbers({"data": str(probes), **result.to_dict(), **trained}, out, lambda: _print(result, probes))


def _print(result: DistractorResult, probes: Path) -> None:
    from marginface.evaluation.reports.lines import distractor_lines

    title = f"{result.model} on {probes}, {result.searches:,} searches"
    print_table(("", "Figure", "95 % interval, note"), distractor_lines(result), title=title)
    typer.echo(f"Split: {result.split}.")
    typer.echo(f"Contract {result.contract.id}, {result.seconds:.1f} s.")
