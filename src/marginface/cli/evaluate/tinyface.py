"""``marginface evaluate tinyface``: faces of a few pixels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.bars import progress_bar
from marginface.cli.evaluate.choices import Aligned, Audit, EvaluatedModel, Mirror, Numbers, deliver_numbers
from marginface.cli.options import Runtime
from marginface.cli.tables import print_table
from marginface.defaults import DEFAULT_ENGINE

if TYPE_CHECKING:
    from marginface.evaluation.protocols.tinyface import TinyFaceResult


def tinyface(
    model: EvaluatedModel,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            show_default=False,
            help="TinyFace: the folder of Gallery_Match, Gallery_Distractor, Probe.",
        ),
    ],
    aligned: Aligned = False,
    mirror: Mirror = True,
    audit: Audit = None,
    out: Numbers = None,
    engine: Runtime = DEFAULT_ENGINE,
) -> None:
    """Search the probes of TinyFace in its gallery with the distractors: rank 1, 5, 10, 20 and mAP.

    A person has several images in the gallery; rank k asks for one of them, mAP for all. An image without a face counts
    as missed; of faces this small a detector misses many, and published figures are of aligned copies: --aligned.
    """
    from marginface.data.identification.tinyface import read_tinyface
    from marginface.embedding import load_embedder
    from marginface.evaluation.kinds.audit import training_of
    from marginface.evaluation.protocols.tinyface import evaluate_tinyface
    from marginface.evaluation.reading import Reader, protocol_cropper

    protocol = read_tinyface(folder)
    embedder = load_embedder(model, mirror=mirror, engine=engine)
    trained = training_of(embedder.card, audit)
    with progress_bar("Reading", "images") as bar:
        reader = Reader(cropper=None if aligned else protocol_cropper(), progress=bar)
        result = evaluate_tinyface(embedder, protocol, reader)
    deliver_numbers({"data": str(folder), **result.to_dict(), **trained}, out, lambda: _print(result))


def _print(result: TinyFaceResult) -> None:
    from marginface.evaluation.reports.lines import tinyface_lines

    protocol = result.protocol
    gallery = f"{len(protocol.gallery):,} images and {len(protocol.distractors):,} distractors"
    title = f"{result.model} on TinyFace, {len(protocol.probes):,} probes in {gallery}"
    print_table(("", "Figure", "95 % interval, note"), tinyface_lines(result), title=title)
    typer.echo(f"Contract {result.contract.id}, {result.seconds:.1f} s.")
