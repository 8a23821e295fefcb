"""Crops → unit vectors, by ONNX Runtime or torch, under the contract of a model card."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from marginface.alignment import check_crops, resize_crops
from marginface.contract import CARD_FILE, Contract, ModelCard, file_sha256, read_card
from marginface.defaults import DEFAULT_ENGINE
from marginface.errors import CheckpointError, HashMismatch, InputError, MissingExtra, UnknownName, WeightsError
from marginface.registry import near_names
from marginface.values import FloatArray, ImageArray
from marginface.weights import ENGINES, WEIGHTS, Session, open_session, prepared

if TYPE_CHECKING:
    from torch import nn

    from marginface.detection import Detector

_ONNX_BATCH = 1  # crops in one run: SFace takes 14.0 ms a face alone, 16.3 in a run of 8, 17.6 of 32 (one thread)
_TORCH_BATCH = 32
_SMALLEST_NORM = 1e-8

Network = Callable[[FloatArray], FloatArray]  # normalized (n, 3, S, S) → features (n, D); thread-safe


class Embedder(Protocol):
    """Turns crops into embeddings of one contract. Implementations are thread-safe."""

    @property
    def card(self) -> ModelCard:
        """The model's card."""
        ...

    @property
    def contract(self) -> Contract:
        """What an embedding must share to be comparable with these."""
        ...

    def embed(self, crops: ImageArray) -> FloatArray:
        """Return unit vectors (N, D) float32 of aligned crops, RGB uint8 (N, 112, 112, 3); N may be 0."""
        ...

    def features(self, crops: ImageArray) -> FloatArray:
        """Return what ``embed`` brings to length 1, (N, D) float32; a length may say how good a crop is (MagFace)."""
        ...


@dataclass(frozen=True)
class OnnxEmbedder:
    """An Embedder that runs an ONNX model on the CPU.

    Attributes:
        session: Input (N, 3, S, S) float32, output (N, D) float32; N is free or fixed.
        card: States S, D and the preprocessing.
        mirror: Sum the features of crop and mirrored crop: twice the time, a little better, another contract.
    """

    session: Session
    card: ModelCard
    mirror: bool = False

    @property
    def contract(self) -> Contract:
        """The contract of the card, with this mirror setting."""
        return self.card.contract(mirror=self.mirror)

    def embed(self, crops: ImageArray) -> FloatArray:
        """Return unit vectors (N, D); see Embedder.embed.

        Raises:
            InputError: Other shapes.
            WeightsError: The model gives a vector of length zero or numbers that are not finite.
        """
        return unit_rows(self.features(crops))

    def features(self, crops: ImageArray) -> FloatArray:
        """Return the vectors (N, D) before they are brought to length 1; the errors are those of embed."""
        return _features(crops, self._run, self.contract, self._batch_size())

    def _run(self, batch: FloatArray) -> FloatArray:
        """Run a batch; a model of a fixed batch gets black images to fill it up."""
        missing = self._batch_size() - len(batch)
        full = np.pad(batch, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else batch
        name = self.session.get_inputs()[0].name
        return np.asarray(self.session.run(None, {name: full})[0][: len(batch)], np.float32)

    def _batch_size(self) -> int:
        fixed = self.session.get_inputs()[0].shape[0]
        return fixed if isinstance(fixed, int) else _ONNX_BATCH


@dataclass(frozen=True)
class TorchEmbedder:
    """An Embedder that runs a torch backbone in float32 and evaluation mode, on the CPU.

    Attributes:
        backbone: (N, 3, S, S) float32 → features (N, D).
        card: States S, D and the preprocessing.
        mirror: Sum the features of crop and mirrored crop.
    """

    backbone: nn.Module
    card: ModelCard
    mirror: bool = False

    @property
    def contract(self) -> Contract:
        """The contract of the card, with this mirror setting."""
        return self.card.contract(mirror=self.mirror)

    def embed(self, crops: ImageArray) -> FloatArray:
        """Return unit vectors (N, D); see Embedder.embed and the errors of OnnxEmbedder.embed."""
        return unit_rows(self.features(crops))

    def features(self, crops: ImageArray) -> FloatArray:
        """Return the vectors (N, D) before they are brought to length 1; the errors are those of embed."""
        return _features(crops, self._run, self.contract, _TORCH_BATCH)

    def _run(self, batch: FloatArray) -> FloatArray:
        import torch

        with torch.inference_mode():
            return np.asarray(self.backbone(torch.from_numpy(batch)).float().numpy(), np.float32)


@dataclass(frozen=True)
class YawEmbedder:
    """An Embedder whose network moves the features of turned heads (backbones.dream), by the yaw it sees in each crop.

    A crop in which the detector finds no face is taken as frontal: its feature stays that of the trunk.

    Attributes:
        network: (N, 3, S, S) float32 and yaws (N,) in degrees → features (N, D).
        detector: Finds the landmarks in the crop that the yaw is made of; part of what decides an embedding.
        card: States S, D and the preprocessing; its ``pose`` is "yaw".
        mirror: Sum the features of crop and mirrored crop; both have the same gate.
    """

    network: nn.Module
    detector: Detector
    card: ModelCard
    mirror: bool = False

    @property
    def contract(self) -> Contract:
        """The contract of the card, with this mirror setting."""
        return self.card.contract(mirror=self.mirror)

    def embed(self, crops: ImageArray) -> FloatArray:
        """Return unit vectors (N, D); see Embedder.embed and the errors of OnnxEmbedder.embed."""
        return unit_rows(self.features(crops))

    def features(self, crops: ImageArray) -> FloatArray:
        """Return the vectors (N, D) before they are brought to length 1; the errors are those of embed."""
        from marginface.detection.yaw import crop_yaws

        check_crops(crops)
        features = np.empty((len(crops), self.card.embedding_size), np.float32)
        for start in range(0, len(crops), _TORCH_BATCH):
            part = crops[start : start + _TORCH_BATCH]
            run = partial(self._run, yaws=crop_yaws(self.detector, part))
            features[start : start + _TORCH_BATCH] = _features(part, run, self.contract, _TORCH_BATCH)
        return features

    def _run(self, batch: FloatArray, *, yaws: FloatArray) -> FloatArray:
        import torch

        with torch.inference_mode():
            features = self.network(torch.from_numpy(batch), torch.from_numpy(yaws))
            return np.asarray(features.float().numpy(), np.float32)


def preprocess(crops: ImageArray, contract: Contract) -> FloatArray:
    """Return the network's input (N, 3, S, S) float32: shrunk by area, colors in order, (pixel − mean) / std."""
    small = resize_crops(crops, contract.input_size)
    ordered = small if contract.color_order == "RGB" else small[..., ::-1]
    planes = np.ascontiguousarray(ordered.transpose(0, 3, 1, 2), dtype=np.float32)
    return np.asarray((planes - np.float32(contract.mean)) / np.float32(contract.std), np.float32)


def _features(crops: ImageArray, run: Network, contract: Contract, batch_size: int) -> FloatArray:
    check_crops(crops)
    features = np.empty((len(crops), contract.embedding_size), np.float32)
    for start in range(0, len(crops), batch_size):
        batch = preprocess(crops[start : start + batch_size], contract)
        features[start : start + batch_size] = _of_batch(batch, run, contract)
    return features


def _of_batch(batch: FloatArray, run: Network, contract: Contract) -> FloatArray:
    """Run one batch, and its mirror image where the contract has it."""
    features = run(batch)
    if contract.mirror:
        features = features + run(np.ascontiguousarray(batch[..., ::-1]))
    expected = (len(batch), contract.embedding_size)
    if features.shape != expected:
        raise WeightsError(f"the model gave features of shape {features.shape}; its card says {expected}")
    return features


def unit_rows(features: FloatArray) -> FloatArray:
    """Return features (N, D) brought to length 1: what ``embed`` gives.

    Raises:
        WeightsError: a feature has no direction.
    """
    norms = np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(norms[:, 0]) & (norms[:, 0] > _SMALLEST_NORM)))
    if bad.size:
        raise WeightsError(
            f"the model gave a feature without a direction (length {norms[bad[0], 0]:g}) for crop {bad[0]} and "
            f"{bad.size - 1} others. Check the card's mean, std and color_order, and that the weights are trained."
        )
    return np.asarray(features / norms, np.float32)


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
        return _load_checkpoint(checkpoint_folder(path), mirror)
    if path.suffix == ".onnx":
        return _load_onnx(path, path.with_suffix(".toml"), mirror, threads, engine)
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
        return _load_onnx(card_file.parent / card.file, card_file, mirror, threads, engine)
    _require_torch_engine(card_file.parent, engine)
    return _load_checkpoint(card_file.parent, mirror)


def _load_onnx(path: Path, card_file: Path, mirror: bool, threads: int, engine: str) -> OnnxEmbedder:
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
    card = read_card(card_file)
    _require_card_sha256(path, card)
    session = open_session(path, threads=threads, engine=engine)
    _require_card_shapes(path, session, card)
    return OnnxEmbedder(session, card, mirror)


def _require_torch_engine(folder: Path, engine: str) -> None:
    ENGINES[engine]  # raises UnknownName
    if engine != DEFAULT_ENGINE:
        raise InputError(
            f"{folder}: a checkpoint runs in torch; {engine!r} runs ONNX files. Run marginface export {folder} "
            "model.onnx and use that"
        )


def _require_card_sha256(path: Path, card: ModelCard) -> None:
    got = file_sha256(path)
    if got != card.sha256:
        raise HashMismatch(
            f"{path}: its card says sha256 {card.sha256}, the file has {got}. It is another model or a damaged copy; "
            "if you trust it, put its sha256 in the card. Thresholds of the old file do not hold for it."
        )


def _require_card_shapes(path: Path, session: Session, card: ModelCard) -> None:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)":
        got = ", ".join(f"{value.name} {value.type} {value.shape}" for value in inputs)
        raise InputError(f"{path}: an embedder has one float32 input (N, 3, S, S); this model has {got}")
    side = card.input_size
    if not _fits(inputs[0].shape, (3, side, side)):
        raise InputError(
            f"{path}: its card says input_size {side}, that is an input (N, 3, {side}, {side}); the model's input "
            f"{inputs[0].name!r} is {inputs[0].shape}. Correct the card or export the model with this input."
        )
    if not _fits(outputs[0].shape, (card.embedding_size,)):
        raise InputError(
            f"{path}: its card says embedding_size {card.embedding_size}, that is an output "
            f"(N, {card.embedding_size}); the model's first output {outputs[0].name!r} is {outputs[0].shape}"
        )


def _fits(shape: list[Any], wanted: tuple[int, ...]) -> bool:
    """Say whether a model's shape is a batch of the wanted shape; free dimensions fit anything."""
    return len(shape) == len(wanted) + 1 and all(
        not isinstance(have, int) or have == want for have, want in zip(shape[1:], wanted, strict=True)
    )


def checkpoint_folder(folder: Path) -> Path:
    """Return the folder itself if it is a checkpoint, else the newest checkpoint of the run.

    Raises:
        CheckpointError: it is neither.
    """
    if (folder / CARD_FILE).is_file():
        return folder
    steps = [
        (int(found[1]), path)
        for path in folder.glob("checkpoints/step-*")
        if (found := re.fullmatch(r"step-(\d+)", path.name)) and (path / CARD_FILE).is_file()
    ]
    if not steps:
        raise CheckpointError(
            f"{folder}: no checkpoint: neither {CARD_FILE} nor checkpoints/step-*/{CARD_FILE} is there. Give a run "
            "folder of `marginface train`, or a folder with card.toml and backbone.safetensors."
        )
    return max(steps)[1]


def _load_checkpoint(folder: Path, mirror: bool) -> TorchEmbedder | YawEmbedder:
    card = read_card(folder / CARD_FILE)
    weights = folder / card.file
    if card.backbone is None:
        raise CheckpointError(f"{folder / CARD_FILE}: no [backbone] section with the name of the network")
    if weights.parent != folder or not weights.is_file():
        raise CheckpointError(f"{weights}: no such file; {folder / CARD_FILE} names it as the weights")
    _require_card_sha256(weights, card)
    network = _load_backbone(weights, card)
    if card.pose is None:
        return TorchEmbedder(network, card, mirror)
    from marginface.detection import YuNet

    return YawEmbedder(network, YuNet.load(), card, mirror)


def _load_backbone(weights: Path, card: ModelCard) -> nn.Module:
    """Build the card's network and fill it from a safetensors file."""
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        from marginface import backbones
    except ImportError as error:
        raise MissingExtra(f'a checkpoint needs torch ({error}). Run: pip install "marginface[train]"') from None
    entry = card.backbone
    assert entry is not None
    network: nn.Module = backbones.build(
        entry.name, embedding_size=card.embedding_size, input_size=card.input_size, **entry.options
    )
    if card.pose is not None:
        from marginface.backbones.dream import Dream, YawBranch

        network = Dream(network, YawBranch(card.embedding_size))
    try:
        network.load_state_dict(load_file(weights))
    except (SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{weights}: does not fit backbone {entry.name!r}: {error}") from None
    return network.float().eval()
