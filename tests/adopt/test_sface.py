"""The published SFace as a trainable network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from marginface.adopt import Adopted, adopt_published, convert
from marginface.contract import file_sha256
from marginface.data.augmentation.transforms import normalize
from marginface.data.synthetic import DrawnFaces
from marginface.embedding import load_embedder, preprocess
from marginface.errors import WeightsError
from marginface.evaluation.reading import protocol_cropper
from marginface.export import export
from marginface.images import read_image
from marginface.matching.calibration import shipped_calibration
from marginface.values import ImageArray
from marginface.weights import WEIGHTS, locate, open_session, prepared


@pytest.fixture(scope="module")
def sface() -> Adopted:
    try:
        locate("sface")
    except WeightsError as error:
        pytest.skip(str(error).splitlines()[0])
    return adopt_published("sface")


def features_by_onnx(crops: ImageArray) -> np.ndarray:
    session = open_session(prepared("sface"))
    contract = load_embedder("sface").contract
    return session.run(None, {"data": preprocess(crops, contract)})[0]


def features_by_torch(crops: ImageArray, backbone: nn.Module) -> np.ndarray:
    with torch.no_grad():
        return backbone(normalize(torch.from_numpy(crops).permute(0, 3, 1, 2))).numpy()


def test_features_equal_onnx_runtime_on_drawn_faces(sface: Adopted) -> None:
    crops = DrawnFaces(2, 4, seed=1).read(np.arange(8))
    np.testing.assert_allclose(features_by_torch(crops, sface.backbone), features_by_onnx(crops), atol=1e-4)


def test_features_equal_onnx_runtime_on_photographs(sface: Adopted, shared_data: Path) -> None:
    photos = sorted((shared_data / "lfw").glob("*/*_0001.jpg"))[:8]
    cropper = protocol_cropper()
    crops = np.stack([crop for crop in (cropper.crop(read_image(photo)).crop for photo in photos) if crop is not None])
    assert len(crops) >= 6
    np.testing.assert_allclose(features_by_torch(crops, sface.backbone), features_by_onnx(crops), atol=1e-4)


def test_every_batch_norm_has_the_published_statistics_and_all_but_one_weight_learns(sface: Adopted) -> None:
    norms = [part for part in sface.backbone.modules() if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert len(norms) == 29
    assert all(float((norm.running_var - 1).abs().max()) > 0.01 for norm in norms)
    fixed = [name for name, weight in sface.backbone.named_parameters() if not weight.requires_grad]
    assert fixed == ["projection.norm.weight"]


def test_a_converted_sface_is_exported_and_agrees_with_the_published_one(tmp_path: Path, sface: Adopted) -> None:
    done = convert("sface", tmp_path / "sface")
    shipped = shipped_calibration(WEIGHTS["sface"].card.contract().id)
    found = [(entry.fmr, entry.similarity) for entry in done.card.thresholds]
    assert found == [(rung.fmr, rung.similarity) for rung in shipped.thresholds]
    assert done.card.license == "Apache-2.0"
    exported = export(tmp_path / "sface", tmp_path / "tuned.onnx")
    assert exported.card.sha256 == file_sha256(tmp_path / "tuned.onnx")
    crops = DrawnFaces(2, 2, seed=2).read(np.arange(4))
    published, ours = (load_embedder(model).embed(crops) for model in ("sface", exported.model))
    np.testing.assert_allclose(ours, published, atol=1e-5)


def test_a_detector_is_no_start() -> None:
    with pytest.raises(WeightsError, match="yunet is a detector"):
        adopt_published("yunet")
