from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("sklearn")

from marginface.errors import DataError, InputError
from marginface.toy.data import digits, identities_of, whitened_spread


def test_a_quarter_of_every_digit_is_held_out_and_nothing_is_on_both_sides() -> None:
    data = digits(4, seed=3)
    assert data.classes == ("0", "1", "2", "3")
    train, held_out = (np.bincount(part.labels) for part in (data.train, data.held_out))
    np.testing.assert_array_equal(held_out, (train + held_out) // 4)
    sides = [{crop.tobytes() for crop in part.crops} for part in (data.train, data.held_out)]
    assert not sides[0] & sides[1]


def test_the_seed_decides_what_is_held_out() -> None:
    first, again, other = digits(2, seed=1), digits(2, seed=1), digits(2, seed=2)
    assert first.held_out.fingerprint() == again.held_out.fingerprint()
    assert first.held_out.fingerprint() != other.held_out.fingerprint()


@pytest.mark.parametrize("count", [1, 11])
def test_there_are_ten_digits(count: int) -> None:
    with pytest.raises(InputError, match="10 digits"):
        digits(count)


def write_crops(root: Path, name: str, count: int, amount: float, seed: int) -> None:
    """Images of one identity: a pattern of its own, and noise of some amount."""
    random = np.random.default_rng(seed)
    pattern = random.uniform(60, 190, (7, 7))
    (root / name).mkdir(parents=True)
    for number in range(count):
        small = np.clip(pattern + amount * random.normal(size=(7, 7)), 0, 255).astype(np.uint8)
        image = Image.fromarray(small).resize((112, 112)).convert("RGB")
        image.save(root / name / f"{number}.png")


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    for place in range(8):
        write_crops(tmp_path, f"Person_{place}", 8 + place, 2.0 + 8 * place, seed=place)
    write_crops(tmp_path, "Seldom_Seen", 7, 90.0, seed=99)
    return tmp_path


def test_spread_and_compact_choose_the_ends(crops: Path) -> None:
    spread, compact = (identities_of(crops, 2, choice=choice).classes for choice in ("most spread", "most compact"))
    assert set(spread) == {"Person 6", "Person 7"}
    assert set(compact) == {"Person 0", "Person 1"}


def test_without_a_choice_those_with_the_most_images_are_taken(crops: Path) -> None:
    data = identities_of(crops, 3)
    assert data.classes == ("Person 7", "Person 6", "Person 5")
    np.testing.assert_array_equal(np.bincount(data.train.labels), [12, 11, 10])
    np.testing.assert_array_equal(np.bincount(data.held_out.labels), [3, 3, 3])


def test_too_few_identities_with_eight_images_are_refused(crops: Path) -> None:
    with pytest.raises(DataError, match="8 identities have 8 or more images, 9 are asked for"):
        identities_of(crops, 9)


def test_a_folder_that_is_not_there_is_refused_with_the_way_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="marginface align"):
        identities_of(tmp_path / "none", 8)


def test_the_spread_does_not_grow_with_the_number_of_images() -> None:
    random = np.random.default_rng(0)
    crops = random.integers(0, 256, (240, 112, 112, 3), dtype=np.uint8)
    labels = np.repeat([0, 1], [20, 220])
    few, many = whitened_spread(crops, labels, 2)
    assert few == pytest.approx(many, rel=0.05)
    assert many == pytest.approx(1.0, rel=0.05)


def test_real_faces_differ_more_among_the_spread_identities(tmp_path: Path, shared_data: Path) -> None:
    people = [folder for folder in sorted((shared_data / "lfw").iterdir()) if len(list(folder.iterdir())) >= 8][:12]
    for person in people:
        (tmp_path / person.name).mkdir()
        for photo in person.iterdir():
            with Image.open(photo) as image:
                image.crop((69, 69, 181, 181)).save(tmp_path / person.name / f"{photo.stem}.png")
    chosen = [identities_of(tmp_path, 3, choice=choice) for choice in ("most spread", "most compact")]
    values = [list(data.description["spread of whitened pixels"].values()) for data in chosen]
    assert min(values[0]) > max(values[1])
    assert not set(chosen[0].classes) & set(chosen[1].classes)
