from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from marginface.cli import app
from marginface.contract import Contract, ModelCard
from marginface.values import FloatArray, ImageArray
from oracles.packs import write_pack

CARD = ModelCard(name="mean-color", file="x.onnx", sha256="0" * 64, license="none", embedding_size=3, provenance="a3a5")


class MeanColor:
    """An embedder that one can foresee: the direction of the mean color."""

    card = CARD

    def __init__(self, mirror: bool) -> None:
        self.contract: Contract = CARD.contract(mirror=mirror)

    def embed(self, crops: ImageArray) -> FloatArray:
        colors = crops.mean(axis=(1, 2)).astype(np.float32) - 60
        return colors / np.linalg.norm(colors, axis=1, keepdims=True)


@pytest.fixture(autouse=True)
def _foreseeable_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("marginface.embedding")
    module.load_embedder = lambda model, *, mirror, engine="": MeanColor(mirror)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "marginface.embedding", module)


@pytest.fixture
def lfw(tmp_path: Path) -> Path:
    """Six people of two crops in the LFW layout, and a list of 2 folds × 3 pairs of each kind."""
    rng, lines = np.random.default_rng(0), ["2\t3"]
    for person in range(6):
        color = rng.integers(70, 250, 3)
        (tmp_path / f"P{person}").mkdir()
        for image in (1, 2):
            shade = tuple(int(value) for value in color + image)
            Image.new("RGB", (112, 112), shade).save(tmp_path / f"P{person}" / f"P{person}_{image:04d}.png")
    for people in ((0, 1, 2), (3, 4, 5)):
        lines += [f"P{person}\t1\t2" for person in people]
        lines += [f"P{person}\t1\tP{(person + 1) % 6}\t2" for person in people]
    (tmp_path / "pairs.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["evaluate", "pairs", *map(str, arguments)])
    return result.exit_code, result.output


def test_a_protocol_is_measured_printed_and_written(lfw: Path) -> None:
    numbers, report = lfw / "out" / "numbers.json", lfw / "out" / "report.html"
    status, text = run("m", lfw, "--pairs", lfw / "pairs.txt", "--aligned", "--out", numbers, "--report", report)
    assert status == 0, text
    values = json.loads(numbers.read_text())
    assert (values["pairs"], values["genuine_pairs"], values["failures_to_acquire"]) == (12, 6, 0)
    assert values["mirror"] is True
    assert f"{100 * values['accuracy_mean']:.2f} ± " in text
    assert values["contract"] in text
    assert "0 of 12" in text
    assert "mean-color on lfw:pairs" in report.read_text(encoding="utf-8")


def test_without_the_mirror_the_contract_is_another(lfw: Path) -> None:
    status, text = run("m", lfw, "--pairs", lfw / "pairs.txt", "--aligned", "--variant", "noflip")
    assert status == 0
    assert CARD.contract(mirror=False).id in text


@pytest.mark.parametrize("arguments", [(), ("--pairs", "pairs.txt", "--split", "FF")])
def test_one_protocol_is_asked_for_not_none_and_not_two(lfw: Path, arguments: tuple[str, ...]) -> None:
    status, text = run("m", lfw, *arguments)
    assert status == 2
    assert "one of the two; got " + ("both" if arguments else "neither") in text


def test_a_far_beyond_the_data_ends_with_what_would_be_needed(lfw: Path) -> None:
    status, text = run("m", lfw, "--pairs", lfw / "pairs.txt", "--aligned", "--far", "1e-6")
    assert status == 2
    assert "6 impostor pairs cannot support FAR 1e-6" in text


def test_missing_images_are_counted_with_examples(lfw: Path) -> None:
    (lfw / "P3" / "P3_0002.png").unlink()
    status, text = run("m", lfw, "--pairs", lfw / "pairs.txt", "--aligned")
    assert status == 2
    assert "1 of 12 images" in text
    assert "P3_0002" in text


@pytest.fixture
def pack(lfw: Path) -> Path:
    """The pairs of the list as a pack, twice, for ten folds need ten pairs."""
    encoded, genuine = [], []
    for line in (lfw / "pairs.txt").read_text().splitlines()[1:]:
        words = line.split()
        names = [(words[0], words[1]), (words[-2] if len(words) == 4 else words[0], words[-1])]
        encoded += [(lfw / name / f"{name}_{int(number):04d}.png").read_bytes() for name, number in names]
        genuine.append(len(words) == 3)
    return write_pack(lfw / "colors.bin", encoded * 2, genuine * 2)


@pytest.mark.parametrize("aligned", [(), ("--aligned",)])
def test_a_pack_is_measured_printed_and_written(lfw: Path, pack: Path, aligned: tuple[str, ...]) -> None:
    numbers, report = lfw / "out" / "numbers.json", lfw / "out" / "report.html"
    status, text = run("m", pack, *aligned, "--out", numbers, "--report", report)
    assert status == 0, text
    values = json.loads(numbers.read_text())
    assert (values["protocol"], values["pairs"], values["genuine_pairs"]) == ("colors.bin", 24, 12)
    assert (values["images"], values["failures_to_acquire"], values["aligned"]) == (12, 0, True)
    assert len(values["accuracy_folds"]) == 10
    assert values["accuracy_interval_identities"] is None
    assert "identities not known" in text
    assert "mean-color on colors.bin" in report.read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", [("--pairs", "pairs.txt"), ("--split", "FF")])
def test_a_pack_holds_its_own_pairs(pack: Path, arguments: tuple[str, str]) -> None:
    status, text = run("m", pack, *arguments)
    assert status == 2
    assert f"leave out {arguments[0]}" in " ".join(text.split())


def test_a_hostile_pack_is_refused_and_nothing_in_it_runs(lfw: Path) -> None:
    place = lfw / "owned"
    (lfw / "evil.bin").write_bytes(f"(cos\nmkdir\n(S'{place}'\ntRt.".encode())
    status, text = run("m", lfw / "evil.bin")
    assert status == 2
    assert "names os.mkdir, which no pack needs" in " ".join(text.split())
    assert not place.exists()


def test_a_pack_that_is_not_there_is_named(lfw: Path) -> None:
    status, text = run("m", lfw / "absent.bin")
    assert status == 2
    assert "cannot read this evaluation pack" in " ".join(text.split())


def test_numbers_are_printed_alone_where_the_file_is_a_dash(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("score,genuine\n0.9,1\n0.1,0\n0.8,1\n0.2,0\n", encoding="utf-8")
    answer = CliRunner().invoke(app, ["evaluate", "scores", str(tmp_path / "s.csv"), "--far", "0.5", "--json", "-"])
    assert json.loads(answer.stdout)["pairs"] == 4
    assert [path.name for path in tmp_path.iterdir()] == ["s.csv"]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system has no names for what a process has open")
def test_numbers_may_go_to_standard_output_that_is_sent_to_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/dev/stdout is written to as it is: who runs the command may not write into /dev, and need not."""
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # the tests may run as root
    (tmp_path / "s.csv").write_text("score,genuine\n0.9,1\n0.1,0\n0.8,1\n0.2,0\n", encoding="utf-8")
    with (tmp_path / "numbers.json").open("w") as there:
        (tmp_path / "stdout").symlink_to(f"/proc/self/fd/{there.fileno()}")
        line = ["evaluate", "scores", tmp_path / "s.csv", "--far", "0.5", "--json", tmp_path / "stdout"]
        answer = CliRunner().invoke(app, [str(word) for word in line])
    assert answer.exit_code == 0, answer.output
    assert json.loads((tmp_path / "numbers.json").read_text())["pairs"] == 4
    refused = CliRunner().invoke(app, [str(word) for word in (*line[:-1], tmp_path / "other.json")])
    assert (refused.exit_code, "you may not write into its folder" in refused.stderr) == (2, True)


def test_a_place_for_the_numbers_that_cannot_be_is_refused_before_the_work(tmp_path: Path) -> None:
    status, said = run("no-such-model", tmp_path, "--split", "FF", "--json", tmp_path)
    assert status == 2
    assert f"{tmp_path}: this is a folder, and a file is written there" in said


def test_where_the_model_comes_from_and_whom_it_was_trained_on_stand_in_the_numbers(lfw: Path) -> None:
    numbers, audit = lfw / "out" / "numbers.json", lfw / "audit.json"
    line = ("m", lfw, "--pairs", lfw / "pairs.txt", "--aligned", "--out", numbers)
    assert run(*line)[0] == 0
    values = json.loads(numbers.read_text())
    assert (values["provenance"], values["training_overlap"]) == (CARD.provenance, None)
    overlap = {"by_name": [["ann", "P1"]], "by_likeness": None, "photos": []}
    known = {"origin": "faces/train", "images": 9, "images_per_identity": {}, "identities_of_one_image": 0}
    audit.write_text(json.dumps({**known, "identities": 3, "exclusions": {}, "labels": None, "overlap": overlap}))
    assert run(*line, "--audit", audit)[0] == 0
    found = json.loads(numbers.read_text())["training_overlap"]
    assert (found["training"], found["identities"], found["identities_in_both"]) == ("train", 3, 1)


def test_an_audit_that_is_none_is_refused_before_the_work(lfw: Path) -> None:
    status, said = run("m", lfw, "--pairs", lfw / "pairs.txt", "--audit", lfw / "pairs.txt")
    assert status == 2
    assert "expected an audit of the training data" in " ".join(said.split())
