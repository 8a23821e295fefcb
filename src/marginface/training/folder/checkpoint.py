"""Checkpoints: one folder per step, complete or absent, every file with its sha256.

DIR/checkpoints/step-00001000/
    backbone.safetensors    the weights that are evaluated and served (the average, where there is one)
    card.toml               their model card
    head.safetensors        class centers and the margin's running statistics
    live.safetensors        the weights being trained, only where backbone.safetensors is an average
    optimizer.safetensors   the optimizer's state
    state.json              step, recipe, data, and the sha256 of every file above
    classes-2-of-4.safetensors   only of a run whose classes are spread over processes: from the head and the optimizer,
                            what has a row for each class, the rows of one process

No random state is among them: what a step draws is a function of seed and step (learner.step_seed,
data.sampling.sampler), and so is the learning rate (schedule).

Rows are read from whichever files have them, so a run goes on with any number of processes. All of it is safetensors
and JSON. torch.distributed.checkpoint, which does this for any tensors, was not taken: its index is a pickle (with
safetensors files there is none), and its shares leave the last processes without a class where C does not divide.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from marginface.contract import CARD_FILE, ModelCard, file_sha256, write_card
from marginface.documents import parse_json
from marginface.errors import CheckpointError
from marginface.files import is_file
from marginface.training.distributed.class_rows import CLASSES, ClassRows, Files
from marginface.training.distributed.ranks import Ranks
from marginface.words import cause

STATE = "state.json"
BACKBONE = "backbone"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint whose files are what state.json says."""

    folder: Path
    step: int
    recipe_sha256: str
    data_fingerprint: str

    def tensors(self, name: str, rows: ClassRows | None = None) -> dict[str, Tensor]:
        """Return the tensors ``backbone``, ``head``, ``live`` or ``optimizer``; {} if there are none.

        Args:
            name: one of these.
            rows: of a process that has a part of the classes: of tensors with a row for each class, those to read.

        Raises:
            CheckpointError: a file is no safetensors file.
        """
        path = self.folder / f"{name}.safetensors"
        parts = sorted(self.folder.glob(f"{CLASSES}-*.safetensors"))
        whole = _read(path, name, rows) if path.exists() else {}
        found: dict[str, list[tuple[int, Tensor]]] = {}
        for part in parts:
            for key, value in _read_rows(part, f"{name}.", rows).items():
                found.setdefault(key, []).append(value)
        return whole | {key: torch.cat([value for _, value in sorted(of, key=_first)]) for key, of in found.items()}


@dataclass(frozen=True, eq=False)
class Content:
    """What a checkpoint holds of a process.

    Attributes:
        files: tensors by file.
        rows: which classes the tensors in the file CLASSES are of; None: this process has all, there is no such file.
    """

    files: Files
    rows: ClassRows | None = None


def checkpoints_folder(out: Path) -> Path:
    """Return where a run keeps its checkpoints."""
    return out / "checkpoints"


def save_checkpoint(
    out: Path,
    state: Checkpoint,
    content: Content,
    card: ModelCard,
    *,
    keep: int,
    ranks: Ranks | None = None,
) -> Checkpoint:
    """Write a checkpoint beside its place, move it there in one step, then delete all but the newest ``keep``.

    ``state.folder`` is ignored; ``card.sha256`` is replaced by the hash of what is written. All processes of a run call
    it and see the same folder; each writes its rows, and the first one the rest.
    """
    ranks = Ranks() if ranks is None else ranks
    root = checkpoints_folder(out)
    final = root / f"step-{state.step:08d}"
    partial = root / f".step-{state.step:08d}.partial"
    if ranks.is_first:
        for leftover in root.glob(".*.partial"):
            shutil.rmtree(leftover)
        partial.mkdir(parents=True)
    ranks.meet()
    hashes = _write_rows(partial, content, ranks)
    if ranks.is_first:
        _write_whole(partial, content.files, card)
        _write_state(partial, state, hashes)
        if final.exists():  # aside first: a kill between leaves both
            final.rename(root / f".step-{state.step:08d}.before.partial")
        partial.rename(final)
        shutil.rmtree(root / f".step-{state.step:08d}.before.partial", ignore_errors=True)
        for old in _folders(out)[keep:]:
            shutil.rmtree(old)
    ranks.meet()
    return replace(state, folder=final)


def _write_rows(folder: Path, content: Content, ranks: Ranks) -> dict[str, str]:
    """Write the rows of this process; return the sha256 of every process's file, by name."""
    if content.rows is None:
        return {}
    names = [f"{CLASSES}-{rank + 1}-of-{ranks.size}.safetensors" for rank in range(ranks.size)]
    path = folder / names[ranks.place.rank]
    shard = content.rows.shard
    _write(path, content.files[CLASSES], {"start": str(shard.start), "stop": str(shard.stop)})
    _hand_to_disk(path)
    mine = torch.frombuffer(bytearray.fromhex(file_sha256(path)), dtype=torch.uint8)
    hashes = ranks.rows_of_all(mine[None])
    return {name: bytes(found.tolist()).hex() for name, found in zip(names, hashes, strict=True)}


def _write_whole(folder: Path, files: Files, card: ModelCard) -> None:
    """Write what is no row of a class, and the card."""
    for name, values in files.items():
        if name != CLASSES:
            _write(folder / f"{name}.safetensors", values)
    sha256 = file_sha256(folder / f"{BACKBONE}.safetensors")
    write_card(card.model_copy(update={"sha256": sha256, "file": f"{BACKBONE}.safetensors"}), folder / CARD_FILE)


def _write(path: Path, tensors: Mapping[str, Tensor], about: dict[str, str] | None = None) -> None:
    save_file({key: value.detach().contiguous().cpu() for key, value in tensors.items()}, path, about)


def _hand_to_disk(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _read(path: Path, name: str, rows: ClassRows | None) -> dict[str, Tensor]:
    """Return the tensors of a file; of those with a row for each class, the rows asked for."""
    found: dict[str, Tensor] = {}
    with _opened(path) as stream:
        for key in stream.keys():  # noqa: SIM118
            part = stream.get_slice(key)
            if rows is not None and part.get_shape() and rows.holds(name, key):
                found[key] = part[rows.shard.start : rows.shard.stop]
            else:
                found[key] = stream.get_tensor(key)
    return found


def _read_rows(path: Path, prefix: str, rows: ClassRows | None) -> dict[str, tuple[int, Tensor]]:
    """Return the rows asked for that a file of rows has, and the class of the first, by name after a prefix."""
    with _opened(path) as stream:
        about = stream.metadata()
        start, stop = int(about["start"]), int(about["stop"])
        first = start if rows is None else max(start, rows.shard.start)
        after = stop if rows is None else min(stop, rows.shard.stop)
        names = [key for key in stream.keys() if key.startswith(prefix) and first < after]  # noqa: SIM118
        return {
            key.removeprefix(prefix): (first, stream.get_slice(key)[first - start : after - start]) for key in names
        }


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a safetensors file; raise CheckpointError if it is none."""
    try:
        with safe_open(path, framework="pt") as stream:
            yield stream
    except SafetensorError as error:
        raise CheckpointError(f"{path}: not a safetensors file: {error}") from None


def _first(rows: tuple[int, Tensor]) -> int:
    return rows[0]


def newest_checkpoint(out: Path) -> tuple[Checkpoint | None, list[str]]:
    """Return the newest checkpoint that is whole, None if there is none, and a message for each that is not."""
    problems: list[str] = []
    for folder in _folders(out):
        try:
            return read_checkpoint(folder), problems
        except CheckpointError as error:
            problems.append(f"{error} The one before it is used.")
    return None, problems


def same_checkpoint(out: Path, name: str) -> Checkpoint | None:
    """Return the checkpoint that another process has found whole, by the name of its folder; "" is none."""
    if not name:
        return None
    folder = checkpoints_folder(out) / name
    state = _read_state(folder)
    return Checkpoint(folder, state["step"], state["recipe_sha256"], state["data_fingerprint"])


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint and check every file against its sha256.

    Raises:
        CheckpointError: state.json is missing or wrong, or a file is missing or changed.
    """
    state = _read_state(folder)
    for name, expected in state["files"].items():
        path = folder / name
        if not is_file(path) or file_sha256(path) != expected:
            what = "changed or cut off" if is_file(path) else "missing"
            raise CheckpointError(f"{folder.name}: {name} is {what}: the checkpoint is not used.")
    return Checkpoint(folder, state["step"], state["recipe_sha256"], state["data_fingerprint"])


def _folders(out: Path) -> list[Path]:
    """Return the folders of checkpoints, newest first."""
    return sorted(checkpoints_folder(out).glob("step-*"), reverse=True)


def _write_state(folder: Path, state: Checkpoint, hashes: Mapping[str, str]) -> None:
    """Write state.json last, with the hash of every file, and hand all to the disk; some hashes are known already."""
    others = [path for path in sorted(folder.iterdir()) if path.name not in hashes]
    values = {
        "format": FORMAT,
        "step": state.step,
        "recipe_sha256": state.recipe_sha256,
        "data_fingerprint": state.data_fingerprint,
        "files": {**{path.name: file_sha256(path) for path in others}, **hashes},
    }
    (folder / STATE).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    for path in (*others, folder / STATE):
        _hand_to_disk(path)


def _fits(state: dict[str, Any]) -> bool:
    return state["format"] == FORMAT and type(state["step"]) is int and isinstance(state["files"], dict)


def _read_state(folder: Path) -> dict[str, Any]:
    path = folder / STATE
    expected = {"format", "step", "recipe_sha256", "data_fingerprint", "files"}
    try:
        state = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{folder.name}: {STATE} cannot be read ({cause(error)}): the checkpoint is not used."
        ) from None
    if not isinstance(state, dict) or set(state) != expected or not _fits(state):
        raise CheckpointError(
            f"{folder.name}: {STATE} has not the keys {sorted(expected)}: the checkpoint is not used."
        )
    return state
