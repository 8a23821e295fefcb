"""Rules of accessibility that can be computed in the browser: names, contrast, order, headings, width."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

_RULES = Path(__file__).with_suffix(".js").read_text(encoding="utf-8").rstrip().removesuffix(";")
_NAMED = {"button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "spinbutton", "Date", "listbox"}


def faults_of(page: Any, *, fingers: bool) -> dict[str, list[str]]:
    """Return what breaks a rule on the page as it is now."""
    found = {
        "without a name": nameless(page),
        "contrast": poor_contrast(page),
        "headings": heading_faults(page),
        "wide": too_wide(page),
        "spilling": spilling(page),
        "small": too_small(page) if fingers else [],
    }
    return {what: faults for what, faults in found.items() if faults}


def nameless(page: Any) -> list[str]:
    """Return the controls that the browser has no name for, as a screen reader would meet them."""
    session = page.context.new_cdp_session(page)
    tree = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    controls = [node for node in tree if not node.get("ignored") and node.get("role", {}).get("value") in _NAMED]
    return [str(node["role"]["value"]) for node in controls if not str(node.get("name", {}).get("value", "")).strip()]


def poor_contrast(page: Any) -> list[str]:
    """Return texts whose contrast is below WCAG 2.2 AA: 4.5, or 3 for large ones."""
    return list(_computed(page, "contrast"))


def heading_faults(page: Any) -> list[str]:
    """Return what is wrong with the order of headings: one h1, and no level left out."""
    levels = _computed(page, "headings")
    faults = [] if levels.count(1) == 1 else [f"{levels.count(1)} headings of level 1"]
    return faults + [f"h{after} follows h{before}" for before, after in pairwise(levels) if after > before + 1]


def too_wide(page: Any) -> list[str]:
    """Return what reaches beyond the window, so that a reader would have to scroll sideways."""
    return list(_computed(page, "wide"))


def spilling(page: Any) -> list[str]:
    """Return cells of tables whose content reaches into the next one, or on a phone falls below its label."""
    return list(_computed(page, "spilling"))


def too_small(page: Any) -> list[str]:
    """Return controls that are less high than a finger needs."""
    return list(_computed(page, "small"))


def tab_stops(page: Any, most: int = 60) -> list[str]:
    """Press Tab from the start of the page and return the names of what gets the focus, until it comes round."""
    page.evaluate("() => { document.activeElement?.blur(); getSelection().removeAllRanges(); }")
    stops: list[str] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        found = _computed(page, "focused")
        if found is None or (stops and found["name"] == stops[0]):
            break
        assert found["outlined"], f"{found['name']}: the focus is not seen"
        assert found["there"], f"{found['name']}: gets the focus and is not there"
        stops.append(found["name"])
    return stops


def _computed(page: Any, name: str) -> Any:
    return page.evaluate(f"() => ({_RULES[_RULES.index('({') :]}).{name}()")
