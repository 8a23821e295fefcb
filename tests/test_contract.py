"""The contract id and the card."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from marginface.contract import (
    BackboneEntry,
    Contract,
    ModelCard,
    ThresholdEntry,
    file_sha256,
    read_card,
    require_same_contract,
    write_card,
)
from marginface.errors import ContractMismatch, InputError

CARD = ModelCard(
    name="small",
    file="small.onnx",
    sha256="a" * 64,
    license="Apache-2.0",
    embedding_size=64,
    input_size=64,
    backbone=BackboneEntry(name="tiny", options={"width": 0.5}),
    thresholds=(ThresholdEntry(similarity=0.3, fmr=1e-3, impostor_pairs=5000, data="held-out drawn faces"),),
)


@pytest.mark.parametrize(
    "change",
    [
        {"model_sha256": "b" * 64},
        {"embedding_size": 32},
        {"input_size": 112},
        {"color_order": "BGR"},
        {"mean": 0.0},
        {"std": 128.0},
        {"template": "other"},
        {"mirror": True},
        {"pose": "yaw"},
        {"landmarks": "another network"},
    ],
)
def test_every_part_of_a_contract_changes_its_id(change: dict[str, object]) -> None:
    contract = CARD.contract()
    assert replace(contract, **change).id != contract.id  # type: ignore[arg-type]


def test_an_id_is_the_same_in_every_process() -> None:
    assert Contract("a" * 64, 512).id == "842af0dbf3b63743"


def test_an_id_made_before_poses_and_landmarks_were_part_of_it_is_still_the_same() -> None:
    contract = Contract("c" * 64, 128, mean=0.0, std=1.0, mirror=True)
    before = {
        "model_sha256": "c" * 64, "embedding_size": 128, "input_size": 112, "color_order": "RGB", "mean": 0.0,
        "std": 1.0, "template": "arcface-112", "mirror": True,
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(before, sort_keys=True).encode()).hexdigest()
    assert contract.id == digest[:16]


def test_a_card_says_in_its_contract_that_the_network_is_told_the_pose() -> None:
    turned = CARD.model_copy(update={"pose": "yaw"})
    assert turned.contract().pose == "yaw"
    assert turned.contract().id != CARD.contract().id


def test_embeddings_of_two_contracts_cannot_meet() -> None:
    require_same_contract("x", "x")
    with pytest.raises(ContractMismatch, match="x and y cannot be compared"):
        require_same_contract("x", "y")


def test_a_card_survives_its_file(tmp_path: Path) -> None:
    write_card(CARD, str(tmp_path / "small.toml"))
    assert read_card(str(tmp_path / "small.toml")) == read_card(tmp_path / "small.toml") == CARD


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "not TOML"),
        ('name = "x"', "file: Field required"),
        ('name = "x"\nfile = "x"\nsha256 = "12"\nlicense = "y"\nembedding_size = 1', "sha256"),
    ],
)
def test_a_wrong_card_is_named_with_its_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "card.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_card(path)


def test_a_missing_card_says_what_a_card_holds(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model card"):
        read_card(tmp_path / "none.toml")


def test_a_threshold_is_found_by_its_false_match_rate_or_the_known_ones_are_listed() -> None:
    assert CARD.threshold(1e-3).similarity == 0.3
    with pytest.raises(InputError, match=r"no threshold for FMR 0.0001. Its card has: 0.001"):
        CARD.threshold(1e-4)


def test_a_file_hash_is_the_sha256_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert file_sha256(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
