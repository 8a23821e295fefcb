"""HTML from plain values."""

from __future__ import annotations

from marginface.markup import Html, element


def test_an_element_escapes_text_and_attributes_but_not_markup() -> None:
    inner = element("b", "a<b")
    assert element("p", "x & ", inner, attributes={"title": '"'}) == '<p title="&quot;">x &amp; <b>a&lt;b</b></p>'
    assert isinstance(inner, Html)
