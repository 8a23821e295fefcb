"""Another model for a collection: its kept crops are embedded anew in a collection beside it, then both change places.

The old collection is searched all the while. Every batch is on the disk when it is done, so a migration that was
stopped is simply started again. Of faces without a kept crop there is nothing to embed: their people stay, without
them, and are listed for re-enrolment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from marginface.contract import LANDMARKS_NAME
from marginface.defaults import DEFAULT_WORKERS
from marginface.embedding import unit_rows
from marginface.errors import GalleryBusy, ImageError, InputError, UnknownName
from marginface.gallery import Collection, Gallery, GalleryFace, NewFace, Person
from marginface.gallery.names import MIGRATING, RETIRED
from marginface.gallery.records import Origin
from marginface.geometry import CROP_SIZE
from marginface.images import read_image
from marginface.pipeline import Recognizer
from marginface.pipeline.batches import in_order
from marginface.pipeline.reader import feature_norms
from marginface.values import Embedding
from marginface.words import plurals

_BATCH = 64  # faces in one write
_ROUNDS = 10  # times that what others wrote meanwhile is caught up with

Progress = Callable[[int, int], None]  # faces done, of how many


@dataclass(frozen=True, slots=True)
class Gap:
    """A person some of whose faces have no crop: how many were embedded anew, and how many not."""

    person: str
    moved: int
    left: int


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What a migration did: ``bool()`` says whether every face was embedded anew.

    Attributes:
        collection: its name, which stayed.
        contract: of its embeddings now.
        retired: the name of the old collection now.
        people: how many there are.
        faces: how many have an embedding of the new model.
        gaps: the people who lack faces; those without any cannot be found until they are enrolled again.
    """

    collection: str
    contract: str
    retired: str
    people: int
    faces: int
    gaps: tuple[Gap, ...]

    def __bool__(self) -> bool:
        return not self.gaps

    @property
    def exit_status(self) -> int:
        """0: every face has a new embedding; 3: some people have to be enrolled again."""
        return 0 if self else 3

    @property
    def to_enrol(self) -> tuple[str, ...]:
        """The people without any face: nobody finds them."""
        return tuple(gap.person for gap in self.gaps if not gap.moved)

    def explain(self, *, old_is_erased: bool = False) -> str:
        """Say what was done, who is to be enrolled again, and where the old embeddings are, unless they are erased."""
        counts = plurals((self.people, "person"), (self.faces, "face"))
        lines = [f"{self.collection}: {counts} under contract {self.contract} now."]
        lines += [f"Enrol again: {person} (no crop was kept)." for person in self.to_enrol]
        fewer = [gap for gap in self.gaps if gap.moved]
        lines += [
            f"{gap.person}: {gap.moved} of {gap.moved + gap.left} faces; the others had no crop." for gap in fewer
        ]
        if not old_is_erased:
            lines.append(
                f"The old embeddings are in collection {self.retired!r}: who is erased has to be erased there too. "
                f"When all is well: marginface gallery erase GALLERY --whole-collection {self.retired!r}"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        gaps = [{"person": gap.person, "moved": gap.moved, "left": gap.left} for gap in self.gaps]
        counts = {"people": self.people, "faces": self.faces, "gaps": gaps, "to_enrol": list(self.to_enrol)}
        named = {"collection": self.collection, "contract": self.contract, "retired": self.retired}
        return {"complete": bool(self), **named, **counts}


@dataclass(frozen=True, slots=True)
class _Kept:
    """A face with a crop that the new collection lacks."""

    person: Person
    face: GalleryFace


class Migration:
    """Brings one collection to the contract of a recognizer."""

    def __init__(
        self, gallery: Gallery, collection: Collection, recognizer: Recognizer, *, workers: int = DEFAULT_WORKERS
    ) -> None:
        contract = recognizer.contract
        if collection.contract == contract.id:
            raise InputError(f"collection {collection.name!r} holds embeddings of contract {contract.id} already")
        if contract.landmarks != LANDMARKS_NAME:
            raise InputError(
                f"kept crops are aligned by the landmarks of {LANDMARKS_NAME}; this recognizer aligns by "
                f"{contract.landmarks}. Enrol the photos themselves"
            )
        self.gallery, self.old, self.recognizer, self.workers = gallery, collection, recognizer, workers
        self.new = self._beside(collection.name)

    def run(self, progress: Progress | None = None) -> MigrationReport:
        """Embed what is not yet embedded, then let the new collection take the place of the old one.

        Raises:
            GalleryBusy: Others enrol faster than this can follow; what was done is kept.
        """
        name, retired = self.old.name, self._free_name(f"{self.old.name}{RETIRED}{self.old.contract}")
        for _ in range(_ROUNDS):
            gaps = self._follow(progress)
            left = {gap.person: gap.left for gap in gaps}
            if self.gallery.replace_collection(self.old.uid, self.new.uid, retired=retired, faces_left=left):
                people = self.new.people()
                faces = sum(person.faces for person in people)
                return MigrationReport(name, self.new.contract, retired, len(people), faces, tuple(gaps))
        raise GalleryBusy(
            f"{name}: others write faster than this can follow. What was embedded is kept; start again when it is quiet"
        )

    def _beside(self, name: str) -> Collection:
        """Return the collection that is filled: that of an earlier start, or a new one."""
        contract = self.recognizer.contract
        wanted = f"{name}{MIGRATING}{contract.id}"
        known = {info.name: info for info in self.gallery.collections()}
        if wanted in known:
            return self.gallery.collection(wanted)
        size, rotated = contract.embedding_size, known[name].rotated
        return self.gallery.create_collection(wanted, contract=contract.id, embedding_size=size, rotated=rotated)

    def _free_name(self, wanted: str) -> str:
        taken = {info.name for info in self.gallery.collections()}
        numbered = (wanted if number == 1 else f"{wanted}-{number}" for number in range(1, len(taken) + 2))
        return next(name for name in numbered if name not in taken)

    def _follow(self, progress: Progress | None) -> list[Gap]:
        """Bring the new collection to what the old one is just now; return who lacks faces."""
        people = {person.name: person for person in self.old.people()}
        self._follow_people(people)
        wanted, left = self._missing(people)
        embedded = in_order(self._embed, wanted, self.workers)
        done = 0
        while part := list(islice(embedded, _BATCH)):
            faces: dict[str, list[NewFace]] = {}
            for kept, face in part:
                if face is None:
                    left[kept.person.name] = left.get(kept.person.name, 0) + 1
                else:
                    faces.setdefault(kept.person.name, []).append(face)
            self.new.add_many(faces)
            done += len(part)
            if progress is not None:
                progress(done, len(wanted))
        return [Gap(name, people[name].faces - count, count) for name, count in left.items()]

    def _follow_people(self, people: dict[str, Person]) -> None:
        """Add who is missing, remove who is gone, and record what is recorded."""
        known = {person.name: person for person in self.new.people()}
        for name in known.keys() - people.keys():
            self.new.delete(known[name])
        for about in {person.about for name, person in people.items() if name not in known}:
            fresh = [name for name, person in people.items() if name not in known and person.about == about]
            self.new.add_many({name: [] for name in fresh}, about)
        for name in known.keys() & people.keys():
            if known[name].about != people[name].about:
                self.new.describe(known[name], people[name].about)

    def _missing(self, people: dict[str, Person]) -> tuple[list[_Kept], dict[str, int]]:
        """Return the faces that are to be embedded, and how many of a person cannot be; remove those that are gone."""
        wanted: list[_Kept] = []
        left: dict[str, int] = {}
        for name, person in people.items():
            theirs, mine = self.old.faces(person), {face.photo: face for face in self.new.faces(name)}
            for photo in mine.keys() - {face.photo for face in theirs}:
                self.new.delete_face(mine[photo].uid)
            wanted += [_Kept(person, face) for face in theirs if face.has_crop and face.photo not in mine]
            without = sum(not face.has_crop and face.photo not in mine for face in theirs)
            if without:
                left[name] = without
        return wanted, left

    def _embed(self, kept: _Kept) -> tuple[_Kept, NewFace | None]:
        """Return the face with an embedding of its crop; None if the crop is no aligned face."""
        try:
            crop = self.old.crop(kept.face.uid)
            image = read_image(crop)
        except (ImageError, UnknownName):  # UnknownName: it was deleted just now; the next round will see that
            return kept, None
        if image.shape != (CROP_SIZE, CROP_SIZE, 3):
            return kept, None
        features = self.recognizer.embedder.features(image[np.newaxis])
        embedding = Embedding(unit_rows(features)[0], self.recognizer.contract.id)
        quality = {**kept.face.quality, "feature_norm": feature_norms(self.recognizer.embedder, features)[0]}
        origin = Origin(created=kept.face.created)
        return kept, NewFace(embedding, photo=kept.face.photo, quality=quality, crop=crop, origin=origin)
