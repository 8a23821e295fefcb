"""Two runs side by side: what differs in their recipes, their curves at the steps both have, and their results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from marginface.evaluation.reports.report import write_report
from marginface.evaluation.reports.runs import RunReport, RunSummary
from marginface.training.folder.names import RECIPE
from marginface.training.folder.state import CurvePoint, RunFolder, flat_values, spread
from marginface.words import points


@dataclass(frozen=True, slots=True)
class RunDifference:
    """Two runs."""

    first: RunFolder
    second: RunFolder

    def changed_keys(self) -> list[tuple[str, Any, Any]]:
        """Return every key of the recipes that differs, with both values; None where a recipe has none."""
        ours, theirs = flat_values(self.first.recipe), flat_values(self.second.recipe)
        names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
        return [(name, ours.get(name), theirs.get(name)) for name in names]

    def curves(self) -> list[tuple[CurvePoint, CurvePoint]]:
        """Return both curves at some of the steps that both journals have, the last of them included."""
        both = [record["step"] for record in self.first.journal]
        other = {record["step"] for record in self.second.journal}
        steps = spread([step for step in both if step in other])
        return list(zip(self.first.curve(steps), self.second.curve(steps), strict=True))

    def sentences(self) -> list[str]:
        """Say what the results support, and what does not compare."""
        said = [self._result()]
        if self.first.value("loss.name") != self.second.value("loss.name"):
            said.append("Losses of different kinds do not compare: look at the held-out accuracy.")
        if self.first.step != self.second.step:
            said.append(f"The runs are at different steps: {self.first.step:,} and {self.second.step:,}.")
        return said

    def _result(self) -> str:
        ours, theirs = self.first.held_out, self.second.held_out
        if ours is None or theirs is None:
            return "Held-out accuracy: not measured in both runs, so the results do not compare."
        by = f"{points(theirs.accuracy - ours.accuracy)}, from {ours} to {theirs}"
        overlap = ours.overlaps(theirs)
        if not self.decides_the_same_pairs():
            return f"Held-out accuracy: {by}; not of the same pairs, so the two do not compare."
        if overlap is None:
            return f"Held-out accuracy: {by}."
        if overlap:
            return (
                f"Held-out accuracy: {by}: the 95 % intervals overlap, no difference is shown. marginface compare "
                "tests it pair by pair, over several seeds."
            )
        return (
            f"Held-out accuracy: {by}: the 95 % intervals do not overlap, over these pairs and for these two "
            "trainings; other seeds may differ (marginface compare)."
        )

    def decides_the_same_pairs(self) -> bool:
        """Say whether both held-out accuracies are of the same pairs of the same images."""
        ours, theirs = self.first.fingerprint(), self.second.fingerprint()
        keys = ("data.hold_out", "evaluation.pairs", "evaluation.folds", "evaluation.seed")
        return ours is not None and ours == theirs and all(self.first.value(k) == self.second.value(k) for k in keys)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        overlap = None
        if self.first.held_out is not None and self.second.held_out is not None:
            overlap = self.first.held_out.overlaps(self.second.held_out)
        return {
            "first": self.first.to_dict(),
            "second": self.second.to_dict(),
            "recipe": {key: [ours, theirs] for key, ours, theirs in self.changed_keys()},
            "curves": [{"first": asdict(ours), "second": asdict(theirs)} for ours, theirs in self.curves()],
            "same_pairs": self.decides_the_same_pairs(),
            "intervals_overlap": overlap,
            "sentences": self.sentences(),
        }


def write_difference(found: RunDifference, path: Path, command: str) -> None:
    """Write a page with both recipes and both curves.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    names = names_of([found.first, found.second])
    report = RunReport(
        title=f"{names[0]} and {names[1]}",
        summary=" ".join(found.sentences()),
        runs=[_summary(name, run) for name, run in zip(names, (found.first, found.second), strict=True)],
        command=command,
    )
    write_report(report, path)


def names_of(runs: Sequence[RunFolder]) -> list[str]:
    """Return the names of the folders, or the paths where two folders have the same name."""
    names = [run.path.resolve().name for run in runs]
    return names if len(set(names)) == len(names) else [str(run.path) for run in runs]


def _summary(name: str, run: RunFolder) -> RunSummary:
    return RunSummary(
        name=name,
        description=f"{run.state}, {run.step:,} steps, held-out accuracy {run.held_out or 'not measured'}",
        recipe={key: value for key, value in run.recipe.items() if isinstance(value, dict)},
        recipe_toml=(run.path / RECIPE).read_text(encoding="utf-8"),
        journal=run.journal,
    )
