"""Every block of README.md and docs/ is run by a test, or oracles/unrun.py says why it cannot be and what stands in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oracles.unrun import EVERYWHERE, PAGES
from oracles.walked_pages import DOCS, ROOT, blocks

HERE = "tests/docs/"
# page → the file of tests that runs its blocks; most are walked from the first to the last
TESTED = {
    "README.md": HERE + "test_readme.py",
    "explanation/backbones.md": HERE + "test_explanations.py",
    "explanation/evaluation.md": HERE + "test_explanations.py",
    "explanation/head.md": "tests/losses/test_sharded.py",
    "explanation/privacy.md": HERE + "test_explanations.py",
    "explanation/quality.md": HERE + "test_quality.py",
    "how-to/add-a-backbone.md": HERE + "test_add_a_backbone.py",
    "how-to/add-a-detector.md": HERE + "test_add_a_detector.py",
    "how-to/add-a-loss.md": HERE + "test_add_a_loss.py",
    "how-to/audit-your-data.md": HERE + "test_walked_pages.py",
    "how-to/bring-your-data.md": HERE + "test_walked_pages.py",
    "how-to/calibrate.md": HERE + "test_walked_pages.py",
    "how-to/cluster.md": HERE + "test_walked_pages.py",
    "how-to/come-from-compreface.md": HERE + "test_walked_pages.py",
    "how-to/come-from-other-systems.md": HERE + "test_walked_pages.py",
    "how-to/compare-losses.md": HERE + "test_compare_losses.py",
    "how-to/deploy.md": HERE + "test_serve.py",
    "how-to/enrol-and-identify.md": HERE + "test_walked_pages.py",
    "how-to/evaluate.md": HERE + "test_evaluate.py",
    "how-to/export.md": HERE + "test_export.py",
    "how-to/fast-data.md": HERE + "test_walked_pages.py",
    "how-to/fine-tune.md": HERE + "test_fine_tune.py",
    "how-to/gallery.md": HERE + "test_gallery.py",
    "how-to/how-many-identities.md": HERE + "test_how_many_identities.py",
    "how-to/http-api.md": HERE + "test_http_api.py",
    "how-to/install.md": "tests/test_package.py",
    "how-to/jobs.md": HERE + "test_jobs.py",
    "how-to/log-and-confirm.md": HERE + "test_walked_pages.py",
    "how-to/look-at-runs.md": HERE + "test_runs.py",
    "how-to/openvino.md": HERE + "test_walked_pages.py",
    "how-to/prepare-millions-of-photos.md": "tests/batch/test_page.py",
    "how-to/search-at-scale.md": HERE + "test_search_at_scale.py",
    "how-to/serve.md": HERE + "test_serve.py",
    "how-to/survive-and-resume.md": HERE + "test_runs.py",
    "how-to/toy-study.md": HERE + "test_toy_study.py",
    "how-to/train-a-paper.md": HERE + "test_train_a_paper.py",
    "how-to/train-on-many-processes.md": HERE + "test_train_on_many_processes.py",
    "how-to/use-from-python.md": HERE + "test_use_from_python.py",
    "how-to/video.md": HERE + "test_walked_pages.py",
    "how-to/web-page.md": HERE + "test_web_page.py",
    "index.md": HERE + "test_walked_pages.py",
    "tutorial/first-recognizer.md": HERE + "test_tutorials.py",
    "tutorial/insightface-data.md": HERE + "test_tutorials.py",
    "tutorial/to-a-service.md": HERE + "test_to_a_service.py",
    "tutorial/your-photos.md": HERE + "test_tutorials.py",
}


def test_every_page_with_code_has_its_test() -> None:
    pages = ["README.md", *(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))]
    assert {page for page in pages if any(block.kind not in ("", "text") for block in blocks(page))} == set(TESTED)


@pytest.mark.parametrize("page", TESTED)
def test_the_test_of_a_page_reads_it(page: str) -> None:
    text = (ROOT / TESTED[page]).read_text(encoding="utf-8")
    assert page.rsplit("/")[-1] in text or page.rsplit("/")[-1].removesuffix(".md") in re.findall(r'"([\w-]+)"', text)


@pytest.mark.parametrize("page", PAGES)
def test_what_is_not_run_is_on_the_page_and_what_stands_in_is_there(page: str) -> None:
    begun = [line for block in blocks(page.removeprefix("docs/")) for line in block.text.splitlines()]
    assert [beginning for beginning in PAGES[page] if not any(line.startswith(beginning) for line in begun)] == []
    for reason in (*PAGES[page].values(), *EVERYWHERE.values()):
        assert (named := re.findall(r"tests/[\w/]+\.py", reason)), reason
        assert [path for path in named if not Path(ROOT, path).is_file()] == []
