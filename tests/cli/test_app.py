"""The command line as a whole: start-up, help, version, errors; in fresh processes, as a user meets it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import marginface
from marginface import __version__, cli
from marginface.cli.options import typed_command
from marginface.errors import WeightsError
from oracles.patience import PATIENCE

runner = CliRunner()


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "marginface", *arguments]
    env = {**os.environ, "MARGINFACE_OFFLINE": "1", "COLUMNS": "100", **environment}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=PATIENCE, check=False)


def fresh(code: str) -> str:
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


@pytest.fixture(scope="module")
def slowness() -> float:
    """How many times slower this machine is than one on which Python alone starts within 25 ms; 1 at least."""
    return max(best_seconds("-c", "pass") / 0.025, 1.0)


def best_seconds(*arguments: str) -> float:
    """The least processor time of six runs: other work on the machine does not count."""
    best = float("inf")
    for _ in range(6):
        start, wall = os.times(), time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, timeout=PATIENCE, check=True)
        end = os.times()
        used = (end.children_user - start.children_user) + (end.children_system - start.children_system)
        best = min(best, used if os.name == "posix" else time.perf_counter() - wall)
    return best


def test_importing_the_package_takes_under_300_ms(slowness: float) -> None:
    assert best_seconds("-c", "import marginface") < 0.3 * slowness


def test_help_takes_under_500_ms(slowness: float) -> None:
    assert best_seconds("-m", "marginface", "--help") < 0.5 * slowness


@pytest.mark.parametrize("module", ["marginface", "marginface.cli"])
def test_the_package_and_the_command_line_import_nothing_heavy(module: str) -> None:
    heavy = "('numpy', 'torch', 'matplotlib', 'cv2', 'onnx', 'onnxruntime', 'pydantic', 'PIL')"
    assert fresh(f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])") == "[]"


def test_the_public_names_are_there_when_they_are_asked_for() -> None:
    names = [name for name in dir(marginface) if not name.startswith("__")]
    assert names == ["Gallery", "Recognizer", "backbones", "losses", "read_image"]
    assert [getattr(marginface, name).__name__ for name in ("Gallery", "Recognizer", "read_image")] == [
        "Gallery", "Recognizer", "read_image",
    ]  # fmt: skip
    with pytest.raises(AttributeError, match="has no attribute 'Galery'"):
        _ = marginface.Galery


def test_the_use_road_imports_neither_torch_nor_matplotlib() -> None:
    code = "import sys, marginface.pipeline, marginface.quality, marginface.doctor, marginface.cli; "
    assert fresh(code + "print([name for name in ('torch', 'matplotlib') if name in sys.modules])") == "[]"


def test_help_lists_every_command_of_the_table_and_imports_none() -> None:
    answer = run("--help")
    assert answer.returncode == 0
    for name, (_, text) in cli.COMMANDS.items():
        assert name in answer.stdout
        assert text.split(".")[0][:40] in answer.stdout
    code = "import sys; sys.argv = ['marginface', '--help']\nfrom marginface.cli import main\ntry: main()\n"
    code += "except SystemExit: print('::', [name for name in sys.modules if name.startswith('marginface.cli.')])"
    loaded = fresh(code)
    assert loaded.endswith(":: []")


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_of_the_table_explains_itself(name: str) -> None:
    if find_spec(cli.COMMANDS[name][0]) is None:
        pytest.skip(f"{name} is not there yet")
    answer = runner.invoke(cli.app, [name, "--help"])
    assert answer.exit_code == 0, answer.output
    assert "Usage" in answer.output
    assert "install-completion" not in answer.output


def test_version_names_the_package_and_in_a_checkout_the_commit() -> None:
    answer = run("--version")
    assert answer.returncode == 0
    assert answer.stdout.startswith(f"marginface {__version__}")
    assert answer.stdout.count("\n") == 1


def test_an_unknown_command_is_answered_with_the_near_one() -> None:
    answer = run("verfy", "a", "b")
    assert answer.returncode == 2
    assert "unknown command 'verfy'. Did you mean 'verify'?" in answer.stderr
    assert answer.stdout == ""


def test_a_wrong_option_or_a_missing_argument_is_status_2_without_a_traceback() -> None:
    for arguments in (["verify"], ["verify", "a", "b", "--frm", "1"], ["verify", "a", "b", "--fmr", "often"]):
        answer = run(*arguments)
        assert answer.returncode == 2
        assert "Traceback" not in answer.stderr


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    app = typer.Typer()

    @app.command()
    def command() -> None:
        raise error

    monkeypatch.setattr(cli, "load", lambda name: typer.main.get_command(app))


def test_our_errors_become_one_message_and_status_2(monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, WeightsError("the file is gone"))
    answer = runner.invoke(cli.app, ["doctor"])
    assert answer.exit_code == 2
    assert answer.stderr == "marginface: the file is gone\n"
    assert answer.stdout == ""


def test_an_interruption_is_status_130_with_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, KeyboardInterrupt())
    answer = runner.invoke(cli.app, ["doctor"])
    assert answer.exit_code == 130
    assert "interrupted" in answer.stderr


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, ZeroDivisionError("a bug"))
    answer = runner.invoke(cli.app, ["doctor"])
    assert isinstance(answer.exception, ZeroDivisionError)


def test_a_folder_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a folder", encoding="utf-8")
    answer = runner.invoke(cli.app, ["train", "nothing.toml", "--out", str(blocked / "run")])
    assert answer.exit_code == 2
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[backbone]\nname = "tiny"\ninput_size = 32\n', encoding="utf-8")
    answer = runner.invoke(cli.app, ["train", str(recipe), "--out", str(blocked / "run")])
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"marginface: {blocked}")
    assert "Traceback" not in answer.stderr


def test_what_was_typed_is_said_without_the_password_of_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["marginface", "align", "sftp://me:secret@host/a b", "s3://bucket/x@y"])
    assert typed_command() == "marginface align 'sftp://me:…@host/a b' s3://bucket/x@y"
