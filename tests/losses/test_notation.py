from __future__ import annotations

import pytest

pytest.importorskip("torch")

from marginface.errors import InputError
from marginface.losses.notation import read_loss, read_losses


def test_a_loss_is_a_name_and_typed_parameters() -> None:
    loss = read_loss(" sphereface:margin=4,form=real,annealing=true,easy=false,x=1e-3 ")
    assert loss.name == "sphereface"
    assert loss.options == {"margin": 4, "form": "real", "annealing": True, "easy": False, "x": 1e-3}
    assert isinstance(loss.options["margin"], int)


def test_parameters_stay_with_the_loss_before_them() -> None:
    found = read_losses("softmax, x2softmax:a=-0.9,h=0,k=0.65, arcface,margin=0.3")
    assert [loss.text for loss in found] == ["softmax", "x2softmax:a=-0.9,h=0,k=0.65", "arcface:margin=0.3"]
    assert found[2].options == {"margin": 0.3}


@pytest.mark.parametrize("text", ["", " , ", "softmax,softmax", "cosface:margin=0.1,cosface:margin=0.1"])
def test_no_loss_and_one_loss_twice_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="each once"):
        read_losses(text)


@pytest.mark.parametrize("text", ["cosface:0.1", "cosface:margin=", "cosface:=0.1"])
def test_a_parameter_without_name_or_value_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="name=value"):
        read_loss(text)
