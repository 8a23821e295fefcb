"""What is checked before an address is bound, and a service that runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from marginface.cli import app
from marginface.errors import GalleryError, InputError
from marginface.gallery import Gallery
from marginface.server.access import KeyStore, NewKey, parse_scopes
from marginface.server.running.serving import prepare
from marginface.server.settings import ServerSettings, checked
from marginface.server.state import open_state
from marginface.server.state.places import state_address
from oracles.enrolments import red_recognizer
from oracles.patience import PATIENCE, answer_of, at_work, free_port
from oracles.served import MakeKey

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.enable_socket]


@pytest.fixture(autouse=True)
def red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marginface.server.running.serving.load_recognizer", lambda _: red_recognizer())


@pytest.fixture
def settings(settings: ServerSettings) -> ServerSettings:
    """The same on a port that nobody has: prepare() looks whether it is free, and sockets are open here."""
    return settings.model_copy(update={"port": free_port()})


def test_an_address_that_others_reach_needs_a_key(settings: ServerSettings, make_key: MakeKey) -> None:
    reachable = settings.model_copy(update={"host": "0.0.0.0"})
    with pytest.raises(InputError, match="keys create"):
        prepare(reachable)
    make_key("detect")
    said = prepare(reachable)
    assert "no TLS" in said[0]


def test_a_revoked_key_does_not_open_the_service_again(settings: ServerSettings) -> None:
    state = open_state(state_address(settings.gallery))
    keys = KeyStore(state)
    key, _ = keys.create(NewKey(parse_scopes("detect")))
    keys.revoke(key.id)
    state.close()
    assert not [sentence for sentence in prepare(settings) if "No key" in sentence]


def test_on_this_machine_it_says_that_it_is_open(settings: ServerSettings) -> None:
    assert "everyone on this machine" in prepare(settings)[0]


def test_a_gallery_that_was_named_has_to_be_there(settings: ServerSettings, tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="gallery create"):
        prepare(settings.model_copy(update={"gallery": str(tmp_path / "other.db")}))


def test_the_default_gallery_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("MARGINFACE_GALLERY", raising=False)
    from marginface.server.state.places import default_gallery

    said = prepare(ServerSettings(gallery=default_gallery(), port=free_port()))
    assert "Made a gallery" in said[0]
    assert (tmp_path / "data" / "marginface" / "people.db").exists()
    assert (tmp_path / "config" / "gallery.key").exists()


def test_an_address_that_is_taken_is_told_before_anything_starts(settings: ServerSettings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(InputError, match="cannot be bound: Address already in use"):
            prepare(settings.model_copy(update={"port": other.getsockname()[1]}))


def test_a_port_that_only_root_may_take_is_told(settings: ServerSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unprivileged(socket.socket):
        def bind(self, address: object) -> None:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("marginface.server.running.serving.socket.socket", Unprivileged)
    with pytest.raises(InputError, match=r"127\.0\.0\.1:80 cannot be bound: Permission denied\. Below 1024"):
        prepare(settings.model_copy(update={"port": 80}))


def test_a_certificate_comes_with_its_key(settings: ServerSettings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="both files"):
        prepare(settings.model_copy(update={"certificate": tmp_path / "a.pem"}))
    both = {"certificate": tmp_path / "a.pem", "certificate_key": tmp_path / "b.pem"}
    with pytest.raises(InputError, match="no such file"):
        prepare(settings.model_copy(update=both))


@pytest.mark.parametrize(
    "values",
    [
        *({"port": 70000}, {"workers": 0}, {"limits": {"pixels": "many"}}, {"limits": {"x": 1}}),
        *({"keep_events": 1_000_000}, {"purge_every": 1e9}, {"purge_every": float("inf")}),
    ],
)
def test_a_wrong_setting_is_named(values: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"port|workers|limits_pixels|limits_x|keep_events|purge_every"):
        checked({"gallery": "people.db", **values})


def test_the_command_line_makes_lists_and_revokes_keys(settings: ServerSettings) -> None:
    run, place = CliRunner(), ["--gallery", settings.gallery]
    made = run.invoke(app, ["keys", "create", "--scope", "enrol,identify", "--collection", "staff", *place])
    assert made.exit_code == 0
    token = next(line for line in made.output.splitlines() if line.startswith("mf_"))
    assert "enrol,identify on staff" in made.output
    key_id = token.split("_")[1]
    listed = run.invoke(app, ["keys", "list", *place])
    assert key_id in listed.output
    assert token not in listed.output
    assert run.invoke(app, ["keys", "revoke", key_id, *place]).exit_code == 0
    assert "REVOKED" in run.invoke(app, ["keys", "list", *place]).output
    assert run.invoke(app, ["keys", "revoke", "nobody", *place]).exit_code == 2
    assert run.invoke(app, ["keys", "create", "--scope", "everything", *place]).exit_code == 2


def test_a_limit_that_is_misspelled_is_told_its_name() -> None:
    with pytest.raises(InputError, match=r"limits_pixel: there is no such limit. Did you mean 'pixels'"):
        checked({"gallery": "people.db", "limits": {"pixel": "1"}})


def test_a_certificate_that_is_none_is_said_in_words(settings: ServerSettings, tmp_path: Path) -> None:
    (photo := tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff")
    tls = settings.model_copy(update={"certificate": photo, "certificate_key": photo})
    with pytest.raises(InputError, match=r"a\.jpg: expected a certificate in PEM"):
        prepare(tls)


def test_a_gallery_of_another_model_is_told(settings: ServerSettings) -> None:
    contract, size = red_recognizer().contract.id, 128
    with Gallery.open(settings.gallery, key=settings.key_file) as gallery:
        gallery.create_collection("door", contract="0123456789abcdef", embedding_size=size)
        assert "door of contract 0123456789abcdef" in prepare(settings)[-1]
        gallery.create_collection("staff", contract=contract, embedding_size=size)
    assert not [sentence for sentence in prepare(settings) if "No collection" in sentence]


def test_a_folder_of_runs_that_is_not_there_is_told(settings: ServerSettings, tmp_path: Path) -> None:
    assert "no such folder" in prepare(settings.model_copy(update={"runs": tmp_path / "rnus"}))[-1]
    assert "no such folder" not in prepare(settings.model_copy(update={"runs": tmp_path}))[-1]


def test_no_key_is_made_for_a_gallery_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = CliRunner().invoke(app, ["keys", "create", "--scope", "all", "--gallery", str(tmp_path / "poeple.db")])
    assert (answer.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert "there is no gallery" in answer.stderr
    monkeypatch.setenv("MARGINFACE_GALLERY", str(tmp_path / "data" / "people.db"))  # serve makes this one
    assert CliRunner().invoke(app, ["keys", "create", "--scope", "all"]).exit_code == 0


def test_no_key_is_made_that_has_ended(settings: ServerSettings) -> None:
    words = ["keys", "create", "--scope", "all", "--gallery", settings.gallery, "--expires", "2020-01-31"]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 2
    assert "2020-01-31" in answer.stderr


def test_it_serves_and_stops_when_told(settings: ServerSettings) -> None:
    command = [sys.executable, "-m", "marginface", "serve", settings.gallery, "--port", str(port := free_port())]
    command += ["--key-file", str(settings.key_file)]
    with at_work(subprocess.Popen(command, stderr=subprocess.PIPE, env=dict(os.environ))) as process:
        assert answer_of(f"http://127.0.0.1:{port}/readyz", process) == b'{"status":"ready"}'
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) in (0, 130, -2)


@pytest.mark.parametrize("told", [{"names": ("faces.example",)}, {"proxies": ("127.0.0.1",)}])
def test_a_service_that_is_made_known_needs_a_key(settings: ServerSettings, told: dict[str, object]) -> None:
    with pytest.raises(InputError, match="--name and --proxy"):
        prepare(settings.model_copy(update=told))
