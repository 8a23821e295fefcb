from __future__ import annotations

import dataclasses
import math
from itertools import permutations

import numpy as np
import pytest
import torch
from torch import Tensor

from marginface.data.augmentation.head import YAW_STEP, turned_places
from marginface.data.augmentation.resampling import gaussian_blur, lower_resolution
from marginface.data.augmentation.transforms import ADAFACE, Augmentation, Draws, boxes, draw, jitter, normalize
from marginface.errors import InputError
from marginface.values import ImageArray
from oracles import augmentation as oracle

EVERYTHING = Augmentation(
    turn=0.5, shift=0.05, scale=0.1, rotation_degrees=10, crop=0.5, photometric=0.7, brightness=0.3, contrast=0.3,
    saturation=0.3, gray=0.2, blur=0.5, low_resolution=0.5, erase=0.5, noise=8,
)  # fmt: skip
NOTHING = Augmentation(flip=0)


@pytest.fixture
def batch() -> Tensor:
    """Smooth images, so that resampling changes little."""
    coarse = torch.rand((16, 3, 6, 6), generator=torch.Generator().manual_seed(1)) * 255
    smooth = torch.nn.functional.interpolate(coarse, size=(48, 48), mode="bicubic", align_corners=True)
    return smooth.clamp(0, 255).round().to(torch.uint8)


def run(augmentation: Augmentation, batch: Tensor, seed: int = 0, strength: float = 1.0) -> Tensor:
    return augmentation(batch, draw(len(batch), torch.Generator().manual_seed(seed)), strength)


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


def test_a_rotation_keeps_the_distance_to_the_center() -> None:
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
    blurred = gaussian_blur(image, sigma)
    for number, s in enumerate(sigma.tolist()):
        weights = [[math.exp(-(x * x + y * y) / (2 * s * s)) for x in range(-6, 7)] for y in range(-6, 7)]
        total = sum(map(sum, weights))
        assert blurred[number, 0, 15, 15] == pytest.approx(weights[6][6] / total, rel=1e-2)
        assert blurred[number, 2, 17, 14] == pytest.approx(weights[8][5] / total, rel=1e-2)
    torch.testing.assert_close(gaussian_blur(torch.full((2, 3, 9, 9), 7.0), sigma), torch.full((2, 3, 9, 9), 7.0))


def test_strength_0_leaves_the_mirror_and_the_turn_only_and_half_is_between(batch: Tensor) -> None:
    unturned = dataclasses.replace(EVERYTHING, turn=0)
    assert torch.equal(run(unturned, batch, strength=0.0), run(Augmentation(), batch))
    assert torch.equal(run(EVERYTHING, batch, strength=0.0), run(Augmentation(turn=0.5), batch))
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


@pytest.mark.parametrize("part", [slice(0, 1), slice(0, 7), slice(7, 16), slice(5, 6), slice(2, 16, 3)])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_part_of_a_batch_is_augmented_to_the_bit_as_within_the_whole(
    batch: Tensor, part: slice, threads: int
) -> None:
    draws = draw(len(batch), torch.Generator().manual_seed(5))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        whole, own = EVERYTHING(batch, draws), EVERYTHING(batch[part], draws.part(part))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(own, whole[part])


def test_the_memory_order_of_a_batch_changes_no_pixel_by_more_than_rounding(batch: Tensor) -> None:
    last = batch.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(run(EVERYTHING, last), run(EVERYTHING, batch), atol=1e-5, rtol=0)


def test_every_image_has_its_own_noise_of_its_own_amount() -> None:
    flat = torch.full((64, 3, 32, 32), 128, dtype=torch.uint8)
    spread = (run(Augmentation(flip=0, noise=10), flat) * 127.5).flatten(1).std(dim=1)
    assert spread.max() < 10.5
    assert spread.min() < 1.5
    assert spread.mean() == pytest.approx(5, abs=1)


@pytest.fixture
def numbers() -> Draws:
    return draw(48, torch.Generator().manual_seed(2))


def pictures(count: int = 48, size: int = 112) -> Tensor:
    """Smooth areas and hard edges, in color."""
    coarse = torch.rand((count, 3, 9, 9), generator=torch.Generator().manual_seed(3)) * 255
    images = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True)
    images[:, :, 30:50, 40:90] = torch.rand((count, 3, 1, 1), generator=torch.Generator().manual_seed(4)) * 255
    return images.clamp(0, 255).round().to(torch.uint8)


def to_image(tensor: Tensor) -> ImageArray:
    return np.ascontiguousarray(tensor.permute(1, 2, 0).numpy())


def box_of(row: list[float], side: int) -> tuple[int, int, int, int]:
    """The box that the oracle makes of a row of uniform numbers."""
    tries = list(zip(row[27:47:2], row[28:47:2], strict=True))
    return oracle.random_box(side, tries, row[21], row[22])


def test_the_crop_keeps_the_box_that_random_resized_crop_chooses(numbers: Draws) -> None:
    images = pictures()
    out = Augmentation(flip=0, crop=1)(images, numbers)
    for before, after, row in zip(images, out, numbers.uniform.tolist(), strict=True):
        expected = oracle.keep_box(to_image(before), box_of(row, 112))
        assert np.array_equal(to_image(after * 127.5 + 127.5).round(), expected)


def test_the_boxes_have_the_areas_and_ratios_of_the_paper() -> None:
    many = draw(4000, torch.Generator().manual_seed(0)).uniform
    inside = boxes(many, 112, 0.2)
    height, width = inside.any(dim=2).sum(dim=1), inside.any(dim=1).sum(dim=1)
    area, ratio = (height * width) / 112**2, width / height
    assert 0.19 < area.min() < 0.21
    assert area.max() > 0.98
    longest = math.log(4 / 3)  # a box fits where ln area ≤ −|ln ratio|: the mean area by integration
    mean = ((1 - math.exp(-2 * longest)) / 2 - 0.04 * longest) / 2 / (1 - math.exp(-longest) - 0.2 * longest)
    assert area.mean() == pytest.approx(mean, abs=0.01)
    assert 0.73 < ratio.min() < 0.77
    assert 1.3 < ratio.max() < 1.36


@pytest.mark.parametrize("down", range(5))
@pytest.mark.parametrize("up", range(5))
def test_a_lower_resolution_is_that_of_opencv_for_any_two_interpolations(down: int, up: int) -> None:
    images = pictures(5).float()
    sides = [22, 37, 56, 111, 112]
    out = lower_resolution(images, sides, [down] * 5, [up] * 5)
    for image, found, side in zip(images, out, sides, strict=True):
        expected = oracle.low_resolution(to_image(image.to(torch.uint8)), (side + 0.5) / 112, down, up)
        assert np.abs(to_image(found) - expected.astype(np.float32)).max() <= 2, "8 bits twice, and no more"


def test_brightness_contrast_and_saturation_are_those_of_pillow_in_any_order() -> None:
    images = pictures(12)
    factors = 0.5 + torch.rand((12, 3), generator=torch.Generator().manual_seed(6))
    orders = torch.tensor(list(permutations(range(3)))).repeat(2, 1)
    out = jitter(images.float(), factors, orders)
    for image, found, factor, order in zip(images, out, factors.tolist(), orders.tolist(), strict=True):
        expected = oracle.photometric(to_image(image), factor, order)
        assert np.abs(to_image(found) - expected.astype(np.float32)).max() < 4.75, (
            "cut to 8 bits three times: 1.5² + 1.5 + 1"
        )


def test_all_of_adaface_at_once_is_its_public_code_image_by_image(numbers: Draws) -> None:
    images = pictures()
    always = dataclasses.replace(ADAFACE, flip=0, crop=1, low_resolution=1, photometric=1)
    out = always(images, numbers) * 127.5 + 127.5
    orders = list(permutations(range(3)))
    for image, found, row in zip(images, out, numbers.uniform.tolist(), strict=True):
        expected = oracle.keep_box(to_image(image), box_of(row, 112))
        expected = oracle.low_resolution(expected, 0.2 + 0.8 * row[8], int(row[23] * 5), int(row[24] * 5))
        expected = oracle.photometric(expected, [0.5 + value for value in row[9:12]], orders[int(row[26] * 6)])
        difference = np.abs(to_image(found) - expected.astype(np.float32))
        assert difference.max() < 8, "cut to 8 bits five times"
        assert difference.mean() < 2


def test_a_fifth_of_the_images_gets_each_of_adafaces_three() -> None:
    images = pictures(1).repeat(300, 1, 1, 1)
    plain = normalize(images)
    for name in ("crop", "low_resolution", "photometric"):
        off = {other: 0.0 for other in ("flip", "crop", "low_resolution", "photometric") if other != name}
        changed = (run(dataclasses.replace(ADAFACE, **off), images) != plain).flatten(1).any(dim=1)
        assert changed.float().mean() == pytest.approx(0.2, abs=0.07), name


def test_draws_that_are_not_of_this_batch_are_refused(batch: Tensor) -> None:
    with pytest.raises(InputError, match="4 draws for 16 images"):
        NOTHING(batch, draw(4, torch.Generator()))


def test_a_turn_takes_each_image_from_the_places_of_its_own_pose(batch: Tensor) -> None:
    draws = draw(len(batch), torch.Generator().manual_seed(5))
    out = Augmentation(flip=0, turn=1, turn_yaw_degrees=60, turn_pitch_degrees=0)(batch, draws)
    yaws = ((2 * draws.uniform[:, -2] - 1) * 60 / YAW_STEP).round() * YAW_STEP
    assert yaws.abs().max() > 40
    for image, before, yaw in zip(out, normalize(batch), yaws.tolist(), strict=True):
        places = torch.from_numpy(turned_places(48, yaw, 0.0).copy()).permute(1, 2, 0)
        wanted = torch.nn.functional.grid_sample(before[None], places[None], padding_mode="border", align_corners=False)
        torch.testing.assert_close(image, wanted[0], atol=2e-2, rtol=0)


def test_a_turn_by_no_angle_changes_nothing_and_the_mirror_comes_after_it(batch: Tensor) -> None:
    still = Augmentation(flip=0, turn=1, turn_yaw_degrees=0, turn_pitch_degrees=0)
    torch.testing.assert_close(run(still, batch), normalize(batch), atol=2e-3, rtol=0)
    turned = Augmentation(flip=0, turn=1, turn_yaw_degrees=60)
    both = dataclasses.replace(turned, flip=1)
    torch.testing.assert_close(run(both, batch), run(turned, batch).flip(3), atol=2e-2, rtol=0)


def test_as_many_images_are_turned_as_asked_for_whatever_the_strength(batch: Tensor) -> None:
    many = batch.repeat(16, 1, 1, 1)
    turned = Augmentation(flip=0, turn=0.3, turn_yaw_degrees=80)
    for strength in (0.0, 1.0):
        changed = ((run(turned, many, strength=strength) - normalize(many)).abs().flatten(1).amax(1) > 0.02).float()
        assert 0.2 < changed.mean() < 0.4


def test_turns_have_numbers_of_their_own_so_that_older_recipes_draw_what_they_drew(batch: Tensor) -> None:
    generator = torch.Generator().manual_seed(9)
    uniform, seeds = torch.rand((len(batch), 47), generator=generator), torch.randint(2**62, (16,), generator=generator)
    draws = draw(len(batch), torch.Generator().manual_seed(9))
    assert torch.equal(draws.uniform[:, :47], uniform)
    assert torch.equal(draws.noise_seeds, seeds)
