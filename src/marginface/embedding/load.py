"""A model's name, file or folder → an embedder."""

from __future__ import annotations

from pathlib import Path

from marginface.contract import CARD_FILE, read_card
from marginface.defaults import DEFAULT_ENGINE
from marginface.embedding.checkpoint import checkpoint_folder, load_checkpoint
from marginface.embedding.onnx_model import OnnxEmbedder, load_onnx
from marginface.embedding.protocol import Embedder
from marginface.errors import InputError, UnknownName
from marginface.registry import near_names
from marginface.weights import ENGINES, WEIGHTS, open_session, prepared


def load_embedder(
    model: str | Path, *, mirror: bool = False, threads: int = 1, engine: str = DEFAULT_ENGINE
) -> Embedder:
    """Return a ready embedder.

    Args:
        model: A registered name (``sface``), an ``.onnx`` file with its card ``.toml`` beside it, a card, a checkpoint
            folder (card.toml and backbone.safetensors), or a run folder, of which the newest checkpoint is taken.
        mirror: Sum the features of crop and mirrored crop; this is another contract.
        threads: Threads inside one run of an ONNX model; torch has its own setting.
        engine: What runs an ONNX model (weights.ENGINES); a checkpoint runs in torch.

    Raises:
        UnknownName: Not a file, a folder or a registered name; or no such engine.
        MissingExtra: The engine, or torch for a checkpoint, is not installed.
        InputError: The card is missing or wrong, or does not fit the model.
        HashMismatch: The model is not the file its card speaks of.
        CheckpointError: The folder holds no checkpoint.
        WeightsError: The weights cannot be found or loaded.
    """
    path = Path(model)
    if isinstance(model, str) and model in WEIGHTS:
        return _load_published(model, mirror, threads, engine)
    if path.is_dir():
        _require_torch_engine(path, engine)
        return load_checkpoint(checkpoint_folder(path), mirror)
    if path.suffix == ".onnx":
        return load_onnx(path, path.with_suffix(".toml"), mirror, threads, engine)
    if path.suffix == ".toml":
        return _load_of_card(path, mirror, threads, engine)
    if path.exists():
        raise InputError(f"{path}: a model is an .onnx file with a card beside it, its card, or a checkpoint folder")
    known = [entry.name for entry in WEIGHTS.values() if entry.card is not None]
    raise UnknownName(
        f"{model}: no such file or folder, and no registered model. {near_names(str(model), known)}"
        f"A model is {', '.join(known)}, an .onnx file with its card beside it, that card, or a run folder"
    )


def _load_published(name: str, mirror: bool, threads: int, engine: str) -> OnnxEmbedder:
    card = WEIGHTS[name].card
    if card is None:
        names = ", ".join(entry.name for entry in WEIGHTS.values() if entry.card is not None)
        raise InputError(f"weights {name!r} are a {WEIGHTS[name].task}, not an embedder. Embedders: {names}")
    return OnnxEmbedder(open_session(prepared(name), threads=threads, engine=engine), card, mirror)


def _load_of_card(card_file: Path, mirror: bool, threads: int, engine: str) -> Embedder:
    """Return what a card is of: the ONNX file that it names, in its folder, or the checkpoint that it lies in."""
    card = read_card(card_file)
    if Path(card.file).name != card.file:
        raise InputError(f"{card_file}: file is to be the name of a file beside the card; got {card.file!r}")
    if card.backbone is None or card_file.name != CARD_FILE:
        return load_onnx(card_file.parent / card.file, card_file, mirror, threads, engine)
    _require_torch_engine(card_file.parent, engine)
    return load_checkpoint(card_file.parent, mirror)


def _require_torch_engine(folder: Path, engine: str) -> None:
    ENGINES[engine]  # raises UnknownName
    if engine != DEFAULT_ENGINE:
        raise InputError(
            f"{folder}: a checkpoint runs in torch; {engine!r} runs ONNX files. Run marginface export {folder} "
            "model.onnx and use that"
        )
