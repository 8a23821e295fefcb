"""README.md: what is made is up to date, what it measures is in the experiments, and its blocks run on drawn faces."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from generator import front_page, papers, tree
from PIL import Image

from marginface.cli import COMMANDS
from marginface.data.synthetic import DrawnFaces, draw_photo
from marginface.losses import LOSSES
from marginface.losses.describe import describe
from marginface.training import run
from oracles.packs import write_pack
from oracles.page_services import environment_in, key_in, started
from oracles.small_recipe import SMALL_RECIPE
from oracles.walked_pages import Block, Walk, blocks, lines

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
EXPERIMENTS = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")


def test_what_is_made_is_up_to_date() -> None:
    assert set(re.findall(r"<!-- made: (\w+) -->", TEXT)) == set(front_page.PARTS)
    assert front_page.made(TEXT) == TEXT, "README.md is not up to date: make readme"


def test_every_loss_is_there_with_its_paper_or_says_that_it_has_none() -> None:
    rows = {row.split(" | ")[0]: row.rsplit(" | ", 1)[1] for row in papers.table().splitlines()[2:]}
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(LOSSES)
    without = re.findall(r"`(\w+)`", " ".join(names for names, paper in rows.items() if "20" not in paper))
    assert without == [name for name, loss in LOSSES.items() if "Source: no paper" in describe(name, loss).text]
    assert (
        "arXiv:1801.09414; Wang et al., *Additive Margin Softmax*, 2018, arXiv:1801.05599"
        in rows["| `cosface`, `amsoftmax`"]
    )


def test_the_commands_and_the_tree_are_those_of_the_package() -> None:
    assert front_page.commands().count("| `marginface ") == len(COMMANDS)
    packages = {path.parent.name for path in (ROOT / "src/marginface").glob("*/__init__.py")}
    assert packages <= set(re.findall(r"── (\w+)/", tree.tree()))


def test_a_result_that_changes_changes_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    from generator import measured

    found = measured._read("pipeline")
    found = {**found, "cold_verify": {"onnxruntime": {"wall_seconds": {"median": 9.87}}}}
    read = measured._read
    monkeypatch.setattr(measured, "_read", lambda name: found if name == "pipeline" else read(name))
    assert "| A cold `marginface verify` | 9.87 s |" in measured.table()


def test_what_is_measured_by_hand_is_in_the_experiments() -> None:
    table = TEXT[TEXT.index("| protocol | accuracy") :].split("\n\n")[0].splitlines()[2:]
    assert len(table) == 4
    for row in table:
        protocol, figure, interval, command = (cell.strip() for cell in row.strip("|").split("|"))
        found = [line for line in EXPERIMENTS.splitlines() if line.startswith(f"| {protocol.split(', ')[-1]} |")]
        assert any(figure.removesuffix(" %") in line and interval in line for line in found)
        assert " ".join(command.strip("`").split()[:4]) in EXPERIMENTS.replace("D/", "")


def test_the_pictures_are_there_and_light() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", TEXT)
    assert len(shown) == 2
    assert all((ROOT / picture).stat().st_size < 200_000 for picture in shown)


def test_it_installs_as_the_makefile_does() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "--constraint constraints.txt --editable '.[dev]'" in makefile
    assert "pip install -c constraints.txt -e '.[" in TEXT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder with what the page names: two photos, one of two people, staff, a pack, a recipe."""
    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("MARGINFACE_GALLERY_KEY", raising=False)
    monkeypatch.setattr(run, "write_run_report", lambda recipe, data, result, path: path.write_text("a report"))
    monkeypatch.chdir(tmp_path)
    drawn = {name: draw_photo(who, number, strength=0.1)[0] for name, who, number in
             (("a", 30, 0), ("b", 30, 1), ("c", 78, 0))}  # fmt: skip
    for name, image in {**drawn, "door": np.hstack([drawn["b"], drawn["c"]])}.items():
        Image.fromarray(image).save(f"{name}.jpg", quality=95)
    for who in range(600, 609):
        Path("staff", f"{who}").mkdir(parents=True)
        Image.fromarray(draw_photo(who, 0, strength=0.1)[0]).save(f"staff/{who}/0.jpg")
    crops = DrawnFaces(identities_count=20, images_per_identity=2).read(np.arange(40))
    pairs = [(2 * who, 2 * who + (1 if who % 2 else 3)) for who in range(20)]
    write_pack(Path("lfw.bin"), [png(crops[one % 40]) for pair in pairs for one in pair], [False, True] * 10)
    Path("recipes").mkdir()
    Path("recipes/quick.toml").write_text(
        SMALL_RECIPE.replace("embedding_size = 8", "embedding_size = 128"), encoding="utf-8"
    )
    return tmp_path


def png(crop: np.ndarray) -> bytes:
    stream = BytesIO()
    Image.fromarray(crop).save(stream, "png")
    return stream.getvalue()


@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.enable_socket
def test_its_blocks_run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    small = {'"iresnet50"': '"iresnet18"', "torch.randn(8, 3": "torch.randn(2, 3", "torch.arange(8)": "torch.arange(2)"}
    walk = Walk("README.md", small)
    walk.go()
    said = "".join(walk.printed.values())
    (shown,) = (block.text for block in blocks("README.md") if block.kind == "")
    assert " ".join(words(shown)) in " ".join(words(said))
    assert "('Ann Example',)" in said
    assert {name for name in ("quick.onnx", "quick.toml", "staff.toml", "staff.db") if (folder / name).is_file()} == {
        "quick.onnx", "quick.toml", "staff.toml", "staff.db",
    }  # fmt: skip
    monkeypatch.setenv("KEY", key_in(walk.of("marginface keys create")))
    with started(line_of("marginface serve"), folder, environment_in(folder)) as address:
        exec(client().replace("http://127.0.0.1:8000", address), {})
    assert capsys.readouterr().out.splitlines() == ["('Ann Example',)", "True"]


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d]{2,}", text)


def line_of(beginning: str) -> str:
    (line,) = [one for block in shells() for one in lines(block.text) if one.startswith(beginning)]
    return line


def shells() -> list[Block]:
    return [block for block in blocks("README.md") if block.kind == "sh"]


def client() -> str:
    (code,) = [block.text for block in blocks("README.md") if "marginface.client" in block.text]
    return code
