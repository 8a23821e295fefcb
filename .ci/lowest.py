"""Run a selection of the tests on the lowest versions of the core dependencies that pyproject.toml allows.

`make lowest`. The environment is .venv-lowest, made anew; what is not a core dependency is as constraints.txt pins it.
Torch is not in it: the selection is what a user without training meets.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".venv-lowest"
PYTHON = HOME / "bin" / "python"
TOOLS = ("hypothesis", "pytest", "pytest-socket", "scipy")
FOLDERS = ("metrics", "gallery", "detection", "weights")
MODULES = (
    "images", "contract", "embedding", "doctor", "similarity", "geometry", "values", "alignment", "files",
    "cli/app", "cli/gallery", "matching/calibration", "matching/file",
)  # fmt: skip
NEEDS_TORCH = "tests/cli/test_app.py::test_a_folder_that_cannot_be_written_is_one_message"


def lowest(requirements: list[str]) -> list[str]:
    """Return each ``name>=version`` as ``name==version``."""
    return [re.sub(r">=", "==", requirement) for requirement in requirements]


def pinned(names: tuple[str, ...]) -> list[str]:
    """Return the tools as constraints.txt has them."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.split("==")[0].lower() in names]


def selection() -> list[str]:
    """Return the folders and files of tests that need no torch."""
    files = [Path("tests", module).parent / f"test_{Path(module).name}.py" for module in MODULES]
    return [*(f"tests/{folder}" for folder in FOLDERS), *map(str, files)]


def main() -> int:
    """Make the environment, say what is in it, run the tests; return their status."""
    if sys.version_info[:2] != (3, 11):
        print(f"note: the lowest Python is 3.11, this is {sys.version.split()[0]}")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = lowest(project["dependencies"])
    print("\n".join(versions))
    venv.create(HOME, with_pip=True, clear=True)
    packages = [*versions, *project["optional-dependencies"]["weights"], *pinned(TOOLS)]
    subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", *packages], check=True)
    subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--editable", ROOT], check=True)
    options = ["-p", "no:cacheprovider", "-W", "ignore::DeprecationWarning", "--deselect", NEEDS_TORCH]
    return subprocess.run([PYTHON, "-m", "pytest", *options, *selection()], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
