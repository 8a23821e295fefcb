from __future__ import annotations

from collections.abc import Callable

import pytest

from marginface.errors import InputError, UnknownName
from marginface.training import Recipe
from marginface.training.comparing.variants import check_variants, grid_of, read_variant, read_variants, recipe_of

Small = Callable[..., Recipe]


def test_a_comma_parts_losses_and_settings() -> None:
    found = read_variants("arcface:gradient=straight_through,margin=0.3, cosface,x2softmax:k=0.8")
    assert [variant.label for variant in found] == [
        "arcface:gradient=straight_through,margin=0.3",
        "cosface",
        "x2softmax:k=0.8",
    ]
    assert len({variant.folder for variant in found}) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arcfase", "Did you mean 'arcface'"),
        ("", "got none"),
        ("arcface,arcface", "arcface twice"),
        ("k=0.8,arcface", "behind its loss"),
        ("arcface:margin", "name=value"),
    ],
)
def test_a_list_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_variants(text)


def test_an_unknown_option_is_said_with_the_variant_before_anything_is_trained(small: Small) -> None:
    with pytest.raises(UnknownName, match="unknown loss"):
        read_variants("arcface,cosfaze")
    with pytest.raises(InputError, match=r"x2softmax:j=1: unknown option of x2softmax 'j'"):
        check_variants(read_variants("arcface,x2softmax:j=1"), small(), 8)
    with pytest.raises(InputError, match="softmax:gradient=straight_through: softmax has no scale and only the exact"):
        check_variants(read_variants("softmax:gradient=straight_through"), small(), 8)


def test_a_pair_loss_needs_batches_of_identities(small: Small) -> None:
    losses = read_variants("arcface,triplet")
    with pytest.raises(InputError, match=r"triplet: .*batch_images_per_identity = 4"):
        check_variants(losses, small(), 8)
    check_variants(losses, small(train={"batch_images_per_identity": 4}), 8)


def test_only_the_loss_and_the_seed_differ(small: Small) -> None:
    recipe = small()
    for variant in read_variants("arcface,cosface,softmax,x2softmax:k=0.8,sphereface"):
        ours, theirs = recipe_of(variant, 7, recipe).model_dump(), recipe.model_dump()
        assert ours["train"].pop("seed") == 7
        theirs["train"].pop("seed")
        assert {name for name in ours if ours[name] != theirs[name]} <= {"loss"}


def test_the_recipes_scale_goes_to_all_and_its_margin_to_its_own_loss(small: Small) -> None:
    own, other, plain, changed = (
        recipe_of(variant, 0, small()).loss for variant in read_variants("arcface,cosface,softmax,arcface:margin=0.4")
    )
    assert (own.scale, own.margin, own.margin_full) == (16.0, 0.2, 0.6)
    assert (other.scale, other.margin, other.margin_full) == (16.0, None, 0.6)
    assert (plain.scale, plain.margin, plain.margin_full) == (None, None, 0.0), "softmax has no margin that can grow"
    assert (changed.scale, changed.margin) == (16.0, 0.4)


def test_the_implementation_goes_to_all_that_have_classes_to_sum_over(small: Small) -> None:
    recipe = small(
        loss={"implementation": "chunked", "multiply": "bfloat16", "tiles": "recompute"},
        train={"batch_images_per_identity": 4},
    )
    variants = read_variants("arcface,softmax,triplet")
    check_variants(variants, recipe, 8)
    chosen = [recipe_of(variant, 0, recipe).loss for variant in variants]
    assert [(loss.implementation, loss.multiply, loss.tiles) for loss in chosen] == [
        ("chunked", "bfloat16", "recompute"),
        ("chunked", "bfloat16", "recompute"),
        ("auto", "float32", "auto"),
    ]


def test_a_grid_is_every_combination() -> None:
    axes, points = grid_of(read_variant("x2softmax:h=0"), ["a=-0.9,-0.7", "k=0.65,0.8"])
    assert axes == {"a": (-0.9, -0.7), "k": (0.65, 0.8)}
    assert [point.label for point in points][:2] == ["x2softmax:h=0,a=-0.9,k=0.65", "x2softmax:h=0,a=-0.9,k=0.8"]
    assert len(points) == 4
    for axis in ("a", "a=", "a=1,", "=1"):
        with pytest.raises(InputError, match="--grid takes a parameter, once"):
            grid_of(read_variant("x2softmax:h=0"), [axis])
