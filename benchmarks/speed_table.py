"""The table of README's speed, made from benchmarks/results/speed.json: between two markers, by hand never.

    python benchmarks/speed_table.py README.md            # writes what is between the markers anew

``table(report)`` is what stands there; a test compares.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

BEGIN = "<!-- speed: made by `python benchmarks/speed_table.py README.md` from benchmarks/results/speed.json -->"
END = "<!-- end of speed -->"
RESULTS = Path(__file__).with_name("results") / "speed.json"

Report = Mapping[str, Any]


def table(report: Report) -> str:
    """Return the lines between the markers: a table of all figures, on what they were measured, what is missing."""
    rows = [_row(figure) for part in report["parts"].values() for figure in part.get("figures", ())]
    head = ["| what | figure | beside |", "| --- | --- | --- |"]
    return "\n".join([*head, *rows, "", *_about(report)])


def inserted(text: str, report: Report) -> str:
    """Return a page with the table between its markers.

    Raises:
        SystemExit: it has not one pair of markers.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise SystemExit(f"expected one line {BEGIN!r} and after it one line {END!r}")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{table(report)}\n{END}{rest.partition(END)[2]}"


def _row(figure: Mapping[str, Any]) -> str:
    value = f"{number(figure['value'])} {figure['unit']}{_spread(figure)}"
    beside = ", ".join(f"{number(one['value'])}{_spread(one)} × {one['over']}" for one in figure["beside"])
    return f"| {figure['what']} | {value} | {beside} |"


def _spread(values: Mapping[str, Any]) -> str:
    """Return least and most of the rounds in brackets; nothing of one round."""
    if values["least"] is None:
        return ""
    return f" [{number(values['least'])}, {'…' if values['most'] is None else number(values['most'])}]"


def number(value: float) -> str:
    """Return a number with three digits that count, and more where it is larger.

    >>> [number(value) for value in (21559.906, 57.94, 6.96, 0.0302)]
    ['21,560', '57.9', '6.96', '0.0302']
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _about(report: Report) -> Iterator[str]:
    about, parts = report["environment"], report["parts"].values()
    commits = sorted({part["commit"][:7] for part in parts if part["state"] == "measured"})
    others = max((part["others"] for part in parts if part.get("others") is not None), default=None)
    quiet = "" if others is None else f"; other work on the machine took at most {others:.2f} cores"
    yield "Medians; least and most of the rounds in brackets; × is how many times as fast as the other way."
    yield (
        f"Commit {', '.join(commits)}, {about['cores']} × {about['processor']}, Python {about['python']}, "
        f"photos: {report['photos']}, {sum(part['seconds'] for part in parts) / 60:.0f} minutes in all{quiet}."
    )
    missing = [f"{name} ({part['why']})" for name, part in report["parts"].items() if part["state"] != "measured"]
    if missing:
        yield ""
        yield f"Not measured: {'; '.join(missing)}."


def main() -> None:
    """Write the table into a page."""
    page = Path(sys.argv[1])
    report = json.loads(RESULTS.read_text(encoding="utf-8"))
    page.write_text(inserted(page.read_text(encoding="utf-8"), report), encoding="utf-8")
    print(f"{page}: {sum(len(part.get('figures', ())) for part in report['parts'].values())} figures")


if __name__ == "__main__":
    main()
