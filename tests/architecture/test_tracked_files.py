"""What may not be in the repository: pickles, machine paths, large files."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_no_module_imports_pickle_or_loads_torch_archives() -> None:
    found = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if {name.split(".")[0] for name in names} & {"pickle", "dill", "joblib", "shelve"}:
                found.append(f"{path}:{node.lineno}")
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.load":
                found.append(f"{path}:{node.lineno}")
    assert found == []


def test_no_tracked_file_is_over_2_megabytes() -> None:
    assert [path.name for path in tracked_files() if path.stat().st_size > 2_000_000] == []


def test_no_photograph_is_tracked_outside_the_docs() -> None:
    suffixes = {".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}
    assert [path for path in tracked_files() if path.suffix.lower() in suffixes] == []
