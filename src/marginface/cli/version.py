"""The version, with the commit where the package runs from a git checkout."""

from __future__ import annotations

import subprocess
from pathlib import Path

import marginface


def version_line() -> str:
    """Return ``marginface 0.1.0``, or ``marginface 0.1.0 (commit 1a2b3c4)`` in a checkout."""
    commit = _commit(Path(marginface.__file__).resolve().parents[2])
    return f"marginface {marginface.__version__}" + (f" (commit {commit})" if commit else "")


def _commit(root: Path) -> str:
    if not (root / ".git").exists() or not (root / "pyproject.toml").is_file():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
