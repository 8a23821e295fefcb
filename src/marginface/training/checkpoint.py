"""Checkpoints: one folder per step, complete or absent, every file with its sha256.

DIR/checkpoints/step-00001000/
    backbone.safetensors    the weights that are evaluated and served (the average, where there is one)
    card.toml               their model card
    head.safetensors        class centres and the margin's running statistics
    live.safetensors        the weights being trained, only where backbone.safetensors is an average
    optimizer.safetensors   the optimizer's state and torch's random state
    state.json              step, recipe, data, and the sha256 of every file above
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from marginface.contract import ModelCard, file_sha256, write_card
from marginface.errors import CheckpointError

STATE = "state.json"
CARD = "card.toml"
BACKBONE = "backbone"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint whose files are what state.json says."""

    folder: Path
    step: int
    recipe_sha256: str
    data_fingerprint: str

    def tensors(self, name: str) -> dict[str, Tensor]:
        """Return the tensors of one file, ``backbone``, ``head``, ``live`` or ``optimizer``; {} if it is absent.

        Raises:
            CheckpointError: the file is no safetensors file.
        """
        path = self.folder / f"{name}.safetensors"
        if not path.exists():
            return {}
        try:
            return load_file(path)
        except SafetensorError as error:
            raise CheckpointError(f"{path}: not a safetensors file: {error}") from None


def checkpoints_folder(out: Path) -> Path:
    """Return where a run keeps its checkpoints."""
    return out / "checkpoints"


def save_checkpoint(
    out: Path, state: Checkpoint, tensors: Mapping[str, Mapping[str, Tensor]], card: ModelCard, *, keep: int
) -> Checkpoint:
    """Write a checkpoint beside its place, move it there in one step, then delete all but the newest ``keep``.

    ``state.folder`` is ignored; ``card.sha256`` is replaced by the hash of what is written.
    """
    root = checkpoints_folder(out)
    final = root / f"step-{state.step:08d}"
    partial = root / f".step-{state.step:08d}.partial"
    for leftover in root.glob(".*.partial"):
        shutil.rmtree(leftover)
    partial.mkdir(parents=True)
    for name, values in tensors.items():
        save_file(
            {key: value.detach().contiguous().cpu() for key, value in values.items()}, partial / f"{name}.safetensors"
        )
    sha256 = file_sha256(partial / f"{BACKBONE}.safetensors")
    write_card(card.model_copy(update={"sha256": sha256, "file": f"{BACKBONE}.safetensors"}), partial / CARD)
    _write_state(partial, state)
    if final.exists():
        shutil.rmtree(final)
    partial.rename(final)
    for old in _folders(out)[keep:]:
        shutil.rmtree(old)
    return Checkpoint(final, state.step, state.recipe_sha256, state.data_fingerprint)


def newest_checkpoint(out: Path) -> tuple[Checkpoint | None, list[str]]:
    """Return the newest checkpoint that is whole, None if there is none, and a message for each that is not."""
    problems: list[str] = []
    for folder in _folders(out):
        try:
            return read_checkpoint(folder), problems
        except CheckpointError as error:
            problems.append(f"{error} The one before it is used.")
    return None, problems


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint and check every file against its sha256.

    Raises:
        CheckpointError: state.json is missing or wrong, or a file is missing or changed.
    """
    state = _read_state(folder)
    for name, expected in state["files"].items():
        path = folder / name
        if not path.is_file() or file_sha256(path) != expected:
            what = "changed or cut off" if path.is_file() else "missing"
            raise CheckpointError(f"{folder.name}: {name} is {what}: the checkpoint is not used.")
    return Checkpoint(folder, state["step"], state["recipe_sha256"], state["data_fingerprint"])


def _folders(out: Path) -> list[Path]:
    """Return the folders of checkpoints, newest first."""
    return sorted(checkpoints_folder(out).glob("step-*"), reverse=True)


def _write_state(folder: Path, state: Checkpoint) -> None:
    """Write state.json last, with the hash of every file, and hand all to the disk."""
    values = {
        "format": FORMAT,
        "step": state.step,
        "recipe_sha256": state.recipe_sha256,
        "data_fingerprint": state.data_fingerprint,
        "files": {path.name: file_sha256(path) for path in sorted(folder.iterdir())},
    }
    (folder / STATE).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    for path in folder.iterdir():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())


def _read_state(folder: Path) -> dict[str, Any]:
    path = folder / STATE
    expected = {"format", "step", "recipe_sha256", "data_fingerprint", "files"}
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder.name}: {STATE} cannot be read ({error}): the checkpoint is not used.") from None
    if not isinstance(state, dict) or set(state) != expected or state["format"] != FORMAT:
        raise CheckpointError(
            f"{folder.name}: {STATE} has not the keys {sorted(expected)}: the checkpoint is not used."
        )
    return state
