"""Every reader of files, with whole files to damage: a function per kind, and the table READERS.

A reader is called as a user calls it: the file is written under the name it has in use, opened, and what was opened is
looked at (every image decoded, every face listed), since damage may show late.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fuzzing import whole
from fuzzing.mutation import BINARY, SQLITE, TEXT, ZIP, Mutation
from marginface.errors import DataError, ImageError
from marginface.images import image_suffix, read_image


@dataclass(frozen=True)
class Reader:
    """How a kind of file is read, whole ones, and how they are damaged."""

    name: str
    read: Callable[[Path, bytes], object]
    seeds: Callable[[Path], Sequence[bytes]]
    mutations: Sequence[Mutation]


READERS: dict[str, Reader] = {}


def reads(
    name: str, seeds: Callable[[Path], Sequence[bytes]], mutations: Sequence[Mutation]
) -> Callable[[Callable[[Path, bytes], object]], Callable[[Path, bytes], object]]:
    """Put a function into the table."""

    def add(read: Callable[[Path, bytes], object]) -> Callable[[Path, bytes], object]:
        READERS[name] = Reader(name, read, seeds, mutations)
        return read

    return add


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def file_reader(
    name: str, file: str, read: Callable[[Path], object], seeds: Sequence[bytes], mutations: Sequence[Mutation]
) -> None:
    """Add a reader of one file with a fixed name."""
    READERS[name] = Reader(
        name, lambda folder, content: read(written(folder, file, content)), lambda _: seeds, mutations
    )


# pictures


@reads("image", whole.images, BINARY)
def _image(_: Path, content: bytes) -> object:
    with suppress(ImageError):
        image_suffix(content)
    return read_image(content)


@reads("crop", whole.jpegs, BINARY)
def _crop(_: Path, content: bytes) -> object:
    from marginface.data.images.decoding import choose_decoder

    return choose_decoder()(content)


@reads("video", whole.videos, BINARY)
def _video(folder: Path, content: bytes) -> object:
    from marginface.video import open_frames

    return sum(1 for _ in open_frames(str(written(folder, "film.avi", content)), every=0.0))


# training data


def _looked_at(path: Path) -> None:
    """Open whatever holds images, and decode them."""
    from marginface.data.packs import open_images

    images = open_images(path)
    for index in range(min(len(images.listing.labels), 20)):
        images.name(index)
        with suppress(ImageError):
            read_image(images.bytes_of(index))


@reads("recordio", whole.records, BINARY)
def _records(folder: Path, content: bytes) -> None:
    _looked_at(written(folder / "walked", "train.rec", content))
    written(folder / "indexed", "train.idx", whole.record_indexes(folder)[0])
    with suppress(DataError):  # the index is that of one of them
        _looked_at(written(folder / "indexed", "train.rec", content))


@reads("recordio index", whole.record_indexes, TEXT)
def _record_index(folder: Path, content: bytes) -> None:
    path = written(folder / "rec", "train.rec", whole.records(folder)[0])
    written(folder / "rec", "train.idx", content)
    written(folder / "rec", "property", content[:20])
    _looked_at(path)


@reads("bin pack", whole.bin_packs, BINARY)
def _bin_pack(folder: Path, content: bytes) -> None:
    from marginface.data.pairs.binpack import open_pack

    pack = open_pack(written(folder, "lfw.bin", content))
    for image in pack.pairs.images[:20]:
        with suppress(ImageError):
            pack.read(image)


@reads("tar", whole.tars, BINARY)
def _tar(folder: Path, content: bytes) -> None:
    _looked_at(written(folder / "tar", "train-0.tar", content))


@reads("tar index", whole.tar_indexes, ZIP)
def _tar_index(folder: Path, content: bytes) -> None:
    shard = written(folder / "tar-index", "train-0.tar", whole.tars(folder)[0])
    written(folder / "tar-index", "train-0.tar.index.npz", content)
    _looked_at(shard)


@reads("parquet", whole.parquets, BINARY)
def _parquet(folder: Path, content: bytes) -> None:
    _looked_at(written(folder / "parquet", "train.parquet", content))


@reads("parquet pairs", whole.parquet_pairs, BINARY)
def _parquet_pairs(folder: Path, content: bytes) -> None:
    from marginface.data.pairs.parquet import open_parquet_pairs

    pairs = open_parquet_pairs(written(folder, "pairs.parquet", content))
    for image in pairs.pairs.images[:4]:
        with suppress(ImageError):
            pairs.read(image)


@reads("list", lambda _: whole.LISTS, TEXT)
def _list(folder: Path, content: bytes) -> None:
    for name in ("train.lst", "train.csv"):
        path = written(folder / name.replace(".", "-"), name, content)
        written(path.parent, "a/1.png", whole.PNG)
        with suppress(ImageError):
            _looked_at(path)


# protocols


def _lfw(path: Path) -> None:
    from marginface.data.pairs.lfw import lfw_pairs

    for who in "AB":
        for number in (1, 2):
            written(path.parent, f"{who}/{who}_{number:04d}.jpg", b"")
    lfw_pairs(path.parent, path)


def _cfp(path: Path) -> None:
    from marginface.data.pairs.cfp import cfp_pairs

    root = path.parents[1]
    content = path.read_bytes()
    one, _, other = content.partition(b"\n--\n")
    written(root, "Protocol/Pair_list_F.txt", one)
    written(root, "Protocol/Pair_list_P.txt", one)
    written(root, "Protocol/Split/FP/01/same.txt", other)
    written(root, "Protocol/Split/FP/01/diff.txt", b"2,1\n")
    for number in (1, 2):
        written(root, f"Data/Images/001/frontal/{number:02d}.jpg", b"")
    cfp_pairs(root, "FP")


def _bfw(path: Path) -> None:
    from marginface.data.pairs.bfw import read_bfw

    for image in ("x/a/1.jpg", "x/a/2.jpg", "y/b/1.jpg"):
        written(path.parent, image, b"")
    read_bfw(path.parent, path)


def _rfw(path: Path) -> None:
    from marginface.data.pairs.rfw import read_rfw

    for who in "AB":
        for number in (1, 2):
            written(path.parents[2], f"data/African/{who}/{who}_{number:04d}.jpg", b"")
    read_rfw(path.parents[2])


@reads("templates", lambda _: [b"".join(b"-- %s\n%s" % part for part in whole.TEMPLATES)], TEXT)
def _templates(folder: Path, content: bytes) -> None:
    from marginface.data.identification.ijb import find_meta, read_searches, read_template_pairs, read_templates

    parts = (b"\n" + content).split(b"\n-- ")[1:]
    for (name, kept), part in zip(whole.TEMPLATES, [*parts, *[b""] * 6], strict=False):
        written(folder / "ijb", f"meta/ijbc_{name.decode()}", part.partition(b"\n")[2] or kept)
    files = find_meta(folder / "ijb")
    templates = read_templates(files)
    read_template_pairs(files, templates)
    read_searches(files, templates)


def _scores(path: Path) -> None:
    from marginface.evaluation.protocols.score_file import read_scores, score_table

    score_table(read_scores(path)).to_dict()


def _metadata(path: Path) -> None:
    from marginface.evaluation.scoring.slices import read_metadata

    read_metadata(path)


file_reader("lfw pairs", "lfw/pairs.txt", _lfw, whole.LFW, TEXT)
file_reader("cfp lists", "cfp/x/all.txt", _cfp, whole.CFP, TEXT)
file_reader("bfw table", "bfw/bfw.csv", _bfw, whole.BFW, TEXT)
file_reader("rfw lists", "rfw/txts/African/African_pairs.txt", _rfw, whole.RFW, TEXT)
file_reader("scores", "scores.csv", _scores, whole.SCORES, TEXT)
file_reader("metadata", "metadata.csv", _metadata, whole.METADATA, TEXT)


# settings


def _recipe(path: Path) -> None:
    from marginface.training.recipe.file import read_recipe, write_recipe

    write_recipe(read_recipe(path), path.with_name("again.toml"))


def _recipe_override(path: Path) -> None:
    from marginface.training.recipe.file import recipe_from

    recipe_from({}, "recipe", path.read_text("utf-8", "surrogateescape").split("\n"))


def _loss(path: Path) -> None:
    from marginface.losses.notation import read_losses

    read_losses(path.read_text("utf-8", "surrogateescape"))


def _card(path: Path) -> None:
    from marginface.contract import read_card

    read_card(path)


def _source_card(path: Path) -> None:
    from marginface.adopt.contract import read_source_card

    read_source_card(path)


def _calibration(path: Path) -> None:
    from marginface.matching.calibration import read_calibration

    calibration = read_calibration(path)
    calibration.threshold(calibration.rates[0])


def _suite(path: Path) -> None:
    from marginface.evaluation.suite.plan import read_suite

    read_suite(path)


def _evaluations(path: Path) -> None:
    from marginface.evaluation.browse import find_evaluations

    for one in find_evaluations(path.parent.resolve()):
        for part in one.parts:
            json.dumps(part.to_dict(), ensure_ascii=False, allow_nan=False).encode()


def _exclusions(path: Path) -> None:
    from marginface.data.crops.exclusions import read_exclusions

    read_exclusions(path)


file_reader("recipe", "recipe.toml", _recipe, whole.RECIPES, TEXT)
file_reader("recipe override", "override.txt", _recipe_override, [b"train.epochs=5\nloss.name=cosface"], TEXT)
file_reader("loss", "loss.txt", _loss, [b"arcface:margin=0.5,scale=64", b"x2softmax:h=0.1,cosface"], TEXT)
file_reader("card", "card.toml", _card, whole.CARDS, TEXT)
file_reader("source card", "source.toml", _source_card, whole.SOURCE_CARDS, TEXT)
file_reader("calibration", "calibration.toml", _calibration, whole.CALIBRATIONS, TEXT)
file_reader("suite", "suite.toml", _suite, whole.SUITES, TEXT)
file_reader("evaluation", "numbers.json", _evaluations, whole.EVALUATIONS, TEXT)
file_reader("evaluated calibration", "numbers.toml", _evaluations, whole.CALIBRATIONS, TEXT)
file_reader("suite progress", "suite.progress.json", _evaluations, whole.SUITE_PROGRESS, TEXT)
file_reader("exclusions", "exclusions.toml", _exclusions, whole.EXCLUSIONS, TEXT)
file_reader("names", "names.txt", _exclusions, [b"# who\nAnn Smith\n50 Cent\n", b"001 Ann\n002 Bo\n"], TEXT)


# what we write ourselves


def _group_names(path: Path) -> None:
    from marginface.grouping.naming import read_names

    read_names(path)


def _groups(path: Path) -> None:
    from marginface.grouping.record import read_record

    read_record(path.parent)


def _cropping(path: Path) -> None:
    from marginface.data.images.unfinished import check_finished

    check_finished(path.parent)


@reads("run", lambda folder: whole.runs(), TEXT)
def _run(folder: Path, content: bytes) -> None:
    from marginface.training.folder.state import open_run

    for name, part in zip(whole.RUN_FILES, [*content.split(b"\n--\n"), b"", b"", b"", b""], strict=False):
        written(folder / "run", name, part)
    run = open_run(folder / "run")
    run.to_dict()
    run.curve([1, 2])
    _ = run.notes, run.fingerprint(), run.checkpoints()


@reads("checkpoint", lambda folder: whole.checkpoint_states(), TEXT)
def _checkpoint(folder: Path, content: bytes) -> None:
    from marginface.training.folder.checkpoint import read_checkpoint

    path = written(folder / "step-000001", "state.json", content)
    written(path.parent, "model.safetensors", b"x")
    read_checkpoint(path.parent)


@reads("weights", whole.weights, BINARY)
def _weights(folder: Path, content: bytes) -> None:
    from marginface.adopt.tensors import read_tensors

    name = "w.pth" if content[:2] == b"PK" or content[:1] == b"\x80" else "w.safetensors"
    read_tensors(written(folder, name, content))


@reads("weights zip", lambda folder: whole.weights(folder)[:1], ZIP)
def _weights_zip(folder: Path, content: bytes) -> None:
    from marginface.adopt.tensors import read_tensors

    read_tensors(written(folder, "z.pth", content))


@reads("embeddings", whole.embeddings, ZIP)
def _embeddings(folder: Path, content: bytes) -> None:
    from marginface.data.embedding_files import read_embeddings

    name = "e.npz" if content[:2] == b"PK" else "e.npy"
    read_embeddings(written(folder, name, content))


@reads("embeddings array", whole.arrays, BINARY)
def _embeddings_array(folder: Path, content: bytes) -> None:
    from marginface.data.embedding_files import read_embeddings

    read_embeddings(written(folder, "e.npy", content))


@reads("embeddings shard", whole.embedding_shards, BINARY)
def _embedding_shard(folder: Path, content: bytes) -> None:
    from marginface.data.embedding_files import read_embeddings

    read_embeddings(written(folder / "shards", "embeddings-00000.parquet", content).parent)


file_reader("group names", "names.csv", _group_names, whole.GROUP_NAMES, TEXT)
file_reader("groups", "groups/groups.json", _groups, whole.GROUPS, TEXT)
file_reader("unfinished", "unfinished/marginface-conversion.json", _cropping, whole.STATES, TEXT)


# from other systems


def _foreign(system: str, made_by: str = "ArcFace") -> Callable[[Path], None]:
    def read(path: Path) -> None:
        from marginface.enrolment.imports import IMPORTERS

        IMPORTERS[system](path, made_by).photos(None)

    return read


def _typed(folder: Path, content: bytes, seeds: Any, system: str, ending: str) -> None:
    _foreign(system)(written(folder, f"foreign{ending}", content))


for _system, _ending, _seeds, _mutations in (
    ("deepface", ".npz", whole.deepface_npz, ZIP),
    ("deepface", ".parquet", whole.deepface_parquet, BINARY),
    ("deepface", ".feather", whole.deepface_feather, BINARY),
    ("deepface", ".pkl", whole.deepface_pickles, BINARY),
    ("insightface", ".npz", whole.insightface_npz, ZIP),
    ("insightface", ".db", whole.insightface_databases, SQLITE),
    ("compreface", ".sql", lambda _: whole.DUMPS, TEXT),
    ("compreface", ".csv", lambda _: whole.DUMPS_CSV, TEXT),
    ("compreface", ".json", lambda _: whole.DUMPS_JSON, TEXT),
):
    READERS[f"{_system} {_ending}"] = Reader(
        f"{_system} {_ending}",
        lambda folder, content, system=_system, ending=_ending: _foreign(  # type: ignore[misc]
            system, "" if ending == ".db" else "ArcFace"
        )(written(folder, f"foreign{ending}", content)),
        _seeds,
        _mutations,
    )


# galleries


def _emptied(folder: Path, name: str) -> Path:
    for ending in ("", "-wal", "-shm", "-journal"):
        (folder / f"{name}{ending}").unlink(missing_ok=True)
    return folder / name


@reads("gallery", whole.galleries, SQLITE)
def _gallery(folder: Path, content: bytes) -> None:
    from marginface.gallery import Gallery

    path = _emptied(folder, "people.db")
    path.write_bytes(content)
    with Gallery.open(path, key=whole.gallery_key(folder)) as gallery:
        for info in gallery.collections():
            collection = gallery.collection(info.name)
            for person in collection.people():
                for face in collection.faces(person):
                    collection.crop(face.uid)
            collection.search(whole.probe(), 1)
        gallery.stats()
        gallery.check()
        gallery.audit()
        gallery.verify_audit()


def _imported(folder: Path, content: bytes, passphrase: str | None) -> None:
    from marginface.gallery import Gallery

    path = _emptied(folder, "into.db")
    whole.copy_empty_gallery(folder, path)
    with Gallery.open(path, key=whole.gallery_key(folder)) as gallery:
        gallery.import_archive(written(folder, "archive", content), passphrase=passphrase)
        assert not gallery.check().findings, gallery.check().explain()


@reads("archive", whole.archives, TEXT)
def _archive(folder: Path, content: bytes) -> None:
    _imported(folder, content, None)


@reads("sealed archive", whole.sealed_archives, BINARY)
def _sealed_archive(folder: Path, content: bytes) -> None:
    _imported(folder, content, whole.PASSPHRASE)


def _key(path: Path) -> None:
    from marginface.gallery.sealing.keys import read_key

    read_key(path)


file_reader("gallery key", "gallery.key", _key, [b"marginface-gallery-key-1 " + b"A" * 43 + b"=\n"], TEXT)
