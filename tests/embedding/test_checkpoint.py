from __future__ import annotations

import numpy as np
import pytest

from marginface.contract import BackboneEntry, ModelCard, file_sha256, write_card
from marginface.embedding import load_embedder, preprocess
from marginface.errors import CheckpointError, HashMismatch, InputError
from oracles.linear_models import CROPS


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
