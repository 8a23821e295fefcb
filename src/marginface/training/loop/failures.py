"""What ends a run that did nothing wrong: a full disk, a missing right, data that vanished. Each becomes one message.

The message says what happened, what to do, what is safe, and the command that goes on.
"""

from __future__ import annotations

import errno
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError

from marginface.errors import CheckpointError, DataError, MarginfaceError, RankFailed, StorageError, TrainingDiverged
from marginface.training.distributed.ranks import Place
from marginface.training.folder.checkpoint import newest_checkpoint
from marginface.training.folder.history import What, add_event, read_history
from marginface.training.folder.journal import read_journal
from marginface.training.folder.names import CHECKPOINTS, JOURNAL, RECIPE

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_OUT_OF_MEMORY = (
    "the memory is full. Make room: a smaller train.batch_size (with optim.learning_rate in proportion), fewer "
    'data.memory_gb of crops, or loss.implementation = "chunked".'
)


def resume_command(out: Path) -> str:
    """Return what a user types to go on with a run."""
    command = shlex.join(["marginface", "train", str(out / RECIPE), "--out", str(out), "--resume"])
    return command + Place.here().resume_options


@dataclass(slots=True)
class Ending:
    """How a sitting ends is written down once its beginning is, ``begun``: what was refused has not ended."""

    begun: bool = False


@contextmanager
def noted(out: Path) -> Iterator[Ending]:
    """Write down in the history how the sitting ends that is begun within."""
    ending = Ending()
    try:
        yield ending
    except (KeyboardInterrupt, MarginfaceError) as error:
        if ending.begun:
            _note(out, _what(error), str(error))
        raise


def _what(error: BaseException) -> What:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    kind = error.kind if isinstance(error, RankFailed) else type(error).__name__
    return "diverged" if kind == TrainingDiverged.__name__ else "failed"


@contextmanager
def explained(out: Path) -> Iterator[None]:
    """Turn what the machine does to a run into a message, and add to others what is safe and how to go on.

    Raises:
        StorageError: a file could not be written or read, or the memory is full.
        DataError, TrainingDiverged: as they came, with what is safe and how to go on. Others pass.
    """
    try:
        yield
    except TrainingDiverged as error:
        raise TrainingDiverged(f"{error} {_safe(out)}") from error
    except DataError as error:
        text = str(error).rstrip(".")
        raise DataError(_ended(out, f"{text}. Put the data back, or leave it out with --allow data.")) from error
    except (OSError, SafetensorError) as error:
        _drop_partial(out)
        raise StorageError(_ended(out, _storage_problem(_system_error(error), out))) from error
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not _is_out_of_memory(error):
            raise
        raise StorageError(_ended(out, _OUT_OF_MEMORY)) from error


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Say whether torch found no memory; that of a CPU has no class of error for it."""
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator: can't allocate memory" in str(error)


def _ended(out: Path, text: str) -> str:
    again = f"Then go on with: {resume_command(out)}" if (out / RECIPE).is_file() else "Then repeat the command."
    return f"{text} {_safe(out)} {again}"


def _note(out: Path, what: What, message: str) -> None:
    """Write down how the sitting ended, if one was begun; a disk that is full takes this neither."""
    with suppress(OSError, CheckpointError):
        if [event["event"] for event in read_history(out)][-1:] in (["started"], ["resumed"]):
            records = read_journal(out / JOURNAL)
            add_event(out, what, int(records[-1]["step"]) if records else 0, {"message": message})


def _safe(out: Path) -> str:
    """Say what of the run is on the disk."""
    with suppress(OSError, CheckpointError):
        checkpoint, _ = newest_checkpoint(out)
        if checkpoint is not None:
            return f"The last good checkpoint, {CHECKPOINTS}/{checkpoint.folder.name}, is untouched."
    return "There is no checkpoint yet."


def _drop_partial(out: Path) -> None:
    """Give back the room of a checkpoint that could not be finished."""
    for partial in (out / CHECKPOINTS).glob(".*.partial"):
        shutil.rmtree(partial, ignore_errors=True)


def _system_error(error: OSError | SafetensorError) -> OSError:
    """Return what the system said; safetensors puts the number and the path into its text."""
    if isinstance(error, OSError):
        return error
    number, path = re.search(r"os error (\d+)", str(error)), re.search(r'at path "([^"]+)"', str(error))
    code = int(number[1]) if number else errno.EIO
    said = os.strerror(code) if number else str(error)
    return OSError(code, said, path[1] if path else None)


def _storage_problem(error: OSError, out: Path) -> str:
    place = error.filename or f"a file of {out}"
    said = error.strerror or str(error)
    if error.errno in _FULL:
        return f"{place}: the disk is full ({said}). Free some room{_room(out)}."
    if error.errno in _FORBIDDEN:
        return f"{place}: {said}. Give the user who trains the right to write there."
    if error.errno == errno.EFBIG:
        return f"{place}: {said}. A limit on the size of a file is in the way (ulimit -f): raise it{_room(out)}."
    return f"{place}: {said}. Mend that."


def _room(out: Path) -> str:
    """Say what is free and what a checkpoint takes, as far as that is known."""
    folders = sorted((out / CHECKPOINTS).glob("step-*"))
    sizes = [path.stat().st_size for path in folders[-1].iterdir()] if folders else []
    free = f"{shutil.disk_usage(out).free / 1e6:,.1f} MB are free" if out.is_dir() else ""
    needed = (
        f"a checkpoint takes {sum(sizes) / 1e6:,.1f} MB, and one more than train.keep_checkpoints is there for a moment"
    )
    parts = [part for part in (free, needed if sizes else "") if part]
    return f": {'; '.join(parts)}" if parts else ""
