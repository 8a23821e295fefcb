"""A checkpoint of a training → an embedder that runs in torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from marginface.alignment import check_crops
from marginface.contract import CARD_FILE, Contract, ModelCard, read_card, require_sha256
from marginface.embedding.batches import batched_features, unit_rows
from marginface.errors import CheckpointError, MissingExtra
from marginface.values import FloatArray, ImageArray

if TYPE_CHECKING:
    from torch import nn

    from marginface.detection import Detector

_TORCH_BATCH = 32


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
        return batched_features(crops, self._run, self.contract, _TORCH_BATCH)

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
            features[start : start + _TORCH_BATCH] = batched_features(part, run, self.contract, _TORCH_BATCH)
        return features

    def _run(self, batch: FloatArray, *, yaws: FloatArray) -> FloatArray:
        import torch

        with torch.inference_mode():
            features = self.network(torch.from_numpy(batch), torch.from_numpy(yaws))
            return np.asarray(features.float().numpy(), np.float32)


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


def load_checkpoint(folder: Path, mirror: bool) -> TorchEmbedder | YawEmbedder:
    """Return an embedder of a checkpoint folder; the errors are those of load_embedder."""
    card = read_card(folder / CARD_FILE)
    weights = folder / card.file
    if card.backbone is None:
        raise CheckpointError(f"{folder / CARD_FILE}: no [backbone] section with the name of the network")
    if weights.parent != folder or not weights.is_file():
        raise CheckpointError(f"{weights}: no such file; {folder / CARD_FILE} names it as the weights")
    require_sha256(weights, card)
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
