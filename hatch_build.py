"""Write the commit into what is built, so that ``marginface --version`` says it without a checkout.

Hatchling runs this for a wheel and an sdist. A wheel made from an sdist keeps the commit that the sdist holds. An
editable install has none: there the command line asks git.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLACE = "marginface/commit.txt"


class CommitHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds marginface/commit.txt where git knows the commit."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Let the target hold the file; the tree itself is not touched."""
        commit = "" if version == "editable" else commit_of(Path(self.root))
        if not commit:
            return
        folder = tempfile.TemporaryDirectory()
        self._folder = folder  # it is removed with the hook, after the build
        written = Path(folder.name, "commit.txt")
        written.write_text(commit + "\n", encoding="ascii")
        build_data["force_include"][str(written)] = f"src/{PLACE}" if self.target_name == "sdist" else PLACE


def commit_of(root: Path) -> str:
    """Return the commit of this checkout, with ``-dirty`` where files differ from it; "" without git."""
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
