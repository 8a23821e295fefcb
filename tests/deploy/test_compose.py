"""The compose file is closed by default; it is read as YAML, since no Docker may be here."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from oracles.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
TEXT = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    return dict(yaml.safe_load(TEXT))


@pytest.fixture(params=["service", "database"])
def part(request: pytest.FixtureRequest, compose: dict[str, Any]) -> dict[str, Any]:
    return dict(compose["services"][request.param])


def test_no_password_is_in_the_file(compose: dict[str, Any]) -> None:
    for name, part in compose["services"].items():
        for variable, value in part.get("environment", {}).items():
            secret = re.search("PASSWORD|SECRET|TOKEN|KEY", variable)
            assert not secret or (variable.endswith("_FILE") and value.startswith("/run/secrets/")), (name, variable)
    assert "POSTGRES_HOST_AUTH_METHOD" not in TEXT
    assert not re.search(r"postgresql://\w+:[^@/]+@", TEXT)


def test_nothing_but_this_machine_reaches_the_service(compose: dict[str, Any]) -> None:
    assert compose["services"]["service"]["ports"] == ["127.0.0.1:8000:8000"]
    assert "ports" not in compose["services"]["database"]
    assert compose["services"]["database"]["networks"] == ["inside"]
    assert compose["networks"]["inside"] == {"internal": True}


def test_a_container_has_no_rights(part: dict[str, Any]) -> None:
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert "cap_add" not in part
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "pid", "ipc", "network_mode", "devices"} & part.keys()
    assert all("docker.sock" not in volume for volume in part["volumes"])
    assert part["pids_limit"] > 0
    assert part["mem_limit"]


def test_every_secret_is_a_file_that_the_script_makes(compose: dict[str, Any], tmp_path: Path) -> None:
    script = tmp_path / "secrets.sh"
    script.write_bytes((DEPLOY / "secrets.sh").read_bytes())
    subprocess.run(["sh", str(script)], check=True, capture_output=True, timeout=PATIENCE)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert set(made) == set(compose["secrets"]) == {Path(one["file"]).name for one in compose["secrets"].values()}
    assert all(re.fullmatch("[0-9a-f]{64}", text) for text in made.values())
    assert len(set(made.values())) == len(made)
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    subprocess.run(["sh", str(script)], check=True, capture_output=True, timeout=PATIENCE)
    again = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert again == made


def test_secrets_are_not_tracked() -> None:
    assert "secrets/" in (DEPLOY / ".gitignore").read_text(encoding="utf-8").split()


def test_what_the_compose_file_names_is_there(compose: dict[str, Any]) -> None:
    build = compose["services"]["service"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
    mounted = [volume.split(":")[0] for volume in compose["services"]["database"]["volumes"]]
    for path in (DEPLOY / one for one in mounted if one.startswith("./")):
        assert os.access(path, os.X_OK), path


def test_the_database_is_ready_when_the_gallery_s_user_can_ask(compose: dict[str, Any]) -> None:
    health = compose["services"]["database"]["healthcheck"]["test"]
    assert "--dbname=faces" in health
    assert compose["services"]["service"]["depends_on"] == {"database": {"condition": "service_healthy"}}
