from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.evaluation import Measurement, RunReport, RunSummary, write_report
from marginface.evaluation.reports.report import render_report
from marginface.evaluation.reports.runs import ErrorPair
from marginface.evaluation.scoring.scores import score_similarities
from marginface.metrics import ten_fold_accuracy

CROP = np.full((112, 112, 3), 90, np.uint8)
VOID = {"meta", "img", "br", "link", "hr"}


class Page(HTMLParser):
    """Collects what a test asks of a page: balance of tags, links, ids and pictures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str, key: str) -> list[str]:
        return [attributes.get(key) or "" for name, attributes in self.found if name == tag]


def measurement(shift: float = 0.0) -> Measurement:
    rng = np.random.default_rng(0)
    genuine = np.arange(400) < 200
    similarities = np.where(genuine, rng.normal(0.5 - shift, 0.2, 400), rng.normal(0, 0.1, 400)).clip(-1, 1)
    scores = score_similarities(similarities, genuine, ten_fold_accuracy(similarities, genuine, np.arange(400) % 10))
    error = ErrorPair(CROP, CROP, 0.4321, ("<Ann>_1", "Bob_2"))
    numbers = {"protocol": "cfp:FP", **scores.to_dict(), "failures_to_acquire": 3, "images": 700}
    return Measurement(numbers, similarities, genuine, (error,), (error,))


def run(name: str, margin: float, shift: float = 0.0) -> RunSummary:
    return RunSummary(
        name,
        description="a <small> run",
        recipe={"loss": {"name": "arcface", "margin": margin}, "training": {"steps": 20000}},
        recipe_toml='[loss]\nname = "arcface"',
        journal=[{"step": 0, "loss": 3.0}, {"step": 10, "loss": 2.0}],
        measurements=[measurement(shift)],
    )


REPORT = RunReport(
    "ArcFace & X2", "Two runs.", [run("ArcFace", 0.5), run("X2", 0.65, 0.1)], {"python": "3"}, {"images": 9978}, "cmd"
)


@pytest.fixture(scope="module")
def text() -> str:
    return render_report(REPORT)


def test_the_page_is_balanced_and_every_link_leads_to_a_place_on_it(text: str) -> None:
    page = Page(text)
    assert page.open == []
    ids = {attributes["id"] for _, attributes in page.found if "id" in attributes}
    links = page.all("a", "href")
    assert len(links) == 7
    assert {link.removeprefix("#") for link in links} <= ids


def test_the_page_needs_no_network_and_no_script(text: str) -> None:
    page = Page(text)
    assert all(source.startswith("data:image/") for source in page.all("img", "src"))
    assert not {tag for tag, _ in page.found} & {"script", "link", "iframe", "object"}
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:|//)""", text)


def test_every_picture_is_described_and_every_table_has_a_caption(text: str) -> None:
    page = Page(text)
    assert all(page.all("img", "alt"))
    tags = [tag for tag, _ in page.found]
    assert tags.count("table") == tags.count("caption") == 4


def test_text_from_outside_is_escaped(text: str) -> None:
    assert "a &lt;small&gt; run" in text
    assert "&lt;Ann&gt;_1" in text
    assert "<title>ArcFace &amp; X2</title>" in text
    assert "<Ann>" not in text


def test_the_headline_shows_the_numbers_of_the_runs_with_intervals(text: str) -> None:
    numbers = REPORT.runs[0].measurements[0].numbers
    low, high = numbers["accuracy_interval"]
    assert f"{100 * numbers['accuracy_mean']:.2f} ± {100 * numbers['accuracy_std']:.2f} %" in text
    assert f"[{100 * low:.2f} – {100 * high:.2f}] over 400 pairs" in text
    assert "TAR at FAR 0.01" in text, "200 impostor pairs support 0.01 and not 0.001"
    assert "3 of 700" in text


def test_settings_that_differ_between_runs_are_marked_and_others_are_not(text: str) -> None:
    assert re.search(r'<tr class="differs"><th scope="row">margin</th><td>0.5</td><td>0.65</td>', text)
    assert '<tr><th scope="row">steps</th><td>20,000</td><td>20,000</td>' in text


def test_parts_without_content_are_left_out(tmp_path: Path) -> None:
    bare = RunReport("Bare", "Nothing yet.", [RunSummary("only")])
    write_report(bare, str(tmp_path / "new" / "report.html"))
    text = (tmp_path / "new" / "report.html").read_text(encoding="utf-8")
    assert Page(text).all("a", "href") == ["#glossary"]


def test_runs_of_one_name_cannot_be_told_apart() -> None:
    with pytest.raises(InputError, match="different names"):
        replace(REPORT, runs=[run("a", 0.5), run("a", 0.4)])
