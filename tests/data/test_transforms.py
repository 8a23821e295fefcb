from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from marginface.data.transforms import Augmentation, gaussian_blur, lower_resolution, normalize
from marginface.errors import InputError

EVERYTHING = Augmentation(
    shift=0.05, scale=0.1, rotation_degrees=10, brightness=0.3, contrast=0.3, saturation=0.3, gray=0.2, blur=0.5,
    low_resolution=0.5, erase=0.5, noise=8,
)  # fmt: skip
NOTHING = Augmentation(flip=0)


@pytest.fixture
def batch() -> Tensor:
    """Smooth images, so that resampling changes little."""
    coarse = torch.rand((16, 3, 6, 6), generator=torch.Generator().manual_seed(1)) * 255
    smooth = torch.nn.functional.interpolate(coarse, size=(48, 48), mode="bicubic", align_corners=True)
    return smooth.clamp(0, 255).round().to(torch.uint8)


def run(augmentation: Augmentation, batch: Tensor, seed: int = 0, strength: float = 1.0) -> Tensor:
    return augmentation(batch, torch.Generator().manual_seed(seed), strength)


def test_normalize_maps_0_to_255_onto_minus_1_to_1() -> None:
    batch = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 3, 1, 1)
    torch.testing.assert_close(normalize(batch).flatten(), torch.tensor([-1.0, -0.6, 1.0]))


def test_without_any_setting_the_batch_is_only_normalized(batch: Tensor) -> None:
    torch.testing.assert_close(run(NOTHING, batch), normalize(batch))


def test_the_input_is_not_changed_and_the_output_is_float_in_range(batch: Tensor) -> None:
    before = batch.clone()
    out = run(EVERYTHING, batch)
    assert torch.equal(batch, before)
    assert out.dtype == torch.float32
    assert out.shape == batch.shape
    assert out.min() >= -1
    assert out.max() <= 1


def test_the_generator_decides_everything(batch: Tensor) -> None:
    assert torch.equal(run(EVERYTHING, batch, 3), run(EVERYTHING, batch, 3))
    assert not torch.equal(run(EVERYTHING, batch, 3), run(EVERYTHING, batch, 4))


def test_half_of_the_images_are_mirrored_and_the_others_left(batch: Tensor) -> None:
    many = batch.repeat(64, 1, 1, 1)
    out, plain, mirrored = run(Augmentation(), many), normalize(many), normalize(many.flip(3))
    as_is = (out == plain).flatten(1).all(dim=1)
    turned = (out == mirrored).flatten(1).all(dim=1)
    assert (as_is | turned).all()
    assert 0.45 < turned.float().mean() < 0.55


def test_one_setting_does_not_change_what_another_draws(batch: Tensor) -> None:
    mirrored = (run(Augmentation(), batch) == normalize(batch.flip(3))).flatten(1).all(dim=1)
    gray_too = run(Augmentation(gray=1.0), batch)
    torch.testing.assert_close(gray_too.flip(3)[mirrored], run(Augmentation(flip=0, gray=1.0), batch)[mirrored])


def test_the_mirror_and_the_placing_agree_with_the_plain_mirror(batch: Tensor) -> None:
    barely = Augmentation(flip=1, shift=1e-6)
    torch.testing.assert_close(run(barely, batch), normalize(batch.flip(3)), atol=2e-3, rtol=0)


def test_a_shift_moves_a_point_by_at_most_its_share_of_the_side() -> None:
    dot = torch.zeros((256, 3, 41, 41), dtype=torch.uint8)
    dot[:, :, 20, 20] = 255
    light = run(Augmentation(flip=0, shift=0.1), dot)[:, 0] + 1
    place = torch.arange(41.0)
    moved_x = (light.sum(1) * place).sum(1) / light.sum((1, 2)) - 20
    moved_y = (light.sum(2) * place).sum(1) / light.sum((1, 2)) - 20
    for moved in (moved_x, moved_y):
        assert moved.abs().max() <= 4.1 + 1e-3
        assert moved.std() == pytest.approx(4.1 / math.sqrt(3), rel=0.15)


def test_a_rotation_keeps_the_distance_to_the_centre() -> None:
    dot = torch.zeros((64, 3, 81, 81), dtype=torch.uint8)
    dot[:, :, 39:42, 69:72] = 255
    light = run(Augmentation(flip=0, rotation_degrees=90), dot)[:, 0] + 1
    place = torch.arange(81.0) - 40
    x = (light.sum(1) * place).sum(1) / light.sum((1, 2))
    y = (light.sum(2) * place).sum(1) / light.sum((1, 2))
    torch.testing.assert_close(torch.hypot(x, y), torch.full((64,), 30.0), atol=0.3, rtol=0)
    assert torch.atan2(y, x).abs().max() > math.radians(70)


def test_gray_leaves_one_value_per_pixel_the_luma(batch: Tensor) -> None:
    out = run(Augmentation(flip=0, gray=1.0), batch)
    luma = normalize(batch).mul(torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1)
    for channel in range(3):
        torch.testing.assert_close(out[:, channel], luma, atol=1e-4, rtol=0)


def test_contrast_keeps_the_mean_and_scales_the_spread() -> None:
    batch = torch.randint(110, 146, (64, 3, 24, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    out = run(Augmentation(flip=0, contrast=0.4), batch)
    luma = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    torch.testing.assert_close(
        (out * luma).sum(1).mean((1, 2)), (normalize(batch) * luma).sum(1).mean((1, 2)), atol=1e-3, rtol=0
    )
    ratio = (out * luma).sum(1).std((1, 2)) / (normalize(batch) * luma).sum(1).std((1, 2))
    assert ratio.min() >= 0.6 - 1e-3
    assert ratio.max() <= 1.4 + 1e-3
    assert ratio.std() > 0.15


def test_an_erased_box_is_flat_and_the_rest_untouched(batch: Tensor) -> None:
    out, plain = run(Augmentation(flip=0, erase=1.0), batch), normalize(batch)
    for image, before in zip(out, plain, strict=True):
        changed = (image != before).any(dim=0)
        assert 0 < changed.float().mean() <= 0.26
        assert image[:, changed].std(dim=1).max() < 1e-6


def test_the_blur_equals_a_slow_convolution_and_keeps_flat_images() -> None:
    image = torch.zeros((2, 3, 31, 31))
    image[:, :, 15, 15] = 1
    sigma = torch.tensor([1.0, 2.0])
    blurred = gaussian_blur(image, sigma, 2.0)
    for number, s in enumerate(sigma.tolist()):
        weights = [[math.exp(-(x * x + y * y) / (2 * s * s)) for x in range(-6, 7)] for y in range(-6, 7)]
        total = sum(map(sum, weights))
        assert blurred[number, 0, 15, 15] == pytest.approx(weights[6][6] / total, rel=1e-2)
        assert blurred[number, 2, 17, 14] == pytest.approx(weights[8][5] / total, rel=1e-2)
    torch.testing.assert_close(gaussian_blur(torch.full((2, 3, 9, 9), 7.0), sigma, 2.0), torch.full((2, 3, 9, 9), 7.0))


def test_what_an_image_becomes_does_not_depend_on_the_part_of_the_batch_it_is_in(batch: Tensor) -> None:
    all_of_it = Augmentation(
        shift=0.1, scale=0.2, rotation_degrees=10, brightness=0.3, contrast=0.3, saturation=0.3, gray=0.2, blur=0.5,
        low_resolution=0.5, erase=0.5, noise=9.0,
    )  # fmt: skip
    whole, size = run(all_of_it, batch), len(batch)
    for start, stop in ((0, 1), (1, 5), (5, size)):
        part = all_of_it(batch[start:stop], torch.Generator().manual_seed(0), start=start, of=size)
        torch.testing.assert_close(part, whole[start:stop], atol=2e-5, rtol=0)


def test_a_lower_resolution_loses_fine_stripes_and_keeps_the_mean() -> None:
    stripes = torch.zeros((1, 3, 32, 32))
    stripes[..., ::2] = 200
    out = lower_resolution(stripes, 0.25)
    torch.testing.assert_close(out, torch.full_like(out, 100.0))


def test_strength_0_leaves_the_mirror_only_and_half_is_between(batch: Tensor) -> None:
    mirror = run(Augmentation(), batch)
    assert torch.equal(run(EVERYTHING, batch, strength=0.0), mirror)
    bright = Augmentation(flip=0, brightness=0.4)
    change = [(run(bright, batch, strength=s) - normalize(batch)).abs().mean() for s in (0.5, 1.0)]
    assert 0.3 < change[0] / change[1] < 0.6


@pytest.mark.parametrize(
    "settings", [{"flip": 1.1}, {"shift": -0.1}, {"scale": 1.0}, {"rotation_degrees": 200}, {"smallest_resolution": 0}]
)
def test_a_setting_out_of_range_is_named(settings: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(settings))):
        Augmentation(**settings)


def test_a_batch_that_is_not_uint8_is_refused(batch: Tensor) -> None:
    with pytest.raises(InputError, match=r"uint8 \(N, 3, S, S\); got torch.float32"):
        run(NOTHING, batch.float())
    with pytest.raises(InputError, match="strength"):
        run(NOTHING, batch, strength=2.0)
