"""A visit to the page in Chromium that remembers what must not happen: errors, and calls to other hosts."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Literal
from urllib.parse import urlsplit

from oracles.patience import PATIENCE

CHROMIUM = "/usr/bin/chromium"
Scheme = Literal["light", "dark"]


class Visit:
    """A browser context with one page at an address.

    Args:
        browser: A running Chromium of playwright.
        address: Of the service.
        width: Of the window.
        scheme: What the visitor prefers.
    """

    def __init__(self, browser: Any, address: str, width: int = 1280, scheme: Scheme = "light") -> None:
        self.address = address
        self.expected_errors: list[str] = []
        self._errors: list[str] = []
        self._foreign: list[str] = []
        size = {"width": width, "height": 800 if width > 500 else 740}
        self._context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
        self.page = self._context.new_page()
        self.page.set_default_timeout(1000 * PATIENCE / 2)
        self.page.on("console", lambda said: said.type == "error" and self._errors.append(said.text))
        self.page.on("pageerror", lambda error: self._errors.append(str(error)))
        self.page.on("request", self._note)

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._context.close()

    def open(self, view: str) -> Any:
        """Go to a view, wait until it has loaded what it shows, and return the page."""
        target = f"{self.address}/#/{view}"
        if self.page.url == target:
            self.page.reload()
        elif self.page.url.startswith(self.address):
            self.page.evaluate("where => { location.hash = where }", f"#/{view}")
        else:
            self.page.goto(target)
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until nothing is loading, and photos are drawn."""
        self.page.wait_for_selector("h1")
        self.page.wait_for_function("() => !document.querySelector('.waiting, [aria-busy=true], .photo:not(.drawn)')")

    def sees(self, text: str) -> None:
        """Wait until a text is there to be seen, in the view or in a dialog."""
        self.page.locator("main, dialog").get_by_text(text).locator("visible=true").first.wait_for()

    def check(self) -> None:
        """Assert that there was no error besides the expected ones, and no call to another host."""
        unexpected = [one for one in self._errors if not any(part in one for part in self.expected_errors)]
        assert not unexpected, f"errors on the console: {unexpected}"
        assert not self._foreign, f"calls to other hosts: {self._foreign}"

    def _note(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("blob", "data") and f"{parts.scheme}://{parts.netloc}" != self.address:
            self._foreign.append(request.url)
