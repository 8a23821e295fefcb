"""The report and the table of one result, as ``marginface evaluate`` gives them."""

from __future__ import annotations

from marginface.environment import describe_environment
from marginface.evaluation.protocols.pairs import PairResult
from marginface.evaluation.reading import CropReader
from marginface.evaluation.reports.lines import curve_lines
from marginface.evaluation.reports.runs import RunReport, RunSummary, measure
from marginface.words import decimal, percent, percent_interval


def result_report(result: PairResult, read_crop: CropReader, command: str = "") -> RunReport:
    """Return the report of one result, with the crops of its hardest errors and the command that made it."""
    numbers = result.to_dict()
    data = {
        "protocol": numbers["protocol"],
        "genuine pairs": numbers["genuine_pairs"],
        "impostor pairs": numbers["impostor_pairs"],
        "images": numbers["images"],
        "identities": "from the folders"
        if numbers["accuracy_interval_identities"]
        else "not known: no interval over them",
        "without a face": [result.short_name(path) for path in result.failures] or "none",
    }
    environment = {"contract": result.contract.id, **describe_environment(), "seconds": f"{result.seconds:.1f}"}
    crops = "aligned crops as they are" if result.aligned else "detected here, the face nearest the center"
    how = f"Crops: {crops}. Mirror sum: {'yes' if result.contract.mirror else 'no'}."
    return RunReport(
        title=f"{result.model} on {result.pairs.protocol}",
        summary=f"{percent(numbers['accuracy_mean'])} of {numbers['pairs']:,} pairs are decided right. {how}",
        runs=[RunSummary(result.model, measurements=[measure(result, read_crop)])],
        environment=environment,
        data=data,
        command=command,
    )


def result_lines(result: PairResult) -> list[tuple[str, str, str]]:
    """Return the rows of a table: what, figure, interval or note."""
    numbers = result.to_dict()
    accuracy = f"{100 * numbers['accuracy_mean']:.2f} ± {100 * numbers['accuracy_std']:.2f} %"
    pairs = f"{percent_interval(numbers['accuracy_interval'])} (Wilson, {numbers['pairs']:,} pairs)"
    identities = numbers["accuracy_interval_identities"]
    known = f"{percent_interval(identities)} (bootstrap, identities)" if identities else ""
    over_identities = known or "no interval: identities not known"
    rows = [("Accuracy", accuracy, pairs), ("", "", over_identities)]
    for point in numbers["tar_at_far"]:
        note = f"{percent_interval(point['interval'])} ({point['impostor_pairs']:,} impostor pairs)"
        rows.append((f"TAR at FAR {point['far']:g}", percent(point["tar"]), note))
        if "interval_identities" in point:
            rows.append(("", "", f"{percent_interval(point['interval_identities'])} (bootstrap, identities)"))
    rows += curve_lines(numbers)
    rows.append(("Threshold", decimal(numbers["accuracy_threshold"]), "mean of the folds, a similarity"))
    return [*rows, *_failure_lines(result)]


def _failure_lines(result: PairResult) -> list[tuple[str, str, str]]:
    count = len(result.failures)
    shown = ", ".join(map(result.short_name, result.failures[:3])) + (", …" if count > 3 else "")
    rows = [("Without a face", f"{count:,} of {len(result.pairs.images):,}", shown)]
    if result.without_failures is not None:
        rows.append(("", percent(result.without_failures.mean), "accuracy without their pairs"))
    return rows
