"""The page's files: of this package alone, nothing inline, nothing from elsewhere, nothing kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import marginface.server
from marginface.gallery.names import LONGEST_NAME, LONGEST_TEXT
from marginface.quality import CUES
from marginface.server.access import Scope
from marginface.server.routes.page import page_files
from marginface.server.schemas.removal import LONGEST_PASSPHRASE
from oracles.served import MakeKey

WEB = Path(marginface.server.__file__).parent / "web"
TEXTS = {
    path.relative_to(WEB).as_posix(): path.read_text(encoding="utf-8") for path in WEB.rglob("*") if path.is_file()
}
SCRIPTS = sorted(name for name in TEXTS if name.endswith(".js"))
NAMESPACE = "http://www.w3.org/2000/svg"
IMPORT = re.compile(r'import (?:\{([^}]*)\} from )?"([^"]+)";|import\("([^"]+)"\)')


def test_every_file_is_answered_with_its_type_and_needs_no_key(client: TestClient, make_key: MakeKey) -> None:
    make_key("detect")
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
    assert set(page_files()) == set(TEXTS)
    for name in TEXTS:
        answer = client.get("/" if name == "index.html" else f"/web/{name}")
        assert answer.status_code == 200, name
        assert answer.headers["content-type"] == f"{types[Path(name).suffix]}; charset=utf-8"
        assert answer.text == TEXTS[name]


def test_a_browser_asks_each_time_and_fetches_what_changed(client: TestClient) -> None:
    first = client.get("/web/js/main.js")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/web/js/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["/web/../app.py", "/web/%2e%2e/app.py", "/web/js/..%2f..%2fapp.py", "/web/css/none.css", "/web/js/", "/web/"],
)
def test_nothing_else_is_answered(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_no_file_names_a_foreign_address(name: str) -> None:
    text = TEXTS[name].replace(NAMESPACE, "")
    assert re.findall(r"(?:https?:|wss?:|ftp:)?//[a-z0-9]", re.sub(r"(?m)(^|\s)//.*$", "", text), re.IGNORECASE) == []


def test_the_page_has_nothing_inline() -> None:
    page = TEXTS["index.html"]
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", page) == []
    assert re.findall(r"<script(?![^>]* src=)", page) == []
    for reference in re.findall(r'(?:src|href)="([^"#]+)"', page):
        assert reference.removeprefix("web/") in TEXTS, reference


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_parses_text_or_keeps_anything(name: str) -> None:
    words = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|localStorage|indexedDB|"
    assert re.findall(words + r"document\.cookie|serviceWorker", TEXTS[name]) == []
    if name != "js/session.js":
        assert "sessionStorage" not in TEXTS[name]


def test_what_may_be_written_into_a_field_is_said_once_and_is_what_the_service_takes() -> None:
    said = re.search(r"LONGEST = \{([^}]*)\}", TEXTS["js/fields.js"])
    assert said is not None
    numbers = {name: int(number) for name, number in re.findall(r"(\w+): (\d+)", said[1])}
    assert numbers == {"name": LONGEST_NAME, "text": LONGEST_TEXT, "passphrase": LONGEST_PASSPHRASE}
    for script in SCRIPTS:
        assert re.findall(r"maxlength: ?(?!LONGEST\.)\S+", TEXTS[script]) == [], script


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_import_is_there_and_used(name: str) -> None:
    text = TEXTS[name]
    body = IMPORT.sub("", text)
    for names, source, lazy in IMPORT.findall(text):
        target = ((WEB / name).parent / (source or lazy)).resolve().relative_to(WEB).as_posix()
        assert target in TEXTS, f"{name}: {target}"
        for one in filter(None, (part.strip() for part in names.split(","))):
            exported, _, local = one.partition(" as ")
            assert re.search(rf"export (?:async )?(?:function|const|class) {exported}\b", TEXTS[target]), one
            assert re.search(rf"\b{local or exported}\b", body), f"{name}: {one} is not used"


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_files_are_small(name: str) -> None:
    assert TEXTS[name].count("\n") <= 220


def test_the_page_names_every_scope_in_the_words_of_the_service() -> None:
    told = re.findall(r'\["([a-z]+)", "[^"]+", "([^"]+)"\]', TEXTS["js/views/key.js"])
    assert dict(told) == {scope.value: scope.sentence for scope in Scope}


def test_the_page_names_every_cue_of_quality() -> None:
    assert set(re.findall(r"^  ([a-z_]+): \[", TEXTS["js/photo/faces.js"], re.MULTILINE)) == set(CUES)
