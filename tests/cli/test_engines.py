"""What runs the model is said by one option, and reaches what opens the model, in every command that embeds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from marginface import cli, embedding
from marginface.batch import embeddings
from marginface.data.synthetic.layouts.grouped_pairs import GroupPlan, write_rfw
from marginface.data.synthetic.layouts.ijb import IjbPlan, write_ijb
from marginface.data.synthetic.layouts.tinyface import TinyPlan, write_tinyface
from marginface.errors import WeightsError
from marginface.gallery import Gallery
from marginface.pipeline import recognizer

Prepare = Callable[[], object]


def nothing() -> None:
    """Everything that is needed is there."""


def suite() -> None:
    Path("suite.toml").write_text('name = "s"\n[[protocol]]\nname = "open"\nkind = "identify"\ndata = "people"\n')


def calibrated() -> None:
    for number in range(40):
        Path(f"people/{number}").mkdir()
        Path(f"people/{number}/1.png").write_bytes(Path("a.png").read_bytes())


def rfw() -> None:
    write_rfw(Path("rfw"), GroupPlan(people=3, images=2, folds=2, per_fold=2))


COMMANDS: list[tuple[str, Prepare]] = [
    ("verify a.png a.png --engine", nothing),
    ("similarities a.png --engine", nothing),
    ("identify a.png --people people --engine", nothing),
    ("cluster people --out out --engine", nothing),
    ("embed a.png --json --runtime", nothing),
    ("embed people --out out --format parquet --runtime", nothing),
    ("embed people --out out --format parquet --aligned --runtime", nothing),
    ("gallery enrol people.db --folder people --engine", nothing),
    ("gallery identify people.db a.png --engine", nothing),
    ("gallery migrate people.db --engine", nothing),
    ("calibrate m people --out c.toml --engine", calibrated),
    ("data audit people --runtime", nothing),
    ("data audit people --shards shards --runtime", nothing),
    ("evaluate identify m people --engine", nothing),
    ("evaluate all-pairs m people --engine", nothing),
    ("evaluate distractors m people people --engine", nothing),
    ("evaluate suite m suite.toml --out out --engine", suite),
    ("evaluate groups m rfw --engine", rfw),
    ("evaluate tinyface m tiny --engine", lambda: write_tinyface(Path("tiny"), TinyPlan(people=2, distractors=2))),
    ("evaluate templates m ijb --engine", lambda: write_ijb(Path("ijb"), IjbPlan(subjects=4, probes=2, impostors=3))),
]


@pytest.mark.parametrize(("command", "prepare"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_the_engine_reaches_what_opens_the_model(
    command: str, prepare: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(model: str, *, mirror: bool = False, engine: str = "nothing") -> None:
        raise WeightsError(f"{engine} is to run it")

    for module in (embedding, recognizer, embeddings):
        monkeypatch.setattr(module, "load_embedder", opened)
    monkeypatch.chdir(tmp_path)
    for place in ("a.png", "people/Ann/1.png", "people/Ann/2.png", "people/Bob/1.png"):
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (112, 112), "gray").save(place)
    with Gallery.create("people.db", sealed=False) as gallery:
        gallery.create_collection("people", contract="0123456789abcdef", embedding_size=4)
    prepare()
    answer = CliRunner().invoke(cli.app, [*command.split(), "openvino-bf16"])
    assert (answer.exit_code, answer.stderr.strip()) == (2, "marginface: openvino-bf16 is to run it"), answer.output
