from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from marginface.embedding import load_embedder
from marginface.errors import CheckpointError, InputError, UnknownName, WeightsError
from oracles.linear_models import CROPS, card_of, linear_model
from oracles.patience import PATIENCE


def test_a_card_is_a_name_of_the_model_it_speaks_of(tmp_path):
    linear_model(tmp_path / "own.onnx")
    card_of(tmp_path / "own.onnx", file="own.onnx")
    beside = load_embedder(tmp_path / "own.onnx")
    (tmp_path / "own.toml").rename(tmp_path / "other name.toml")
    named = load_embedder(str(tmp_path / "other name.toml"))
    assert named.contract == beside.contract
    np.testing.assert_array_equal(named.embed(CROPS), beside.embed(CROPS))
    card_of(tmp_path / "own.onnx", file="../own.onnx")
    with pytest.raises(InputError, match=r"the name of a file beside the card; got '\.\./own\.onnx'"):
        load_embedder(tmp_path / "own.toml")
    (tmp_path / "own.onnx").unlink()
    with pytest.raises(WeightsError, match=r"own\.onnx: no such file"):
        load_embedder(tmp_path / "other name.toml")
    with pytest.raises(InputError, match="no model card"):
        load_embedder(tmp_path / "none.toml")


def test_mirror_is_another_contract(sface):
    assert load_embedder("sface", mirror=True).contract.id != sface.contract.id
    assert sface.contract.id == sface.card.contract().id


def test_what_is_no_model_is_refused_with_what_is_meant(tmp_path):
    linear_model(tmp_path / "own.onnx")
    with pytest.raises(InputError, match=r"own\.toml: no model card"):
        load_embedder(tmp_path / "own.onnx")
    with pytest.raises(WeightsError, match="no such file"):
        load_embedder(tmp_path / "absent.onnx")
    with pytest.raises(InputError, match="are a detector"):
        load_embedder("yunet")
    with pytest.raises(UnknownName, match="Did you mean 'sface'"):
        load_embedder("sfaces")
    (tmp_path / "model.pth").write_bytes(b"")
    with pytest.raises(InputError, match=r"an \.onnx file with a card"):
        load_embedder(tmp_path / "model.pth")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load_embedder(tmp_path)


def test_the_use_road_loads_no_torch():
    code = "import sys, marginface.embedding, marginface.detection; print('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE).stdout.strip()
        == "False"
    )
