"""No option of a backbone changes an embedding under the same weights: so contracts may leave options out.

Each option is set to another value. Either the weights of the one do not fit the other, and loading refuses; or both
compute the same in evaluation. An option for which neither holds belongs into Contract.
"""

from __future__ import annotations

import pytest
import torch

from marginface.backbones import BACKBONES, build
from marginface.errors import InputError

# One backbone of each file, small ones; the others of a file are the same code in other sizes.
SMALL = ("tiny", "mobilefacenet", "iresnet18", "ir18", "sface", "resnet18", "ghostfacenet", "vit_t", "transface_t")
OTHER_VALUES: dict[str, tuple[float | bool, ...]] = {
    "width": (0.5, 2),
    "dropout": (0.5,),
    "learned_scale": (True, False),
    "stride": (1, 2),
    "patch": (14, 16),
    "mask_ratio": (0.5,),
    "drop_path": (0.5,),
    "perturb": (0.5,),
    "dominant": (3,),
    "entropy_weight": (2.0,),
}


def options() -> list[tuple[str, str]]:
    return [(name, option) for name in SMALL for option in BACKBONES[name].options]


def test_every_option_of_the_table_is_looked_at() -> None:
    every = {option for info in BACKBONES.values() for option in info.options}
    assert {option for _, option in options()} == every == set(OTHER_VALUES)


@pytest.mark.parametrize(("name", "option"), options())
def test_an_option_does_not_change_what_the_same_weights_compute(name: str, option: str) -> None:
    torch.manual_seed(0)
    images = torch.randn(1, 3, 112, 112)
    original = build(name, embedding_size=16).eval()
    with torch.inference_mode():
        features = original(images)
    for value in (value for value in OTHER_VALUES[option] if value != BACKBONES[name].defaults[option]):
        try:
            changed = build(name, embedding_size=16, **{option: value}).eval()
            changed.load_state_dict(original.state_dict())
        except (InputError, RuntimeError):
            continue  # no such value, or these weights do not fit
        with torch.inference_mode():
            torch.testing.assert_close(changed(images), features)
