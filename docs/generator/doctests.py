"""Examples in docstrings → code: what stands after ``>>>`` would else be read as a quotation."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

_EXAMPLE = re.compile(r"^([ ]*)>>> .*(?:\n(?!\s*\n).+)*", re.MULTILINE)


class Doctests(Extension):
    """Fences each example of a docstring."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """Return a docstring whose examples are fenced code, without the words that are for doctest."""
    return _EXAMPLE.sub(_fence, text)


def _fence(found: re.Match[str]) -> str:
    code = re.sub(r"\s*# doctest: .*", "", found[0])
    return f"{found[1]}```pycon\n{code}\n{found[1]}```"
