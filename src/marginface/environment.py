"""On what a number was measured: versions, machine and commit, read without importing what is not needed."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = (
    "marginface",
    "numpy",
    "onnxruntime",
    "openvino",
    "opencv-python-headless",
    "pillow",
    "simplejpeg",
    "torch",
    "safetensors",
)
_INSTALLED = ("site-packages", "dist-packages")


def describe_environment() -> dict[str, str]:
    """Return names and values for a report; a package that is not installed is left out."""
    found = {name: installed for name in _PACKAGES if (installed := _version(name)) is not None}
    return {
        "commit": source_commit() or package_commit() or "unknown (not run from a git checkout)",
        "python": platform.python_version(),
        **found,
        "system": f"{platform.system()} {platform.release()} ({platform.machine()})",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "not set"),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def source_commit(source: Path = Path(__file__)) -> str | None:
    """Return the commit of the checkout, worktree or submodule that holds a file of this package, or None.

    An installed copy has none, also where its environment lies inside a checkout of something else.
    """
    for folder in source.resolve().parents:
        if folder.name in _INSTALLED:
            return None
        if (folder / ".git").exists():
            try:
                return _commit_of(_git_folder(folder / ".git"))
            except (OSError, UnicodeDecodeError):  # not ours to read: a report is written all the same
                return None
    return None


def package_commit(source: Path = Path(__file__)) -> str | None:
    """Return the commit that an installed copy was built from, which hatch_build.py has written beside it, or None."""
    try:
        return source.with_name("commit.txt").read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _git_folder(place: Path) -> Path:
    """Return the folder that a checkout's .git is, or names: in a worktree and a submodule it is a file."""
    if place.is_dir():
        return place
    return place.parent / place.read_text(encoding="utf-8").strip().removeprefix("gitdir: ")


def _commit_of(folder: Path) -> str | None:
    """Return the commit that HEAD of a git folder is at; branches of a worktree are those of its main checkout."""
    head = folder / "HEAD"
    if not head.is_file():
        return None
    text = head.read_text(encoding="utf-8").strip()
    if not text.startswith("ref: "):
        return text
    common = folder / "commondir"
    shared = folder / common.read_text(encoding="utf-8").strip() if common.is_file() else folder
    name, packed = text.removeprefix("ref: "), shared / "packed-refs"
    for loose in (folder / name, shared / name):
        if loose.is_file():
            return loose.read_text(encoding="utf-8").strip()
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), None)
