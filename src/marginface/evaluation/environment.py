"""On what a number was measured: versions, machine and commit, read without importing what is not needed."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("marginface", "numpy", "onnxruntime", "opencv-python-headless", "pillow", "torch", "safetensors")


def describe_environment() -> dict[str, str]:
    """Return names and values for a report; a package that is not installed is left out."""
    found = {name: installed for name in _PACKAGES if (installed := _version(name)) is not None}
    return {
        "commit": source_commit() or "unknown (not run from a git checkout)",
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


def source_commit() -> str | None:
    """Return the commit of the checkout that holds this file, or None."""
    for folder in Path(__file__).resolve().parents:
        head = folder / ".git" / "HEAD"
        if head.is_file():
            return _commit_of(head)
    return None


def _commit_of(head: Path) -> str | None:
    text = head.read_text(encoding="ascii").strip()
    if not text.startswith("ref: "):
        return text
    name, packed = text.removeprefix("ref: "), head.parent / "packed-refs"
    loose = head.parent / name
    if loose.is_file():
        return loose.read_text(encoding="ascii").strip()
    lines = packed.read_text(encoding="ascii").splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {name}")), None)
