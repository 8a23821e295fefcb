"""TeX in a page → MathML: no script and no font has to be loaded for it."""

from __future__ import annotations

import re
from html import unescape

from latex2mathml.converter import convert

_SPAN = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
_BLOCK = re.compile(r'<div class="arithmatex">\s*\\\[(.*?)\\\]\s*</div>', re.DOTALL)


def as_mathml(html: str) -> str:
    """Replace what pymdownx.arithmatex has marked."""
    html = _SPAN.sub(lambda found: convert(unescape(found[1])), html)
    return _BLOCK.sub(lambda found: convert(unescape(found[1]), display="block"), html)
