"""Each finding on made data, and what becomes of it in words and in the list of exclusions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from marginface.data.audit import AuditReport, AuditSettings, Named, audit, audit_images, exclusions_of
from marginface.data.audit.labels import label_gaps, quantiles
from marginface.data.audit.names import are_names, shared_names
from marginface.data.audit.opened import open_evaluation, open_training, with_names
from marginface.data.crops.exclusions import Exclusions, read_exclusions, write_exclusions
from marginface.errors import DataError, InputError
from marginface.values import Threshold
from oracles.audits import audited, distinct_rows, jpeg, people, photo, png
from oracles.packs import write_pack

MATCH = Threshold(0.6, 1e-3, 1000, "a test")


class Files:
    """Names for the images of a set: the identity and a number."""

    def __init__(self, data) -> None:
        self.listing = data.listing

    def name(self, index: int) -> str:
        return f"{self.listing.identities[self.listing.labels[index]]}/{index}"

    place = name

    def bytes_of(self, index: int) -> bytes:
        return png(photo(index))


def named(data) -> Named:
    return Named(data, Files(data))


def test_labels_sizes_and_files() -> None:
    rows = audit_images([png(photo(1)), png(photo(2)), b"", png(photo(3, 50, 40)), png(photo(4))])
    data = audited(["3", "4", "7"], [0, 0, 0, 1, 2], rows)
    found = audit(data, AuditSettings(min_images=2))
    assert (found.unreadable, found.singles, found.too_few, found.gaps) == ((2,), 2, (1, 2), ((5, 6),))
    assert found.tail.quantiles[-1] == 2
    assert dict(found.sizes.frequent) == {"140×160": 3, "40×50": 1}
    assert found.doubts is None
    lines = "\n".join(AuditReport(found, named(data), None, Exclusions()).lines())
    assert "identities with fewer than 2 images: 2\n    4\n    7" in lines
    assert "label numbers that nobody has: 2 (5 to 6)" in lines
    assert "unreadable: 1\n    3/2" in lines


def test_copies_keep_the_largest_and_a_photo_of_two_people_is_left_out_whole() -> None:
    image, shared = photo(1), photo(2)
    contents = [jpeg(image[::2, ::2].copy(), 80), png(image), jpeg(shared, 90), png(photo(3)), jpeg(shared, 60)]
    data = audited(["Ann", "Bob"], [0, 0, 0, 1, 1], audit_images(contents))
    found = audit(data, AuditSettings())
    assert [group.images for group in found.copies] == [(0, 1)]
    assert [group.images for group in found.crossed] == [(2, 4)]
    exclusions, _ = exclusions_of(found, named(data))
    assert exclusions.images == {
        "Ann/0": "a copy of Ann/1",
        "Ann/2": "one photo under 2 identities: Ann, Bob",
        "Bob/4": "one photo under 2 identities: Ann, Bob",
    }


def test_wrong_labels_and_split_identities_are_found_and_clean_ones_are_not() -> None:
    vectors, labels = people([6, 5, 4, 3, 5], spread=0.4)
    labels = labels.copy()
    labels[0] = 1  # a photo of identity 0 among those of 1
    labels[labels == 4] = 4
    again = vectors[18:] @ np.eye(32)  # identity 5 is the same person as 4
    vectors = np.concatenate([vectors, vectors[[18, 19]] * 0.9 + 0.1 * again[[2, 3]]]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    data = audited(["Ann", "Bob", "Cy", "Dee", "Eve", "Eva"], [*labels, 5, 5], distinct_rows(len(vectors)), vectors)
    found = audit(data, AuditSettings(match=MATCH, copy=0.999))
    assert found.doubts is not None
    assert [(suspect.image, suspect.other_label) for suspect in found.doubts.suspects] == [(0, 0)]
    assert [pair[:2] for pair in found.doubts.merges] == [(4, 5)]
    assert found.doubts.outliers == ()
    exclusions, proposed = exclusions_of(found, named(data))
    assert list(exclusions.identities) == ["Eva"]
    assert list(exclusions.images) == ["Bob/0"]
    assert "looks like Ann" in exclusions.images["Bob/0"]
    assert proposed == Exclusions()


def test_the_card_sets_the_threshold_where_the_data_supports_no_rate_as_small() -> None:
    vectors, labels = people([4, 4, 4], spread=0.3)
    data = audited(["Ann", "Bob", "Cy"], labels.tolist(), distinct_rows(12), vectors)
    card = (Threshold(0.3, 1e-2, 1000, "card"), Threshold(0.5, 1e-4, 1000, "card"), Threshold(0.9, 1e-9, 1000, "card"))
    with_card = audit(data, AuditSettings(fmr=1e-5, known=card)).doubts
    assert with_card is not None
    assert (with_card.match, with_card.unlike) == (card[1], card[0])
    alone = audit(data, AuditSettings(fmr=1e-5)).doubts
    assert alone is not None
    assert alone.match.fmr == pytest.approx(10 / 48)


def test_photos_that_are_no_crops_are_said_not_to_be_compared() -> None:
    rows = audit_images([png(photo(1)), png(photo(2))])
    data = audited(["Ann", "Bob"], [0, 1], rows, np.zeros((2, 8), np.float16))
    lines = AuditReport(audit(data, AuditSettings()), named(data), None, Exclusions()).lines()
    assert "faces were not compared" in lines[-1]


def test_an_image_like_nobody_is_proposed_and_not_left_out() -> None:
    vectors, labels = people([5, 5, 5], spread=0.3)
    stranger = np.random.default_rng(9).normal(size=32)
    stranger -= vectors.T @ np.linalg.lstsq(vectors.T, stranger, rcond=None)[0]
    vectors[2] = stranger / np.linalg.norm(stranger)
    data = audited(["Ann", "Bob", "Cy"], labels.tolist(), distinct_rows(15), vectors)
    found = audit(data, AuditSettings(match=MATCH, unlike_fmr=0.1))
    exclusions, proposed = exclusions_of(found, named(data))
    assert exclusions == Exclusions()
    assert list(proposed.images) == ["Ann/2"]


def test_overlap_by_name_by_likeness_and_by_photo() -> None:
    vectors, labels = people([3, 3, 3], spread=0.4)
    rows = distinct_rows(9)
    here = audited(["Ann_Lee", "Bob", "Cy"], labels.tolist(), rows, vectors)
    there_rows = distinct_rows(4, seed=1)
    there_rows[3] = rows[8]
    other = np.random.default_rng(3).normal(size=(2, 32)).astype(np.float32)
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    there = audited(["lee ann", "Robert", "Zed"], [0, 1, 2, 2], there_rows, np.stack([vectors[0], vectors[3], *other]))
    found = audit(here, AuditSettings(match=MATCH), there)
    assert found.overlap is not None
    assert found.overlap.by_name == ((0, 0),)
    assert {pair[:2] for pair in found.overlap.by_likeness or ()} == {(0, 0), (1, 1)}
    assert found.overlap.agreement == (1, 0, 1)
    assert found.overlap.photos == ((8, 3),)
    exclusions, _ = exclusions_of(found, named(here), named(there))
    assert list(exclusions.identities) == ["Ann_Lee", "Bob"]
    assert exclusions.images == {"Cy/8": "evaluated on: the same photo as Zed/3 there"}
    report = AuditReport(found, named(here), named(there), exclusions)
    assert any("of those with one name, likeness finds 100.0 %" in line for line in report.lines())
    assert report.to_dict()["overlap"]["by_name"] == [["Ann_Lee", "lee ann"]]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("George_W_Bush", "george w. bush", True),
        ("Bush, George W", "George_W_Bush", True),
        ("Zoë Kravitz", "Zoe_Kravitz", True),
        ("Ｊosé", "Jose", True),
        ("Ann", "Anne", False),
        ("---", "...", False),
    ],
)
def test_names_are_compared_without_case_accents_order_and_punctuation(one: str, other: str, same: bool) -> None:
    assert bool(shared_names([one], [other])) is same


def test_numbers_are_no_names() -> None:
    assert not are_names(["0", "17", "n000012", "id10001"])
    assert are_names(["0", "Ann"])


def test_gaps_and_quantiles() -> None:
    assert label_gaps(["10", "2", "3"]) == ((4, 9),)
    assert label_gaps(["1", "x"]) == label_gaps([]) == ()
    assert quantiles([]) == (0.0,) * 9
    assert quantiles([5, 1, 3])[4] == 3


def test_settings_and_lengths_are_checked() -> None:
    for wrong in ({"fmr": 0.0}, {"fmr": 1.0}, {"copy": 1.5}, {"min_images": 0}):
        with pytest.raises(InputError):
            AuditSettings(**wrong)
    with pytest.raises(InputError, match="one an image"):
        audited(["Ann"], [0, 0], distinct_rows(1))


def test_an_evaluation_pack_and_a_pair_list_can_be_compared_with(tmp_path: Path) -> None:
    crops = [png(photo(seed, 112, 112)) for seed in range(20)]
    pack = open_evaluation(write_pack(tmp_path / "lfw.bin", crops, [True, False] * 5))
    assert (len(pack.listing.identities), pack.bytes_of(3), pack.name(3)) == (20, crops[3], "3")
    assert pack.place(3) == f"{tmp_path / 'lfw.bin'}#3"
    for name in ("Ann/Ann_0001", "Ann/Ann_0002", "Bob/Bob_0001", "Cy/Cy_0001"):
        path = tmp_path / "lfw" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(crops[0])
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("1\nAnn\t1\t2\nAnn\t1\tBob\t1\n")
    images = open_evaluation(tmp_path / "lfw", pairs=pairs)
    assert images.listing.identities == ("Ann", "Bob")
    assert [images.name(i) for i in range(3)] == ["Ann/Ann_0001.png", "Ann/Ann_0002.png", "Bob/Bob_0001.png"]


def test_names_of_a_list_are_those_of_the_identities_in_order(tmp_path: Path) -> None:
    for name in ("001", "002"):
        (tmp_path / "crops" / name).mkdir(parents=True)
        (tmp_path / "crops" / name / "1.png").write_bytes(png(photo(1)))
    (tmp_path / "names.txt").write_text("50 Cent\nAnn\n")
    images = with_names(open_training([tmp_path / "crops"]), tmp_path / "names.txt")
    assert images.listing.identities == ("50 Cent", "Ann")
    (tmp_path / "names.txt").write_text("Ann\n")
    with pytest.raises(DataError, match=r"a name for each of the 2 identities.*got 1 names"):
        with_names(open_training([tmp_path / "crops"]), tmp_path / "names.txt")


def test_exclusions_are_read_as_they_were_written(tmp_path: Path) -> None:
    given = Exclusions({'O"Hara \\ #1': "is\nwrong", "Zoë.B": ""}, {"a/\x7f.jpg": "blurred"})
    write_exclusions(given, tmp_path / "e.toml", about="Made by\nme", proposed=Exclusions({}, {"b/1.jpg": "far"}))
    assert read_exclusions(tmp_path / "e.toml") == given
    text = (tmp_path / "e.toml").read_text(encoding="utf-8")
    assert text.startswith("# Made by\n# me\n")
    assert '# "b/1.jpg" = "far"' in text
    (tmp_path / "names.txt").write_text("Ann\nBob\n")
    assert read_exclusions(tmp_path / "names.txt") == Exclusions({"Ann": "", "Bob": ""})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[people]\n", r"\[identities\] and \[images\]; got 'people'"),
        ("identities = 3\n", "got 'identities'"),
        ("[images]\nAnn = 3\n", "expected a reason in quotes"),
        ("[images]\na/1.jpg = 'x'\n", "expected a list of exclusions in TOML"),
        (None, "expected a list of exclusions in TOML"),
    ],
)
def test_a_wrong_list_of_exclusions_says_what_is_wrong(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "e.toml").write_text(text)
    with pytest.raises(DataError, match=message):
        read_exclusions(tmp_path / "e.toml")
