"""The vision transformer: its attention, its masks, its residual paths that are left out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from marginface.backbones import build
from marginface.backbones.vit import HEADS, Attention, DropPath, VisionTransformer
from marginface.errors import InputError


def tiny(**options: float) -> VisionTransformer:
    torch.manual_seed(0)
    return VisionTransformer((16, 2), embedding_size=6, input_size=36, **options)  # type: ignore[arg-type]


def images(count: int, size: int = 36) -> Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def test_attention_is_that_of_the_paper_head_by_head() -> None:
    torch.manual_seed(0)
    attention, tokens = Attention(16).double(), torch.randn(2, 5, 16).double()
    query, key, value = attention.inputs(tokens).split(16, dim=2)
    heads = []
    for head in range(HEADS):
        part = slice(head * 2, head * 2 + 2)
        logits = query[..., part] @ key[..., part].transpose(1, 2) / 2**0.5
        heads.append(logits.softmax(2) @ value[..., part])
    torch.testing.assert_close(attention(tokens), attention.output(torch.cat(heads, 2)), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("ratio", "masked"), [(0.1, 2), (0.5, 8), (0.99, 15)])
def test_a_share_of_the_tokens_is_the_mask_token_in_training_and_none_in_evaluation(ratio: float, masked: int) -> None:
    backbone = tiny(mask_ratio=ratio)
    assert backbone.mask_token is not None
    tokens = backbone.tokens(images(3))
    assert (tokens == backbone.mask_token).all(2).sum(1).tolist() == [masked] * 3
    assert not (backbone.eval().tokens(images(3)) == backbone.mask_token).all(2).any()


def test_the_tokens_that_are_kept_come_back_to_their_places() -> None:
    backbone = tiny(mask_ratio=0.5, drop_path=0)
    backbone.blocks, backbone.norm = torch.nn.Sequential(), torch.nn.LayerNorm(16)
    backbone.eval()
    whole = backbone.tokens(images(2))
    backbone.train()
    kept = backbone.tokens(images(2))
    seen = ~(kept == backbone.mask_token).all(2)
    torch.testing.assert_close(kept[seen], whole[seen])


def test_masks_and_dropped_paths_come_from_torch_s_seed() -> None:
    backbone = tiny(mask_ratio=0.5, drop_path=0.5)
    torch.manual_seed(5)
    first = backbone.tokens(images(4))
    torch.manual_seed(5)
    again = backbone.tokens(images(4))
    assert torch.equal(first, again)
    assert not torch.equal(first, backbone.tokens(images(4)))


def test_a_dropped_path_keeps_its_mean_and_is_dropped_for_whole_samples() -> None:
    torch.manual_seed(0)
    path = DropPath(0.25)(torch.ones(4000, 3, 2))
    assert path.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (path == path[:, :1, :1]).all()
    assert path.mean().item() == pytest.approx(1, abs=0.05)
    assert torch.equal(DropPath(0.25).eval()(torch.ones(5, 2)), torch.ones(5, 2))


def test_the_share_of_dropped_paths_rises_from_0_to_the_last_block() -> None:
    backbone = VisionTransformer((8, 5), embedding_size=4, input_size=9, drop_path=0.2)
    shares = [module.share for module in backbone.modules() if isinstance(module, DropPath)]
    assert shares == pytest.approx([0, 0, 0.05, 0.05, 0.1, 0.1, 0.15, 0.15, 0.2, 0.2])


def test_without_a_mask_there_is_no_mask_token_to_learn() -> None:
    assert "mask_token" not in dict(tiny(mask_ratio=0).named_parameters())


@pytest.mark.parametrize("options", [{"patch": 0}, {"patch": 40}, {"mask_ratio": 1.0}, {"drop_path": -0.1}])
def test_a_value_out_of_range_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match="Usual"):
        build("vit_t", input_size=32, embedding_size=4, **options)
