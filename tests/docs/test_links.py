"""Every link of the documentation leads somewhere, to the heading that it names; without building the site."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

import pytest
from generator import commands, modules, scripts

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *DOCS.rglob("*.md")))
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)")


@cache
def made() -> dict[str, str]:
    """Return the pages that the site makes from the code, by path below the root."""
    found = {**commands.pages(), **modules.pages(), **scripts.pages(ROOT / "examples")}
    return {f"docs/{path}": text for path, text in found.items()}


def text_of(page: str) -> str:
    return made()[page] if page in made() else (ROOT / page).read_text(encoding="utf-8")


def links(text: str) -> list[str]:
    return [link for link in _LINK.findall(_CODE.sub("", text)) if "://" not in link and not link.startswith("mailto:")]


@cache
def anchors(page: str) -> frozenset[str]:
    """Return the anchors of a page, as GitHub and the site make them of its headings."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL), re.M)
    return frozenset(slug(re.sub(r"[`*]|\[(.*?)\]\(.*?\)", r"\1", heading)) for heading in headings)


def slug(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", unicodedata.normalize("NFC", heading).strip().lower())
    return kept.replace(" ", "-")


@pytest.mark.parametrize("name", PAGES)
def test_the_links_of_a_page(name: str) -> None:
    assert broken(name) == []


def test_the_links_of_the_pages_that_are_made() -> None:
    assert {name: found for name in made() if (found := broken(name))} == {}


def broken(page: str) -> list[str]:
    return [link for link in links(text_of(page)) if not leads_somewhere(page, link)]


def leads_somewhere(page: str, link: str) -> bool:
    path, _, anchor = link.partition("#")
    place = (ROOT / page).parent / path if path else ROOT / page
    target = Path(*_resolved(place)).as_posix()
    if target not in made() and not (ROOT / target).exists():
        return False
    return not anchor or anchor in anchors(target)


def _resolved(place: Path) -> list[str]:
    parts: list[str] = []
    for part in place.relative_to(ROOT).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return parts


def test_a_broken_link_and_a_wrong_anchor_are_seen() -> None:
    assert leads_somewhere("docs/index.md", "how-to/gallery.md#erase-a-person")
    assert not leads_somewhere("docs/index.md", "how-to/galery.md")
    assert not leads_somewhere("docs/index.md", "how-to/gallery.md#erase-a-persons")


def test_every_page_is_in_the_navigation_once() -> None:
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:")[1].split("\n\n")[0]
    named = re.findall(r"([\w./-]+\.md)$", settings, re.MULTILINE)
    assert len(named) == len(set(named))
    assert set(named) == {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")}
