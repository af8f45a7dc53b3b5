"""The kubelet's part: what a Secret holds lands in the files that a webhook reads, some time later."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from actgate_sandbox.pki import KeyPair
from actgate_sandbox.rest import Rest
from tests.webhook.secret_mount import SecretMount

_EVERY_SECONDS = 0.1


def pair_in(rest: Rest, path: str) -> KeyPair | None:
    """Return certificate and key out of a Secret, None where there is none."""
    reply = rest("GET", path)
    if reply.status != 200:
        return None
    data = {key: base64.b64decode(value) for key, value in reply.body["data"].items()}
    return KeyPair(data["tls.crt"], data["tls.key"])


@contextmanager
def following(rest: Rest, path: str, mount: SecretMount) -> Iterator[None]:
    """Write a Secret into a mount whenever it changed; one that is gone leaves the files as they are."""
    done = threading.Event()

    def follow() -> None:
        written: KeyPair | None = None
        while not done.wait(_EVERY_SECONDS):
            pair = pair_in(rest, path)
            if pair not in (None, written):
                assert pair is not None
                mount.write(pair.certificate, pair.key)
                written = pair

    thread = threading.Thread(target=follow, name="mount")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
