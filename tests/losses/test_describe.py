from __future__ import annotations

import re

import pytest

from marginface.losses import LOSSES, ArcFace, build
from marginface.losses.describe import describe
from marginface.losses.theory import facts_of


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_a_title_a_text_and_a_default_for_each_option(name: str) -> None:
    description = describe(name, LOSSES[name])
    assert description.title.endswith(".")
    assert description.text
    assert ">>>" not in description.text
    assert tuple(description.defaults) == LOSSES[name].options
    assert all(isinstance(value, int | float | str) for value in description.defaults.values())


def test_a_description_is_read_from_docstring_and_signature() -> None:
    description = describe("arcface", LOSSES["arcface"])
    assert description.title in (ArcFace.__doc__ or "")
    assert "arXiv:1801.07698" in description.text
    assert description.defaults == {"margin": 0.5, "past_pi": "continue", "scale": 64.0, "gradient": "exact"}


def test_a_scale_that_depends_on_the_classes_or_moves_is_told_so() -> None:
    """AdaCos learns nothing: its scale is computed from each batch."""
    starts = {
        "normface": "16.1 for 1,000 classes, 20.7 for 100,000",
        "normface_learned": "learned, at first 16.1 for 1,000 classes, 20.7 for 100,000",
        "adacos": "set by each batch, at first 9.8 for 1,000 classes, 16.3 for 100,000",
        "adacos_fixed": "9.8 for 1,000 classes, 16.3 for 100,000",
    }
    assert {name: describe(name, LOSSES[name]).defaults["scale"] for name in starts} == starts


@pytest.mark.parametrize("name", LOSSES)
def test_a_person_who_chooses_a_loss_reads_formula_and_source_and_nothing_of_the_code_around_it(name: str) -> None:
    description = describe(name, LOSSES[name])
    assert re.search(r"θ|‖|log\(|max\(|exp\(|cos\b|logits z", description.title), "the title has the formula"
    assert description.title[0].isupper()
    assert not description.title.startswith("Return")
    assert "Source:" in description.text
    assert re.search(r"(19|20)\d\d|no paper", description.text)
    for inner in ("OneVsAllHead", "``", "Raises:", "num_classes:", "embedding_size:", "Args:", "Attributes:"):
        assert inner not in f"{description.title} {description.text}"


@pytest.mark.parametrize("name", LOSSES)
def test_each_option_of_a_loss_is_explained_and_no_other(name: str) -> None:
    description = describe(name, LOSSES[name])
    section = re.search(r"^Options:\n((?: .*\n?)+)", description.text, re.MULTILINE)
    explained = set(re.findall(r"^    (\w+): ", section[1], re.MULTILINE)) if section else set()
    assert explained <= set(description.defaults)
    assert set(description.defaults) - explained <= {"scale", "gradient"}


def test_a_loss_with_state_says_what_is_saved_apart_from_its_options() -> None:
    text = describe("adaface", LOSSES["adaface"]).text
    assert text.index("Options:") < text.index("State, saved with the weights:\n    norm_mean: μ.")
    assert "State" not in describe("arcface", LOSSES["arcface"]).text


def test_center_losses_say_that_they_are_added_to_softmax() -> None:
    for name in ("center", "triplet_center"):
        description = describe(name, LOSSES[name])
        assert "added to softmax or another loss" in description.title
        assert f"[loss.terms.{name}]" in description.text


def test_both_names_of_normface_say_which_learns_its_scale() -> None:
    for name in ("normface", "normface_learned"):
        assert "normface_learned learns it" in describe(name, LOSSES[name]).text


def test_what_a_margin_is_worth_says_on_what_it_hangs() -> None:
    facts = {name: " ".join(facts_of(build(name, num_classes=100, embedding_size=64))) for name in LOSSES}
    for name in ("normface", "normface_learned", "adacos", "adacos_fixed"):
        assert facts[name] == "no margin between two classes, whatever the angle between their centers"
    assert "(with a feature of length 1): 25.8° at 30°" in facts["magface"]
    assert "(with a feature of length 1, norm_mean = 20, norm_std = 100)" in facts["adaface"]
    assert "(with margin_least = 0.52, margin_most = 0.52)" in facts["kappaface"]
    assert "(with" not in facts["arcface"] + facts["sphereface"] + facts["dynarcface"]
