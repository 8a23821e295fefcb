from __future__ import annotations

import subprocess
import sys
from statistics import NormalDist
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.metrics import SimilarityCounts, roc
from marginface.metrics.all_pairs import TOP, steps_of
from marginface.plots import (
    cmc_figure,
    counted_similarity_figure,
    det_figure,
    distractor_figure,
    margin_figure,
    render,
    roc_figure,
    similarity_figure,
    training_figure,
)
from marginface.plots.training import series
from oracles.patience import PATIENCE

RNG = np.random.default_rng(0)
GENUINE, IMPOSTOR = RNG.normal(0.5, 0.15, 400), RNG.normal(0.0, 0.1, 500)
CURVES = {"one": roc(GENUINE, IMPOSTOR), "two": roc(GENUINE - 0.1, IMPOSTOR)}
JOURNAL = [{"step": 0, "loss": 3.0, "learning_rate": 0.1}, {"step": 9, "loss": float("nan")}, {"step": 10, "loss": 1.0}]


def test_the_roc_starts_at_one_false_accept_and_steps_through_the_exact_points() -> None:
    (axes,) = roc_figure(CURVES).axes
    assert axes.get_xlim()[0] == pytest.approx(1 / 500)
    assert axes.get_xscale() == "log"
    far, tar = axes.lines[0].get_data()
    at = int(np.searchsorted(CURVES["one"].far, 0.01, side="right")) - 1
    assert np.asarray(tar)[np.asarray(far) <= 0.01 + 1e-12][-1] == pytest.approx(100 * CURVES["one"].tar[at])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one", "two"]


def test_a_perfect_model_still_gives_curves() -> None:
    perfect = {"perfect": roc(np.array([0.9, 0.8]), np.array([0.1, 0.2]))}
    for figure in (roc_figure(perfect), det_figure(perfect)):
        assert render(figure, "png").startswith(b"\x89PNG")


def test_equal_rates_lie_on_the_diagonal_of_the_det() -> None:
    coin = np.linspace(-1, 1, 100)
    (axes,) = det_figure({"coin": roc(coin, coin)}).axes
    x, y = (np.asarray(values) for values in axes.lines[0].get_data())
    np.testing.assert_allclose(x, -y, atol=0.05)  # FRR = 1 − FAR, and deviates are odd


def test_histograms_are_shares_of_their_own_pairs() -> None:
    (axes,) = similarity_figure(GENUINE, IMPOSTOR, 0.25).axes
    heights = [sum(patch.get_height() for patch in bars) for bars in axes.containers if len(bars) > 1]
    assert heights == pytest.approx([100, 100])
    assert axes.lines[0].get_xdata()[0] == 0.25


def test_a_similarity_of_minus_one_is_inside_the_histogram() -> None:
    (axes,) = similarity_figure(np.append(GENUINE, -1.0), IMPOSTOR).axes
    heights = [sum(patch.get_height() for patch in bars) for bars in axes.containers if len(bars) > 1]
    assert heights == pytest.approx([100, 100])


def counted() -> SimilarityCounts:
    kinds = (np.clip(kind, -1, 1).astype(np.float32) for kind in (GENUINE, IMPOSTOR))
    return SimilarityCounts(*(np.bincount(steps_of(kind), minlength=TOP + 2) for kind in kinds))


def test_counted_similarities_give_the_histogram_of_the_similarities_and_a_line_for_each_threshold() -> None:
    (axes,) = counted_similarity_figure(counted(), {"FMR 0.1": 0.13, "FMR 0.01": 0.23}).axes
    (plain,) = similarity_figure(GENUINE, IMPOSTOR).axes
    for one, other in zip(
        *([bars for bars in drawn.containers if len(bars) > 1] for drawn in (axes, plain)), strict=True
    ):
        heights = {round(patch.get_x(), 3): patch.get_height() for patch in other}
        assert sum(patch.get_height() for patch in one) == pytest.approx(100)
        for patch in one:
            if round(patch.get_x(), 3) in heights:
                assert patch.get_height() == pytest.approx(heights[round(patch.get_x(), 3)], abs=0.3)
    assert [line.get_xdata()[0] for line in axes.lines] == [0.13, 0.23]
    assert [line.get_linestyle() for line in axes.lines] == ["--", "-."]


def test_counted_similarities_at_both_ends_and_without_genuine_pairs_are_drawn() -> None:
    impostor = np.zeros(TOP + 2, np.int64)
    impostor[[0, TOP]] = 1
    (axes,) = counted_similarity_figure(SimilarityCounts(np.zeros_like(impostor), impostor), {}).axes
    (bars,) = (bars for bars in axes.containers if len(bars) > 1)
    assert sum(patch.get_height() for patch in bars) == pytest.approx(100)


def test_one_genuine_pair_leaves_the_det_an_axis() -> None:
    curve = roc(np.array([0.5]), np.array([0.1, 0.6, 0.2]))
    (axes,) = det_figure({"run": curve}).axes
    assert axes.get_ylim()[0] < axes.get_ylim()[1]


def test_each_axis_of_the_det_begins_at_half_of_one_error() -> None:
    (axes,) = det_figure({"few genuine": roc(GENUINE[:20], IMPOSTOR)}).axes
    normal = NormalDist()
    assert axes.get_xlim()[0] == pytest.approx(normal.inv_cdf(0.5 / 500))
    assert axes.get_ylim()[0] == pytest.approx(normal.inv_cdf(0.5 / 20))


def test_a_training_figure_has_a_panel_for_what_the_journals_hold() -> None:
    figure = training_figure({"a": JOURNAL, "b": [{"step": 0, "accuracy_mean": 0.5}]})
    assert [axes.get_ylabel().split()[0] for axes in figure.axes] == ["Loss", "Learning", "Held-out"]


def test_the_similarities_of_a_pair_loss_have_a_panel_of_their_own_with_both_kinds() -> None:
    measured = {"genuine_similarity": 0.8, "impostor_similarity": 0.1}
    pairs = [{"step": 5, "loss": 0.2, **measured}, {"step": 6, "loss": 0.2}, {"step": 10, "loss": 0.1, **measured}]
    loss, similarity = training_figure({"triplet": pairs}).axes
    assert similarity.get_ylabel() == "Mean similarity in a batch"
    genuine, impostor = similarity.lines
    assert [text.get_text() for text in similarity.get_legend().get_texts()] == ["genuine pairs", "impostor pairs"]
    assert (genuine.get_xdata().tolist(), genuine.get_ydata().tolist()) == ([5, 10], [0.8, 0.8])
    assert impostor.get_ydata().tolist() == [0.1, 0.1]
    assert genuine.get_linestyle() != impostor.get_linestyle()
    assert len(loss.lines) == 1
    both = training_figure({"a": JOURNAL, "triplet": pairs}).axes[-1]
    names = [text.get_text() for text in both.get_legend().get_texts()]
    assert names == ["triplet, genuine pairs", "triplet, impostor pairs"], "softmax losses have no such line"


def test_values_that_are_not_finite_are_left_out_of_a_curve() -> None:
    steps, values = series(JOURNAL, "loss")
    assert (steps.tolist(), values.tolist()) == ([0, 10], [3.0, 1.0])


def test_a_journal_without_curves_is_refused() -> None:
    with pytest.raises(InputError, match="loss, learning_rate"):
        training_figure({"empty": [{"step": 1}]})


@pytest.mark.parametrize(
    "figure",
    [
        roc_figure(CURVES),
        det_figure(CURVES),
        similarity_figure(GENUINE, IMPOSTOR, 0.3),
        training_figure({"run": JOURNAL}),
        margin_figure(np.linspace(0, np.pi, 9), {"CosFace": np.cos(np.linspace(0, np.pi, 9)) - 0.35}),
    ],
    ids=["roc", "det", "similarity", "training", "margin"],
)
def test_every_figure_names_its_axes_and_renders_as_svg(figure) -> None:  # type: ignore[no-untyped-def]
    assert all(axes.get_ylabel() for axes in figure.axes)
    assert figure.axes[-1].get_xlabel()
    assert ET.fromstring(render(figure)).tag.endswith("svg")


def test_importing_the_plots_loads_no_matplotlib_and_drawing_loads_no_pyplot() -> None:
    code = (
        "import sys, marginface.plots as p\n"
        "assert 'matplotlib' not in sys.modules, 'import'\n"
        "p.render(p.training_figure({'a': [{'step': 0, 'loss': 1.0}]}))\n"
        "assert 'matplotlib.pyplot' not in sys.modules, 'pyplot'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr


def test_rates_among_distractors_are_points_over_a_logarithmic_axis() -> None:
    (axes,) = distractor_figure({"rank 1": {1000: 0.8, 10: 0.95, 100: 0.9}, "rank 5": {10: 1.0, 1000: 0.97}}).axes
    assert axes.get_xscale() == "log"
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[10, 95], [100, 90], [1000, 80]])
    assert axes.get_ylim()[0] == pytest.approx(75)


def test_an_axis_of_percent_ends_at_100() -> None:
    curves = (
        roc_figure({"run": roc(GENUINE, IMPOSTOR)}),
        cmc_figure({"run": [0.9, 1.0]}),
        distractor_figure({"rank 1": {10: 1.0, 100: 0.9}}),
    )
    assert [figure.axes[0].get_ylim()[1] for figure in curves] == [100, 100, 100]
    for figure in curves:  # and a line along the end is drawn whole
        (axes,) = figure.axes
        assert axes.lines[0].get_clip_box().y1 > axes.bbox.y1
