"""The pages that are made from the code: every command with its options and exit statuses, every public name."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest
from generator import commands, doctests, modules, outside, scripts

from marginface.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
COMMAND_PAGES = commands.pages()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_its_page(name: str) -> None:
    page = COMMAND_PAGES[f"reference/commands/{name}.md"]
    command = commands.load(name)
    usages = page.count(f"```\nmarginface {name}")
    statuses = len(re.findall(r"^\*\*.*[Ee]xit status.*\*\*$", page, re.MULTILINE))
    below = getattr(command, "commands", {})
    assert usages == 1 + len(below)
    assert statuses == (len(below) or 1)
    for option in command.params:
        if not getattr(option, "hidden", False):
            assert all(text in page for text in option.opts if text.startswith("-")), option.opts


def test_what_a_command_says_of_its_exit_status_is_taken_out_of_its_text() -> None:
    page = COMMAND_PAGES["reference/commands/verify.md"]
    assert page.count("xit status") == 1
    assert "**Exit status: 0 same, 1 different, 3 cannot tell (no face, a face too poor" in page
    assert (
        "**Exit status: 0 gone, 1 removed but not all could be verified"
        in COMMAND_PAGES["reference/commands/gallery.md"]
    )


def test_every_module_with_public_names_has_its_page() -> None:
    pages = modules.pages()
    assert {"marginface", "marginface.losses", "marginface.gallery", "marginface.values"} <= {
        Path(path).name.removesuffix(".md") for path in pages
    }
    for name in modules.modules():
        names = modules.public_names(name)
        if names:
            assert modules.summary(name)
            page = pages[f"reference/python/{name}.md"]
            assert all(f"::: {name}.{one}\n" in page or f"[`{name}.{one}`]" in page for one in names)


def test_public_names_are_there() -> None:
    for name in ("marginface", "marginface.pipeline", "marginface.gallery", "marginface.metrics"):
        module = import_module(name)
        assert [one for one in modules.public_names(name) if not hasattr(module, one)] == []


def test_examples_have_their_pages_with_their_code() -> None:
    pages = scripts.pages(ROOT / "examples")
    assert len(pages) == 8
    for path in (ROOT / "examples").glob("*.py"):
        page = pages[f"tutorial/examples/{path.stem.replace('_', '-')}.md"]
        (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
        script = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.unparse(ast.parse(code)) == ast.unparse(script.body[1:])


def test_an_example_in_a_docstring_becomes_code() -> None:
    text = "What.\n\n>>> f(1)  # doctest: +SKIP\n2\n>>> g()\n\nMore."
    assert doctests.fenced(text) == "What.\n\n```pycon\n>>> f(1)\n2\n>>> g()\n```\n\nMore."


def test_a_link_out_of_the_site_keeps_its_text_alone() -> None:
    text = "[policy](../SECURITY.md), [old](../SECURITIES.md), [why](explanation/sealing.md), [up](../docs/index.md)"
    page = ROOT / "docs" / "security.md"
    assert outside.without_links_outside(text, page, ROOT / "docs") == text.replace(
        "[policy](../SECURITY.md)", "policy"
    )
