"""The version, with the commit: asked of git in a checkout, written by hatch_build.py into a wheel."""

from __future__ import annotations

import subprocess
from pathlib import Path

import marginface
from marginface.environment import package_commit


def version_line() -> str:
    """Return ``marginface 0.1.0 (commit 1a2b3c4)``, or ``marginface 0.1.0`` where nothing knows the commit."""
    package = Path(marginface.__file__).resolve().parent
    commit = _commit_of_checkout(package.parents[1]) or package_commit()
    return f"marginface {marginface.__version__}" + (f" (commit {commit})" if commit else "")


def _commit_of_checkout(root: Path) -> str:
    if not (root / ".git").exists() or not (root / "pyproject.toml").is_file():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
