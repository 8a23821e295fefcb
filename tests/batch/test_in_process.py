"""Jobs in this process: what is written, gone on with, refused and reported."""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from marginface.batch import InProcess, embeddings, run
from marginface.batch.aligning import Aligning
from marginface.batch.copying import Copying
from marginface.batch.embeddings import Embedding
from marginface.batch.shard import ordered
from marginface.cropping import FaceCropper, crop_tree
from marginface.data.convert import convert
from marginface.data.packs import open_images
from marginface.data.synthetic import draw_photo
from marginface.embedding import load_embedder
from marginface.errors import DataError, InputError, UnknownName
from marginface.images import read_image
from oracles.batch_work import Traced
from oracles.red_faces import BlueEmbedder


def png() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG")
    return stream.getvalue()


def shas(folder: Path, pattern: str = "*.tar") -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob(pattern))}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four drawn photos of two identities, one without a face, one unreadable."""
    root = tmp_path_factory.mktemp("photos")
    for i in range(4):
        path = root / f"person-{i % 2}" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(draw_photo(i % 2, i)[0]).save(path)
    Image.new("RGB", (200, 200), "green").save(root / "person-0" / "lawn.png")
    (root / "person-1" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    return root


@pytest.mark.parametrize(("to", "pattern"), [("tar", "*.tar"), ("parquet", "*.parquet")])
def test_shards_are_those_of_convert_byte_for_byte(noise: Path, tmp_path: Path, to: str, pattern: str) -> None:
    images = open_images(noise)
    convert(images, tmp_path / "convert", to, per_shard=6)
    report = run(images, Copying(), tmp_path / "batch", to, executor=InProcess(), per_shard=6)
    assert shas(tmp_path / "batch", pattern) == shas(tmp_path / "convert", pattern)
    manifest = json.loads((tmp_path / "batch" / "manifest.json").read_text())
    assert {shard["file"]: shard["sha256"] for shard in manifest["shards"]} == shas(tmp_path / "batch", pattern)
    assert manifest["made"] == report.made == 21  # broken.jpg begins as a JPEG does: convert does not decode
    assert (
        open_images(tmp_path / "batch").listing.labels.tolist()
        == open_images(tmp_path / "convert").listing.labels.tolist()
    )


def test_crops_in_shards_are_those_of_align_on_folders(photos: Path, tmp_path: Path) -> None:
    report = run(open_images(photos), Aligning(), tmp_path / "shards", "tar", executor=InProcess(), per_shard=4)
    crop_tree(photos, tmp_path / "tree", cropper=FaceCropper.load())
    shards, tree = open_images(tmp_path / "shards"), open_images(tmp_path / "tree")
    assert [shards.bytes_of(i) for i in range(4)] == [tree.bytes_of(i) for i in range(4)]
    assert shards.listing.identities == tree.listing.identities
    assert report.outcomes == {"cropped": 4, "no face": 1, "unreadable": 1}
    left_out = [json.loads(line) for line in (tmp_path / "shards" / "left-out.jsonl").read_text().splitlines()]
    assert [(Path(entry["image"]).name, entry["outcome"]) for entry in left_out] == [
        ("lawn.png", "no face"),
        ("broken.jpg", "unreadable"),
    ]
    assert "1 unreadable:" in report.summary()
    assert "broken.jpg: image of 12 bytes: this JPEG file is damaged" in report.summary()


def test_another_engine_is_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "load_embedder", lambda model, mirror, engine: BlueEmbedder())
    plain, other = Embedding().settings(), Embedding(engine="openvino").settings()
    assert "engine" not in plain, "folders of embeddings that were made before can be gone on with"
    assert other == {**plain, "engine": "openvino"}


def test_embeddings_of_crops_in_shards_are_those_of_the_embedder(photos: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    run(open_images(photos), Aligning(), tmp_path / "crops", "parquet", executor=InProcess(), per_shard=4)
    crops = open_images(tmp_path / "crops")
    run(crops, Embedding(aligned=True), tmp_path / "embeddings", "parquet", executor=InProcess(), per_shard=3)
    table = parquet.read_table(tmp_path / "embeddings" / "embeddings-00000-of-00002.parquet").to_pydict()
    images = np.stack([read_image(crops.bytes_of(i)) for i in range(3)])
    assert np.array_equal(np.asarray(table["embedding"], np.float32), load_embedder("sface").embed(images))
    assert table["name"] == [crops.name(i) for i in range(3)]
    assert table["identity"] == ["person-0", "person-0", "person-1"]
    of_photos = run(open_images(photos), Embedding(), tmp_path / "photos", "parquet", executor=InProcess())
    assert of_photos.outcomes == {"embedded": 4, "no face": 1, "unreadable": 1}
    found = parquet.read_table(tmp_path / "photos" / "embeddings-00000-of-00001.parquet").to_pydict()
    assert np.array_equal(np.asarray(found["embedding"], np.float32)[:3], np.asarray(table["embedding"], np.float32))


def test_a_job_goes_on_with_what_is_marked_and_whole(noise: Path, tmp_path: Path) -> None:
    images, out, log = open_images(noise), tmp_path / "out", tmp_path / "log"
    first = run(images, Traced(str(log)), out, "tar", executor=InProcess(), per_shard=5)
    before = shas(out)
    (out / "done" / "000001.json").unlink()  # died between shard and mark
    (out / "done" / "000002.json").write_text('{"stamp": "')  # a mark torn
    (out / "train-000003.tar").write_bytes(b"cut short")
    log.unlink()
    again = run(images, Traced(str(log)), out, "tar", executor=InProcess(), per_shard=5)
    assert shas(out) == before
    assert again.to_dict() == first.to_dict()
    redone = [hashlib.sha256(images.bytes_of(i)).hexdigest() for i in range(5, 20)]
    assert sorted(log.read_text().split()) == sorted(redone)


def test_another_job_in_the_folder_is_refused(noise: Path, tmp_path: Path) -> None:
    images = open_images(noise)
    run(images, Copying(), tmp_path / "out", "tar", executor=InProcess(), per_shard=6)
    with pytest.raises(DataError, match=r"Its per_shard is 6; got 7\. Choose another folder"):
        run(images, Copying(), tmp_path / "out", "tar", executor=InProcess(), per_shard=7)
    with pytest.raises(DataError, match="Its work is convert; got align"):
        run(images, Aligning(), tmp_path / "out", "tar", executor=InProcess(), per_shard=6)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="expected a new or empty folder"):
        run(images, Copying(), tmp_path / "mine", "tar", executor=InProcess())
    with pytest.raises(UnknownName, match="tra"):
        run(images, Copying(), tmp_path / "new", "tra", executor=InProcess())


def test_what_is_not_finished_is_no_data_and_says_how_to_go_on(noise: Path, tmp_path: Path) -> None:
    class Dies(InProcess):
        def make(self, order, shards):  # type: ignore[no-untyped-def]
            yield from super().make(order, shards[:1])
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        run(open_images(noise), Copying(), tmp_path / "out", "tar", executor=Dies(), per_shard=6)
    with pytest.raises(DataError, match=rf"Go on with it: make the call again that makes it of {noise}"):
        open_images(tmp_path / "out")


def test_a_source_without_any_image_is_an_error_that_names_one(tmp_path: Path) -> None:
    (tmp_path / "in" / "ann").mkdir(parents=True)
    (tmp_path / "in" / "ann" / "1.jpg").write_text("no image")
    with pytest.raises(DataError, match=r"no image of .* gave anything, such as .*1\.jpg: image of 8 bytes: not an"):
        run(open_images(tmp_path / "in"), Copying(), tmp_path / "out", "tar", executor=InProcess())


def test_few_items_are_under_way_at_a_time_and_their_order_stays() -> None:
    taken = []
    results = ordered(lambda item: -item, (taken.append(i) or i for i in range(1000)), threads=3)
    assert [next(results), next(results)] == [0, -1]
    assert len(taken) <= 8
    assert next(results) == -2


@pytest.mark.parametrize("name", [b"a\xff.png", "a\u2028b.png".encode()], ids=["no UTF-8", "an end of line"])
def test_a_name_that_text_does_not_like_is_done_and_reported_as_any_other(tmp_path: Path, name: bytes) -> None:
    source = tmp_path / "photos"
    for person, content in (("ann", b"no image"), ("bob", png())):
        path = source / person / os.fsdecode(name)
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    for _ in range(2):
        report = run(open_images(source), Copying(), tmp_path / "out", "tar", executor=InProcess())
    assert (report.made, report.done_before) == (1, 2)
    (left_out,) = report.left_out
    assert os.fsencode(left_out.image).endswith(name)
    line = json.loads((tmp_path / "out" / "left-out.jsonl").read_bytes())
    assert os.fsencode(line["image"]).endswith(name)
    convert(open_images(source), tmp_path / "converted", "tar")
    assert shas(tmp_path / "converted") == shas(tmp_path / "out")
