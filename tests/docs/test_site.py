"""The site, built with strict links: nothing is loaded from elsewhere, formulas and the search need no network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from generator import modules

mkdocs = pytest.importorskip("mkdocs", reason="the site needs mkdocs: pip install 'marginface[docs]'")
for needed in ("material", "mkdocstrings", "latex2mathml"):
    pytest.importorskip(needed, reason=f"the site needs {needed}: pip install 'marginface[docs]'")

ROOT = Path(__file__).resolve().parents[2]
SOME = ("marginface.errors", "marginface.similarity", "marginface.training.recipe")  # of the reference; all take long
LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Build all pages but most of the Python reference; a warning of any kind is a failure."""
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(modules, "modules", lambda: list(SOME))
        build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder)))
    return folder


class Loaded(HTMLParser):
    """Collects the addresses that a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in LOADS and given.get("rel") not in ("canonical", "next", "prev"):
            self.addresses.append(given.get(LOADS[tag]) or "")


@pytest.mark.filterwarnings("ignore")
def test_the_site_builds_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 80
    foreign = {}
    for page in pages:
        loaded = Loaded()
        loaded.feed(page.read_text(encoding="utf-8"))
        foreign |= {page.name: [one for one in loaded.addresses if re.match(r"(?:https?:)?//", one)]}
    assert {page: found for page, found in foreign.items() if found} == {}
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import )[\"']?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet


@pytest.mark.filterwarnings("ignore")
def test_formulas_are_drawn_by_the_browser_and_the_index_holds_the_pages(site: Path) -> None:
    margins = (site / "explanation/margins.html").read_text(encoding="utf-8")
    assert "<math" in margins
    assert not re.search(r"arithmatex", margins)
    errors = (site / "reference/python/marginface.errors.html").read_text(encoding="utf-8")
    assert "CalibrationError" in errors
    index = (site / "search/search_index.js").read_text(encoding="utf-8").removeprefix("var __index = ")
    found = {entry["location"] for entry in json.loads(index)["docs"]}
    assert {"how-to/gallery.html#erase-a-person", "reference/commands/verify.html"} <= found
