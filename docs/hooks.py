"""What MkDocs calls while it builds the site: pages that are made from the code, and formulas without a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generator import commands, formulas, modules, outside, scripts
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]


def on_config(config: Any) -> Any:
    """Put the made pages into the navigation: commands, modules and examples."""
    pages = {**commands.pages(), **modules.pages(), **scripts.pages(ROOT / "examples")}
    config.extra["made"] = pages
    section = next(part["Reference"] for part in config.nav if "Reference" in part)
    section += [{"Commands": _under("reference/commands/", pages)}, {"Python": _under("reference/python/", pages)}]
    next(part["Tutorials"] for part in config.nav if "Tutorials" in part).append(
        {"Examples": _under("tutorial/examples/", pages)}
    )
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the made pages as if they lay in docs/."""
    for path, text in config.extra["made"].items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Leave out what has no place in the site: navigation beside the first page, links to other files."""
    if page.is_homepage:
        page.meta["hide"] = ["navigation"]
    site = Path(config.docs_dir)
    return outside.without_links_outside(markdown, site / page.file.src_uri, site)


def on_page_content(html: str, **_: Any) -> str:
    """Write formulas as MathML, which browsers draw by themselves."""
    return formulas.as_mathml(html)


def _under(folder: str, pages: dict[str, str]) -> list[str]:
    return [path for path in pages if path.startswith(folder)]
