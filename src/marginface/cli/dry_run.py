"""What ``marginface train --dry-run`` prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from marginface.cli.amounts import amount, duration
from marginface.words import plural

if TYPE_CHECKING:
    from marginface.training.dry_run import DryRun


def show(run: DryRun) -> None:
    """Print a dry run, a subject a row."""
    from rich.console import Console
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for subject, text in rows(run):
        table.add_row(subject, text)
    console = Console(highlight=False, markup=False)
    console.print(f"{run.recipe.name}: a dry run. Nothing is trained, nothing is written.", soft_wrap=True)
    console.print(table)


def rows(run: DryRun) -> Iterator[tuple[str, str]]:
    """Yield subject and text."""
    paper = run.recipe.paper
    if paper.title:
        yield "source", "\n".join(part for part in (_paper(run), paper.config) if part)
    if paper.results:
        yield "published", paper.results
    yield "data", _data(run)
    yield "network", _network(run)
    yield "length", _length(run)
    yield "rate", "\n".join(f"step {rate.step:,} (epoch {rate.epoch:.4g}): {rate.rate:.3g}" for rate in run.rates)
    yield "two steps", _two_steps(run)
    yield "memory", _memory(run)
    yield "time", _time(run)
    yield "checkpoints", _checkpoints(run)
    if paper.differs:
        yield "differs", "\n".join(f"- {sentence}" for sentence in paper.differs)


def _paper(run: DryRun) -> str:
    paper = run.recipe.paper
    return f"{paper.title}, arXiv:{paper.arxiv}" if paper.arxiv else paper.title


def _data(run: DryRun) -> str:
    counts = run.counts
    text = f"{counts.images:,} images of {counts.identities:,} identities"
    return f"{text}, as the recipe states: {counts.missing} is not here" if counts.missing else text


def _network(run: DryRun) -> str:
    backbone, train = run.recipe.backbone, run.recipe.train
    return (
        f"{backbone.name} at {backbone.input_size} px, {run.parameters / 1e6:.3g} M parameters, "
        f"{run.cost.operations / 2e9:.3g} G multiply-adds an image; {run.recipe.loss.name}; {train.precision} on "
        f"{train.device}, {plural(train.threads, 'thread')}"
    )


def _length(run: DryRun) -> str:
    length, train = run.length, run.recipe.train
    epochs = length.steps / length.per_epoch
    return f"{length.steps:,} steps of {train.batch_size:,} images; {length.per_epoch:,} an epoch, {epochs:.3g} epochs"


def _two_steps(run: DryRun) -> str:
    here, recipe = run.here, run.recipe
    losses = " and ".join(f"{loss:.4g}" for loss in here.losses)
    measured = "" if here.peak_bytes is None else f", measured {amount(here.peak_bytes)}"
    lines = [
        f"{plural(here.images, 'image')}, {here.classes:,} identities: loss {losses}; the second took "
        f"{duration(here.seconds)}; memory predicted {amount(run.memory_here.bytes)}{measured}"
    ]
    if here.images < recipe.train.batch_size:
        lines.append(f"{here.images:,} images and not {recipe.train.batch_size:,}, to be quick and small here")
    if here.classes < run.counts.identities:
        lines.append(
            f"{here.classes:,} identities and not {run.counts.identities:,}: that head would take more than a quarter "
            "of the memory here"
        )
    return "\n".join(lines)


def _memory(run: DryRun) -> str:
    memory = run.memory
    taken = {**memory.fixed, f"{memory.images:,} images": memory.per_image * memory.images}
    listed = ", ".join(f"{name} {amount(size)}" for name, size in taken.items())
    parts = run.recipe.train.accumulate
    cut = f" in {parts} parts of {memory.images:,} images" if parts > 1 else ""
    total = f"{amount(memory.bytes)} for a step{cut} in one process ({listed}); here are {amount(run.available)}"
    if memory.bytes <= run.available:
        return f"{total}: it fits"
    most = memory.images_in(run.available)
    if most < 2:
        return (
            f"{total}: it does not fit, with any batch. marginface plan RECIPE --classes {run.counts.identities} "
            "prices other ways to compute the head"
        )
    return f"{total}: it runs out of memory from {most + 1:,} images a {'part' if parts > 1 else 'step'} on"


def _time(run: DryRun) -> str:
    total = run.step_seconds * run.length.steps
    return (
        f"{duration(run.step_seconds)} a step, {_spent(total)} in all, in one process here, in proportion to the "
        "images: from few images rather too long. Reading them is not in it"
    )


def _spent(seconds: float) -> str:
    """Return a long time in the unit that suits it."""
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return duration(seconds)


def _checkpoints(run: DryRun) -> str:
    saved = run.checkpoints
    return (
        f"{saved.written:,} of {amount(saved.bytes)}; the newest {saved.kept} stay: "
        f"{amount(saved.bytes * (saved.kept + 1))} of disk while one is written"
    )
