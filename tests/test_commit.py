"""What a report says of where it was made: versions, machine, and the commit, compared with what git says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from marginface.environment import _commit_of, describe_environment, package_commit, source_commit
from oracles.patience import PATIENCE

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(*arguments: object, at: Path) -> str:
    who = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"]
    done = subprocess.run(
        ["git", *who, *map(str, arguments)], cwd=at, check=True, capture_output=True, text=True, timeout=PATIENCE
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit and a file where this package has one."""
    root = tmp_path / "checkout"
    (root / "src" / "marginface").mkdir(parents=True)
    file_of(root).write_text("", encoding="utf-8")
    git("init", "-b", "main", at=root)
    git("add", ".", at=root)
    git("commit", "-m", "first", at=root)
    return root


def file_of(root: Path) -> Path:
    return root / "src" / "marginface" / "file.py"


def commit(root: Path) -> str:
    git("commit", "--allow-empty", "-m", "more", at=root)
    return git("rev-parse", "HEAD", at=root)


def test_a_checkout_has_the_commit_that_git_says_loose_packed_and_detached(checkout: Path) -> None:
    first = git("rev-parse", "HEAD", at=checkout)
    assert source_commit(file_of(checkout)) == first
    git("pack-refs", "--all", at=checkout)
    assert source_commit(file_of(checkout)) == first
    second = commit(checkout)
    assert source_commit(file_of(checkout)) == second != first
    git("checkout", "--detach", first, at=checkout)
    assert source_commit(file_of(checkout)) == first


def test_a_worktree_has_its_own_commit_where_git_is_a_file(checkout: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    git("worktree", "add", "-b", "other/deep", tree, at=checkout)
    assert (tree / ".git").is_file()
    ours = commit(tree)
    assert source_commit(file_of(tree)) == ours
    assert source_commit(file_of(checkout)) != ours
    git("pack-refs", "--all", at=checkout)
    assert source_commit(file_of(tree)) == ours
    git("checkout", "--detach", "HEAD~1", at=tree)
    assert source_commit(file_of(tree)) == git("rev-parse", "HEAD", at=tree) != ours


def test_a_submodule_has_its_own_commit(checkout: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    git("init", at=outer)
    git("submodule", "add", checkout, "inner", at=outer)
    commit(outer)
    assert source_commit(file_of(outer / "inner")) == git("rev-parse", "HEAD", at=checkout)


def test_an_installed_copy_is_not_at_the_commit_of_the_checkout_around_it(checkout: Path) -> None:
    installed = checkout / ".venv" / "lib" / "site-packages" / "marginface" / "file.py"
    installed.parent.mkdir(parents=True)
    installed.touch()
    assert source_commit(installed) is None


def test_a_commit_that_cannot_be_read_is_none(checkout: Path) -> None:
    (checkout / ".git" / "HEAD").write_text("ref: refs/heads/none\n", encoding="utf-8")
    assert source_commit(file_of(checkout)) is None
    shutil.rmtree(checkout / ".git")
    (checkout / ".git").write_text("gitdir: elsewhere\n", encoding="utf-8")
    assert source_commit(file_of(checkout)) is None


def test_the_commit_is_that_of_the_source_tree_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        pytest.skip("not a git checkout")
    git("init", at=tmp_path)
    commit(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert describe_environment()["commit"] == git("rev-parse", "HEAD", at=root)


def test_the_environment_names_versions_machine_and_commit() -> None:
    found = describe_environment()
    assert {"commit", "python", "numpy", "system", "processor", "cores"} <= set(found)
    assert found["numpy"] == np.__version__
    assert all(isinstance(value, str) and value for value in found.values())


def test_the_commit_is_found_loose_packed_or_detached(tmp_path: Path) -> None:
    head, commit = tmp_path / "HEAD", "a" * 40
    head.write_text(commit + "\n")
    assert _commit_of(tmp_path) == commit
    head.write_text("ref: refs/heads/main\n")
    assert _commit_of(tmp_path) is None
    (tmp_path / "packed-refs").write_text(f"# pack-refs\n{'b' * 40} refs/heads/old\n{commit} refs/heads/main\n")
    assert _commit_of(tmp_path) == commit
    (tmp_path / "refs" / "heads").mkdir(parents=True)
    (tmp_path / "refs" / "heads" / "main").write_text("c" * 40 + "\n")
    assert _commit_of(tmp_path) == "c" * 40


def test_an_installed_copy_knows_the_commit_it_was_built_from(tmp_path: Path) -> None:
    assert package_commit(tmp_path / "environment.py") is None
    (tmp_path / "commit.txt").write_text("1a2b3c4\n")
    assert package_commit(tmp_path / "environment.py") == "1a2b3c4"
