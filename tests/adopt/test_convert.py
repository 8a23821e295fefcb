from __future__ import annotations

import argparse
import os
import pathlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from marginface.adopt import SourceCard, adopt, convert
from marginface.contract import file_sha256
from marginface.data.augmentation.transforms import normalize
from marginface.embedding import load_embedder
from marginface.errors import HashMismatch, InputError, WeightsError
from marginface.training.feed.batches import to_tensor
from oracles.foreign import ArcIResNet, ArcMobileFaceNet, Ir, fed, randomized

RGB = SourceCard(name="theirs", license="MIT", color_order="RGB", mean=127.5, std=127.5)
BGR = RGB.model_copy(update={"color_order": "BGR"})
SIDE = 2  # 32 pixels


def crops(size: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, size, size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def networks() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    made = {
        "iresnet18": ArcIResNet((2, 2, 2, 2), SIDE, 24),
        "ir18": Ir((2, 2, 2, 2), SIDE, 24),
        "mobilefacenet": ArcMobileFaceNet(2, SIDE, 24),
    }
    return {name: randomized(network) for name, network in made.items()}


def written(content: Any, path: Path) -> Path:
    torch.save(content, path)
    return path


CASES = {
    "iresnet18": ("", RGB),
    "mobilefacenet": ("module.", RGB.model_copy(update={"std": 128.0})),
    "ir18": ("model.", BGR),
}


@pytest.mark.parametrize("name", CASES)
def test_converted_weights_give_the_features_that_the_foreign_program_gets(
    name: str, networks: dict[str, nn.Module], tmp_path: Path
) -> None:
    prefix, card = CASES[name]
    state = {f"{prefix}{key}": value for key, value in networks[name].state_dict().items()}
    adopted = adopt(written(state, tmp_path / "theirs.pth"), card)
    with torch.no_grad():
        theirs = networks[name](fed(crops(), bgr=card.color_order == "BGR", std=card.std))
        ours = adopted.backbone(normalize(torch.from_numpy(crops()).permute(0, 3, 1, 2)))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    assert adopted.card.backbone is not None
    assert (adopted.card.backbone.name, adopted.card.input_size, adopted.card.embedding_size) == (name, 32, 24)
    assert (adopted.card.color_order, adopted.card.mean, adopted.card.std) == ("RGB", 127.5, 127.5)


def test_the_other_color_order_would_give_other_features(networks: dict[str, nn.Module], tmp_path: Path) -> None:
    path = written(networks["ir18"].state_dict(), tmp_path / "x.pth")
    images = normalize(torch.from_numpy(crops()).permute(0, 3, 1, 2))
    with torch.no_grad():
        first, second = (adopt(path, card).backbone(images) for card in (RGB, BGR))
    assert not torch.allclose(first, second, atol=1e-2)


def test_a_converted_folder_is_a_model(networks: dict[str, nn.Module], tmp_path: Path) -> None:
    path = written(networks["mobilefacenet"].state_dict(), tmp_path / "mbf.pth")
    done = convert(path, tmp_path / "mbf", RGB)
    embedder = load_embedder(tmp_path / "mbf")
    large = crops(112)
    got = embedder.embed(large)
    with torch.no_grad():
        wanted = networks["mobilefacenet"](fed(to_tensor(large, 32).permute(0, 2, 3, 1).numpy(), bgr=False)).numpy()
    np.testing.assert_allclose(got, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-5)
    assert file_sha256(path) in done.card.provenance
    assert done.left_out == ()


def test_a_checkpoint_of_lightning_is_read_without_its_classes(networks: dict[str, nn.Module], tmp_path: Path) -> None:
    state = {f"model.{key}": value for key, value in networks["ir18"].state_dict().items()}
    content = {
        "state_dict": OrderedDict(state, **{"head.kernel": torch.ones(24, 9)}),
        "hyper_parameters": argparse.Namespace(lr=0.1, where=pathlib.PurePosixPath("/data")),
        "callbacks": {argparse.Namespace: {"best": torch.ones(())}},
        "epoch": 3,
    }
    with pytest.raises(Exception, match="weights_only"):
        torch.load(written(content, tmp_path / "adaface.ckpt"), weights_only=True)
    assert adopt(tmp_path / "adaface.ckpt", BGR).left_out == ("head.kernel",)


class _RunsSomething:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ["MARGINFACE_TEST_TRAP"],)


def test_the_checkpoint_of_an_arcface_torch_training_is_read(networks: dict[str, nn.Module], tmp_path: Path) -> None:
    state = networks["iresnet18"].state_dict()
    content = {
        "epoch": 3,
        "global_step": 4000,
        "state_dict_backbone": state,
        "state_dict_softmax_fc": {"weight": torch.ones(9, 24)},
        "state_optimizer": {"state": {0: {"momentum_buffer": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]},
        "state_lr_scheduler": {"base_lrs": [0.1], "last_epoch": 4000},
    }
    adopted = adopt(written(content, tmp_path / "checkpoint_gpu_0.pt"), RGB)
    assert torch.equal(adopted.backbone.state_dict()["projection.linear.weight"], state["fc.weight"])


def test_a_file_that_wants_to_run_something_is_refused_and_nothing_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARGINFACE_TEST_TRAP", str(tmp_path / "ran"))
    path = written({"state_dict": {"a": torch.ones(1)}, "more": _RunsSomething()}, tmp_path / "hostile.pth")
    with pytest.raises(WeightsError, match=r"mkdir.*nothing in it is run"):
        adopt(path, RGB)
    assert not (tmp_path / "ran").exists()


def changed(state: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**state, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer2.1.bn3.weight": None}, r"1 tensors are missing \(stages\.1\.1\.residual\.5\.weight\)"),
        ({"fc7.weight": torch.ones(3)}, r"1 tensors that insightface .* does not have: fc7\.weight"),
        ({"layer3.0.conv1.weight": torch.ones(8, 8, 3, 3)}, r"another shape .*\(8, 8, 3, 3\), not \(256, 128, 3, 3\)"),
        ({"bn2.bias": torch.full((512,), float("nan"))}, r"not finite: last\.0\.bias"),
        ({"fc.weight": None}, r"fc\.weight says which network this is, .* it is missing"),
        ({"layer1.2.bn1.weight": torch.ones(64)}, r"\[3, 2, 2, 2\] blocks .* is none of iresnet18"),
    ],
)
def test_what_does_not_fit_is_named(
    changes: dict[str, Any], message: str, networks: dict[str, nn.Module], tmp_path: Path
) -> None:
    path = written(changed(networks["iresnet18"].state_dict(), **changes), tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=message):
        adopt(path, RGB)


def test_old_files_without_counters_and_half_precision_are_read(networks: dict[str, nn.Module], tmp_path: Path) -> None:
    state = networks["iresnet18"].state_dict()
    halves = {name: value.half() for name, value in state.items() if not name.endswith("num_batches_tracked")}
    save_file(halves, tmp_path / "x.safetensors")
    weight = adopt(tmp_path / "x.safetensors", RGB).backbone.get_parameter("projection.linear.weight")
    assert weight.dtype == torch.float32
    torch.testing.assert_close(weight, state["fc.weight"], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"encoder.weight": torch.ones(2, 2)}, "a layout that is not known here.*encoder.weight"),
        ({"epoch": 3}, "holds no named tensors"),
        ([1, 2], "holds no named tensors"),
    ],
)
def test_other_files_are_refused(content: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=message):
        adopt(written(content, tmp_path / "x.pth"), RGB)


def test_what_is_no_weights_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(b"hello")
    (tmp_path / "x.safetensors").write_bytes(b"hello")
    with pytest.raises(WeightsError, match="not read"):
        adopt(tmp_path / "x.pth", RGB)
    with pytest.raises(WeightsError, match="not a safetensors file"):
        adopt(tmp_path / "x.safetensors", RGB)
    with pytest.raises(WeightsError, match="no such file"):
        adopt(tmp_path / "y.pth", RGB)


def test_another_mean_another_hash_and_a_used_folder_are_refused(
    networks: dict[str, nn.Module], tmp_path: Path
) -> None:
    path = written(networks["mobilefacenet"].state_dict(), tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"mean 0: only 127\.5"):
        adopt(path, RGB.model_copy(update={"mean": 0.0}))
    with pytest.raises(HashMismatch, match="another file"):
        adopt(path, RGB.model_copy(update={"sha256": "0" * 64}))
    with pytest.raises(InputError, match="new or empty folder"):
        convert(path, tmp_path, RGB)
