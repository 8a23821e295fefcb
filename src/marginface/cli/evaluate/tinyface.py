"""``marginface evaluate tinyface``: faces of a few pixels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.evaluate.bar import ImageBar
from marginface.cli.evaluate.choices import JsonFile, Mirror, lines_table
from marginface.cli.options import Runtime, write_json
from marginface.defaults import DEFAULT_ENGINE

if TYPE_CHECKING:
    from marginface.evaluation.tinyface import TinyFaceResult


def tinyface(
    model: Annotated[str, typer.Argument(help="A run or checkpoint folder, an .onnx file with its card, or a name.")],
    folder: Annotated[Path, typer.Argument(help="TinyFace: the folder of Gallery_Match, Gallery_Distractor, Probe.")],
    aligned: Annotated[bool, typer.Option("--aligned", help="The images are 112×112 crops already.")] = False,
    mirror: Mirror = True,
    json_file: JsonFile = None,
    engine: Runtime = DEFAULT_ENGINE,
) -> None:
    """Search the probes of TinyFace in its gallery with the distractors: rank 1, 5, 10, 20 and mAP.

    A person has several images in the gallery; rank k asks for one of them, mAP for all. An image without a face counts
    as missed; of faces this small a detector misses many, and published figures are of aligned copies: --aligned.
    """
    from marginface.data.tinyface import read_tinyface
    from marginface.embedding import load_embedder
    from marginface.evaluation.reading import Reader, protocol_cropper
    from marginface.evaluation.tinyface import evaluate_tinyface

    protocol = read_tinyface(folder)
    embedder = load_embedder(model, mirror=mirror, engine=engine)
    with ImageBar() as bar:
        reader = Reader(cropper=None if aligned else protocol_cropper(), progress=bar.show)
        result = evaluate_tinyface(embedder, protocol, reader)
    _print(result)
    write_json({"data": str(folder), **result.to_dict()}, json_file)


def _print(result: TinyFaceResult) -> None:
    from rich.console import Console

    from marginface.evaluation.protocol_lines import tinyface_lines

    protocol = result.protocol
    gallery = f"{len(protocol.gallery):,} images and {len(protocol.distractors):,} distractors"
    title = f"{result.model} on TinyFace, {len(protocol.probes):,} probes in {gallery}"
    Console().print(lines_table(title, ("", "Figure", "95 % interval, note"), tinyface_lines(result)))
    typer.echo(f"Contract {result.contract.id}, {result.seconds:.1f} s.")
