"""``marginface evaluate pairs``: a verification protocol (LFW, CFP, a pack) on a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from marginface.cli.bars import progress_bar
from marginface.cli.evaluate.choices import Aligned, Audit, EvaluatedModel, Far, Numbers, deliver_numbers
from marginface.cli.options import STANDARD_OUTPUT, Runtime, typed_command
from marginface.cli.tables import print_table
from marginface.defaults import DEFAULT_ENGINE

if TYPE_CHECKING:
    from marginface.evaluation import PairResult
    from marginface.evaluation.scoring.slices import Slices


def pairs(
    model: EvaluatedModel,
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", show_default=False, help="A folder in the layout of LFW or CFP, or a pack: lfw.bin."
        ),
    ],
    pairs_file: Annotated[Path | None, typer.Option("--pairs", help="An LFW pair list: pairs.txt.")] = None,
    split: Annotated[str | None, typer.Option("--split", help="Of CFP: FF (frontal) or FP (profile).")] = None,
    aligned: Aligned = False,
    far: Far = None,
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
    audit: Audit = None,
    out: Numbers = None,
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
    from marginface.evaluation.kinds.audit import training_of
    from marginface.evaluation.protocols.pair_files import open_protocol
    from marginface.evaluation.scoring.variants import VARIANTS

    protocol = open_protocol(data, pairs_file, split, aligned=aligned)
    how = VARIANTS[variant].with_pca(pca)
    embedder = load_embedder(model, mirror=how.sums_mirror, engine=engine)
    trained = training_of(embedder.card, audit)
    cropper = None if protocol.aligned else protocol_cropper()
    with progress_bar("Reading", "images") as bar:
        reader = Reader(protocol.store, cropper, progress=bar)
        result = evaluate_pairs(embedder, protocol.pairs, reader, variant=how, fars=far or None)
    parts = _slices(result, metadata, slices or [])
    values = {**result.to_dict(), **trained, "slices": [one.to_dict() for one in parts]}
    deliver_numbers(values, out, lambda: _print(result, parts))
    if scores is not None:
        from marginface.evaluation.protocols.score_file import write_scores

        write_scores(result, scores)
        typer.echo(f"Scores: {scores}", err=out == STANDARD_OUTPUT)
    if report is not None:
        from marginface.evaluation import write_report
        from marginface.evaluation.reports.single import result_report

        write_report(result_report(result, crop_reader(cropper, protocol.store), typed_command()), report)
        typer.echo(f"Report: {report}", err=out == STANDARD_OUTPUT)


def _slices(result: PairResult, metadata: Path | None, columns: list[str]) -> list[Slices]:
    """Return the parts of the pairs by columns of the images' metadata."""
    from marginface.errors import InputError
    from marginface.evaluation.scoring.slices import read_metadata

    if not columns:
        return []
    if metadata is None:
        raise InputError(
            "--slice names a column of --metadata FILE.csv, a file with a line for each image; got no file"
        )
    about = read_metadata(metadata)
    return [result.slices(about, column) for column in columns]


def _print(result: PairResult, parts: list[Slices]) -> None:
    from marginface.evaluation.reports.lines import slice_lines
    from marginface.evaluation.reports.single import result_lines

    title = f"{result.model} on {result.pairs.protocol}"
    print_table(("", "Figure", "95 % interval, note"), result_lines(result), title=title)
    typer.echo(f"Contract {result.contract.id}, variant {result.variant.describe()}, {result.seconds:.1f} s.")
    for one in parts:
        title = f"By {one.column}, at the threshold {one.threshold:.3f} of all pairs"
        print_table((one.column, "FMR", "FNMR"), slice_lines(one), title=title)
