"""Photograph the web page and the report of a training, of drawn faces, into docs/.

    python docs/how-to/figures/photograph.py                       # all, some ten minutes
    python docs/how-to/figures/photograph.py page-compare report   # these

Needs playwright and a Chromium: Debian's, or the one that CHROMIUM names. SFace tells these drawn people apart.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from marginface.data.synthetic import draw_photo

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PEOPLE = {"Ann Example": 78, "Ben Example": 18, "Chidi Example": 98, "Dana Example": 14}
STRANGER = 90
WIDTH = 900  # of the pictures
PHONE = {"width": 360, "height": 720}
Ready = str  # the address of a service with these people


def drawn(path: Path, *people: int, image: int = 0) -> Path:
    """Draw a photo of people side by side."""
    path.parent.mkdir(parents=True, exist_ok=True)
    photos = [draw_photo(person, image, size=(420, 340), strength=0.2)[0] for person in people]
    Image.fromarray(np.concatenate(photos, axis=1)).save(path, quality=95)
    return path


def run(folder: Path, *words: str) -> None:
    """Run marginface in a folder."""
    environment = {**os.environ, "MARGINFACE_CONFIG": str(folder / "config")}
    subprocess.run([sys.executable, "-m", "marginface", *words], cwd=folder, env=environment, check=True)


@contextmanager
def service(folder: Path) -> Iterator[Ready]:
    """Enrol the people and serve them on a free port of this machine."""
    for name, person in PEOPLE.items():
        for image in range(2):
            drawn(folder / "staff" / name / f"{image}.jpg", person, image=image)
    run(folder, "gallery", "create", "people.db", "--collection", "people")
    run(folder, "gallery", "enrol", "people.db", "--folder", "staff", "--consent", "drawn", "--keep-crops")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "runs").mkdir()
    words = [sys.executable, "-m", "marginface", "serve", "people.db", "--runs", "runs", "--port", str(port)]
    process = subprocess.Popen(words, cwd=folder, env={**os.environ, "MARGINFACE_CONFIG": str(folder / "config")})
    try:
        wait(f"http://127.0.0.1:{port}/readyz")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def wait(url: str) -> None:
    """Wait until the service answers."""
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise SystemExit(f"{url} does not answer")


def settled(page: Any) -> Any:
    """Wait until a view has loaded what it shows."""
    page.wait_for_selector("h1")
    page.wait_for_function("() => !document.querySelector('.waiting, [aria-busy=true], .photo:not(.drawn)')")
    return page


def view(page: Any, address: Ready, name: str, *photos: Path) -> bytes:
    """Open a view, give it photos, and photograph what is to be seen."""
    page.goto(f"{address}/#/{name}")
    settled(page)
    for place, photo in enumerate(photos):
        page.locator(".picker input[type=file]:not([capture])").nth(place).set_input_files(photo)
        settled(page)
    page.evaluate("scrollTo(0, 0)")
    image: bytes = page.screenshot()
    return image


def compare(browser: Any, address: Ready, folder: Path) -> Image.Image:
    """Two photos of one person."""
    one, other = (drawn(folder / f"ann-{image}.jpg", PEOPLE["Ann Example"], image=image) for image in (2, 3))
    return opened(view(page_of(browser, 1350), address, "compare", one, other))


def identify(browser: Any, address: Ready, folder: Path) -> Image.Image:
    """A photo of all people and of a stranger."""
    group = drawn(folder / "group.jpg", *PEOPLE.values(), STRANGER, image=4)
    return opened(view(page_of(browser, 1250), address, "identify", group))


def health(browser: Any, address: Ready, folder: Path) -> Image.Image:  # noqa: ARG001
    """Thresholds and error rates."""
    return opened(view(page_of(browser, 1050), address, "health"))


def evaluations(browser: Any, address: Ready, folder: Path) -> Image.Image:
    """A comparison of three losses, six minutes of training."""
    recipe = str(ROOT / "recipes" / "quick.toml")
    run(folder, "compare", recipe, "--losses", "softmax,arcface,x2softmax", "--out", "runs/three-losses")
    page = page_of(browser, 850)
    page.goto(f"{address}/#/evaluations")
    settled(page).locator("main table a").first.click()
    settled(page)
    return opened(page.screenshot())


def phone(browser: Any, address: Ready, folder: Path) -> Image.Image:
    """Three views on a phone, the last one dark."""
    one, other = (drawn(folder / f"phone-{image}.jpg", PEOPLE["Ben Example"], image=image) for image in (2, 3))
    three = drawn(folder / "three.jpg", *[*PEOPLE.values()][:3])
    shots = [
        view(page_of(browser, **PHONE), address, "look", three),
        view(page_of(browser, **PHONE), address, "people/people/enrol"),
        view(page_of(browser, **PHONE, scheme="dark"), address, "compare", one, other),
    ]
    return Image.fromarray(np.concatenate([np.asarray(opened(shot)) for shot in shots], axis=1))


def page_of(browser: Any, height: int, *, width: int = 1200, scheme: str = "light") -> Any:
    """Return a page in a window of this size."""
    size = {"width": width, "height": height}
    page = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce").new_page()
    page.set_default_timeout(300_000)  # milliseconds: a machine may be busy
    return page


def opened(png: bytes) -> Image.Image:
    """Return the pixels of a screenshot."""
    return Image.open(BytesIO(png)).convert("RGB")


def report(browser: Any, folder: Path) -> Image.Image:
    """Return results and curves of the page that a training writes; what the training did lies between."""
    run(folder, "train", str(ROOT / "recipes" / "quick.toml"), "--out", "quick")
    page = page_of(browser, 1000)
    page.goto((folder / "quick" / "report.html").as_uri())
    script = "[...document.querySelectorAll('h2')].map(head => [head.textContent, head.getBoundingClientRect().top])"
    top = dict(page.evaluate(script))
    whole = np.asarray(opened(page.screenshot(full_page=True)))
    kept = [(0, top["Training"]), (top["Curves"], top["Hardest errors"])]
    return Image.fromarray(np.concatenate([whole[int(first) : int(last) - 40] for first, last in kept]))


VIEWS: dict[str, Callable[[Any, Ready, Path], Image.Image]] = {
    "page-compare": compare,
    "page-identify": identify,
    "page-health": health,
    "page-evaluations": evaluations,
    "page-phone": phone,
}


def main(names: list[str]) -> None:
    """Write the pictures that are named, or all."""
    wanted = names or [*VIEWS, "report"]
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place)
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
                                             args=["--no-sandbox"])  # fmt: skip
        if set(wanted) & set(VIEWS):
            with service(folder) as address:
                for name in VIEWS.keys() & set(wanted):
                    keep(VIEWS[name](browser, address, folder), HERE / f"{name}.png")
        if "report" in wanted:
            keep(report(browser, folder), ROOT / "docs" / "tutorial" / "figures" / "report.png")
        browser.close()


def keep(image: Image.Image, path: Path) -> None:
    """Save as wide as the others, with 256 colors: a third of the bytes, and nobody sees it."""
    image = image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS)
    image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
