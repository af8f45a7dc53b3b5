from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from actgate.runtime.tls import CertificateError, Certificates
from actgate_sandbox.pki import Authority, KeyPair
from actgate_webhook.metrics import Metrics
from tests.webhook.secret_mount import SecretMount, der_of

AUTHORITY = Authority("webhook certificates")


@asynccontextmanager
async def served(certificates: Certificates) -> AsyncIterator[Callable[[str | None], asyncio.Future[bytes]]]:
    """Serve TLS with the certificates; yields a call that returns the certificate that a client sees."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=certificates.context)
    port = server.sockets[0].getsockname()[1]
    context = ssl.create_default_context(cadata=AUTHORITY.certificate.decode())

    async def certificate_seen(name: str | None) -> bytes:
        context.check_hostname = name is not None
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name or "")
        seen: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return seen

    async with server:
        yield lambda name: asyncio.ensure_future(certificate_seen(name))


def mounted(tmp_path: Path, pair: KeyPair | None = None) -> tuple[SecretMount, Certificates, Metrics]:
    """Return a mount, what serves from it, and where that is counted."""
    mount, metrics = SecretMount(tmp_path, pair or AUTHORITY.server()), Metrics()
    return mount, Certificates(mount.certificate, mount.key, metrics), metrics


@pytest.mark.parametrize("name", ["localhost", None], ids=["with SNI", "without SNI"])
async def test_a_new_pair_serves_new_connections(tmp_path: Path, name: str | None) -> None:
    """Whether or not a client names the host, it sees the pair that the files hold now."""
    first, second = AUTHORITY.server(), AUTHORITY.server()
    mount, certificates, _ = mounted(tmp_path, first)
    async with served(certificates) as seen_by:
        assert await seen_by(name) == der_of(first)
        mount.write(second.certificate, second.key)
        certificates.refresh()
        assert await seen_by(name) == der_of(second)
    assert certificates.error is None


@pytest.mark.parametrize("broken", ["no PEM", "key of another", "half a file", "empty", "encrypted"])
async def test_a_broken_pair_keeps_the_old_one_and_says_so(
    tmp_path: Path, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot serve changes nothing but the log and a counter, once; a good pair then serves."""
    first, second = AUTHORITY.server(), AUTHORITY.server()
    mount, certificates, metrics = mounted(tmp_path, first)
    files = {
        "no PEM": (b"hello", second.key),
        "key of another": (second.certificate, first.key),
        "half a file": (second.certificate[:200], second.key),
        "empty": (b"", b""),
        "encrypted": (second.certificate, encrypted(second.key)),
    }
    mount.write(*files[broken])
    certificates.refresh()
    certificates.refresh()
    assert certificates.error is not None
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    assert 'reloads_total{result="error"} 1.0' in metrics.exposition("")[0].decode()
    async with served(certificates) as seen_by:
        assert await seen_by("localhost") == der_of(first)
        mount.write(second.certificate, second.key)
        certificates.refresh()
        assert await seen_by("localhost") == der_of(second)
    assert certificates.error is None


def encrypted(key: bytes) -> bytes:
    """Return a private key behind a passphrase."""
    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )


def test_files_that_vanish_for_a_moment_are_no_failure_once_they_are_back(tmp_path: Path) -> None:
    """The same pair under the same names serves on, and the check passes again."""
    mount, certificates, _ = mounted(tmp_path)
    mount.key.rename(tmp_path / "away")
    certificates.refresh()
    assert certificates.error is not None
    assert "tls.key cannot be read" in certificates.error
    (tmp_path / "away").rename(mount.key)
    certificates.refresh()
    assert certificates.error is None


def test_unchanged_files_are_not_loaded_again(tmp_path: Path) -> None:
    """Looking at the files is not a reload."""
    _, certificates, metrics = mounted(tmp_path)
    loaded = certificates.loaded
    certificates.refresh()
    assert certificates.loaded is loaded
    assert 'reloads_total{result="success"} 1.0' in metrics.exposition("")[0].decode()


@pytest.mark.parametrize("missing", ["tls.crt", "tls.key"])
def test_without_a_usable_pair_nothing_starts(tmp_path: Path, missing: str) -> None:
    """The first pair must be there; the sentence names the file."""
    mount = SecretMount(tmp_path, AUTHORITY.server())
    (tmp_path / missing).unlink()
    with pytest.raises(CertificateError, match=rf"{missing} cannot be read: No such file"):
        Certificates(mount.certificate, mount.key, Metrics())


def test_expiry_is_measured_and_an_expired_pair_is_a_reason_not_to_be_ready(tmp_path: Path) -> None:
    """The gauge is the moment of expiry; validity is asked of the clock, not of a timer."""
    _, certificates, metrics = mounted(tmp_path, AUTHORITY.server(lifetime=timedelta(hours=1)))
    leaf = certificates.loaded.leaf
    assert certificates.failing_checks() == {"certificate": None}
    assert certificates.invalid(leaf.not_valid_after_utc) is not None
    before = certificates.invalid(leaf.not_valid_before_utc - timedelta(seconds=1))
    assert before is not None
    assert before.startswith("not valid before ")
    name = "actgate_webhook_certificate_expiration_timestamp_seconds"
    value = metrics.registry.get_sample_value(name)
    assert value == leaf.not_valid_after_utc.timestamp()


def test_an_expired_pair_is_loaded_and_reported(tmp_path: Path) -> None:
    """It serves, since nothing better is there, and readiness says why it should get no requests."""
    _, certificates, _ = mounted(tmp_path, AUTHORITY.server(lifetime=timedelta(seconds=-1)))
    why = certificates.failing_checks()["certificate"]
    assert why is not None
    assert why.startswith("expired at ")


def test_the_leaf_is_the_first_certificate_of_a_chain(tmp_path: Path) -> None:
    """Intermediates that follow it do not hide it."""
    pair = AUTHORITY.server()
    chain = KeyPair(pair.certificate + AUTHORITY.certificate, pair.key)
    _, certificates, _ = mounted(tmp_path, chain)
    assert certificates.loaded.leaf == x509.load_pem_x509_certificate(pair.certificate)
    assert certificates.loaded.der == der_of(pair)
