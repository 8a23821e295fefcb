"""Parameters and multiply-adds, against the published ones and against counting by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from marginface.backbones import BACKBONES
from marginface.backbones.listing import listing
from marginface.backbones.published import IN_KERAS, MOBILEFACENETS, PUBLISHED, Published
from marginface.backbones.size import size_by_name, size_of
from marginface.backbones.vit import Attention

PAGE = (Path(__file__).resolve().parents[2] / "docs/explanation/backbones.md").read_text(encoding="utf-8")


def is_printed(figure: float, ours: float, *, counts_more: bool) -> bool:
    """Say whether a source prints this for ours: its last digit is rounded, and it may count up to 3 % more."""
    half = 0.5 * 10 ** -len(f"{figure:.6f}".rstrip("0").partition(".")[2]) + 1e-9
    return -half <= figure - ours <= half + (0.03 * figure if counts_more else 0)


@pytest.mark.parametrize("entry", PUBLISHED, ids=lambda entry: f"{entry.name}{entry.options or ''}")
def test_the_size_is_the_published_one(entry: Published) -> None:
    size = size_by_name(entry.name, entry.options, embedding_size=entry.embedding_size, input_size=112)
    millions = size.parameters / 1e6
    if entry.source == MOBILEFACENETS:  # its 0.99 M is between ours without and with batch norms and PReLU
        assert 0.98 < entry.parameters < millions < 1.01
    else:
        assert is_printed(entry.parameters, millions, counts_more=entry.note == IN_KERAS)
    assert entry.gflops is None or is_printed(entry.gflops, size.gflops, counts_more=entry.note != "")
    options = ", ".join(f"{name} {value:g}" for name, value in entry.options.items()) or "–"
    ours = f"{entry.embedding_size} | {size.parameters:,} | {size.gflops:.3f}"
    assert f"| `{entry.name}` | {options} | {ours} | {entry.describe()} |" in PAGE


@pytest.mark.parametrize("name", BACKBONES)
def test_the_page_has_every_backbone_in_its_table(name: str) -> None:
    assert f"\n| `{name}` | " in PAGE


def test_a_convolution_is_counted_as_by_hand() -> None:
    size = size_of(nn.Sequential(nn.Conv2d(3, 5, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(5)), 8)
    assert size.multiply_adds == 4 * 4 * 5 * 3 * 3 * 3
    assert size.parameters == 5 * 3 * 3 * 3 + 2 * 5


def test_attention_is_counted_with_its_two_products() -> None:
    class OfAnImage(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = Attention(16)

        def forward(self, images):  # type: ignore[no-untyped-def]
            return self.attention(images[:, :1].flatten(2).view(1, 4, 16))

    linear = 4 * 16 * 3 * 16 + 4 * 16 * 16
    assert size_of(OfAnImage(), 8).multiply_adds == linear + 2 * 4 * 4 * 16


def test_a_backbone_is_left_in_the_mode_it_was_in() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Dropout(0.5))
    size_of(network, 8)
    assert network.training
    network[1].eval()  # as start.freeze leaves a batch norm
    size_of(network, 8)
    assert [part.training for part in network.modules()] == [True, True, False]
    size_of(network.eval(), 8)
    assert not network.training


def test_a_listing_has_the_published_variants_and_for_another_size_no_published_figures() -> None:
    rows = listing(["mobilefacenet", "tiny"])
    assert [(row.name, dict(row.options)) for row in rows] == [
        ("mobilefacenet", {}),
        ("mobilefacenet", {"width": 2}),
        ("tiny", {}),
    ]
    assert ["M" in row.published for row in rows] == [True, True, False]
    assert [row.published for row in listing(["mobilefacenet"], 64)] == ["", ""]
