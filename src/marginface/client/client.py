"""Client: what the service can do, as methods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx2

from marginface.client.collection import CollectionClient
from marginface.client.evaluations import Evaluations
from marginface.client.events import Events
from marginface.client.gallery_answers import AuditEntry, AuditReport, CollectionInfo, Receipt
from marginface.client.jobs import Jobs
from marginface.client.pages import items
from marginface.client.parts import Photo, photo_part, photo_parts
from marginface.client.photo_answers import Comparisons, Detection, Embeddings, Verification
from marginface.client.reading import read
from marginface.client.runs import Runs
from marginface.client.service_answers import About, Calibration
from marginface.client.transport import Call, Patience, Transport, path_of
from marginface.errors import InputError, ServiceError, ServiceUnreachable

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_PATIENCE = Patience()


class Client:
    """A service of marginface at an address.

    Calls that the service cannot take now (429, 503) or that did not reach it are tried again, as long as it asks to
    wait; a POST or DELETE carries an idempotency key, so that it happens once however often it is sent. Safe for
    threads.

    >>> from marginface.client import Client  # doctest: +SKIP
    >>> with Client("http://127.0.0.1:8000", key="mf_…") as service:  # doctest: +SKIP
    ...     print(service.verify("a.jpg", "b.jpg", fmr=1e-4).decision)
    ...     staff = service.collection("staff")
    ...     staff.enrol("Ann Example", ["ann-1.jpg", "ann-2.jpg"])
    ...     print(staff.identify("door.jpg").people)

    Args:
        address: As http://127.0.0.1:8000 or https://faces.example.
        key: What 'marginface keys create' showed; None for a service that is open to its own machine.
        timeout: Seconds without a byte after which an attempt is given up.
        patience: How often and how long a call is tried.
        ca: The certificates to trust, in PEM, instead of those of the system: of a service with one of its own.
        plain: Let a key go over http to another machine: within a private network, or a tunnel.
        http: An httpx2.Client to send by, instead of one of our own.

    Raises:
        InputError: The address is none, or a key would go over the network in clear.
    """

    def __init__(
        self,
        address: str,
        key: str | None = None,
        *,
        timeout: float = 60.0,
        patience: Patience = _PATIENCE,
        ca: str | Path | None = None,
        plain: bool = False,
        http: httpx2.Client | None = None,
    ) -> None:
        _check_address(address, key, plain=plain)
        self._http = http or httpx2.Client(timeout=timeout, verify=True if ca is None else _trusting(Path(ca)))
        self._http.base_url = httpx2.URL(address.rstrip("/") + "/")
        self._http.headers["User-Agent"] = "marginface"
        if key is not None:
            self._http.headers["Authorization"] = f"Bearer {key}"
        self._transport = Transport(self._http, patience)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({str(self._http.base_url)!r})"

    @property
    def jobs(self) -> Jobs:
        """Long work: start it, follow it, wait for it."""
        return Jobs(self._transport)

    @property
    def events(self) -> Events:
        """The record of identifications, and the word of a second key."""
        return Events(self._transport)

    @property
    def runs(self) -> Runs:
        """Training runs."""
        return Runs(self._transport)

    @property
    def evaluations(self) -> Evaluations:
        """Suites, comparisons and files of numbers."""
        return Evaluations(self._transport)

    def is_alive(self) -> bool:
        """Say whether the service answers at all."""
        return self._answers("healthz")

    def is_ready(self) -> bool:
        """Say whether its model and its gallery answer too."""
        return self._answers("readyz")

    def about(self) -> About:
        """Return what the service is and allows, and what the key is for."""
        return read(About, self._transport.json(Call("GET", "v1")))

    def metrics(self) -> str:
        """Return its figures, as Prometheus reads them."""
        return self._transport.content(Call("GET", "metrics")).decode()

    def openapi(self) -> dict[str, Any]:
        """Return the description of its interface."""
        answer: dict[str, Any] = self._transport.json(Call("GET", "openapi.json"))
        return answer

    def calibration(self) -> Calibration:
        """Return the thresholds that it decides by."""
        return read(Calibration, self._transport.json(Call("GET", "v1/calibration")))

    def detect(self, photo: Photo, *, quality: str | None = None, crops: bool | None = None) -> Detection:
        """Find all faces of a photo, with their quality; ``crops`` brings the aligned faces too.

        What is not said is as the service has it; this holds for all methods.
        """
        form = {"quality": quality, "crops": crops}
        return read(Detection, self._post("v1/detect", form, [photo_part("image", photo)]))

    def verify(
        self,
        first: Photo,
        second: Photo,
        *,
        fmr: float | None = None,
        uncertain_fmr: float | None = None,
        faces: str | None = None,
        quality: str | None = None,
        crops: bool | None = None,
    ) -> Verification:
        """Say whether two photos show the same person, at a stated false-match rate; see Recognizer.verify."""
        form = {"fmr": fmr, "uncertain_fmr": uncertain_fmr, "faces": faces, "quality": quality, "crops": crops}
        parts = [photo_part("image_a", first), photo_part("image_b", second)]
        return read(Verification, self._post("v1/verify", form, parts))

    def compare(
        self,
        photos: Iterable[Photo],
        *,
        fmr: float | None = None,
        uncertain_fmr: float | None = None,
        faces: str | None = None,
        quality: str | None = None,
    ) -> Comparisons:
        """Compare all faces of several photos, each with each; see Recognizer.compare_all."""
        form = {"fmr": fmr, "uncertain_fmr": uncertain_fmr, "faces": faces, "quality": quality}
        return read(Comparisons, self._post("v1/compare", form, photo_parts("images", photos)))

    def embed(self, photo: Photo, *, faces: str | None = None, quality: str | None = None) -> Embeddings:
        """Return the embeddings of the faces of a photo: biometric data, for a key with scope ``templates``."""
        form = {"faces": faces, "quality": quality}
        return read(Embeddings, self._post("v1/embed", form, [photo_part("image", photo)]))

    def collections(self) -> Iterator[CollectionInfo]:
        """Yield the collections that the key may see."""
        return items(self._transport, "v1/collections", CollectionInfo)

    def collection(self, name: str) -> CollectionClient:
        """Return the verbs of a collection, by name or opaque id; nothing is asked yet."""
        return CollectionClient(self._transport, name)

    def create_collection(self, name: str) -> CollectionInfo:
        """Make a collection for embeddings of the service's model."""
        return read(CollectionInfo, self._transport.json(Call("POST", "v1/collections", json={"name": name})))

    def erase_collection(self, name: str) -> Receipt:
        """Erase a collection with everyone in it; its data key is destroyed."""
        return read(Receipt, self._transport.json(Call("DELETE", path_of("v1", "collections", name))))

    def audit(self) -> Iterator[AuditEntry]:
        """Yield who did what, the latest first."""
        return items(self._transport, "v1/audit", AuditEntry)

    def check_audit(self, head: str | None = None) -> AuditReport:
        """Say whether the chain of the audit holds, and whether an entry kept elsewhere (its hash) is in it."""
        return read(AuditReport, self._transport.json(Call("GET", "v1/audit/check", {"head": head})))

    def _post(self, path: str, form: dict[str, Any], parts: list[Any]) -> Any:
        return self._transport.json(Call("POST", path, form=form, parts=parts))

    def _answers(self, path: str) -> bool:
        """Ask once: who asks for a sign of life does not want to wait for one."""
        once = Transport(self._http, Patience(attempts=1))
        try:
            once.content(Call("GET", path))
        except (ServiceError, ServiceUnreachable):
            return False
        return True


def _check_address(address: str, key: str | None, *, plain: bool) -> None:
    parts = _parts_of(address)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise InputError(f"the address of a service is as http://127.0.0.1:8000; got {address!r}")
    if key is not None and parts.scheme == "http" and parts.hostname not in _LOOPBACK and not plain:
        raise InputError(
            f"{address}: the key and the photos would go over the network in clear. Use https://, or say plain=True "
            "where the network is your own"
        )
    if key is not None and not (key and key.isascii() and key.isprintable() and " " not in key):
        got = "one with a sign that no key has" if key else "an empty text; without a key say None"
        raise InputError(f"a key is as mf_<id>_<secret>, without spaces or line ends; got {got}")


def _parts_of(address: str) -> SplitResult | None:
    """Return the parts of an address; None where it is none, or has a name or a password in it."""
    try:
        parts = urlsplit(address)
        return parts if parts.username is None and parts.port != 0 else None
    except ValueError:  # a port that is no number, a bracket too many
        return None


def _trusting(ca: Path) -> Any:
    import ssl

    try:
        return ssl.create_default_context(cafile=str(ca))
    except OSError as error:
        raise InputError(f"{ca}: these certificates cannot be read: {error}") from None
