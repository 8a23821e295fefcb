"""What docs/how-to/search-at-scale.md and cluster.md show is run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from typer.main import get_command

from marginface import matching
from marginface.cli.cluster import app
from marginface.data.synthetic import draw_photo

PAGES = Path(__file__).resolve().parents[2] / "docs" / "how-to"


def blocks(page: str, kind: str = "python") -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL)


def test_searches_and_their_recall_are_as_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    first, second, *_ = blocks("search-at-scale.md")
    exec(first + second, names)
    said = re.findall(r"print\(.*\)\s+# (.*)", first + second)
    assert capsys.readouterr().out.splitlines() == said
    assert names["hits"].ids[:, 0].tolist() == [0, 1]  # type: ignore[attr-defined]
    assert set(names["of_two"].ids[0].tolist()) <= {0, 1, 2, 3, 28, 29, 30, 31}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("place", "scheme"), [(2, "postgresql"), (3, "qdrant")])
def test_an_index_in_a_server_is_opened_with_what_the_page_shows(
    place: int, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(matching, "open_index", lambda *given, **named: asked.append((given, named)))
    exec(blocks("search-at-scale.md")[2].splitlines()[0] + "\n" + blocks("search-at-scale.md")[place], {})
    (((address, collection), named),) = asked
    assert str(address).startswith(f"{scheme}://")
    assert collection == "staff"
    assert set(named) == {"contract", "embedding_size"}  # type: ignore[arg-type]


def test_the_options_of_cluster_exist() -> None:
    known = {name for option in get_command(app).params for name in option.opts}  # type: ignore[attr-defined]
    text = (PAGES / "cluster.md").read_text(encoding="utf-8")
    assert set(re.findall(r"--[a-z]+[a-z-]*", text)) <= known


def test_the_groups_of_the_page_are_the_people(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("scipy", reason="scipy is not installed: pip install 'marginface[cluster]'")
    photos, vectors = blocks("cluster.md")
    (tmp_path / "PHOTOS").mkdir()
    for number in range(2):
        Image.fromarray(draw_photo(1, number)[0]).save(tmp_path / "PHOTOS" / f"{number}.jpg")
    monkeypatch.chdir(tmp_path)
    exec(photos, {})
    assert "Groups of two or more: 1." in capsys.readouterr().out
    exec(vectors, {})
    assert capsys.readouterr().out.split() == ["20", "1.0"]
