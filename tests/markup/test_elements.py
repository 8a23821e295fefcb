"""HTML from plain values."""

from __future__ import annotations

import os
from pathlib import Path

from marginface.markup import Html, document, element, write_page


def test_an_element_escapes_text_and_attributes_but_not_markup() -> None:
    inner = element("b", "a<b")
    assert element("p", "x & ", inner, attributes={"title": '"'}) == '<p title="&quot;">x &amp; <b>a&lt;b</b></p>'
    assert isinstance(inner, Html)


def test_a_page_is_written_with_names_that_are_no_utf8(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    page = document("Failures", [element("p", name)], {"One": element("p", "ähnlich")})
    text = write_page(page, tmp_path / "new" / "page.html").read_text(encoding="utf-8")
    assert "caf&#56553;.png" in text
    assert "ähnlich" in text
    assert 'href="#one"' in text
