"""Disks that are small, full or read-only, and files that may not grow."""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from oracles.patience import PATIENCE


@contextmanager
def mounted(folder: Path, size: str = "1m") -> Iterator[Path]:
    """Mount a disk of its own on a new folder, or skip: only root may."""
    folder.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, timeout=PATIENCE
    )
    if not made or made.returncode:
        pytest.skip("this user may not mount a disk; the tests with a limit on the size of files do without")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True, timeout=PATIENCE)


def remount(disk: Path, options: str) -> None:
    """Change a mounted disk: ``ro``, ``rw``, ``size=16m``."""
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True, timeout=PATIENCE)


def limit_files_to(size: int) -> None:
    """Let no file of this process grow beyond so many bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


@contextmanager
def files_limited() -> Iterator[None]:
    """Take back at the end what ``limit_files_to`` did."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
