"""Compare losses under equal conditions: train each with every seed, decide the same pairs, write what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from marginface.environment import describe_environment
from marginface.errors import CheckpointError, InputError
from marginface.evaluation.comparison.files import Comparison, write_tables
from marginface.evaluation.comparison.losses import ComparedLoss, ComparedRun, Decisions
from marginface.evaluation.comparison.page import Extras, write_comparison
from marginface.processors import usable_cpus
from marginface.training.comparing.decisions import cfp_decisions, check_cfp, held_out_decisions
from marginface.training.comparing.jobs import Job, Tell, prepare, run_apart, run_here
from marginface.training.comparing.variants import Variant, check_variants, recipe_of
from marginface.training.devices import numbered
from marginface.training.feed.sources import TrainingData, open_data
from marginface.training.folder.journal import read_journal
from marginface.training.folder.lock import check_free, held, holds_only_a_lock
from marginface.training.folder.names import JOURNAL, RECIPE
from marginface.training.interrupt import TrainingInterrupted
from marginface.training.recipe import Recipe
from marginface.training.recipe.file import differing_keys, read_recipe, write_recipe
from marginface.training.resolve import resolve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Runner = Callable[[Sequence[Job], Tell], None]
Draw = Callable[[Comparison, TrainingData], Mapping[str, "Figure"]]


@dataclass(frozen=True)
class Plan:
    """What is compared.

    Attributes:
        variants: the losses; the others are compared with the first.
        seeds: how many; the first is the recipe's.
        out: the folder; what is finished there is not done again.
        cfp: the folder of CFP, to measure finished runs on CFP-FF and CFP-FP too.
        jobs: how many runs at once, each in its own process; 0: one after the other in this process.
        command: what the user typed, for the report.
        name: of the files that are written.
    """

    variants: tuple[Variant, ...]
    seeds: int
    out: Path
    cfp: Path | None = None
    jobs: int = 1
    command: str = ""
    name: str = "compare"


def compare(
    recipe: Recipe, plan: Plan, *, tell: Tell = lambda _text: None, draw: Draw = lambda _comparison, _data: {}
) -> Comparison:
    """Train what is missing, measure, and write the table and the page into ``plan.out``.

    Args:
        recipe: all but the loss and the seed.
        plan: what is compared, and where.
        tell: called with a line at a time for the person who watches.
        draw: pictures for the page, by caption.

    Raises:
        InputError: a loss, an option or the recipe does not fit; nothing was trained.
        CheckpointError: the folder has a comparison of another recipe.
        FolderBusy: another process compares there.
        TrainingInterrupted: by Ctrl-C, after the tables of what is finished were written.
    """
    recipe = _with_threads(resolve(recipe), recipe, plan.jobs)
    data = _data(recipe)
    check_variants(plan.variants, recipe, len(data.train.identities))
    if plan.cfp is not None:
        check_cfp(plan.cfp)
    check_free(plan.out)
    _check_claim(recipe, plan.out)
    plan.out.mkdir(parents=True, exist_ok=True)
    with held(plan.out, plan.name):
        _claim(recipe, plan.out)
        return _compared(recipe, data, plan, tell, draw)


def _compared(recipe: Recipe, data: TrainingData, plan: Plan, tell: Tell, draw: Draw) -> Comparison:
    """Train, measure and write in a folder that is ours."""
    jobs = {variant.label: _jobs(variant, recipe, plan) for variant in plan.variants}
    stopped: TrainingInterrupted | None = None
    try:
        _runner(plan.jobs)(_by_seed(jobs), tell)
    except TrainingInterrupted as interruption:
        stopped = interruption
    losses = [ComparedLoss(label, _runs(of, recipe, data, plan, tell)) for label, of in jobs.items()]
    result = _write(losses, jobs, recipe, data, plan, draw)
    if stopped is not None:
        again = f" Go on with the same command: {plan.command}" if plan.command else ""
        raise TrainingInterrupted(f"{stopped}. The table has what is finished.{again}")
    return result


def _data(recipe: Recipe) -> TrainingData:
    data = open_data(recipe)
    if data.pairs is None:
        raise InputError(
            "losses are compared on held-out pairs and [data] hold_out is 0: nobody is held out. Write a number of "
            "identities there, or --set data.hold_out=40"
        )
    return data


def _with_threads(resolved: Recipe, recipe: Recipe, jobs: int) -> Recipe:
    """Share the cores among the runs, unless the recipe says how many threads."""
    if recipe.train.threads or jobs < 2:
        return resolved
    threads = max(usable_cpus() // jobs, 1)
    return resolved.model_copy(update={"train": resolved.train.model_copy(update={"threads": threads})})


def _claim(recipe: Recipe, out: Path) -> None:
    """Write the recipe into a new folder; refuse as _check_claim does."""
    _check_claim(recipe, out)
    if not (out / RECIPE).is_file():
        write_recipe(recipe, out / RECIPE)


def _check_claim(recipe: Recipe, out: Path) -> None:
    """Refuse a folder of another recipe, or of anything else."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: the folder of a comparison is a folder; this is a file")
    if not (out / RECIPE).is_file():
        if out.exists() and not holds_only_a_lock(out):
            raise InputError(f"{out}: expected a new folder or that of a comparison; it holds other files")
        return
    differing = differing_keys(recipe, read_recipe(out / RECIPE))
    if differing:
        raise CheckpointError(
            f"{out}: this comparison was begun with another recipe. {'; '.join(differing)}. Losses and seeds may be "
            "added to it; another recipe needs another folder for --out."
        )


def _jobs(variant: Variant, recipe: Recipe, plan: Plan) -> list[Job]:
    seeds = range(recipe.train.seed, recipe.train.seed + plan.seeds)
    folders = {seed: plan.out / variant.folder / f"seed-{seed}" for seed in seeds}
    return [
        prepare(Job(variant.label, seed, folder), recipe_of(variant, seed, recipe)) for seed, folder in folders.items()
    ]


def _by_seed(jobs: Mapping[str, Sequence[Job]]) -> list[Job]:
    """Return all jobs, every loss with the first seed first: an early stop leaves a table of one seed."""
    return [job for of_a_seed in zip(*jobs.values(), strict=True) for job in of_a_seed]


def _runner(at_once: int) -> Runner:
    return run_here if at_once == 0 else lambda jobs, tell: run_apart(jobs, at_once, tell)


def _runs(jobs: Sequence[Job], recipe: Recipe, data: TrainingData, plan: Plan, tell: Tell) -> list[ComparedRun]:
    return [_run(job, recipe, data, plan.cfp, tell) for job in jobs]


def _run(job: Job, recipe: Recipe, data: TrainingData, cfp: Path | None, tell: Tell) -> ComparedRun:
    outcome = job.outcome()
    decisions: dict[str, Decisions] = {}
    if outcome.status == "finished":
        device = numbered(recipe.train.device)
        decisions = {"held-out pairs": held_out_decisions(job.run, job.folder, data, device)}
        if cfp is not None:
            decisions |= cfp_decisions(
                job.run, job.folder, cfp, job.folder.parents[1] / "cfp-crops", lambda text: tell(f"{job.name}: {text}")
            )
    speeds = [record["images_per_second"] for record in read_journal(job.run / JOURNAL)]
    return ComparedRun(
        seed=job.seed,
        status=outcome.status,
        message=outcome.message,
        seconds=outcome.seconds,
        images_per_second=median(speeds) if speeds else 0.0,
        peak_mb=outcome.peak_mb,
        decisions=decisions,
    )


def _write(
    losses: Sequence[ComparedLoss],
    jobs: Mapping[str, Sequence[Job]],
    recipe: Recipe,
    data: TrainingData,
    plan: Plan,
    draw: Draw,
) -> Comparison:
    """Write the files of a comparison and return it."""
    assert data.pairs is not None, "compare() has refused a recipe without held-out pairs"
    described: dict[str, Any] = {"recipe": recipe.name, **data.description, "held-out pairs": len(data.pairs)}
    seeds = "one seed" if plan.seeds == 1 else f"{plan.seeds} seeds"
    title = f"{len(losses)} losses, {seeds}: {recipe.name}"
    comparison = Comparison(plan.name, title, losses, plan.command, described, describe_environment())
    write_tables(comparison, plan.out)
    journals = {label: read_journal(of[0].run / JOURNAL) for label, of in jobs.items()}
    page = plan.out / f"{plan.name}.html"
    write_comparison(comparison, Extras(journals, draw(comparison, data)), page)
    return comparison
