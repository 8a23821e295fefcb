from __future__ import annotations

import pytest

from marginface.markup import plain_cell, tex_cell


@pytest.mark.parametrize("sign", list("&%$#_{}"))
def test_what_means_something_to_latex_is_set_as_it_stands(sign: str) -> None:
    assert tex_cell(f"a{sign}b") == f"a\\{sign}b"


def test_the_signs_that_a_backslash_does_not_free_have_commands() -> None:
    assert tex_cell(r"\~^") == r"\textbackslash{}\textasciitilde{}\textasciicircum{}"
    assert tex_cell("−1 – 2") == "$-$1 -- 2"


def test_a_formula_is_text_for_a_spreadsheet() -> None:
    assert [plain_cell(text) for text in ("=1+1", "-1", "@x", "Ann")] == ["'=1+1", "'-1", "'@x", "Ann"]
