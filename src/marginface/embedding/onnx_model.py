"""An ONNX model with its card beside it → an embedder, run by an engine (weights.ENGINES)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from marginface.contract import Contract, ModelCard, read_card, require_sha256
from marginface.embedding.batches import batched_features, unit_rows
from marginface.errors import InputError, WeightsError
from marginface.values import FloatArray, ImageArray
from marginface.weights import Session, open_session

_ONNX_BATCH = 1  # crops in one run: SFace takes 14.0 ms a face alone, 16.3 in a run of 8, 17.6 of 32 (one thread)


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
        return batched_features(crops, self._run, self.contract, self._batch_size())

    def _run(self, batch: FloatArray) -> FloatArray:
        """Run a batch; a model of a fixed batch gets black images to fill it up."""
        missing = self._batch_size() - len(batch)
        full = np.pad(batch, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else batch
        name = self.session.get_inputs()[0].name
        return np.asarray(self.session.run(None, {name: full})[0][: len(batch)], np.float32)

    def _batch_size(self) -> int:
        fixed = self.session.get_inputs()[0].shape[0]
        return fixed if isinstance(fixed, int) else _ONNX_BATCH


def load_onnx(path: Path, card_file: Path, mirror: bool, threads: int, engine: str) -> OnnxEmbedder:
    """Return an embedder of an ONNX file and its card; the arguments and errors are those of load_embedder."""
    if not path.is_file():
        raise WeightsError(f"{path}: no such file")
    card = read_card(card_file)
    require_sha256(path, card)
    session = open_session(path, threads=threads, engine=engine)
    _require_card_shapes(path, session, card)
    return OnnxEmbedder(session, card, mirror)


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
