"""The Dockerfile and the script that starts the container, as far as they can be tried without Docker."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from oracles.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
LAST = DOCKERFILE.rpartition("\nFROM ")[2]


def test_it_runs_as_a_user_without_rights_and_has_a_healthcheck() -> None:
    assert re.search(r"^USER 10001:10001$", LAST, re.M)
    assert LAST.index("USER 10001") > LAST.rindex("\nRUN ")
    assert "HEALTHCHECK" in LAST
    assert "/readyz" in LAST


def test_nothing_is_fetched_when_it_starts() -> None:
    assert "MARGINFACE_OFFLINE=1" in LAST
    assert "weights pull" in DOCKERFILE.partition("\nFROM python:3.11-slim-bookworm\n")[0]
    assert "pip install" not in LAST


def test_nothing_secret_is_in_the_image() -> None:
    assert not re.search(r"^(ARG|ENV).*(PASSWORD|SECRET|TOKEN)", DOCKERFILE, re.M)
    assert "COPY . " not in DOCKERFILE


def test_what_it_copies_is_there() -> None:
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.M):
        *sources, _ = [word for word in line.split() if not word.startswith("--")]
        for source in sources:
            assert (ROOT / source).exists(), source


def test_it_copies_all_that_the_build_of_the_package_reads() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    copied = re.search(r"^COPY (pyproject.toml .*) \./$", DOCKERFILE, re.M)
    assert copied is not None
    hook = ["hatch_build.py"] if "custom" in project["tool"]["hatch"]["build"]["hooks"] else []
    assert {project["project"]["readme"], *project["project"]["license-files"], *hook} <= set(copied[1].split())


def test_its_extras_are_those_of_the_package() -> None:
    import tomllib

    wanted = re.search(r"'\.\[([\w,]+)\]'", DOCKERFILE)
    assert wanted is not None
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(wanted[1].split(",")) <= known.keys()


@pytest.fixture
def start(tmp_path: Path) -> list[str]:
    """The script, with its secrets in a folder of the test."""
    (tmp_path / "run").mkdir()
    text = (DEPLOY / "start").read_text(encoding="utf-8").replace("/run/secrets", str(tmp_path / "run"))
    (tmp_path / "start").write_text(text)
    return ["sh", str(tmp_path / "start")]


def test_secrets_come_as_files_that_only_the_user_reads(start: list[str], tmp_path: Path) -> None:
    (tmp_path / "run" / "gallery_key").write_text("ab" * 32)
    (tmp_path / "run" / "database_password").write_text("a:b\\c\n")
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "MARGINFACE_CONFIG": str(tmp_path / "config")}
    command = [*start, "sh", "-c", "env; cat /proc/$$/cmdline"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "config" / "gallery.key").read_text() == "ab" * 32
    assert (tmp_path / "pgpass").read_text() == "*:*:*:*:a\\:b\\\\c\n"
    for path in (tmp_path / "config" / "gallery.key", tmp_path / "pgpass"):
        assert path.stat().st_mode & 0o077 == 0
    assert f"PGPASSFILE={tmp_path}/pgpass" in done.stdout
    assert "ab" * 32 not in done.stdout
    assert "a:b" not in done.stdout


def test_without_secrets_it_becomes_the_command(start: list[str]) -> None:
    done = subprocess.run(
        [*start, "echo", "hello"], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.stdout == "hello\n"


def test_the_scripts_are_posix_shell() -> None:
    for script in (DEPLOY / "start", DEPLOY / "secrets.sh", DEPLOY / "postgres" / "make-faces.sh"):
        subprocess.run(["sh", "-n", str(script)], check=True, timeout=PATIENCE)
        assert script.stat().st_mode & 0o111
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", str(DEPLOY / "start")], check=True, timeout=PATIENCE)


def test_the_key_in_a_secret_is_one_that_a_gallery_takes(tmp_path: Path) -> None:
    from marginface.gallery import Gallery, read_key

    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "gallery.key").write_text("ab" * 32)
    with Gallery.create(tmp_path / "people.db", key=tmp_path / "run" / "gallery.key"):
        assert read_key(tmp_path / "run" / "gallery.key").secret == bytes.fromhex("ab" * 32)
    assert sys.version_info >= (3, 11)
