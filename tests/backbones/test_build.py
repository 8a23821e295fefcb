"""Every backbone of the table, swept."""

from __future__ import annotations

import io
import warnings

import pytest
import torch
from torch import Tensor, nn

from marginface.backbones import BACKBONES, build
from marginface.errors import InputError, UnknownName

SMALL = {"iresnet18": {"width": 0.25}, "iresnet34": {"width": 0.125}, "iresnet50": {"width": 0.125}}
SMALL |= {name: {"width": 0.125} for name in ("ir18", "ir34", "ir50", "ir101")}
SMALL["sface"] = {"width": 0.25}
SMALL |= {"spherenet20": {"width": 0.25}, "spherenet64": {"width": 0.125}}
SMALL |= {"iresnet100": {"width": 0.125}, "iresnet200": {"width": 0.125}, "ghostfacenet": {"width": 0.25}}
CONVOLUTIONAL = [name for name in BACKBONES if not name.startswith(("vit", "transface"))]
DEEPER = {
    *("iresnet34", "iresnet100", "iresnet200", "ir34", "ir101", "spherenet64"),
    *("vit_s", "vit_b", "transface_s", "transface_b"),
}
DIFFERENT = [name for name in BACKBONES if name not in DEEPER]  # the others have more of the same blocks


def small(name: str, *, input_size: int = 32, embedding_size: int = 6) -> nn.Module:
    torch.manual_seed(0)
    return build(name, embedding_size=embedding_size, input_size=input_size, **SMALL.get(name, {}))


def images(count: int, size: int) -> Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("size", [16, 48])
def test_images_become_features_at_any_multiple_of_16(name: str, size: int) -> None:
    features = small(name, input_size=size)(images(2, size))
    assert features.shape == (2, 6)
    assert features.dtype == torch.float32
    assert features.isfinite().all()


@pytest.mark.parametrize("name", DIFFERENT)
def test_in_eval_a_feature_does_not_depend_on_the_rest_of_the_batch(name: str) -> None:
    backbone, batch = small(name).double(), images(4, 32).double()
    backbone(batch)
    backbone.eval()
    with torch.no_grad():
        together, alone = backbone(batch), torch.cat([backbone(one[None]) for one in batch])
    torch.testing.assert_close(together, alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", DIFFERENT)
def test_the_gradient_reaches_every_learned_parameter(name: str) -> None:
    backbone = small(name)
    (backbone(images(4, 32)) * torch.linspace(-1, 1, 24).reshape(4, 6)).sum().backward()
    learned = {key: value for key, value in backbone.named_parameters() if value.requires_grad}
    assert {key for key, value in learned.items() if value.grad is None or not value.grad.abs().sum() > 0} == set()


@pytest.mark.parametrize("name", DIFFERENT)
def test_bfloat16_in_channels_last_leaves_float32_features_near_the_float32_ones(name: str) -> None:
    backbone, batch = small(name), images(8, 32)
    torch.manual_seed(2)
    exact = backbone(batch)
    backbone = backbone.to(memory_format=torch.channels_last)
    torch.manual_seed(2)
    with torch.autocast("cpu", torch.bfloat16):
        features = backbone(batch.to(memory_format=torch.channels_last))
    assert features.dtype == torch.float32
    similarity = nn.functional.cosine_similarity(features, exact)
    assert similarity.min() > 0.8


EXPORTED = ["iresnet18", "mobilefacenet", "transface_t", "tiny"]  # the others: tests/test_export.py


@pytest.mark.parametrize("name", EXPORTED)
def test_torch_export_takes_any_batch_size(name: str) -> None:
    backbone = small(name).eval()
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(backbone, (images(2, 32),), dynamic_shapes=({0: batch},))
    torch.testing.assert_close(program.module()(images(3, 32)), backbone(images(3, 32)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", EXPORTED)
def test_a_trace_is_made_without_a_warning(name: str) -> None:
    backbone = small(name).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(backbone, (images(2, 32),))
        torch.jit.save(traced, io.BytesIO())
    torch.testing.assert_close(traced(images(3, 32)), backbone(images(3, 32)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", BACKBONES)
def test_an_image_of_another_size_is_refused_with_the_size_to_use(name: str) -> None:
    with pytest.raises(InputError, match=r"\(N, 3, 32, 32\); got torch.float32 \(2, 3, 48, 48\)"):
        small(name)(images(2, 48))


@pytest.mark.parametrize("name", CONVOLUTIONAL)
@pytest.mark.parametrize("size", [0, 8, 100])
def test_a_size_that_cannot_be_halved_four_times_is_refused_with_a_near_one(name: str, size: int) -> None:
    with pytest.raises(InputError, match=rf"multiple of 16.*got {size}.*Near"):
        build(name, input_size=size)


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_a_size_that_no_photo_has_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="input_size is at most 4,096"):
        build(name, input_size=16 * 10**30)


@pytest.mark.parametrize("name", BACKBONES)
def test_an_unknown_option_names_the_near_one(name: str) -> None:
    known = BACKBONES[name].options[0]
    with pytest.raises(UnknownName, match=rf"'{known}s'\. Did you mean '{known}'"):
        build(name, **{f"{known}s": 1})


def test_uint8_images_are_refused() -> None:
    with pytest.raises(InputError, match="float of shape"):
        small("tiny")(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))


def test_an_unknown_backbone_names_the_near_one() -> None:
    with pytest.raises(UnknownName, match=r"'iresnet52'\. Did you mean 'iresnet50'"):
        build("iresnet52")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("iresnet18", {"dropout": 1.0}),
        ("iresnet18", {"width": 0}),
        ("mobilefacenet", {"width": 1.5}),
        ("tiny", {"width": -1}),
        ("tiny", {"width": "1"}),
        ("tiny", {"width": True}),
        ("iresnet18", {"learned_scale": 1}),
        ("iresnet18", {"learned_scale": "yes"}),
        ("tiny", {"embedding_size": 0}),
    ],
)
def test_a_value_out_of_range_is_refused(name: str, options: dict[str, float | str]) -> None:
    with pytest.raises(InputError):
        build(name, **options)


def test_the_feature_scale_of_iresnet_is_fixed_as_in_insightface() -> None:
    backbone = build("iresnet18", input_size=32, width=0.25, embedding_size=4)
    frozen = [key for key, value in backbone.named_parameters() if not value.requires_grad]
    assert frozen == ["projection.norm.weight"]
    assert (backbone.get_parameter("projection.norm.weight") == 1).all()


def test_the_backbone_halves_the_image_at_every_stage_and_not_before() -> None:
    backbone = build("iresnet18", input_size=32, width=0.125, embedding_size=4)
    maps, sides = backbone.stem(images(1, 32)), []
    for stage in backbone.stages:
        sides.append(maps.shape[-1])
        maps = stage(maps)
    assert [*sides, maps.shape[-1]] == [32, 16, 8, 4, 2]


def test_dropout_works_in_training_only() -> None:
    backbone = build("iresnet18", input_size=32, width=0.125, embedding_size=4, dropout=0.5)
    batch = images(4, 32)
    assert not torch.equal(backbone(batch), backbone(batch))
    backbone.eval()
    assert torch.equal(backbone(batch), backbone(batch))
