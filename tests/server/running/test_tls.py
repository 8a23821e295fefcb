"""TLS by files of one's own: a service that runs, and a client that trusts its certificate alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from PIL import Image

from marginface.client import Client
from marginface.data.synthetic import draw_photo
from marginface.errors import ServiceUnreachable
from marginface.server.settings import ServerSettings
from oracles.patience import PATIENCE, at_work, free_port, wait_for
from oracles.served import MakeKey

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.enable_socket]


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for 127.0.0.1 and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    )
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    pem, private = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    return pem, private


@pytest.fixture
def address(settings: ServerSettings, tmp_path: Path) -> Iterator[str]:
    """Start a service with a certificate; give its address."""
    port = free_port()
    pem, private = write_certificate(tmp_path)
    command = [sys.executable, "-m", "marginface", "serve", settings.gallery, "--port", str(port)]
    command += ["--key-file", str(settings.key_file), "--certificate", str(pem), "--certificate-key", str(private)]
    nothing = subprocess.DEVNULL
    with at_work(subprocess.Popen(command, stdout=nothing, stderr=nothing, env=dict(os.environ))) as process:
        yield f"https://127.0.0.1:{port}"
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


def test_keys_and_photos_go_sealed(address: str, make_key: MakeKey, tmp_path: Path) -> None:
    token = make_key("verify")["Authorization"].removeprefix("Bearer ")
    photo = BytesIO()
    Image.fromarray(draw_photo(1, 0)[0]).save(photo, "JPEG", quality=92)
    with Client(address, token, ca=tmp_path / "certificate.pem") as client:
        wait_for(client.is_ready, "the service is not ready")
        assert client.verify(photo.getvalue(), photo.getvalue())
    with Client(address, token) as trusting_others, pytest.raises(ServiceUnreachable, match=r"(?i)certificate"):
        trusting_others.about()
    with Client(address.replace("https", "http"), token, plain=True) as clear, pytest.raises(ServiceUnreachable):
        clear.about()
