"""examples/: each script runs on drawn faces, each notebook prints what it is kept with."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image

from marginface.data.synthetic import draw_photo
from oracles.drawn_videos import person, scene, write_video
from oracles.notebooks import code_cells, run_notebook, shown

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py"))
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working folder, with a configuration of its own."""
    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("MARGINFACE_GALLERY_KEY", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name.removesuffix(".py"), EXAMPLES / name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def draw(path: str, who: int, number: int) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_photo(who, number, strength=0.1)[0]).save(path)
    return path


def test_there_are_five_short_scripts_and_two_notebooks() -> None:
    assert len(SCRIPTS) == 5
    assert len(NOTEBOOKS) == 2
    for name in SCRIPTS:
        text = (EXAMPLES / name).read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 60
        assert f"python examples/{name}" in text.split('"""')[1]


def test_verify_photos(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verify = load("verify_photos.py").main
    ann, again, ben = draw("ann.png", 30, 0), draw("again.png", 30, 1), draw("ben.png", 78, 0)
    assert [verify([ann, again]), verify([ann, ben])] == [0, 1]
    assert "ann.png: the face at" in capsys.readouterr().out


def test_who_is_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, who in (("Ann", 30), ("Ben", 78)):
        draw(f"staff/{name}/0.png", who, 0)
    words = ["people.db", "staff", draw("door.png", 30, 1)]
    load("who_is_it.py").main(words)
    assert "2 enrolled" in (said := capsys.readouterr().out)
    assert "Ann, similarity" in said
    load("who_is_it.py").main([*words, "--erase", "Ann"])
    assert "2 known" in (said := capsys.readouterr().out)
    assert "Complete." in said


def test_train_and_export(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from marginface.training import run

    module = load("train_and_export.py")
    module.RECIPE["backbone"] |= {"input_size": 32, "options": {"width": 0.25}}
    module.RECIPE["evaluation"] |= {"pairs": 40, "folds": 2}
    monkeypatch.setattr(run, "write_run_report", lambda recipe, data, result, path: path.write_text("a report"))
    module.main(["out", "--identities", "24", "--epochs", "0.5"])
    assert len(re.findall(r"^(?:the same person|somebody else): \w+", capsys.readouterr().out, re.MULTILINE)) == 2
    assert Path("out/model.onnx").is_file()


def test_own_training_loop(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    module = load("own_training_loop.py")
    monkeypatch.setattr(module, "PEOPLE", 8)
    monkeypatch.setattr(module, "IMAGES", 4)
    module.main(["--steps", "2"])
    assert len(re.findall(r"AUC on strangers 0\.\d", capsys.readouterr().out)) == 2


def test_watch_video(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, who in (("Ann", 2), ("Bob", 6)):
        (folder / "staff" / name).mkdir(parents=True)
        Image.fromarray(person(who, 0)).save(f"staff/{name}/0.png")
    write_video(Path("door.avi"), [scene(number, (2, 0)) for number in range(6)])
    load("watch_video.py").main(["door.avi", "staff"])
    assert "Ann (match, 3 frames)" in capsys.readouterr().out


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_prints_what_it_is_kept_with(path: Path) -> None:
    for cell, printed in zip(code_cells(path), run_notebook(path), strict=True):
        assert numbers(printed) == pytest.approx(numbers(shown(cell)), abs=0.02, nan_ok=True)
        assert words(printed) == words(shown(cell))


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?|nan", text.replace(",", ""))]


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d]{3,}", text)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_holds_nothing_of_this_machine(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["metadata"]["kernelspec"]["name"]) == (4, "python3")
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    assert not [cell for cell in code_cells(path) for output in cell["outputs"] if output["output_type"] == "error"]
    assert not re.search(r"/(?:work|tmp|home|root)/", path.read_text(encoding="utf-8"))
