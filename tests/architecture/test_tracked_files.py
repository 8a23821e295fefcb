"""What may not be in the repository: pickles, machine paths, large files."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

from oracles.parsed import nodes_of
from oracles.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, timeout=PATIENCE)
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


FOREIGN_WEIGHTS = Path("src/marginface/adopt/tensors.py")  # `weights convert`, the one reader of .pth: weights_only


def test_no_module_imports_pickle_or_loads_torch_archives() -> None:
    found = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in nodes_of(path):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if {name.split(".")[0] for name in names} & {"pickle", "dill", "joblib", "shelve"}:
                found.append(f"{path}:{node.lineno}")
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.load":
                found.append(f"{path}:{node.lineno}")
    allowed = f"{ROOT / FOREIGN_WEIGHTS}:"
    assert [place for place in found if not place.startswith(allowed)] == []


def test_foreign_weights_are_read_by_the_restricted_unpickler_alone() -> None:
    nodes = nodes_of(ROOT / FOREIGN_WEIGHTS)
    used = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
    assert {name for name in used if name.startswith("pickle.")} == {"pickle.UnpicklingError"}
    loads = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"]
    said = [{key.arg: ast.unparse(key.value) for key in call.keywords} for call in loads]
    assert [options.get("weights_only") for options in said] == ["True"]


def test_no_tracked_file_is_over_2_megabytes() -> None:
    assert [path.name for path in tracked_files() if path.stat().st_size > 2_000_000] == []


def test_no_photograph_is_tracked_outside_the_docs() -> None:
    suffixes = {".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}
    assert [path for path in tracked_files() if path.suffix.lower() in suffixes] == []
