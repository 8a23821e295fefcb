from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from marginface import backbones, export
from marginface.backbones import BACKBONES
from marginface.contract import BackboneEntry, ModelCard, ThresholdEntry, file_sha256, read_card, write_card
from marginface.embedding import OnnxEmbedder, load_embedder
from marginface.errors import CheckpointError, ExportError, InputError

THRESHOLD = ThresholdEntry(similarity=0.4, fmr=0.01, impostor_pairs=1000, data="held-out")


def checkpoint(folder: Path, name: str = "tiny", size: int = 32) -> Path:
    """Write a checkpoint folder of a backbone with fresh weights and lived-in batch norms."""
    torch.manual_seed(0)
    backbone = backbones.build(name, embedding_size=8, input_size=size)
    backbone.train()(torch.randn(4, 3, size, size))
    folder.mkdir()
    save_file(backbone.state_dict(), folder / "backbone.safetensors")
    card = ModelCard(
        name="test",
        file="backbone.safetensors",
        sha256=file_sha256(folder / "backbone.safetensors"),
        license="as your training data allows",
        provenance="a test",
        embedding_size=8,
        input_size=size,
        backbone=BackboneEntry(name=name),
        thresholds=(THRESHOLD,),
    )
    write_card(card, folder / "card.toml")
    return folder


def crops(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(9).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


DEEPER = {
    *("iresnet34", "iresnet50", "iresnet100", "iresnet200", "ir34", "ir50", "ir101", "spherenet64"),
    *("vit_s", "vit_b", "transface_s", "transface_b"),
}  # the blocks of a shallower one, more of them


@pytest.mark.parametrize("name", [name for name in BACKBONES if name not in DEEPER])
def test_the_exported_file_embeds_as_the_checkpoint_does(name: str, tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "checkpoint", name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = export.export(source, tmp_path / "model.onnx")
    assert [str(warning.message) for warning in caught] == []
    assert result.smallest_cosine >= 1 - 1e-5
    assert "PRelu" not in {node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node}
    exported, torch_side = load_embedder(tmp_path / "model.onnx"), load_embedder(source)
    assert isinstance(exported, OnnxEmbedder)
    for count in (1, 3):
        np.testing.assert_allclose(exported.embed(crops(count)), torch_side.embed(crops(count)), atol=1e-4)


@pytest.mark.parametrize("name", ["mobilefacenet", "iresnet18"])
def test_prelu_in_parts_gives_the_features_of_prelu(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slopes of trained networks lie on both sides of 0 and of 1; fresh ones are all 0.25."""
    network = backbones.build(name, embedding_size=8, input_size=32).eval()
    slopes = [module.weight for module in network.modules() if isinstance(module, nn.PReLU)]
    for number, slope in enumerate(slopes):
        nn.init.uniform_(slope, -0.3, 0.9 if number % 2 else 1.3)
    export.write_onnx(network, 32, tmp_path / "parts.onnx")
    monkeypatch.setattr(export, "split_prelu", lambda model: model)
    export.write_onnx(network, 32, tmp_path / "whole.onnx")
    whole = onnx.load(tmp_path / "whole.onnx")
    assert [node.op_type for node in whole.graph.node].count("PRelu") == len(slopes) > 0
    images = np.random.default_rng(1).normal(size=(3, 3, 32, 32)).astype(np.float32)
    features = [
        ort.InferenceSession(tmp_path / f"{file}.onnx", providers=["CPUExecutionProvider"]).run(
            None, {"images": images}
        )
        for file in ("parts", "whole")
    ]
    np.testing.assert_allclose(*[one[0] for one in features], rtol=0, atol=1e-4 * float(np.abs(features[1][0]).max()))


def test_the_card_beside_it_has_the_hash_the_thresholds_and_the_provenance(tmp_path: Path) -> None:
    export.export(checkpoint(tmp_path / "checkpoint"), tmp_path / "model.onnx")
    card = read_card(tmp_path / "model.toml")
    assert card.sha256 == file_sha256(tmp_path / "model.onnx")
    assert (card.file, card.provenance, card.thresholds) == ("model.onnx", "a test", (THRESHOLD,))
    assert (card.input_size, card.embedding_size, card.color_order, card.mean, card.std) == (32, 8, "RGB", 127.5, 127.5)


def test_existing_files_are_kept_unless_asked(tmp_path: Path) -> None:
    source = checkpoint(tmp_path / "checkpoint")
    (tmp_path / "model.toml").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"model\.toml exist already"):
        export.export(source, tmp_path / "model.onnx")
    assert (tmp_path / "model.toml").read_text(encoding="utf-8") == "mine"
    export.export(source, tmp_path / "model.onnx", overwrite=True)
    assert read_card(tmp_path / "model.toml").name == "test"


def test_a_name_that_is_not_onnx_and_a_folder_without_checkpoint_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in \.onnx"):
        export.export(tmp_path, tmp_path / "model.bin")
    with pytest.raises(InputError, match=r"ends in \.onnx"):
        export.export(tmp_path, Path())
    with pytest.raises(CheckpointError, match="no checkpoint"):
        export.export(tmp_path, tmp_path / "model.onnx")


def test_a_published_model_is_said_to_be_onnx_already(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sface: expected the folder of a run .* a published model, an ONNX file"):
        export.export(Path("sface"), tmp_path / "model.onnx")
    with pytest.raises(InputError, match=r"runs/absent: expected the folder of a run .* not there"):
        export.export(Path("runs/absent"), tmp_path / "model.onnx")


class Wrong(nn.Module):
    """Computes something else when it is traced."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.network(images)
        return features.flip(1)


def test_a_file_that_computes_something_else_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = checkpoint(tmp_path / "checkpoint")
    honest = export.write_onnx
    monkeypatch.setattr(export, "write_onnx", lambda network, size, path: honest(Wrong(network), size, path))
    with pytest.raises(ExportError, match="disagree"):
        export.export(source, tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
