"""Recognizer: image → detector → aligner → embedder → decision, composed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from marginface.contract import Contract
from marginface.cropping import FaceCropper
from marginface.defaults import (
    DEFAULT_CANDIDATES,
    DEFAULT_CLUSTER_FPIR,
    DEFAULT_DETECTOR,
    DEFAULT_ENGINE,
    DEFAULT_FMR,
    DEFAULT_FPIR,
    DEFAULT_GATE,
    DEFAULT_MIN_SCORE,
    DEFAULT_MODEL,
    DEFAULT_WORKERS,
    ENROLMENT_GATE,
)
from marginface.embedding import Embedder, load_embedder
from marginface.errors import InputError
from marginface.matching import read_calibration
from marginface.pipeline.batches import in_order
from marginface.pipeline.clusters import Clusters, clusters_of, require_groupable, threshold_among
from marginface.pipeline.comparisons import Comparisons, compare
from marginface.pipeline.identification import Identification, answers
from marginface.pipeline.people import KnownPeople, Searchable, known_people, require_searchable
from marginface.pipeline.photos import EmbeddedPhoto
from marginface.pipeline.reader import CHOICES, Photo, PhotoReader, assess, name_of, named_photos, open_photo, several
from marginface.pipeline.rules import Calibrated, Rule, deciding, require_calibration
from marginface.pipeline.verification import Verification, verify_faces
from marginface.quality import GATES, Quality
from marginface.reasons import Reason, Remark
from marginface.values import Embedding, Face

Progress = Callable[[int], None]  # photos done


@dataclass(frozen=True)
class Recognizer:
    """A detector and an embedder behind few verbs: detect, embed, verify, compare_all, cluster, enrol, identify.

    Nothing changes after loading, so one recognizer serves any number of threads. A photo is RGB uint8 (H, W, 3), a
    path, or the bytes of an image file, with a name or without. Each verb says by ``faces`` which face of a photo is
    meant: ``one`` (several give no answer), ``largest``, ``center``, ``all``; and by ``quality`` which gate a face has
    to pass: ``off``, ``usable``, ``standard``, ``strict`` (quality.gates).

    >>> from marginface import Recognizer  # doctest: +SKIP
    >>> recognizer = Recognizer.load("sface")  # doctest: +SKIP
    >>> answer = recognizer.verify("first.jpg", "second.jpg", fmr=1e-3)  # doctest: +SKIP
    >>> answer.decision, answer.similarity  # doctest: +SKIP
    >>> print(answer.explain())  # doctest: +SKIP

    Attributes:
        cropper: Finds the faces; which of them is meant is said by the verbs.
        embedder: Crops → embeddings.
        calibration: Thresholds (matching.calibration.read_calibration); None: those that come with marginface for
            this contract, or those of the model's card where there are none.
    """

    cropper: FaceCropper
    embedder: Embedder
    calibration: Calibrated | None = None

    def __post_init__(self) -> None:
        if self.cropper.policy != "largest":
            raise InputError(
                f"the cropper of a recognizer finds faces; its policy {self.cropper.policy!r} would not be used. Say "
                f"it to the verbs: verify(first, second, faces={self.cropper.policy!r})"
            )
        require_calibration(self.calibration, self.contract.id)

    @classmethod
    def load(
        cls,
        model: str | Path = DEFAULT_MODEL,
        *,
        detector: str = DEFAULT_DETECTOR,
        mirror: bool = False,
        min_score: float = DEFAULT_MIN_SCORE,
        calibration: Calibrated | str | Path | None = None,
        engine: str = DEFAULT_ENGINE,
    ) -> Recognizer:
        """Load a recognizer.

        Args:
            model: A registered name, an .onnx file with its card, a card, a checkpoint folder or a run folder.
            detector: A name in the table of detectors.
            mirror: Sum the embeddings of crop and mirrored crop: slower, a little better, and another contract.
            min_score: Detector score below which nothing counts as a face.
            calibration: Thresholds, or their file; without any those that come with marginface, or the model's card.
            engine: What runs the embedder: ``onnxruntime``, ``openvino`` or ``openvino-bf16`` (weights.ENGINES). The
                detector runs in ONNX Runtime, so that all see the same landmarks.

        Raises:
            ContractMismatch: The calibration was made with another model, detector or preprocessing.
            CalibrationError: Its file is missing or damaged.
        """
        if isinstance(calibration, str | Path):
            calibration = read_calibration(calibration)
        cropper = FaceCropper.load(detector, min_score=min_score)
        return cls(cropper, load_embedder(model, mirror=mirror, engine=engine), calibration)

    @cached_property
    def contract(self) -> Contract:
        """What two embeddings must share to be comparable, from the landmarks to the last number."""
        return replace(self.embedder.contract, landmarks=self.cropper.detector.network)

    def detect(self, photo: Photo) -> tuple[Face, ...]:
        """Return all faces of a photo, largest first."""
        return self.cropper.detect(open_photo(photo))

    def assess(self, photo: Photo) -> tuple[tuple[Face, Quality], ...]:
        """Return all faces of a photo with their quality, largest first, without embedding them."""
        return assess(open_photo(photo), self.cropper)

    def embed(self, photo: Photo, face: Face | None = None, *, faces: str = "largest") -> Embedding:
        """Return the embedding of a face of this photo; without ``face``, of the one the policy means.

        Raises:
            ImageError: The photo cannot be read.
            FaceCountError: The photo has no such face; the message names the photo and the best candidate.
        """
        if face is None:
            return self._reader.look(photo, "this photo", faces, "off").embedding
        return self._reader.embed(open_photo(photo), name_of(photo, "this photo"), (face,), "off").embedding

    def embed_photo(
        self, photo: Photo, *, faces: str = "largest", quality: str = "off", name: str = "this photo"
    ) -> EmbeddedPhoto:
        """Return the faces of a photo that are meant, with box, quality and embedding, or why there is none.

        Args:
            photo: The photo.
            faces: Which faces.
            quality: The gate; a face below it has its reasons in ``refusals``.
            name: What pixels or bytes are called in the reasons; a path is called by itself.

        Raises:
            ImageError: The photo cannot be read.
            UnknownName: No such face policy or quality gate.
        """
        return self._reader.look(photo, name, faces, quality)

    def embed_faces(
        self, photo: Photo, faces: Sequence[Face], *, quality: str = "off", name: str = "this photo"
    ) -> EmbeddedPhoto:
        """Return faces of a photo that ``detect`` has found, embedded; see embed_photo."""
        return self._reader.embed(open_photo(photo), name_of(photo, name), faces, quality)

    def embed_each(
        self, photos: Iterable[Photo], *, faces: str = "largest", quality: str = "off", workers: int = DEFAULT_WORKERS
    ) -> Iterator[EmbeddedPhoto]:
        """Yield what comes of each photo, in order, on ``workers`` threads; few photos are in memory at a time.

        What cannot be read, has no face or is below the quality gate is an outcome with a reason, never an exception.
        Photos without a path are called "photo 1", "photo 2" …
        """
        _check_names(faces, quality)
        read = self._reader.outcome
        numbered = enumerate(several(photos), start=1)
        return in_order(lambda entry: read(entry[1], f"photo {entry[0]}", faces, quality), numbered, workers)

    def embed_all(
        self,
        photos: Iterable[Photo],
        *,
        faces: str = "largest",
        quality: str = "off",
        workers: int = DEFAULT_WORKERS,
        progress: Progress | None = None,
    ) -> tuple[EmbeddedPhoto, ...]:
        """Return what comes of each photo, in order; see embed_each. ``progress`` is called with the photos done."""
        done = []
        for outcome in self.embed_each(photos, faces=faces, quality=quality, workers=workers):
            done.append(outcome)
            if progress is not None:
                progress(len(done))
        return tuple(done)

    def verify(
        self,
        first: Photo,
        second: Photo,
        *,
        fmr: float = DEFAULT_FMR,
        uncertain_fmr: float | None = None,
        faces: str = "largest",
        quality: str = DEFAULT_GATE,
    ) -> Verification:
        """Say whether a face of each of two photos is of the same person, at a stated false-match rate.

        Args:
            first: One photo.
            second: The other.
            fmr: How often two different persons may be called the same; the calibration or the card has a threshold
                for it.
            uncertain_fmr: A laxer rate: between the thresholds of the two the answer is "cannot tell".
            faces: ``largest``, ``center``, or ``one``.
            quality: The gate below which the answer is "cannot tell".

        Returns:
            The decision; the reasons say what was found and used, and why it cannot be told.

        Raises:
            ImageError: A photo cannot be read.
            InputError: No threshold for this rate, or ``uncertain_fmr`` is not laxer than ``fmr``.
        """
        rule = self.pair_rule(fmr, uncertain_fmr, faces=faces)
        photos = ((first, "first photo"), (second, "second photo"))
        one, other = (self._reader.look(photo, name, faces, quality) for photo, name in photos)
        return self.verify_embedded(one, other, rule)

    def verify_embedded(self, first: EmbeddedPhoto, second: EmbeddedPhoto, rule: Rule) -> Verification:
        """Say whether two photos that embed_photo has embedded are of one person, by the rule of pair_rule."""
        return verify_faces(first, second, rule, self.contract.id, self._remarks())

    def pair_rule(self, fmr: float, uncertain_fmr: float | None = None, *, faces: str = "largest") -> Rule:
        """Return the rule for a face of one photo and a face of another; see verify for arguments and errors."""
        if faces == "all":
            raise InputError("verify compares one face of each photo: one, largest or center; compare_all compares all")
        return self._rule(fmr, uncertain_fmr)

    def compare_all(
        self,
        photos: Iterable[Photo],
        *,
        fmr: float = DEFAULT_FMR,
        uncertain_fmr: float | None = None,
        faces: str = "all",
        quality: str = DEFAULT_GATE,
        workers: int = DEFAULT_WORKERS,
    ) -> Comparisons:
        """Compare the faces of photos, each with each: similarities and decisions.

        Args:
            photos: Any number; one that cannot be read or has no face is an outcome, and the others are compared.
            fmr: How often two different persons may be called the same, in one comparison: of F·(F − 1)/2 pairs.
            uncertain_fmr: As in verify.
            faces: Which faces of each photo.
            quality: The gate below which a comparison cannot be told.
            workers: Threads.
        """
        rule = self._rule(fmr, uncertain_fmr)
        looks = self.embed_all(photos, faces=faces, quality=quality, workers=workers)
        return self.compare_embedded(looks, rule)

    def compare_embedded(self, photos: Sequence[EmbeddedPhoto], rule: Rule) -> Comparisons:
        """Compare the faces of photos that were embedded before, each with each, by the rule of pair_rule."""
        return compare(photos, rule, self.contract.id, self._remarks())

    def cluster(
        self,
        photos: Iterable[Photo],
        *,
        fpir: float = DEFAULT_CLUSTER_FPIR,
        similarity: float | None = None,
        faces: str = "all",
        quality: str = DEFAULT_GATE,
        workers: int = DEFAULT_WORKERS,
        progress: Progress | None = None,
    ) -> Clusters:
        """Group the faces of photos by who they may be; it needs scipy.

        Args:
            photos: Any number; one that cannot be read or has no face is an outcome, and the others are grouped.
            fpir: How often a face that is alone may find another that is as similar as groups need to be: the
                threshold rises with the number of faces, from a false-match rate of 1e-3 on. 0.5 was chosen on
                photos of CFP (docs/experiments.md).
            similarity: Join groups at this mean similarity instead.
            faces: Which faces of each photo.
            quality: The gate that a face has to pass to be grouped.
            workers: Threads.
            progress: Called with the photos done.

        Raises:
            MissingExtra: scipy is not installed.
            InputError: No threshold for this rate and number, or too many faces hang together (matching.cluster).
        """
        _check_names(faces, quality)
        require_groupable(self.thresholds, fpir, similarity)  # before any photo is read
        looks = self.embed_all(photos, faces=faces, quality=quality, workers=workers, progress=progress)
        if similarity is not None:
            return clusters_of(looks, similarity, None, self.contract.id)
        threshold = threshold_among(self.thresholds, fpir, sum(len(look.usable) for look in looks))
        return clusters_of(looks, threshold.similarity, threshold, self.contract.id, self._remarks())

    def enrol(
        self,
        people: Mapping[str, Iterable[Photo]],
        *,
        faces: str = "one",
        quality: str = ENROLMENT_GATE,
        workers: int = DEFAULT_WORKERS,
    ) -> KnownPeople:
        """Return people to identify others among, in memory: name → their photos.

        A photo without a face, with several, or below the quality gate is left out; ``outcomes`` of the result says
        which and why. Enrolment is stricter than asking: one poor photo makes strangers match for ever.
        """
        named = named_photos(people)
        looks = iter(self.embed_all((photo for _, photo in named), faces=faces, quality=quality, workers=workers))
        outcomes: dict[str, list[EmbeddedPhoto]] = {person: [] for person in people}
        for person, _ in named:
            outcomes[person].append(next(looks))
        finished = {person: tuple(photos) for person, photos in outcomes.items()}
        return known_people(self.contract.id, self.contract.embedding_size, finished)

    def identify(
        self,
        photo: Photo,
        people: Searchable,
        *,
        fpir: float = DEFAULT_FPIR,
        uncertain_fpir: float | None = None,
        most: int = DEFAULT_CANDIDATES,
        faces: str = "all",
        quality: str = DEFAULT_GATE,
    ) -> Identification:
        """Say who of the known people the faces of a photo are.

        Args:
            photo: The photo; each of its faces is a search.
            people: Known people, of the same contract: ``enrol`` makes some, and of a gallery
                marginface.enrolment.CollectionPeople(collection) does.
            fpir: How often a search of somebody unknown may find anybody; the threshold rises with the number of
                faces that one search compares (FPIR ≈ N·FMR).
            uncertain_fpir: A laxer rate: between the thresholds of the two the answer is "cannot tell".
            most: How many candidates to list for a face.
            faces: Which faces of the photo.
            quality: The gate below which a face cannot be told.

        Raises:
            ImageError: The photo cannot be read.
            ContractMismatch: The people were embedded with another model, detector or preprocessing.
            InputError: No threshold for this rate and number.
        """
        self._rule_among(people, fpir, uncertain_fpir)  # what cannot be answered is refused before the photo is read
        look = self._reader.look(photo, "this photo", faces, quality)
        return self.identify_embedded(look, people, fpir=fpir, uncertain_fpir=uncertain_fpir, most=most)

    def identify_embedded(
        self,
        photo: EmbeddedPhoto,
        people: Searchable,
        *,
        fpir: float = DEFAULT_FPIR,
        uncertain_fpir: float | None = None,
        most: int = DEFAULT_CANDIDATES,
    ) -> Identification:
        """Say who of the known people faces are that were embedded before, by embed_photo or embed_faces.

        The errors are those of identify.
        """
        size, rule = self._rule_among(people, fpir, uncertain_fpir)
        probes = [face.embedding for face in photo.faces]
        found = people.nearest(probes, most) if size else ((),) * len(probes)
        nobody = () if size else (Remark(Reason.NOBODY_KNOWN, Reason.NOBODY_KNOWN.sentence),)
        reasons = (*photo.remarks, *nobody, *self._remarks())
        answered = answers(photo, found, rule)
        return Identification(photo.photo, answered, rule, fpir, size, self.contract.id, reasons)

    @cached_property
    def _reader(self) -> PhotoReader:
        return PhotoReader(self.cropper, self.embedder, self.contract.id)

    @property
    def thresholds(self) -> Calibrated:
        """Where thresholds come from: the calibration, the one that comes with marginface, or the model's card."""
        return deciding(self.calibration, self.embedder.card, self.contract)

    def _rule(self, fmr: float, uncertain_fmr: float | None) -> Rule:
        lower = None if uncertain_fmr is None else self.thresholds.threshold(uncertain_fmr)
        return Rule(self.thresholds.threshold(fmr), lower)

    def _rule_among(self, people: Searchable, fpir: float, uncertain_fpir: float | None) -> tuple[int, Rule]:
        """Return how many faces a search compares, and the rule for so many."""
        require_searchable(people, self.contract.id)
        size, thresholds = people.comparisons(), self.thresholds
        among = max(size, 1)
        lower = None if uncertain_fpir is None else thresholds.identification_threshold(uncertain_fpir, among)
        return size, Rule(thresholds.identification_threshold(fpir, among), lower)

    def _remarks(self) -> tuple[Remark, ...]:
        if self.thresholds.contract == self.contract.id:
            return ()
        what = "the mirror sum" if self.contract.mirror else f"the landmarks of {self.contract.landmarks}"
        text = f"The threshold was set without {what}; with it the false-match rate may be another."
        return (Remark(Reason.OTHER_CONTRACT, text),)


def _check_names(faces: str, quality: str) -> None:
    """Raise UnknownName for a face policy or a gate that is not there, before any photo is read."""
    for table, name in ((CHOICES, faces), (GATES, quality)):
        table[name]
