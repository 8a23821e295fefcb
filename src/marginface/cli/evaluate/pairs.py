"""``marginface evaluate pairs``: a verification protocol (LFW, CFP, a pack) on a model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.evaluate.bar import ImageBar
from marginface.cli.evaluate.choices import lines_table
from marginface.cli.options import Runtime, write_json
from marginface.defaults import DEFAULT_ENGINE

if TYPE_CHECKING:
    from marginface.evaluation import PairResult
    from marginface.evaluation.slices import Slices


def pairs(
    model: Annotated[str, typer.Argument(help="A run or checkpoint folder, an .onnx file with its card, or a name.")],
    data: Annotated[Path, typer.Argument(help="A folder in the layout of LFW or CFP, or a pack: lfw.bin.")],
    pairs_file: Annotated[Path | None, typer.Option("--pairs", help="An LFW pair list: pairs.txt.")] = None,
    split: Annotated[str | None, typer.Option("--split", help="Of CFP: FF (frontal) or FP (profile).")] = None,
    aligned: Annotated[bool, typer.Option("--aligned", help="The images are 112×112 crops already.")] = False,
    far: Annotated[list[float] | None, typer.Option("--far", help="Give TAR at this FAR; may be repeated.")] = None,
    variant: Annotated[
        str, typer.Option(help="insightface, noflip or sphereface: how a paper scores.")
    ] = "insightface",
    pca: Annotated[int, typer.Option(help="Components of a PCA fitted on the other folds; 0: none.")] = 0,
    metadata: Annotated[
        Path | None, typer.Option(help="A CSV file with the column image and others, for --slice.")
    ] = None,
    slices: Annotated[
        list[str] | None,
        typer.Option("--slice", help="Divide the pairs by this column of --metadata; may be repeated."),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the numbers here as JSON.")] = None,
    scores: Annotated[Path | None, typer.Option("--scores", help="Write every similarity here as CSV.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write an HTML report here.")] = None,
    engine: Runtime = DEFAULT_ENGINE,
) -> None:
    """Score the pairs of LFW (--pairs FILE), CFP (--split FF or FP) or a .bin pack: accuracy, TAR at FAR, EER, AUC.

    The face nearest the center of a photo is the one that counts. A photo without a face is a failure to acquire: it is
    listed, and its pairs count as different people. A pack (InsightFace's lfw.bin, cfp_fp.bin …) holds its pairs and
    aligned crops: no face is looked for, the ten folds are in its order, and nothing in its pickle is run.

    Variants: insightface sums the embeddings of crop and mirror image; noflip leaves the mirror image out; sphereface
    puts both end to end and takes the mean of the other folds off. Compare numbers of one variant only.
    """
    from marginface.embedding import load_embedder
    from marginface.evaluation import Reader, crop_reader, evaluate_pairs, protocol_cropper
    from marginface.evaluation.protocols import open_protocol
    from marginface.evaluation.variants import VARIANTS

    protocol = open_protocol(data, pairs_file, split, aligned=aligned)
    how = VARIANTS[variant].with_pca(pca)
    embedder = load_embedder(model, mirror=how.sums_mirror, engine=engine)
    cropper = None if protocol.aligned else protocol_cropper()
    with ImageBar() as bar:
        reader = Reader(protocol.store, cropper, progress=bar.show)
        result = evaluate_pairs(embedder, protocol.pairs, reader, variant=how, fars=far or None)
    _print_table(result)
    parts = _slices(result, metadata, slices or [])
    write_json({**result.to_dict(), "slices": [one.to_dict() for one in parts]}, json_file)
    if scores is not None:
        from marginface.evaluation.score_file import write_scores

        write_scores(result, scores)
        typer.echo(f"Scores: {scores}")
    if report is not None:
        from marginface.evaluation import write_report
        from marginface.evaluation.single import result_report

        command = " ".join(["marginface", *sys.argv[1:]])
        write_report(result_report(result, crop_reader(cropper, protocol.store), command), report)
        typer.echo(f"Report: {report}")


def _slices(result: PairResult, metadata: Path | None, columns: list[str]) -> list[Slices]:
    """Print and return the parts of the pairs by columns of the images' metadata."""
    from rich.console import Console

    from marginface.errors import InputError
    from marginface.evaluation.score_lines import slice_lines
    from marginface.evaluation.slices import read_metadata

    if not columns:
        return []
    if metadata is None:
        raise InputError(
            "--slice names a column of --metadata FILE.csv, a file with a line for each image; got no file"
        )
    about = read_metadata(metadata)
    found = [result.slices(about, column) for column in columns]
    for one in found:
        title = f"By {one.column}, at the threshold {one.threshold:.3f} of all pairs"
        Console().print(lines_table(title, (one.column, "FMR", "FNMR"), slice_lines(one)))
    return found


def _print_table(result: PairResult) -> None:
    from rich.console import Console

    from marginface.evaluation.single import result_lines

    title = f"{result.model} on {result.pairs.protocol}"
    Console().print(lines_table(title, ("", "Figure", "95 % interval, note"), result_lines(result)))
    typer.echo(f"Contract {result.contract.id}, variant {result.variant.describe()}, {result.seconds:.1f} s.")
