"""What a route works with, opened once in each worker."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property

from starlette.requests import Request

from marginface.errors import MarginfaceError, UnknownName
from marginface.gallery import Collection, Gallery, GalleryKey, Receipt
from marginface.pipeline import Recognizer
from marginface.server.access import KeyStore
from marginface.server.access.rates import Rates
from marginface.server.decoding.decoder import Decoder
from marginface.server.events import EventLog, Forgetting, Recorder, SecondKeys
from marginface.server.jobs import JobStore, Spool, job_key
from marginface.server.jobs.runner import Runner
from marginface.server.jobs.upkeep import BY_ITSELF, Upkeep
from marginface.server.monitoring import Figures
from marginface.server.once import KeptAnswers
from marginface.server.recognizer import capped, load_recognizer
from marginface.server.settings import ServerSettings
from marginface.server.state import State, open_state
from marginface.server.state.places import is_loopback, spool_folder, state_address
from marginface.server.threads import LONG_RUNNING, LONG_WAITING, Work

LOG = logging.getLogger("marginface.server")
_SETTLING = 5.0  # seconds between two looks at what is owed
_FOLLOWS = (
    "The service's own record still holds opaque ids of the erased: its database could not be written. It tries again "
    "by itself."
)


@dataclass(frozen=True)
class Service:
    """The parts of one worker.

    Attributes:
        settings: What 'marginface serve' was told.
        recognizer: Finds, embeds and compares faces.
        gallery: Who is known; all workers open the same.
        state: The service's own database.
        decoder: Bytes → pixels.
        figures: What is counted.
    """

    settings: ServerSettings
    recognizer: Recognizer
    gallery: Gallery
    state: State
    decoder: Decoder
    figures: Figures = field(default_factory=Figures)

    @cached_property
    def keys(self) -> KeyStore:
        """The keys of the service."""
        return KeyStore(self.state)

    @cached_property
    def answers(self) -> KeptAnswers:
        """The answers that are kept for requests that come again."""
        return KeptAnswers(self.state)

    @cached_property
    def jobs(self) -> JobStore:
        """The long work of the service."""
        return JobStore(self.state, self.job_key)

    @cached_property
    def job_key(self) -> GalleryKey:
        """What wraps the keys of jobs."""
        return job_key(self.gallery, self.settings.key_file, self.state)

    @cached_property
    def spool(self) -> Spool:
        """The archives that wait for their job."""
        return Spool(spool_folder(self.settings.gallery))

    @cached_property
    def events(self) -> Recorder:
        """The record of how the service is used; of identifications where it was asked for, or a match needs it."""
        is_on = self.settings.events or "identify" in self.settings.two_person
        return Recorder(EventLog(self.state), is_on=is_on)

    @cached_property
    def second_keys(self) -> SecondKeys:
        """Who asks for the word of a second key, and takes it."""
        return SecondKeys(self.events.log, self.settings.two_person)

    @cached_property
    def forgetting(self) -> Forgetting:
        """What takes who is erased out of the service's own records."""
        return Forgetting(self.events.log, self.jobs, self.answers.forget)

    def forget_erased(self, receipt: Receipt) -> Receipt:
        """Take who was erased just now out of what the service keeps beside the gallery; return the receipt.

        Where that cannot be written now the receipt says so, and the upkeep does it later: who was erased is gone from
        the gallery, and there is no second receipt.
        """
        try:
            self.answers.forget(receipt.collection)
            self.forgetting.follow(self.gallery)
        except MarginfaceError as error:
            LOG.warning("who was erased is taken from the service's own records later: %s", type(error).__name__)
            return replace(receipt, notes=(*receipt.notes, _FOLLOWS))
        return receipt

    @cached_property
    def work(self) -> Work:
        """Where blocking functions run."""
        return Work(self.settings.limits.running, self.settings.limits.waiting, self.figures.depth)

    @cached_property
    def long_work(self) -> Work:
        """Where functions run that take long, as checks and exports: who looks for a face does not wait for them."""
        return Work(LONG_RUNNING, LONG_WAITING)

    @cached_property
    def shown_work(self) -> Work:
        """Where the folder of runs is read: it may hold much, and who looks for a face does not wait for that."""
        return Work(LONG_RUNNING, LONG_WAITING)

    @cached_property
    def rates(self) -> Rates:
        """How often a key may ask."""
        return Rates(self.settings.limits.per_minute, self.settings.workers)

    @property
    def is_open(self) -> bool:
        """Whether no key was ever made: then this machine alone may ask, and needs none."""
        return is_loopback(self.settings.host) and not self.settings.proxies and not self.keys.exist()

    def collection_name(self, named: str) -> str:
        """Return the name of a collection that a path names by name or opaque id; a name that is not there stays."""
        try:
            return self.gallery.collection(named).name
        except UnknownName:
            return named

    def collection(self, named: str) -> Collection:
        """Return a collection by name or opaque id; raise UnknownName if there is none."""
        return self.gallery.collection(named)


@contextmanager
def opened(settings: ServerSettings, figures: Figures) -> Iterator[Service]:
    """Open all parts of a worker, and close them at the end."""
    with ExitStack() as parts:
        recognizer = capped(load_recognizer(settings), settings.limits.faces)
        opened_by = Gallery.open(settings.gallery, key=settings.key_file, actor="service", suggests=False)
        gallery = parts.enter_context(opened_by)
        state = parts.enter_context(open_state(state_address(settings.gallery)))
        decoder = Decoder(settings.limits, figures.undecoded)
        parts.callback(decoder.close)
        yield Service(settings, recognizer, gallery, state, decoder, figures)


@contextmanager
def running_jobs(service: Service) -> Iterator[Runner]:
    """Look for jobs and for what is due in a thread of this worker, until this ends."""
    settings = service.settings
    others = (
        lambda: service.forgetting.follow(service.gallery),
        lambda: service.events.log.let_go(settings.keep_events, BY_ITSELF),
    )
    upkeep = Upkeep(service.state, service.jobs, service.spool, settings.purge_every, others)
    runner = Runner(settings, service.state, service.job_key, upkeep)
    stop = threading.Event()
    settling = threading.Thread(target=_settle, args=(service, stop), name="owed answers", daemon=True)
    settling.start()
    runner.start()
    try:
        yield runner
    finally:
        stop.set()
        runner.close()
        settling.join(_SETTLING)


def _settle(service: Service, stop: threading.Event) -> None:
    """Write the answers that this worker owes, however long the job takes that it does meanwhile."""
    while not stop.wait(_SETTLING):
        with suppress(MarginfaceError, OSError):  # it still cannot be written: the next time
            service.answers.settle()


def service_of(request: Request) -> Service:
    """Return the service that a request came to: ``Annotated[Service, Depends(service_of)]``."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service
