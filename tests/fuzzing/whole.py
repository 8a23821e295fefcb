"""Whole files of every kind, small, to be damaged."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import sqlite3
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageCms

from marginface.gallery import About, Gallery
from marginface.gallery.sealing.keys import GalleryKey
from marginface.values import Embedding
from oracles import image_packs
from oracles.galleries import CONTRACT, SIZE, new_face
from oracles.packs import write_pack

PASSPHRASE = "correct horse"


def _encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def _noise(mode: str = "RGB", size: tuple[int, int] = (24, 17)) -> Image.Image:
    pixels = np.random.default_rng(3).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


PNG = _encoded(_noise(), "PNG")


@cache
def images(_: Path) -> Sequence[bytes]:
    """Every format that is read, with EXIF, profiles, palettes, alpha, frames, depths."""
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    frames = [_noise("P"), _noise("P").rotate(90)]
    return (
        *jpegs(Path()),
        _encoded(_noise(), "JPEG", exif=exif, icc_profile=profile),
        _encoded(_noise("CMYK"), "JPEG"),
        _encoded(_noise(), "JPEG", progressive=True),
        PNG,
        _encoded(_noise("P"), "PNG", transparency=3),
        _encoded(_noise("RGBA"), "PNG", exif=exif),
        _encoded(Image.fromarray(np.arange(400, dtype=np.uint16).reshape(20, 20)), "PNG"),
        _encoded(_noise("1"), "PNG"),
        _encoded(_noise(), "WEBP"),
        _encoded(_noise("RGBA"), "WEBP", lossless=True, exif=exif),
        _encoded(_noise(), "TIFF", compression="tiff_lzw", exif=exif),
        _encoded(_noise("CMYK"), "TIFF", compression="jpeg"),
        _encoded(Image.fromarray(np.linspace(0, 1, 300, dtype=np.float32).reshape(15, 20)), "TIFF"),
        _encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], transparency=0),
        _encoded(_noise(), "BMP"),
        _encoded(_noise("P"), "BMP"),
        _encoded(_noise(), "PPM"),
        b"P2\n# gray\n3 2 15\n0 1 2 3 4 15\n",
        _encoded(_noise(), "AVIF"),
        _encoded(_noise(), "JPEG2000"),
    )  # fmt: skip


@cache
def jpegs(_: Path) -> Sequence[bytes]:
    """Plain JPEGs, as crops are."""
    return (_encoded(_noise(), "JPEG"), _encoded(_noise(size=(32, 32)), "JPEG", subsampling=0, quality=60))


@cache
def videos(folder: Path) -> Sequence[bytes]:
    """A film of a few frames."""
    path = folder / "whole.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 5.0, (64, 48))
    for number in range(5):
        writer.write(np.full((48, 64, 3), 40 * number, np.uint8))
    writer.release()
    return (path.read_bytes(),)


def _pack_images() -> list[list[bytes]]:
    return [[PNG, _encoded(_noise(), "JPEG")], [PNG]]


@cache
def records(folder: Path) -> Sequence[bytes]:
    """RecordIO as InsightFace writes it, and plain."""
    path = image_packs.write_insightface(folder / "made", _pack_images())
    plain = [(key, image_packs.content(float(key % 2), key, PNG)) for key in range(3)]
    return (path.read_bytes(), image_packs.write_records(folder / "plain", plain, index=False).read_bytes())


def record_indexes(folder: Path) -> Sequence[bytes]:
    """The index of the first of them."""
    records(folder)
    return ((folder / "made" / "train.idx").read_bytes(),)


@cache
def bin_packs(folder: Path) -> Sequence[bytes]:
    """InsightFace's lfw.bin by several protocols."""
    crops = [image_packs.crop_bytes(number % 3, ".jpg") for number in range(20)]
    arrays = [np.frombuffer(crop, np.uint8) for crop in crops]
    same = [number % 2 == 0 for number in range(10)]
    made = (
        write_pack(folder / "a.bin", crops, same),
        write_pack(folder / "b.bin", arrays, np.array(same), protocol=2),
        write_pack(folder / "c.bin", crops, same, protocol=2, python2=True),
    )
    return [path.read_bytes() for path in made]


@cache
def tars(folder: Path) -> Sequence[bytes]:
    """Shards with cls and with json."""
    members = [
        *image_packs.labeled("a/1", PNG, "Ann"),
        *image_packs.labeled("a/2", PNG, "7"),
        *image_packs.labeled("b/3", PNG, {"label": 3, "name": "x"}),
    ]
    return (image_packs.write_tar(folder / "made" / "a.tar", members).read_bytes(),)


@cache
def tar_indexes(folder: Path) -> Sequence[bytes]:
    """The index beside a shard."""
    from marginface.data.packs.tar import index_path, write_index

    path = folder / "made" / "indexed.tar"
    path.write_bytes(tars(folder)[0])
    write_index(path, path)
    return (index_path(path).read_bytes(),)


@cache
def parquets(folder: Path) -> Sequence[bytes]:
    """Parquet as Hugging Face writes it, and with plain bytes; with and without compression."""
    pictures = [PNG, PNG, PNG]
    made = (
        image_packs.write_parquet(folder / "made" / "a.parquet", pictures, [0, 1, 1], names=["Ann", "Bo"]),
        image_packs.write_parquet(folder / "made" / "b.parquet", pictures, ["x", "y", "x"], compression="none"),
    )
    return [path.read_bytes() for path in made]


def _parquet(path: Path, columns: dict[str, Any]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, compression="none")
    return path.read_bytes()


@cache
def parquet_pairs(folder: Path) -> Sequence[bytes]:
    """A file of pairs."""
    from marginface.data.pairs.parquet import IMAGE_COLUMNS, LABEL_COLUMNS

    columns = {name: [PNG] * 10 for name in IMAGE_COLUMNS[0]}
    labels = {LABEL_COLUMNS[0]: [number % 2 for number in range(10)]}
    return (
        _parquet(folder / "made" / "p.parquet", {**columns, **labels}),
        _parquet(folder / "made" / "q.parquet", {**columns, **labels, "fold": list(range(10))}),
    )


LISTS = (
    b"0\t3\ta/1.png\n1\t4\ta/1.png\n",
    b"path,label\na/1.png,Ann\na/1.png,Bo\n",
    b"1\ta/1.png\t5\n1\ta/1.png\t6\n",
    b"a/1.png,Ann\n# no\na/1.png,\"B,o\"\n",
)  # fmt: skip
LFW = (b"2\t1\nA\t1\t2\nA\t1\tB\t2\nB\t1\t2\nB\t1\tA\t2\n", b"1\nA 1 2\nA 1 B 2\n")
CFP = (b"1 ../Data/Images/001/frontal/01.jpg\n2 ../Data/Images/001/frontal/02.jpg\n--\n1,2\n2,1\n",)
BFW = (
    b"fold,p1,p2,label,id1,id2,att1,att2\n1,x/a/1.jpg,x/a/2.jpg,1,0,0,f,f\n2,x/a/1.jpg,y/b/1.jpg,0,0,1,f,m\n",
    b"p1,p2,label,att1,att2\nx/a/1.jpg,x/a/2.jpg,1.0,f,f\n",
)
RFW = (b"A\t1\t2\nA\t1\tB\t2\nB\t1\t2\nB\t1\tA\t2\n",)
SCORES = (
    b"score,genuine,fold,identity_a,identity_b,slice\n0.9,1,0,a,a,x\n0.1,0,0,a,b,y\n0.8,true,1,b,b,x\n0.2,false,1,a,c,y\n"
    + b"0.2,false,1,a,c,y\n" * 20,
    b"score,genuine\n" + b"0.9,1\n" * 5 + b"0.1,0\n" * 40,
)
METADATA = (b"image,pose\na/1.jpg,frontal\na/2.jpg,profile\n",)
TEMPLATES = (
    (b"face_tid_mid.txt", b"1.jpg 1 5\n2.jpg 1 6\n3.jpg 2 7\n4.jpg 3 8\n"),
    (b"name_5pts_score.txt", b"".join(b"%d.jpg 1 2 3 4 5 6 7 8 9 10 0.9\n" % number for number in (1, 2, 3, 4))),
    (b"template_pair_label.txt", b"1 2 1\n1 3 0\n"),
    (b"1N_gallery_G1.csv", b"TEMPLATE_ID,SUBJECT_ID,x\n1,9,a\n2,8,b\n"),
    (b"1N_gallery_G2.csv", b"TEMPLATE_ID,SUBJECT_ID,x\n3,7,a\n"),
    (b"1N_probe_mixed.csv", b"TEMPLATE_ID,SUBJECT_ID\n1,9\n3,7\n"),
)

_ROOT = Path(__file__).resolve().parents[2]
RECIPES = tuple((_ROOT / "recipes" / name).read_bytes() for name in ("quick.toml", "papers/x2softmax_ms1mv3_r50.toml"))
CARDS = (
    b'name = "x"\nfile = "x.onnx"\nsha256 = "' + b"0f" * 32 + b'"\nlicense = "MIT"\nembedding_size = 8\n'
    b'usual_norm = 10.5\nmean = 127.5\n[backbone]\nname = "tiny"\n[backbone.options]\nwidth = 0.5\n'
    b'[[thresholds]]\nsimilarity = 0.3\nfmr = 0.001\nimpostor_pairs = 10\ndata = "x"\n',
)
SOURCE_CARDS = (b'name = "x"\nlicense = "MIT"\ncolor_order = "RGB"\nmean = 127.5\nstd = 127.5\n',)
CALIBRATIONS = ((files("marginface.matching.calibration") / "shipped" / "sface.toml").read_bytes(),)
SUITES = (
    b'name = "all"\nmirror = true\n[[protocol]]\nname = "LFW"\ndata = "lfw"\npairs = "pairs.txt"\n'
    b'[[protocol]]\nname = "MFR"\nkind = "all-pairs"\ndata = "x"\nfars = [1e-3, 1e-4]\nslices = ["a"]\n',
)
EXCLUSIONS = (b'# about\n[identities]\n"Ann Smith" = "evaluated on"\nBo = ""\n[images]\n"Bo/3.jpg" = "blurred"\n',)
MANIFESTS = (
    json.dumps(
        {
            "identities": 2, "images": 3, "sha256": "0" * 64, "min_images": 1, "unreadable": ["a"], "excluded": [],
            "too_few": ["b"], "excluded_images": [],
        }
    ).encode(),
)  # fmt: skip


def _groups() -> bytes:
    from marginface.grouping.record import _HEAD

    face = {"photo": "a/1.jpg", "box": [0, 0, 9, 9], "score": 0.9}
    return json.dumps({**_HEAD, "groups": [{"group": 1, "faces": [face, face]}, {"group": 2, "faces": []}]}).encode()


GROUPS = (_groups(),)
GROUP_NAMES = (b"group,name,faces,face\r\n1,Ann,3,a/1.jpg\r\n2,,2,b/1.jpg\r\n",)
_TAR = {"far": 0.1, "tar": 0.9, "interval": [0.8, 0.95]}
_PAIRS = {
    "protocol": "LFW", "model": "m", "accuracy_mean": 0.9, "accuracy_interval": [0.8, 0.95], "accuracy_folds": [0.9],
    "variant": "insightface", "tar_at_far": [_TAR], "contract": "c", "pairs": 16, "eer": 0.1, "auc": 0.99,
}  # fmt: skip
_SEARCH = {
    "split": "s", "identification_rate": {"1": 0.5}, "identification_interval": {"1": [0.2, 0.8]},
    "tpir_at_fpir": [{"fpir": 0.1, "tpir": 0.5, "interval": [0.2, 0.8]}], "gallery": "G1", "data": "a/b",
}  # fmt: skip
_ROW = {
    "loss": "cosface", "accuracy": 0.5, "interval": [0.2, 0.8], "difference": 0.1, "difference_interval": [-0.1, 0.3],
    "p": 0.5, "p_holm": 0.5, "trouble": "",
}  # fmt: skip
_AUDIT = {
    "images": 9, "identities": 3, "identities_of_one_image": 1, "images_per_identity": {}, "unreadable": ["a"],
    "copies": [{"images": ["a", "b"]}], "one_photo_under_several_identities": [],
    "exclusions": {"images": {"a": ""}, "identities": {}},
    "labels": {"embedded": 9, "suspects": [], "merges": [["A", "B", 0.9]], "outliers": []},
    "overlap": {"by_name": [["A", "C"]], "by_likeness": None, "photos": []},
}  # fmt: skip
EVALUATIONS = tuple(
    json.dumps(numbers).encode()
    for numbers in (
        _PAIRS,
        _SEARCH,
        {"verification": {"tar_at_far": [_TAR]}, "identification": [_SEARCH], "switches": "N1D1F1"},
        {"title": "t", "runs": [], "protocols": {"held-out": {"results": [_ROW, _ROW], "sentences": ["s"]}}},
        {"suite": "s", "results": [], "protocols": [{**_PAIRS, "kind": "pairs", "key": "k", "name": "A"}]},
        _AUDIT,
        {"models": ["a", "b"], "pairs": 3, "accuracy": None, "tar_at_far": [], "sentences": ["s"]},
    )
)
SUITE_PROGRESS = (
    b'{"suite": "s", "model": "m", "protocols": [{"name": "A", "kind": "pairs", "file": "a", "state": "running", '
    b'"images": [1, 2]}, {"name": "B", "kind": "pairs", "file": "b", "state": "waiting"}]}',
)
STATES = (b'{"format": 1, "done": [1, 2], "finished": true}',)
RUN_FILES = ("recipe.toml", "journal.jsonl", "history.jsonl", "data.json", "manifest.json")


@cache
def runs() -> Sequence[bytes]:
    """The text files of a run folder, put together with -- between."""
    steps = [
        {"step": 1, "loss": 2.5, "epoch": 0.1},
        {"step": 2, "loss": 2.0, "epoch": 0.2, "accuracy_mean": 0.8, "accuracy_interval": [0.7, 0.9], "notes": ["x"]},
    ]
    events = [
        {"event": "started", "step": 0, "total_steps": 2, "time": "2026-01-01T00:00:00+00:00", "recipe": {}},
        {"event": "diverged", "step": 2, "message": "x"},
    ]
    parts = (
        RECIPES[0],
        b"\n".join(json.dumps(step).encode() for step in steps),
        b"\n".join(json.dumps(event).encode() for event in events),
        b'{"fingerprint": "ab", "identities": {"a": 1}, "settings": {}}',
        MANIFESTS[0],
    )
    return (b"\n--\n".join(parts),)


@cache
def checkpoint_states() -> Sequence[bytes]:
    """state.json of a checkpoint."""
    from hashlib import sha256

    from marginface.training.folder.checkpoint import FORMAT

    names = {"model.safetensors": sha256(b"x").hexdigest()}
    state = {"format": FORMAT, "step": 5, "recipe_sha256": "a", "data_fingerprint": "b", "files": names}
    return (json.dumps(state).encode(),)


@cache
def weights(folder: Path) -> Sequence[bytes]:
    """Weights of others: torch's zip, its older format, safetensors."""
    import torch
    from safetensors.torch import save

    tensors = {"a.weight": torch.ones(2, 3), "b": torch.arange(4)}
    torch.save({"state_dict": tensors, "epoch": 3}, folder / "new.pth")
    torch.save(tensors, folder / "old.pth", _use_new_zipfile_serialization=False)
    return ((folder / "new.pth").read_bytes(), (folder / "old.pth").read_bytes(), save(tensors))


def _vectors(count: int = 4, size: int = 8) -> np.ndarray[Any, np.dtype[np.float32]]:
    found = np.random.default_rng(1).standard_normal((count, size)).astype(np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def _saved(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


@cache
def embeddings(_: Path) -> Sequence[bytes]:
    """Files of marginface embed."""
    names = np.array(["a/1.jpg", "a/2.jpg", "b/1.jpg", "c/1.jpg"])
    return (
        _saved(embeddings=_vectors(), photos=names, contract=np.array(CONTRACT)),
        _saved(embeddings=_vectors().astype(np.float64)),
    )


@cache
def arrays(_: Path) -> Sequence[bytes]:
    """Plain arrays."""
    found = []
    for values in (_vectors(), _vectors().astype(np.float64) * 3):
        stream = io.BytesIO()
        np.save(stream, values)
        found.append(stream.getvalue())
    return found


@cache
def embedding_shards(folder: Path) -> Sequence[bytes]:
    """Shards of marginface embed --format parquet."""
    columns = {"name": ["a/1", "a/2"], "identity": ["a", "a"], "embedding": [row.tolist() for row in _vectors(2)]}
    return (_parquet(folder / "made" / "e.parquet", columns),)


_PHOTOS = ["db/Ann/1.jpg", "db/Bo/1.jpg", "db/Bo/2.jpg", "x.jpg"]


@cache
def deepface_npz(_: Path) -> Sequence[bytes]:
    """deepface's representations as NumPy keeps them."""
    flags = np.array([True, True, True, False])
    return (_saved(identity=np.array(_PHOTOS), embedding=_vectors(), has_embedding=flags),)


def _rows() -> list[dict[str, Any]]:
    return [
        {"identity": photo, "embedding": vector} for photo, vector in zip(_PHOTOS, _vectors().tolist(), strict=True)
    ]


@cache
def deepface_parquet(folder: Path) -> Sequence[bytes]:
    """The same in Parquet."""
    return (_parquet(folder / "made" / "d.parquet", {"identity": _PHOTOS, "embedding": _vectors().tolist()}),)


@cache
def deepface_feather(folder: Path) -> Sequence[bytes]:
    """The same in Feather."""
    import pyarrow as pa
    from pyarrow import feather

    feather.write_feather(pa.Table.from_pylist(_rows()), folder / "d.feather", compression="uncompressed")
    return ((folder / "d.feather").read_bytes(),)


@cache
def deepface_pickles(_: Path) -> Sequence[bytes]:
    """The same as pickles, of dicts and of lists."""
    return (
        pickle.dumps(_rows()),
        pickle.dumps([list(row.values()) for row in _rows()], 2),
    )


@cache
def insightface_npz(_: Path) -> Sequence[bytes]:
    """Names and vectors side by side, and an array for each name."""
    return (_saved(names=np.array(_PHOTOS), embeddings=_vectors()), _saved(Ann=_vectors(2), Bo=_vectors(1)[0]))


@cache
def insightface_databases(folder: Path) -> Sequence[bytes]:
    """The tables of InsightFace Server that are read."""
    path = folder / "made.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "CREATE TABLE collections (id TEXT, name TEXT, model_id TEXT, model_version TEXT, preprocessing_version "
            "TEXT); CREATE TABLE persons (collection_id TEXT, id TEXT, name TEXT, external_id TEXT);"
            "CREATE TABLE face_samples (id TEXT, collection_id TEXT, person_id TEXT, embedding BLOB);"
            "INSERT INTO collections VALUES ('c', 'staff', 'buffalo_l', '1.0', 'v1');"
            "INSERT INTO persons VALUES ('c', 'p', 'Ann', NULL), ('c', 'q', NULL, '7');"
        )
        for person, vector in zip("pq", _vectors(2), strict=True):
            connection.execute("INSERT INTO face_samples VALUES ('f', 'c', ?, ?)", (person, vector.tobytes()))
    connection.close()
    return (path.read_bytes(),)


DUMPS = (
    b"COPY public.subject (id, api_key, subject_name) FROM stdin;\ns1\tk\tAnn\ns2\tk\tB\\tob\n\\.\n"
    b"COPY public.embedding (id, subject_id, embedding, calculator, img_id) FROM stdin;\n"
    b"e1\ts1\t{0.1,0.2,0.3}\tc\ti1\ne2\ts2\t{0.1,-0.2,0.3}\tc\t\\N\n\\.\n"
    b"COPY public.img (id, content) FROM stdin;\ni1\t\\\\x" + PNG[:20].hex().encode() + b"\n\\.\n",
)
DUMPS_CSV = (
    b'subject_name,embedding,calculator,image\nAnn,"{0.1,0.2}",c,\nBo,"[0.3,0.2]",c,' + PNG[:20].hex().encode() + b"\n",
)
DUMPS_JSON = (
    b'[{"subject": "Ann", "embedding": [0.1, 0.2], "calculator": "c"}]',
    b'{"faces": [{"subject": "Ann", "embedding": [0.1, 0.2], "calculator": "c", "image": "aGVsbG8="}]}',
)


# galleries


def gallery_key(_: Path) -> GalleryKey:
    """The key of every gallery here."""
    return GalleryKey(bytes(range(32)), "a test")


def probe() -> Embedding:
    """An embedding to search with."""
    return new_face(np.random.default_rng(5), "probe").embedding


@cache
def _made_gallery(folder: Path) -> Path:
    path = folder / "whole.db"
    chance = np.random.default_rng(2)
    with Gallery.create(path, key=gallery_key(folder), actor="test") as gallery:
        for name, rotated in (("staff", False), ("guests", True)):
            collection = gallery.create_collection(name, contract=CONTRACT, embedding_size=SIZE, rotated=rotated)
            for who in ("Ann", "Bo"):
                person = collection.add_person(who, About("yes", "door", None))
                collection.add_faces(person.uid, [new_face(chance, f"{who}{n}", crop=PNG) for n in range(2)])
        gallery.export_archive(folder / "clear.archive", passphrase=None)
        gallery.export_archive(folder / "sealed.archive", passphrase=PASSPHRASE)
    return path


@cache
def _empty_gallery(folder: Path) -> Path:
    path = folder / "empty.db"
    Gallery.create(path, key=gallery_key(folder), actor="test").close()
    return path


def copy_empty_gallery(folder: Path, path: Path) -> None:
    """Put a gallery without people at a path."""
    shutil.copy(_empty_gallery(folder), path)


@cache
def galleries(folder: Path) -> Sequence[bytes]:
    """A gallery file."""
    return (_made_gallery(folder).read_bytes(),)


@cache
def archives(folder: Path) -> Sequence[bytes]:
    """An archive in clear."""
    _made_gallery(folder)
    return ((folder / "clear.archive").read_bytes(),)


@cache
def sealed_archives(folder: Path) -> Sequence[bytes]:
    """An archive sealed by a passphrase."""
    _made_gallery(folder)
    return ((folder / "sealed.archive").read_bytes(),)
