"""A service on an address: checked before it is bound, then handed to uvicorn."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import uvicorn

from marginface.enrolment.models import maker_of
from marginface.errors import InputError
from marginface.gallery import Gallery
from marginface.gallery.address import parse_address
from marginface.server.access import KeyStore
from marginface.server.defaults import DEFAULT_HOST
from marginface.server.logs import log_to_stderr
from marginface.server.monitoring import shared_folder
from marginface.server.recognizer import load_recognizer
from marginface.server.running.connections import ImpatientConnection
from marginface.server.settings import ServerSettings
from marginface.server.state import open_state
from marginface.server.state.places import default_gallery, is_loopback, state_address

_GRACE = 20  # seconds for requests that run when the service is told to stop
_KEEP_ALIVE = 10  # seconds an idle connection is kept


def prepare(settings: ServerSettings) -> list[str]:
    """Check all that can be wrong before an address is bound; make the default gallery if it is not there.

    Returns:
        What whoever starts it should know, a sentence each.

    Raises:
        InputError: An address that others reach, and no key; one that cannot be bound; a certificate without its key,
            or files that are none.
        GalleryError: There is no gallery at the address that was named.
    """
    _check_certificate(settings.certificate, settings.certificate_key)
    said = _gallery_there(settings)
    recognizer = load_recognizer(settings)
    _check_address(settings.host, settings.port)
    if not _has_keys(settings):
        said += _without_keys(settings)
    if not is_loopback(settings.host) and settings.certificate is None:
        said.append("There is no TLS: keys and photos go in clear. Give --certificate, or put it behind a proxy.")
    if settings.runs is not None and not settings.runs.is_dir():
        said.append(f"--runs {settings.runs}: no such folder. What is written there later will be shown.")
    said += _of_other_models(settings, recognizer.contract.id)
    return said


def run(settings: ServerSettings) -> None:
    """Serve until the process is told to stop; requests that run are finished first."""
    settings.hand_over()
    log_to_stderr()
    with shared_folder(settings.workers):
        _serve(settings)


def _serve(settings: ServerSettings) -> None:
    limits = settings.limits
    uvicorn.run(
        "marginface.server.app:worker_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http=ImpatientConnection,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        limit_concurrency=limits.connections,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_GRACE,
        timeout_worker_healthcheck=30,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.certificate_key,
    )


def _has_keys(settings: ServerSettings) -> bool:
    with open_state(state_address(settings.gallery)) as state:
        return KeyStore(state).exist()


def _without_keys(settings: ServerSettings) -> list[str]:
    """Return what follows from there being no key; raise InputError where others would reach an open service."""
    reached = "" if is_loopback(settings.host) else f"{settings.host} is reached by other machines"
    if settings.names or settings.proxies:
        reached = reached or "--name and --proxy are for a service that others reach"
    if reached:
        raise InputError(
            f"{reached}, and no key was made: anyone could ask. Make one first: marginface keys create --scope all. "
            f"Or stay on --host {DEFAULT_HOST}, without --name and --proxy"
        )
    said = ["No key was made: everyone on this machine may ask. 'marginface keys create' closes it."]
    if settings.two_person:
        said.append("--two-person takes keys: without any nobody can be the second. Make one for each person.")
    return said


def _gallery_there(settings: ServerSettings) -> list[str]:
    if settings.gallery != default_gallery() or Gallery.exists(settings.gallery):
        Gallery.open(settings.gallery, key=settings.key_file).close()
        return []
    path = parse_address(settings.gallery).path
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with Gallery.create(settings.gallery, key=settings.key_file) as gallery:
        return [f"Made a gallery: {gallery.address}, sealed by the key in {gallery.key_source}."]


def _of_other_models(settings: ServerSettings, contract: str) -> list[str]:
    """Return a sentence where no collection is of this model: each request about one would be refused, one by one."""
    with Gallery.open(settings.gallery, key=settings.key_file) as gallery:
        held = {info.name: info.contract for info in gallery.collections()}
    if not held or contract in held.values():
        return []
    theirs, ours = ", ".join(sorted({maker_of(one) for one in held.values()})), maker_of(contract)
    return [
        f"No collection here is of this model: {', '.join(held)} of {theirs}, this is {ours}. They cannot be asked. "
        "Say the model they were made with (--model, --mirror)."
    ]


def _check_certificate(certificate: Path | None, key: Path | None) -> None:
    if (certificate is None) != (key is None):
        raise InputError("TLS needs both files: --certificate FILE and --certificate-key FILE")
    for path in (certificate, key):
        if path is not None and not path.is_file():
            raise InputError(f"{path}: no such file; TLS needs a certificate and its key, in PEM")
    if certificate is not None and key is not None:
        _check_pair(certificate, key)


def _check_pair(certificate: Path, key: Path) -> None:
    """Raise InputError for what is no certificate and its key: uvicorn says a line of OpenSSL's source instead."""
    asked: list[bool] = []

    def silent() -> str:  # a key with a pass phrase: uvicorn asks for it
        asked.append(True)
        return ""

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, silent)
    except (ssl.SSLError, ValueError) as error:
        if not asked:
            raise InputError(
                f"{certificate} and {key}: expected a certificate in PEM, with its chain, and the key it was made for; "
                f"got {getattr(error, 'reason', None) or error}"
            ) from None


def _check_address(host: str, port: int) -> None:
    """Raise InputError if an address is taken, or not of this machine: uvicorn ends without a word of advice."""
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(kind, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
    except (OSError, UnicodeError, TypeError) as error:  # the last two: what can be no host's name
        reason = getattr(error, "strerror", None) or error
        advice = (
            "Another service may be there: stop it, or choose another --port; --host takes an address of this machine"
        )
        if isinstance(error, PermissionError):
            advice = "Below 1024 a port takes a right of its own: choose another --port, and let a proxy have this one"
        raise InputError(f"{host}:{port} cannot be bound: {reason}. {advice}") from None
