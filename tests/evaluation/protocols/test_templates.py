"""IJB-B and IJB-C against loops over the official files, which read them with no code of ours."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from marginface.data.identification.ijb import find_meta, read_searches, read_template_pairs, read_templates
from marginface.data.synthetic.layouts.ijb import IjbPlan, write_ijb, write_meta
from marginface.errors import DataError, InputError
from marginface.evaluation.protocols.templates import evaluate_templates, score_template_pairs, subjects_of
from marginface.evaluation.reading import EmbeddingMemory, Reader
from marginface.evaluation.scoring.identification import search
from marginface.evaluation.scoring.pooling import POOLINGS, Pooling, pool
from marginface.images import read_image
from marginface.metrics import identification_rate
from marginface.similarity import l2_normalize
from oracles.coarse import Coarse, coarse
from oracles.scores import best_tar_within, nearest_point
from oracles.searches import best_tpir_within
from oracles.templates import pair_scores, pooled, searched

PLAN = IjbPlan(subjects=12, probes=3, photos=2, frames=5, impostors=8, seed=4)


@pytest.fixture(scope="module", params=["ijbb", "ijbc"])
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp(request.param)
    write_ijb(root, PLAN, prefix=request.param)
    return root


@pytest.mark.parametrize("name", list(POOLINGS))
@pytest.mark.parametrize("rule", ["at_most", "nearest"])
def test_every_number_is_that_of_loops_over_the_official_files(drawn: Path, name: str, rule: str) -> None:
    pooling = POOLINGS[name]
    files = find_meta(drawn)
    templates = read_templates(files)
    result = evaluate_templates(
        Coarse(),
        templates,
        pairs=read_template_pairs(files, templates),
        searches=read_searches(files, templates),
        pooling=pooling,
        rule=rule,
    )
    vectors = pooled(
        drawn / "meta",
        files.prefix,
        lambda name: coarse(read_image(drawn / "loose_crop" / name)).tolist(),
        keep_length=pooling.keep_length,
        by_detection=pooling.by_detection,
    )
    genuine, impostor = pair_scores(drawn / "meta", files.prefix, vectors)
    assert result.verification is not None
    assert result.verification.similarities[result.verification.genuine] == pytest.approx(genuine, abs=1e-6)
    for point in result.verification.tar_at_far:
        expected = best_tar_within(genuine, impostor, point.far)
        expected = nearest_point(genuine, impostor, point.far)[1] if rule == "nearest" else expected
        assert point.tar == pytest.approx(expected)
    assert 0.1 < result.verification.tar_at_far[0].tar < 1, "a protocol without errors would prove little"
    for gallery in result.galleries:
        mated, nonmated = searched(drawn / "meta", files.prefix, gallery.name, vectors)
        for rank in (1, 5):
            found = identification_rate(gallery.searches, rank)
            assert found == pytest.approx(sum(1 for _, place in mated if place <= rank) / len(mated))
        if rule == "at_most":
            (point,) = gallery.tpir_at_fpir  # 18 non-mated searches support 0.1 and not 0.01
            assert point.tpir == pytest.approx(best_tpir_within(mated, nonmated, 0.1, 1)[0])


def test_the_result_says_how_it_was_made(drawn: Path) -> None:
    files = find_meta(drawn)
    templates = read_templates(files)
    seen: list[tuple[int, int]] = []
    result = evaluate_templates(
        Coarse(),
        templates,
        pairs=read_template_pairs(files, templates),
        searches=read_searches(files, templates),
        reader=Reader(progress=lambda done, total: seen.append((done, total))),
    )
    values = json.loads(json.dumps(result.to_dict()))
    assert values["switches"] == "N1D1F0"
    assert values["protocol"] == files.name
    assert [one["gallery"] for one in values["identification"]] == (
        ["S1", "S2"] if files.prefix == "ijbb" else ["G1", "G2"]
    )
    means = [one["identification_rate"]["1"] for one in values["identification"]]
    assert values["identification_mean"]["rank 1"] == pytest.approx(sum(means) / 2)
    low, high = values["verification"]["tar_at_far"][0]["interval_identities"]
    assert low <= values["verification"]["tar_at_far"][0]["tar"] <= high
    assert seen[-1] == (len(PLAN.subject), len(PLAN.subject))


def test_the_ways_of_pooling_are_the_four_switches() -> None:
    """The default is what insightface's scripts do as they come: the length of a feature and the detector count."""
    described = {name: pooling.describe(mirror=True) for name, pooling in POOLINGS.items()}
    assert described == {"insightface": "N1D1F1", "unit": "N0D1F1", "length": "N1D0F1", "mean": "N0D0F1"}
    assert POOLINGS["insightface"] == Pooling()


def test_faces_are_embedded_once_in_whatever_protocol_of_the_same_vectors_they_stand(
    drawn: Path, tmp_path: Path
) -> None:
    files = find_meta(drawn)
    templates = read_templates(files)
    pairs = read_template_pairs(files, templates)
    plain = evaluate_templates(Coarse(), templates, pairs=pairs)
    memory = EmbeddingMemory(tmp_path / "m.sqlite", "aligned")
    seen = []
    for pooling in (POOLINGS["insightface"], POOLINGS["length"], POOLINGS["unit"], POOLINGS["mean"]):
        embedder = Coarse()
        result = evaluate_templates(embedder, templates, Reader(memory=memory), pairs=pairs, pooling=pooling)
        seen.append(embedder.crops_seen)
        if pooling == POOLINGS["insightface"]:
            assert result.verification is not None
            assert plain.verification is not None
            np.testing.assert_array_equal(result.verification.similarities, plain.verification.similarities)
    count = len(templates.images)
    assert seen == [count, 0, count, 0], "features as they are and features at length 1 are two kinds of vectors"


def test_pooling_in_blocks_and_at_once_agree(drawn: Path) -> None:
    templates = read_templates(find_meta(drawn))
    features = np.random.default_rng(0).normal(size=(len(templates.images), 8)).astype(np.float32)
    whole = pool(templates, features, Pooling(keep_length=True))
    order = np.lexsort((templates.media, templates.template))
    by_hand = np.zeros((len(templates), 8))
    for template, media in {(t, m) for t, m in zip(templates.template, templates.media, strict=True)}:
        of_media = (templates.template == template) & (templates.media == media)
        by_hand[template] += (features * templates.detection[:, None])[of_media].mean(axis=0)
    assert len(order) == len(features)
    np.testing.assert_allclose(whole, l2_normalize(by_hand.astype(np.float32)), atol=1e-6)


def test_a_gallery_in_which_a_subject_is_twice_is_refused() -> None:
    rows = l2_normalize(np.eye(3, dtype=np.float32))
    with pytest.raises(InputError, match="subject 7 has several"):
        search(rows, np.array([7, 8, 7]), rows, np.array([1, 2, 3]))


def test_pairs_of_unknown_people_have_no_interval_over_them(drawn: Path) -> None:
    files = find_meta(drawn)
    templates = read_templates(files)
    pairs = read_template_pairs(files, templates)
    features = np.random.default_rng(0).normal(size=(len(templates), 8)).astype(np.float32)
    galleries, probes = read_searches(files, templates)
    known = subjects_of(templates, [*galleries, probes])
    assert score_template_pairs(l2_normalize(features), pairs, subjects=known).intervals is not None
    assert (
        score_template_pairs(l2_normalize(features), pairs, subjects=subjects_of(templates, [probes])).intervals is None
    )


def meta_of(tmp_path: Path) -> Path:
    meta = tmp_path / "meta"
    meta.mkdir()
    write_meta(meta, PLAN, "ijbc")
    return meta


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("face_tid_mid.txt", lambda text: text.replace("1.jpg 1 ", "1.jpg one ", 1), "expected 2 numbers a line"),
        ("face_tid_mid.txt", lambda text: "", "expected"),
        ("name_5pts_score.txt", lambda text: text.split("\n", 1)[1], "expected the .* images of ijbc_face_tid_mid.txt"),
        ("template_pair_label.txt", lambda text: text.replace(" 1\n", " 2\n", 1), "is 1 .same person. or 0"),
        ("template_pair_label.txt", lambda text: "2 4 1\n" + text, "template 2 has no image"),
        ("1N_gallery_G1.csv", lambda text: text.split("\n", 1)[1], "expected TEMPLATE_ID,SUBJECT_ID"),
        ("1N_gallery_G1.csv", lambda text: text + "1,99,x.jpg\n", "template 1 has two subjects"),
        ("1N_probe_mixed.csv", None, "ijbc_1N_probe_mixed.csv: not there"),
    ],
)
@pytest.mark.filterwarnings("ignore:loadtxt")
def test_files_that_are_not_in_their_layout_are_named(tmp_path: Path, name: str, change: object, message: str) -> None:
    path = meta_of(tmp_path) / f"ijbc_{name}"
    if callable(change):
        path.write_text(change(path.read_text()))
    else:
        path.unlink()
    with pytest.raises(DataError, match=message):
        read_all(tmp_path)


def read_all(root: Path) -> None:
    files = find_meta(root)
    templates = read_templates(files)
    read_template_pairs(files, templates)
    read_searches(files, templates)


def test_missing_images_and_a_folder_of_something_else_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected IJB-B or IJB-C.*got neither"):
        find_meta(tmp_path)
    meta_of(tmp_path)
    with pytest.raises(DataError, match=r"images of IJB-C are not there, such as 1\.jpg"):
        evaluate_templates(Coarse(), read_templates(find_meta(tmp_path)))
