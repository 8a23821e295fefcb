"""A trained backbone → an ONNX file with its card, written only if both compute the same."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from marginface.contract import ModelCard, file_sha256, write_card
from marginface.embedding import TorchEmbedder, YawEmbedder, load_embedder
from marginface.errors import ExportError, InputError
from marginface.files import naming
from marginface.values import FloatArray, ImageArray
from marginface.weights import WEIGHTS
from marginface.weights.folding import split_prelu

OPSET = 17
BATCHES = (1, 2, 7)
TOLERANCE = 1e-5  # on 1 − cosine


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written, and the smallest cosine between torch's and ONNX Runtime's embeddings of the same crops."""

    model: Path
    card_file: Path
    card: ModelCard
    smallest_cosine: float


def export(source: str | Path, destination: str | Path, *, overwrite: bool = False) -> ExportResult:
    """Export a checkpoint folder, or the newest checkpoint of a run folder, to ONNX with its card beside it.

    The input is ``images`` (N, 3, S, S) float32, RGB, (pixel − 127.5) / 127.5; the output ``features`` (N, D) float32,
    not normalized; N is free. Thresholds and provenance of the checkpoint's card come along: the embeddings are equal.

    Args:
        source: a checkpoint or run folder.
        destination: a path that ends in .onnx; the card gets the same name and .toml.
        overwrite: whether existing files may be replaced.

    Raises:
        InputError: the destination does not end in .onnx, or exists.
        CheckpointError: the source is no checkpoint.
        ExportError: ONNX Runtime computes something else than torch; no file is left.
    """
    source, destination = Path(source), Path(destination)
    card_file = _card_place(destination, overwrite=overwrite)
    _require_there(source)
    embedder = load_embedder(source)
    if isinstance(embedder, YawEmbedder):
        raise InputError(
            f"{source}: this model moves the features of turned heads by their yaw, and an exported model gets crops "
            f"only. It works as it is (--model {source}); to export the backbone without its branch, give the run "
            "folder or a checkpoint in it"
        )
    if not isinstance(embedder, TorchEmbedder):
        raise InputError(f"{source}: a checkpoint or run folder is exported; this is an ONNX model already")
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".export-") as folder:
        model = Path(folder) / destination.name
        write_onnx(embedder.backbone, embedder.card.input_size, model)
        card = embedder.card.model_copy(
            update={"file": destination.name, "sha256": file_sha256(model), "backbone": None}
        )
        write_card(card, model.with_suffix(".toml"))
        smallest = _verified(embedder, model)
        model.replace(destination)
        model.with_suffix(".toml").replace(card_file)
    return ExportResult(destination, card_file, card, smallest)


def write_onnx(network: nn.Module, input_size: int, path: Path) -> None:
    """Write a network as ONNX with a free batch size, its PReLUs split: ONNX Runtime is faster at the parts.

    The exporter by TorchScript is used: torch's newer one needs onnxscript. Its deprecation warning is kept from the
    user, who can do nothing about it.
    """
    example = torch.zeros(2, 3, input_size, input_size)
    with warnings.catch_warnings(), naming(path):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (example,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=["features"],
            dynamic_axes={"images": {0: "batch"}, "features": {0: "batch"}},
        )
        onnx.save(split_prelu(onnx.load(str(path))), str(path))


def _require_there(source: Path) -> None:
    """Refuse what is no folder, file or card: the name of a published model too, which is an ONNX file already."""
    if not source.exists():
        what = "a published model, an ONNX file already" if str(source) in WEIGHTS else "not there"
        raise InputError(f"{source}: expected the folder of a run or checkpoint of 'marginface train'; this is {what}")


def _card_place(model: Path, *, overwrite: bool) -> Path:
    """Return where the card goes, or refuse the place of the model."""
    if model.suffix != ".onnx":
        raise InputError(f"an exported model ends in .onnx; got {model}")
    card = model.with_suffix(".toml")
    existing = [str(path) for path in (model, card) if path.exists()]
    if existing and not overwrite:
        raise InputError(f"{' and '.join(existing)} exist already; choose another name, or say --overwrite")
    return card


def _verified(embedder: TorchEmbedder, model: Path) -> float:
    """Return the smallest cosine over batches of 1, 2 and 7 crops of noise.

    Raises:
        ExportError: it is below 1 − 1e-5.
    """
    exported = load_embedder(model)
    cosines = []
    for size in BATCHES:
        crops = _noise(size)
        cosines.append(_cosines(embedder.embed(crops), exported.embed(crops)))
    smallest = float(np.concatenate(cosines).min())
    if not smallest >= 1 - TOLERANCE:
        raise ExportError(
            f"ONNX Runtime and torch disagree: the smallest cosine of their embeddings is {smallest:.6f}, expected at "
            f"least {1 - TOLERANCE}. No file was written. Does the backbone's forward branch on its data?"
        )
    return smallest


def _noise(count: int) -> ImageArray:
    """Return crops of coarse and fine noise, equal every time."""
    random = np.random.default_rng(count)
    coarse = random.integers(0, 192, (count, 14, 14, 3)).repeat(8, axis=1).repeat(8, axis=2)
    return (coarse + random.integers(0, 64, (count, 112, 112, 3))).astype(np.uint8)


def _cosines(first: FloatArray, second: FloatArray) -> FloatArray:
    product: FloatArray = np.sum(first.astype(np.float64) * second, axis=1)
    return product
