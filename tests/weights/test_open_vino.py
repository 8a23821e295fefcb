"""OpenVINO computes what ONNX Runtime does."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from marginface.alignment import align
from marginface.data.synthetic import draw_photo
from marginface.detection import YuNet
from marginface.embedding import load_embedder
from marginface.errors import InputError, MissingExtra, UnknownName, WeightsError
from marginface.values import ImageArray
from marginface.weights import open_session, open_vino, prepared

pytest.importorskip("openvino", reason='OpenVINO is an extra: pip install "marginface[openvino]"')

BF16 = pytest.mark.skipif(not open_vino.has_bf16(), reason="this processor has no bfloat16")
ENGINES = ["openvino", pytest.param("openvino-bf16", marks=BF16)]
# cosine of the embeddings of one crop by two engines; of real photos of LFW see docs/how-to/openvino.md
LEAST_COSINE = {"openvino": 0.999999, "openvino-bf16": 0.999}


@pytest.fixture(scope="module")
def crops() -> ImageArray:
    made = []
    for identity in range(4):
        photo, landmarks = draw_photo(identity, 0)
        made.append(align(photo, landmarks))
    return np.stack(made)


@pytest.mark.parametrize("engine", ENGINES)
def test_embeddings_are_those_of_onnx_runtime(crops: ImageArray, engine: str) -> None:
    ours, reference = load_embedder("sface", engine=engine), load_embedder("sface")
    cosines = (ours.embed(crops) * reference.embed(crops)).sum(axis=1)
    assert cosines.min() > LEAST_COSINE[engine]
    assert ours.contract.id == reference.contract.id


@BF16
def test_bfloat16_is_really_used(crops: ImageArray) -> None:
    halves, reference = (
        load_embedder("sface", engine=engine).features(crops) for engine in ("openvino-bf16", "openvino")
    )
    assert np.abs(halves - reference).max() > 1e-4


@pytest.mark.parametrize("engine", ENGINES)
def test_faces_are_found_where_onnx_runtime_finds_them(engine: str) -> None:
    photo, _ = draw_photo(1, 0)
    other = np.pad(photo, ((0, 40), (0, 90), (0, 0)))  # another size after the first
    for image in (photo, other):
        ours, reference = (YuNet.load(engine=name).detect(image) for name in (engine, "onnxruntime"))
        assert len(ours) == len(reference) == 1
        limit = 0.01 if engine == "openvino" else 0.05 * reference[0].box.width
        assert np.abs(ours[0].landmarks - reference[0].landmarks).max() < limit


def test_one_session_serves_threads(crops: ImageArray) -> None:
    embedder = load_embedder("sface", engine="openvino")
    alone = embedder.embed(crops)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda number: embedder.embed(crops[[number % 4]]), range(24)))
    for number, row in enumerate(together):
        np.testing.assert_array_equal(row[0], alone[number % 4])


def test_results_are_not_overwritten_by_the_next_run(crops: ImageArray) -> None:
    session = open_session(prepared("sface"), engine="openvino")
    inputs = crops.transpose(0, 3, 1, 2).astype(np.float32)
    first = session.run(None, {"data": inputs[:1]})[0]
    kept = first.copy()
    session.run(None, {"data": inputs[1:2]})
    np.testing.assert_array_equal(first, kept)


def test_the_batch_is_fixed_to_one_where_shapes_do_not_vary() -> None:
    path = prepared("sface")
    assert open_session(path, engine="openvino").get_inputs()[0].shape == [1, 3, 112, 112]
    assert open_session(path, engine="openvino", varying_shapes=True).get_inputs()[0].shape == [None, 3, 112, 112]


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_text("not a model", encoding="utf-8")
    with pytest.raises(WeightsError, match=r"text\.onnx: OpenVINO cannot load this model"):
        open_session(path, engine="openvino")


def test_a_processor_without_bfloat16_is_told_what_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_vino, "has_bf16", lambda: False)
    with pytest.raises(InputError, match="--engine openvino or onnxruntime"):
        open_session(prepared("sface"), engine="openvino-bf16")


def test_without_openvino_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtra, match=r"marginface\[openvino\]"):
        open_session(prepared("sface"), engine="openvino")


def test_an_engine_is_one_of_the_table(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'openvino'"):
        load_embedder("sface", engine="openvin")
    with pytest.raises(InputError, match="a checkpoint runs in torch"):
        load_embedder(tmp_path, engine="openvino")
