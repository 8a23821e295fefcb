"""TransFace: what it perturbs, and what it weighs."""

from __future__ import annotations

import cmath
import math

import pytest
import torch
from torch import Tensor

from marginface.backbones import build
from marginface.backbones.transface import TransFace, entropy_weights, mix_amplitude, perturb_patches
from marginface.backbones.vit import VisionTransformer
from marginface.errors import InputError


def tiny(**options: float) -> TransFace:
    torch.manual_seed(0)
    trunk = VisionTransformer((16, 1), embedding_size=6, input_size=38, mask_ratio=0, drop_path=0)
    return TransFace(trunk, **({"perturb": 0.0, "dominant": 2, "entropy_weight": 0.0} | options))  # type: ignore[arg-type]


def images(count: int) -> Tensor:
    return torch.rand(count, 3, 38, 38, generator=torch.Generator().manual_seed(1)) * 2 - 1


def spectrum(patch: Tensor) -> list[list[complex]]:
    """The discrete Fourier transform of a small patch by its definition."""
    height, width = patch.shape
    return [
        [
            sum(
                patch[y, x].item() * cmath.exp(-2j * math.pi * (u * y / height + v * x / width))
                for y in range(height)
                for x in range(width)
            )
            for v in range(width)
        ]
        for u in range(height)
    ]


def test_mixing_keeps_the_phase_and_mixes_the_amplitude() -> None:
    torch.manual_seed(3)
    patch, other = 0.5 + 0.02 * torch.randn(2, 3, 3).double()  # far from 0 and 1: nothing is cut off
    mixed = mix_amplitude(patch, other, torch.tensor(0.3, dtype=torch.float64))
    for own, strange, out in zip(spectrum(patch), spectrum(other), spectrum(mixed), strict=True):
        for a, b, c in zip(own, strange, out, strict=True):
            assert c == pytest.approx(cmath.rect(0.7 * abs(a) + 0.3 * abs(b), cmath.phase(a)), abs=1e-9)


def test_a_share_of_0_changes_nothing() -> None:
    patch, other = torch.rand(2, 4, 3, 9, 9)
    torch.testing.assert_close(mix_amplitude(patch, other, torch.tensor(0.0)), patch)


def test_only_the_named_patches_of_the_chosen_images_change() -> None:
    batch = images(3)
    changed = perturb_patches(batch, torch.tensor([1]), torch.tensor([[0, 6]]), 9)
    places = torch.zeros(38, 38, dtype=torch.bool)
    places[0:9, 0:9] = places[9:18, 18:27] = True  # patches 0 and 6 of a grid of 4
    assert torch.equal(changed[[0, 2]], batch[[0, 2]])
    assert torch.equal(changed[1, :, ~places], batch[1, :, ~places])
    assert (changed[1, :, places] != batch[1, :, places]).float().mean() > 0.99
    assert changed.abs().max() <= 1


def test_the_patches_with_the_largest_gates_are_perturbed() -> None:
    backbone, batch = tiny(perturb=1.0), images(2)
    seen: list[Tensor] = []
    backbone.trunk.patches.register_forward_pre_hook(lambda _module, given: seen.append(given[0].clone()))
    backbone(batch)
    looked_at, trained_on = seen
    assert torch.equal(looked_at, batch)
    grid = (looked_at != trained_on).any(1)[:, :36, :36].unflatten(1, (4, 9)).unflatten(3, (4, 9)).any(4).any(2)
    gates = backbone.gate(backbone.trunk.tokens(batch).flatten(1))
    largest = gates.topk(2).indices.sort(1).values
    assert grid.flatten(1).nonzero().view(2, 2, 2)[..., 1].tolist() == largest.tolist()


def test_a_share_of_the_images_is_perturbed_and_none_in_evaluation() -> None:
    backbone = tiny(perturb=0.2).eval()
    torch.testing.assert_close(backbone(images(2)), tiny().eval()(images(2)))
    torch.manual_seed(0)
    changed = [(backbone._perturbed(images(20)) != images(20)).flatten(1).any(1).sum() for _ in range(10)]
    assert 20 <= sum(changed) <= 60


def test_what_is_drawn_comes_from_torch_s_seed() -> None:
    backbone = tiny(perturb=0.5)
    torch.manual_seed(5)
    first = backbone._perturbed(images(8))
    torch.manual_seed(5)
    assert torch.equal(first, backbone._perturbed(images(8)))


def test_a_sample_weighs_more_the_less_its_tokens_vary() -> None:
    tokens = torch.tensor([[[0.0, 2.0], [1.0, 1.0]], [[0.0, 4.0], [0.0, 6.0]]])
    deviations = [(2**0.5 + 0) / 2, (8**0.5 + 18**0.5) / 2]
    expected = [1 + math.exp(-0.7 * deviation) for deviation in deviations]
    assert entropy_weights(tokens, 0.7).tolist() == pytest.approx(expected)


def test_weights_are_those_of_the_training_batch_and_there_are_none_in_evaluation_or_switched_off() -> None:
    backbone = tiny(entropy_weight=1.0)
    backbone(images(3))
    assert backbone.sample_weights is not None
    assert backbone.sample_weights.shape == (3,)
    assert not backbone.sample_weights.requires_grad
    assert ((backbone.sample_weights > 1) & (backbone.sample_weights < 2)).all()
    backbone.eval()(images(3))
    assert backbone.sample_weights is None
    off = tiny()
    off(images(3))
    assert off.sample_weights is None


@pytest.mark.parametrize("options", [{"perturb": 1.5}, {"dominant": 0}, {"entropy_weight": -1}])
def test_a_value_out_of_range_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match="Usual"):
        build("transface_t", input_size=32, embedding_size=4, **options)
