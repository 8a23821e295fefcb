"""Kinds of evaluation: older suites are gone on with, a file is known by its keys, the page has words for all."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from marginface.evaluation.browse import KIND_NAMES
from marginface.evaluation.kinds import KINDS, kind_of

WRITTEN = {
    "pairs": '"pairs":null,"split":null,"variant":"insightface","pca":0,"aligned":false',
    "templates": '"pooling":"insightface"',
    "identify": '"enrolled":1,"strangers":0.0,"seed":0,"distance":"cosine","aligned":false',
    "distractors": '"distractors":null,"people":0,"seed":0,"aligned":false',
    "tinyface": '"aligned":false',
    "groups": '"pairs":null,"by":"att","aligned":false',
    "all-pairs": '"metadata":null,"slices":[],"cross":"","fars":[],"aligned":false',
}


@pytest.mark.parametrize("name", WRITTEN)
def test_the_settings_of_an_older_suite_are_written_down_as_they_were(name: str) -> None:
    entry = KINDS[name].entry
    assert entry is not None
    written = entry(name="a", data=Path("d"), kind=name).model_dump_json()
    assert written == f'{{"name":"a","data":"d","kind":"{name}",{WRITTEN[name]}}}'


def test_every_kind_with_settings_is_among_them() -> None:
    assert {name for name, kind in KINDS.items() if kind.entry is not None} == set(WRITTEN)


def test_a_sweep_is_known_by_the_name_of_its_file() -> None:
    numbers = dict.fromkeys(("title", "protocols", "runs"), "")
    kinds = [kind_of(numbers, stem) for stem in ("sweep", "compare", "mine")]
    assert [kind and kind.name for kind in kinds] == ["sweep", "comparison", "comparison"]
    assert kind_of({"title": ""}, "sweep") is None


def test_every_kind_has_words_on_the_web_page_in_the_same_order() -> None:
    script = files("marginface.server").joinpath("web/js/views/evaluation-words.js").read_text(encoding="utf-8")
    assert tuple(re.findall(r'^  \["([a-z-]+)", "', script, re.MULTILINE)) == KIND_NAMES
