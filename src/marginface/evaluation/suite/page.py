"""The report of a suite: one HTML file with every figure, the curves, the hardest errors and what was published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from marginface.environment import describe_environment
from marginface.evaluation.kinds.kept import kept_counts, kept_measurement
from marginface.evaluation.kinds.pairs import PairsEntry
from marginface.evaluation.kinds.templates import TemplatesEntry
from marginface.evaluation.reports.glossary import GLOSSARY
from marginface.evaluation.reports.runs import RunSummary
from marginface.evaluation.reports.sections import background, curves, hardest_errors
from marginface.evaluation.suite.published import published_for
from marginface.evaluation.suite.run import Done, SuiteResult
from marginface.evaluation.suite.tables import headline
from marginface.markup import Html, document, element, figure, image, join, row, table, write_page
from marginface.plots import (
    cmc_figure,
    counted_similarity_figure,
    det_figure,
    distractor_figure,
    render,
    roc_figure,
)
from marginface.words import percent, percent_interval, plural


def write_suite_page(result: SuiteResult, out: Path, command: str = "") -> Path:
    """Write report.html and return its path.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    pairs = [one for one in result.done if isinstance(one.entry, PairsEntry)]
    measured = [kept_measurement(one.numbers, out, one.entry.file_name) for one in pairs]
    runs = [RunSummary(result.model, measurements=measured)] if measured else []
    parts = {
        "Results": _results(result),
        "Who was trained on": _trained_on(result.done),
        "Beside published results": _beside_published(result),
        "Curves": join([curves(runs) if runs else Html(""), *_of_templates(result, out), *_searched(result.done)]),
        "Hardest errors": hardest_errors(runs),
        "Failures to acquire": _failures(result.done),
        "Environment": background(_made(result.done), describe_environment(), command),
        "Glossary": element("dl", *(part for item in GLOSSARY.items() for part in _term(*item))),
    }
    lead = element("p", f"{plural(len(result.done), 'protocol')} on {result.model}. Brackets: 95 % intervals.")
    return write_page(document(f"{result.model}: {result.suite}", [lead], parts), out / "report.html")


def _term(word: str, meaning: str) -> tuple[Html, Html]:
    return element("dt", word), element("dd", meaning)


def _results(result: SuiteResult) -> Html:
    rows = []
    for one in headline(result.done):
        interval = f"[{percent_interval([one['low'], one['high']])}]"
        rows.append(row([one["protocol"], one["figure"], percent(one["value"]), interval, one["contract"]]))
    head = ["Protocol", "Figure", "Value", "95 % interval", "Contract"]
    note = (
        "Every figure with its interval, over people where it is known who they are and else over pairs or searches, "
        "and the contract of its embeddings."
    )
    return table(head, rows, note)


def _trained_on(done: Sequence[Done]) -> Html:
    """Return for each protocol how many people of the training are in it, or that nobody looked."""
    head = ["Protocol", "Training data", "Identities", "Also in the protocol", "Photos in both", "Found"]
    rows = [row([one.numbers["name"], *_overlap_cells(one.numbers["training_overlap"])]) for one in done]
    note = (
        "A network knows the people that it was trained on better than strangers. Who is in both is found by "
        "marginface data audit TRAIN --against DATA --out FILE.json; a protocol of the suite names it: audit = FILE."
    )
    return table(head, rows, note)


def _overlap_cells(found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return ["not audited", "–", "–", "–", "–"]
    how = ", ".join(name.replace("_", " ") for name in found["asked_by"])
    counts = (f"{found[name]:,}" for name in ("identities", "identities_in_both", "photos_in_both"))
    return [found["training"], *counts, how or "–"]


def _beside_published(result: SuiteResult) -> Html:
    """Return ours and the literature's, by the columns that ours has; empty where the literature has none of them."""
    ours = _columns(result.done)
    rows = published_for(list(ours))
    if not rows:
        return Html("")
    columns = [column for column in ours if any(column in one.numbers for one in rows)]
    lines = [row([f"{result.model} (measured here)", "", *(f"{ours[c]:.2f}" for c in columns), ""], mark="differs")]
    for one in rows:
        values = (f"{one.numbers[c]:.2f}" if c in one.numbers else "–" for c in columns)
        lines.append(row([f"{one.model} (published)", one.data, *values, one.source]))
    caption = "Percent. Published rows are of other data, code and harnesses, as their sources print them."
    return table(["Model", "Training data", *columns, "Printed in"], lines, caption)


def _columns(done: Sequence[Done]) -> dict[str, float]:
    """Return our numbers by the literature's columns, in percent: protocols are met by their names."""
    found = {}
    for one in headline(done):
        if one["figure"] == "accuracy":
            found[one["protocol"]] = 100 * one["value"]
        elif one["figure"].startswith("TAR at FAR 1e-0"):
            far = one["figure"].removeprefix("TAR at FAR ").replace("e-0", "e-")
            found[f"{one['protocol']} {far}"] = 100 * one["value"]
        elif one["figure"] == "TAR at FAR 0.0001":
            found[f"{one['protocol']} 1e-4"] = 100 * one["value"]
        elif one["figure"].startswith("rank "):
            found[f"{one['protocol']} {one['figure']}"] = 100 * one["value"]
    return found


def _of_templates(result: SuiteResult, out: Path) -> Iterator[Html]:
    """Yield ROC, DET and similarities of the pairs of templates, drawn from counts in steps of 1e-4."""
    for one in result.done:
        if isinstance(one.entry, TemplatesEntry) and one.numbers["verification"] is not None:
            name, numbers = one.numbers["name"], one.numbers["verification"]
            counts = kept_counts(out, one.entry.file_name)
            lines = {result.model: counts.roc()}
            area = f"The two share {percent(numbers['overlap'], 1)} of their area, the less the better."
            drawn = [
                (roc_figure(lines), "ROC", "Higher is better; the left end is one false accept."),
                (det_figure(lines), "DET", "Lower is better; both axes are stretched at the ends."),
                (counted_similarity_figure(counts, {}), "Histogram of similarities", area),
            ]
            parts = (figure(image(render(one), "image/svg+xml", f"{what} of {name}"), say) for one, what, say in drawn)
            yield join([element("h3", name), element("div", *parts, attributes={"class": "figures"})])


def _searched(done: Sequence[Done]) -> tuple[Html, Html]:
    """Return the curves of searches: over ranks, and among distractors."""
    return _ranks(done), _among(done)


def _ranks(done: Sequence[Done]) -> Html:
    """Return the cumulative match characteristic of every gallery."""
    lines = {}
    for one in done:
        for gallery in one.numbers.get("identification", [one.numbers] if "cmc" in one.numbers else []):
            name = f"{one.numbers['name']} {gallery['gallery']}" if len(done) > 1 else gallery["gallery"]
            lines[name] = gallery["cmc"]
    if not lines:
        return Html("")
    drawn = image(render(cmc_figure(lines)), "image/svg+xml", f"CMC of {', '.join(lines)}")
    return figure(
        drawn, "Share of mated searches whose own entry is at this rank or before; no threshold.", mark="narrow"
    )


def _among(done: Sequence[Done]) -> Html:
    """Return the rates over the number of distractors."""
    lines: dict[str, dict[int, float]] = {}
    for one in done:
        for rate in one.numbers.get("rates", []):
            name = f"{one.numbers['name']}, rank {rate['rank']}"
            lines.setdefault(name, {})[rate["distractors"]] = rate["identification_rate"]
    if not lines:
        return Html("")
    drawn = image(render(distractor_figure(lines)), "image/svg+xml", f"Rates among distractors: {', '.join(lines)}")
    return figure(
        drawn,
        "Share of searches whose enrolled photo is at this rank or before, by distractors beside it.",
        mark="narrow",
    )


def _failures(done: Sequence[Done]) -> Html:
    rows = []
    for one in done:
        failed = one.numbers.get("failures", [])
        if failed:
            shown = ", ".join(Path(path).name for path in failed[:20]) + (", …" if len(failed) > 20 else "")
            rows.append(row([one.numbers["name"], f"{len(failed):,}", shown]))
    caption = "Photos in which no face was found: counted as errors, never dropped."
    return table(["Protocol", "Photos", "Which"], rows, caption) if rows else Html("")


def _made(done: Sequence[Done]) -> dict[str, str]:
    """Return of each protocol what its numbers are of: contract, model, and the choices that papers differ in."""
    return {one.numbers["name"]: ", ".join(_choices(one.numbers)) for one in done}


def _choices(numbers: Mapping[str, Any]) -> Iterator[str]:
    yield f"contract {numbers['contract']}"
    yield from (f"{name} {numbers[name]}" for name in ("variant", "switches", "distance") if name in numbers)
    if "mirror" in numbers:
        yield "mirror image summed" if numbers["mirror"] else "mirror image not summed"
    if "aligned" in numbers:
        yield "aligned crops as they are" if numbers["aligned"] else "faces detected here"
    if numbers["provenance"]:
        yield f"model: {numbers['provenance']}"
