"""Curves of a run for TensorBoard while it trains, the journal's numbers: ``tensorboard --logdir runs``.

A point every ``train.log_every`` steps, at each evaluation and at the end. After a resume TensorBoard drops what an
earlier sitting drew past the checkpoint (SessionLog.START), so that no step has two points.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marginface.errors import MissingExtra
from marginface.training.folder.journal import read_journal
from marginface.training.folder.names import CURVES, JOURNAL
from marginface.training.loop.trainer import OnProgress, Progress
from marginface.training.measuring.pack_figures import PACK, is_evaluated
from marginface.training.recipe import Recipe

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter

_HELD_OUT = ("accuracy_", "auc", "eer", "tar_at_far", "closed_set_", "open_set_", "searched_", PACK)


def check_tensorboard(recipe: Recipe) -> None:
    """Raise MissingExtra if the recipe asks for curves and the package that writes them is not installed."""
    if recipe.train.tensorboard and find_spec("tensorboard") is None:
        raise MissingExtra(
            '[train] tensorboard = true needs a package: pip install "marginface[tensorboard]". The journal has the '
            "same numbers without it: marginface runs show"
        )


@contextmanager
def live_curves(recipe: Recipe, out: Path) -> Iterator[OnProgress]:
    """Give what draws each step that is told to it; nothing where the recipe asks for no curves."""
    if not recipe.train.tensorboard:
        yield lambda _progress: None
        return
    curves = _Curves(out, recipe.train.log_every)
    try:
        yield curves.show
    finally:
        curves.close()


class _Curves:
    """Points in the run folder; the first word of the run, which says at which step it goes on, opens the file."""

    def __init__(self, out: Path, every: int) -> None:
        self._out = out
        self._every = every
        self._writer: SummaryWriter | None = None

    def show(self, progress: Progress) -> None:
        """Open the file before the first step; then draw what is due."""
        if self._writer is None:
            self._writer = self._open(progress)
        self._draw(progress.record, is_last=progress.step == progress.total_steps)

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()

    def _open(self, progress: Progress) -> SummaryWriter:
        from torch.utils.tensorboard.writer import SummaryWriter

        folder = self._out / CURVES
        is_new = not folder.exists()
        self._writer = SummaryWriter(str(folder), purge_step=None if is_new else progress.step + 1)
        for record in read_journal(self._out / JOURNAL) if is_new else ():  # curves that were asked for late
            self._draw(record, is_last=record["step"] == progress.step)
        return self._writer

    def _draw(self, record: Mapping[str, Any], *, is_last: bool) -> None:
        if not record or not (is_last or record["step"] % self._every == 0 or is_evaluated(record)):
            return
        assert self._writer is not None, "show() opens the file"
        for name, value in record.items():
            if isinstance(value, int | float) and name != "step":
                group = "held_out" if name.startswith(_HELD_OUT) else "train"
                self._writer.add_scalar(f"{group}/{name}", value, record["step"])
        self._writer.flush()
