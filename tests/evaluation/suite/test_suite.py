"""A suite: each protocol once, photos embedded once, and a page and tables that say what was found."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from marginface.data.synthetic.layouts.grouped_pairs import GroupPlan, write_bfw, write_rfw
from marginface.data.synthetic.layouts.ijb import IjbPlan, write_ijb
from marginface.data.synthetic.layouts.tinyface import TinyPlan, write_tinyface
from marginface.errors import DataError, InputError
from marginface.evaluation import Reader, evaluate_pairs
from marginface.evaluation.kinds import KINDS
from marginface.evaluation.kinds.kept import kept_counts
from marginface.evaluation.reading import EmbeddingMemory
from marginface.evaluation.suite import Tools, read_suite, run_suite, write_suite_page
from marginface.evaluation.suite.progress import PROGRESS, SuiteProgress
from marginface.evaluation.suite.published import published
from marginface.evaluation.suite.tables import csv_table, headline, latex_table, write_tables
from oracles.colored_pairs import color_pairs, write_color
from oracles.descriptors import open_below
from oracles.mean_color import CARD, MeanColor


class Crops:
    """Stands in for FaceCropper: the photo is the crop; a black one has no face. It counts."""

    def __init__(self) -> None:
        self.seen = 0

    def crop(self, image: np.ndarray) -> object:
        from types import SimpleNamespace

        self.seen += 1
        return SimpleNamespace(crop=image if image.any() else None)


class Colors(MeanColor):
    """MeanColor with or without its mirror image, which has the same mean."""

    def features(self, crops: np.ndarray) -> np.ndarray:
        return self.embed(crops)


def colors(*, mirror: bool) -> Colors:
    return Colors(contract=CARD.contract(mirror=mirror))


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    lines = ["10\t2"]
    for fold in range(10):
        for person in range(2):
            name = f"p{2 * fold + person}"
            color = tuple(int(value) for value in rng.integers(70, 250, 3))
            for number in (1, 2):
                shade = (color[0], min(color[1] + 5 * number, 255), color[2])
                write_color(tmp_path / "lfw" / name / f"{name}_000{number}.png", shade)
            lines.append(f"{name}\t1\t2")
        lines += [f"p{2 * fold}\t1\tp{(2 * fold + 1) % 20}\t2", f"p{2 * fold + 1}\t1\tp{(2 * fold + 2) % 20}\t2"]
    for number in range(12):
        write_color(tmp_path / "lfw" / f"s{number}" / f"s{number}_0001.png", (60 + 15 * number, 200, 250 - 12 * number))
    (tmp_path / "pairs.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "suite.toml").write_text(
        'name = "small"\n[[protocol]]\nname = "LFW"\ndata = "lfw"\npairs = "pairs.txt"\n'
        '[[protocol]]\nname = "LFW, SphereFace"\ndata = "lfw"\npairs = "pairs.txt"\nvariant = "sphereface"\n'
        '[[protocol]]\nname = "open set"\nkind = "identify"\ndata = "lfw"\n'
    )
    return tmp_path / "suite.toml"


def tools(cropper: Crops, told: list[str]) -> Tools:
    return Tools(lambda mirror: colors(mirror=mirror), cropper, "colors", None, told.append)


def test_a_suite_does_each_protocol_once_and_embeds_each_photo_once(listed: Path, tmp_path: Path) -> None:
    cropper, told, out = Crops(), [], tmp_path / "out"
    result = run_suite(read_suite(listed), out, tools(cropper, told))
    assert cropper.seen == 52 + 40  # 40 photos of pairs summed, the same for SphereFace, 12 strangers besides
    again = run_suite(read_suite(listed), out, tools(cropper, told))
    assert cropper.seen == 92
    assert told[3:] == [f"{one.entry.name} ({n} of 3): done before" for n, one in enumerate(result.done, 1)]
    assert [one.numbers for one in again.done] == [one.numbers for one in result.done]
    (out / "lfw.json").write_text("{cut off")
    run_suite(read_suite(listed), out, tools(cropper, told))
    assert cropper.seen == 92, "a result that is not whole is made again, from remembered embeddings"
    assert told[6] == "LFW (1 of 3)"


def test_the_folder_of_a_suite_tells_how_far_it_is(listed: Path, tmp_path: Path) -> None:
    out, seen = tmp_path / "out", []

    def look(done: int, total: int) -> None:
        seen.append((done, total, json.loads((out / PROGRESS).read_text())))

    run_suite(read_suite(listed), out, replace(tools(Crops(), []), progress=look))
    told = [[row["state"] for row in progress["protocols"]] for _, _, progress in seen]
    assert told[0] == ["running", "waiting", "waiting"]
    assert told[-1] == ["done", "done", "running"]
    assert seen[0][2]["suite"] == "small"
    assert seen[0][2]["model"] == CARD.name
    last = json.loads((out / PROGRESS).read_text())["protocols"]
    assert [(row["name"], row["kind"], row["file"], row["state"]) for row in last] == [
        ("LFW", "pairs", "lfw", "done"),
        ("LFW, SphereFace", "pairs", "lfw--sphereface", "done"),
        ("open set", "identify", "open-set", "done"),
    ]


def test_images_are_counted_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "suite.toml"
    path.write_text('[[protocol]]\nname = "A"\ndata = "a"\n')
    now = iter([10.0, 10.5, 11.1])
    monkeypatch.setattr("marginface.evaluation.suite.progress.time.monotonic", lambda: next(now))
    listed = read_suite(path)
    told = SuiteProgress(tmp_path, listed)
    told.begin(listed.protocol[0], "m")
    count, images = told.counting(None), []
    for done in (1, 2, 3):
        count(done, 4)
        images.append(json.loads((tmp_path / PROGRESS).read_text())["protocols"][0]["images"])
    assert images == [[1, 4], [1, 4], [3, 4]]
    told.end(listed.protocol[0])
    assert "images" not in json.loads((tmp_path / PROGRESS).read_text())["protocols"][0]


def test_changed_data_are_measured_again_and_nothing_else_is(listed: Path, tmp_path: Path) -> None:
    cropper, told, out = Crops(), [], tmp_path / "lfw" / "out"  # results among the data are no data
    first = run_suite(read_suite(listed), out, tools(cropper, told))
    run_suite(read_suite(listed), out, tools(cropper, told))
    assert all(line.endswith("done before") for line in told[3:])
    write_color(tmp_path / "lfw" / "p0" / "p0_0002.png", (70, 71, 250))
    changed = run_suite(read_suite(listed), out, tools(cropper, told))
    assert not any(line.endswith("done before") for line in told[6:])
    assert cropper.seen == 92 + 2 + 4, "the new photo, summed and not, and the picture of its pair on both pages"
    assert changed.done[0].numbers["eer"] != first.done[0].numbers["eer"]
    (tmp_path / "pairs.txt").write_text((tmp_path / "pairs.txt").read_text() + "\n")
    run_suite(read_suite(listed), out, tools(cropper, told))
    assert [line.endswith("done before") for line in told[9:]] == [False, False, True]


def test_another_way_to_crop_another_engine_or_a_lost_file_measures_again(listed: Path, tmp_path: Path) -> None:
    cropper, told, out = Crops(), [], tmp_path / "out"
    run_suite(read_suite(listed), out, tools(cropper, told))
    (out / "lfw.npz").unlink()
    run_suite(read_suite(listed), out, tools(cropper, told))
    assert [line.endswith("done before") for line in told[3:]] == [False, True, True]
    run_suite(read_suite(listed), out, replace(tools(cropper, told), cropping="another"))
    assert cropper.seen == 2 * 92
    run_suite(read_suite(listed), out, replace(tools(cropper, told), engine="openvino"))
    assert cropper.seen == 3 * 92


def test_a_run_that_is_killed_leaves_no_numbers_beside_the_scores_of_others(listed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_suite(read_suite(listed), out, tools(Crops(), []))
    (tmp_path / "lfw" / "p3" / "p3_0001.png").unlink()
    with pytest.raises(DataError, match="are not there"):
        run_suite(read_suite(listed), out, tools(Crops(), []))
    assert not (out / "lfw.json").exists()


def test_crops_of_a_pack_are_not_taken_for_photos(listed: Path, tmp_path: Path) -> None:
    """A pack is never cropped: a photo of the same pixels in which no face was found says nothing about it."""
    parquet = pytest.importorskip("pyarrow.parquet")
    arrow = pytest.importorskip("pyarrow")
    photos = [path.read_bytes() for path in sorted((tmp_path / "lfw").glob("p*/*.png"))]
    columns = {
        "img1": photos[::2] * 2,
        "img2": photos[1::2] + photos[1::2][1:] + photos[1:2],
        "same": [1] * 20 + [0] * 20,
    }
    columns["fold"] = [*range(10), *range(10)] * 2
    parquet.write_table(arrow.table(columns), tmp_path / "pack.parquet")

    class Blind(Crops):
        def crop(self, image: np.ndarray) -> object:
            return super().crop(np.zeros_like(image))

    listed.write_text(
        '[[protocol]]\nname = "photos"\ndata = "lfw"\npairs = "pairs.txt"\n'
        '[[protocol]]\nname = "pack"\ndata = "pack.parquet"\n'
    )
    photos_, pack = run_suite(read_suite(listed), tmp_path / "out", tools(Blind(), [])).done
    assert photos_.numbers["failures_to_acquire"] == 40
    assert pack.numbers["failures_to_acquire"] == 0


def test_tables_and_page_hold_every_figure(listed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run_suite(read_suite(listed), out, tools(Crops(), []))
    write_tables(result, out)
    rows = list(csv.DictReader((out / "results.csv").read_text().splitlines()))
    assert [row["protocol"] for row in rows if row["figure"] == "accuracy"] == ["LFW", "LFW, SphereFace"]
    assert {"rank 1", "TPIR at FPIR 0.1"} <= {row["figure"] for row in rows}
    values = json.loads((out / "results.json").read_text())
    assert len(values["results"]) == len(rows) == len(headline(result.done))
    latex = (out / "results.tex").read_text()
    assert latex.count("\\midrule") == 3
    assert "\\toprule" in latex
    page = write_suite_page(result, out, "marginface evaluate suite m s.toml").read_text(encoding="utf-8")
    for text in ("LFW, SphereFace", "TPIR at FPIR 0.1", "CMC", "mean-color (measured here)", "(published)", "Contract"):
        assert text in page
    accuracy = next(row for row in rows if row["figure"] == "accuracy")
    assert f"{100 * float(accuracy['value']):.2f} %" in page


AUDIT = {
    "origin": "faces/train", "images": 900, "images_per_identity": {}, "identities_of_one_image": 0, "identities": 300,
    "exclusions": {"identities": {}, "images": {}}, "labels": None,
    "overlap": {"by_name": [["ann", "p1"], ["bob", "p2"]], "by_likeness": [["ann", "p1", 0.9], ["cy", "p3", 0.8]],
                "photos": [["ann/1.jpg", "p1/2.png"]]},
}  # fmt: skip


def test_who_was_trained_on_stands_beside_the_numbers_and_the_model_is_traced(listed: Path, tmp_path: Path) -> None:
    card = CARD.model_copy(update={"provenance": "marginface 0.1.0, step 3, recipe a3a5a69663d3ec2c"})
    traced = replace(tools(Crops(), []), embedder=lambda mirror: replace(colors(mirror=mirror), card=card))
    (tmp_path / "train.json").write_text(json.dumps(AUDIT))
    first, rest = listed.read_text().split("[[protocol]]", 2)[1:]
    listed.write_text(f"[[protocol]]{first.rstrip()}\naudit = 'train.json'\n[[protocol]]{rest}")
    out = tmp_path / "out"
    result = run_suite(read_suite(listed), out, traced)
    found = [one.numbers["training_overlap"] for one in result.done]
    assert found[0] == {
        "training": "train", "identities": 300, "identities_in_both": 3, "photos_in_both": 1,
        "asked_by": ["by_name", "by_likeness"],
    }  # fmt: skip
    assert not any(found[1:])
    write_tables(result, out)
    page = write_suite_page(result, out).read_text(encoding="utf-8")
    for text in ("Who was trained on", "by name, by likeness", "not audited", "variant sphereface"):
        assert text in page
    for text in (page, (out / "results.csv").read_text(), (out / "results.tex").read_text()):
        assert "recipe a3a5a69663d3ec2c" in text
        assert result.done[0].numbers["contract"] in text


@pytest.mark.parametrize("audit", ["{}", "[1", json.dumps({**AUDIT, "overlap": None}), json.dumps([1])])
def test_an_audit_that_does_not_say_who_is_in_both_is_refused(listed: Path, tmp_path: Path, audit: str) -> None:
    (tmp_path / "train.json").write_text(audit)
    listed.write_text(listed.read_text().replace("[[protocol]]", "[[protocol]]\naudit = 'train.json'", 1))
    with pytest.raises(DataError, match=r"train\.json: expected an audit .*--against DATA"):
        run_suite(read_suite(listed), tmp_path / "out", tools(Crops(), []))


def test_templates_are_a_protocol_too(tmp_path: Path) -> None:
    write_ijb(tmp_path / "ijb", IjbPlan(subjects=6, probes=2, photos=1, frames=2, impostors=4))
    path = tmp_path / "s.toml"
    path.write_text('[[protocol]]\nname = "IJB-C"\nkind = "templates"\ndata = "ijb"\n')
    embedders: list[Colors] = []

    def opened(mirror: bool) -> Colors:
        embedders.append(colors(mirror=mirror))
        return embedders[-1]

    for _ in range(2):
        result = run_suite(read_suite(path), tmp_path / "out", replace(tools(Crops(), []), embedder=opened))
        (tmp_path / "out" / "ijb-c.json").unlink()  # as if it was killed before the numbers were whole
    assert [one.crops_seen for one in embedders] == [embedders[0].crops_seen, 0]
    assert embedders[0].crops_seen == result.done[0].numbers["images"]
    assert "TAR at FAR 0.1" in {row["figure"] for row in headline(result.done)}
    page = write_suite_page(result, tmp_path / "out").read_text(encoding="utf-8")
    for text in ("CMC", "ROC of IJB-C", "DET of IJB-C", "Histogram of similarities of IJB-C", "of their area"):
        assert text in page
    counts = kept_counts(tmp_path / "out", "ijb-c")
    numbers = result.done[0].numbers["verification"]
    assert (counts.genuine_pairs, counts.impostor_pairs) == (numbers["genuine_pairs"], numbers["impostor_pairs"])
    curve = counts.roc()
    for point in numbers["tar_at_far"]:
        assert point["tar"] == pytest.approx(curve.tar[curve.far <= point["far"]].max(), abs=0.09)
    (tmp_path / "out" / "ijb-c.npz").unlink()
    assert not result.done[0].entry.is_kept(tmp_path / "out")


def test_names_are_neither_formulas_nor_commands_of_latex() -> None:
    row = {"protocol": "=cmd|'x'!A1", "figure": r"a\b_^", "value": 0.5, "low": 0.4, "high": 0.6, "contract": "c"}
    row["provenance"] = "a\n\\input{y}"
    line = csv_table("@evil", [row]).splitlines()[1]
    assert next(csv.reader([line]))[:3] == ["'@evil", "'=cmd|'x'!A1", r"a\b_^"]
    text = latex_table("a\n\\input{x}", [row])
    assert text.startswith(r"% a \input{x}, made by")
    assert r"a\textbackslash{}b\_\textasciicircum{}" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "protocol: Field required"),
        ("[[protocol]]\nname = 'x'\n", r"protocol\.0\.pairs\.data: Field required"),
        ("[[protocol]]\nname = 'x'\ndata = 'd'\nkind = 'pars'\n", "does not match any of the expected tags"),
        ("[[protocol]]\nname = 'x'\ndata = 'd'\nvariants = 'a'\n", "Extra inputs are not permitted"),
        ("[[protocol]]\nname = 'x y'\ndata = 'd'\n[[protocol]]\nname = 'X-y'\ndata = 'd'\n", "x-y stands there twice"),
        ("[[protocol", "expected a suite, a TOML file"),
        ("[[protocol]]\nname = 'Results'\ndata = 'd'\n", "is not results, which the tables of all have; got 'Results'"),
        ("[[protocol]]\nname = '++'\ndata = 'd'\n", r"has a letter or a digit.*got '\+\+'"),
    ],
)
def test_a_wrong_list_is_said(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        read_suite(tmp_path / "s.toml")


def test_remembered_embeddings_are_those_of_a_fresh_run(tmp_path: Path) -> None:
    pairs = color_pairs(tmp_path)
    write_color(tmp_path / "3" / "a.png", (0, 0, 0))
    plain = evaluate_pairs(MeanColor(), pairs, Reader(cropper=Crops()))
    memory = EmbeddingMemory(tmp_path / "m.sqlite", "colors")
    for _ in range(2):
        cropper, embedder = Crops(), MeanColor()
        result = evaluate_pairs(embedder, pairs, Reader(cropper=cropper, memory=memory))
        np.testing.assert_array_equal(result.similarities, plain.similarities)
        assert result.failures == plain.failures
        assert len(result.failures) == 1
    assert (cropper.seen, embedder.crops_seen) == (0, 0)
    other = EmbeddingMemory(tmp_path / "m.sqlite", "another way to crop")
    evaluate_pairs(MeanColor(), pairs, Reader(cropper=cropper, memory=other))
    assert cropper.seen == 16


def test_a_file_that_holds_something_else_is_said(tmp_path: Path) -> None:
    (tmp_path / "m.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(DataError, match="delete it, it only saves time") as refused:
        EmbeddingMemory(tmp_path / "m.sqlite", "x")
    assert open_below(tmp_path) == [], refused


def test_published_numbers_are_percents_with_a_source() -> None:
    rows = published()
    assert len(rows) > 30
    assert all(row.source and 50 < value <= 100 for row in rows for value in row.numbers.values())


def test_every_kind_of_protocol_is_measured_kept_and_shown(tmp_path: Path) -> None:
    write_rfw(tmp_path / "rfw", GroupPlan(people=4, folds=2, per_fold=6))
    write_bfw(tmp_path / "bfw", GroupPlan(people=3, folds=2, per_fold=5))
    write_tinyface(tmp_path, TinyPlan(people=4, distractors=6))
    race = tmp_path / "rfw" / "data" / "Asian"
    images = sorted(race.rglob("*.png"))
    lines = [f"{path.relative_to(race).as_posix()},{'no' if path.stem.endswith('1') else 'yes'}" for path in images]
    (tmp_path / "about.csv").write_text("\n".join(["image,mask", *lines]) + "\n")
    (tmp_path / "s.toml").write_text(
        """
        [[protocol]]
        name = "RFW"
        kind = "groups"
        data = "rfw"
        aligned = true
        [[protocol]]
        name = "BFW"
        kind = "groups"
        data = "bfw"
        pairs = "bfw/bfw.csv"
        by = "g"
        [[protocol]]
        name = "TinyFace"
        kind = "tinyface"
        data = "Testing_Set/.."
        [[protocol]]
        name = "MegaFace"
        kind = "distractors"
        data = "rfw/data/Asian"
        distractors = "rfw/data/Indian"
        [[protocol]]
        name = "one folder"
        kind = "distractors"
        data = "rfw/data/Asian"
        people = 2
        [[protocol]]
        name = "Mask"
        kind = "all-pairs"
        data = "rfw/data/Asian"
        metadata = "about.csv"
        slices = ["mask"]
        cross = "mask"
        fars = [0.1]
        """
    )
    out, told = tmp_path / "out", []
    for _ in range(2):
        result = run_suite(read_suite(tmp_path / "s.toml"), out, tools(Crops(), told))
    assert [line.endswith("done before") for line in told] == [False] * 6 + [True] * 6
    for one in result.done:
        fitting = [kind.name for kind in KINDS.values() if kind.fits(one.numbers, one.entry.file_name)]
        assert fitting == [one.entry.kind], "a file of numbers is known by its keys"
    figures = {row["protocol"]: [] for row in headline(result.done)}
    for row in headline(result.done):
        assert 0 <= row["low"] <= row["value"] <= row["high"] <= 1
        figures[row["protocol"]].append(row["figure"])
    assert figures["RFW"][:2] == ["accuracy (African)", "accuracy at common thresholds (African)"]
    assert [name for name in figures["BFW"] if "common" not in name] == ["accuracy (F)", "accuracy (M)"]
    assert figures["TinyFace"] == ["rank 1", "rank 5", "rank 10", "rank 20", "mAP"]
    assert figures["MegaFace"][:4] == ["rank 1 among 10", "rank 5 among 10", "rank 10 among 10", "rank 1 among 12"]
    assert figures["one folder"][0] == "rank 1 among 6"
    assert figures["Mask"] == ["TAR at FAR 0.1"]
    write_tables(result, out)
    page = write_suite_page(result, out).read_text(encoding="utf-8")
    assert "Rates among distractors: MegaFace, rank 1" in page
    assert "CVLface README" in page, "the literature has TinyFace's rank 1"
