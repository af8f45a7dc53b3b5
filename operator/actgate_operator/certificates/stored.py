"""The state as Kubernetes keeps it: two Secrets and a registration.

Reading never fails: what is damaged is read as missing, and logged, for the plan replaces what is
missing. Keys of a Secret that hold nothing are written as empty, since an applied field that is left out
stays where another client has written it too.
"""

import base64
import binascii
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from actgate.api.times import parse_timestamp, timestamp
from actgate.kube.objects import Object
from actgate.kube.resources import SECRETS, VALIDATING_WEBHOOK_CONFIGURATIONS
from actgate_operator.certificates import pki
from actgate_operator.certificates.state import Authorities, Leaf, Registration
from actgate_operator.names import MANAGED_BY

logger = logging.getLogger(__name__)
T = TypeVar("T")

NEXT_SINCE: Final = "actgate.dev/next-trusted-since"
PREVIOUS_UNTIL: Final = "actgate.dev/previous-needed-until"
_TLS: Final = "kubernetes.io/tls"


def read_authorities(secret: Object | None) -> Authorities:
    """Read the Secret of the authorities, None where there is none."""
    if secret is None:
        return Authorities()
    current = _usable("the current authority", lambda: _authority(secret, "current"))
    following = _usable("the next authority", lambda: _authority(secret, "next"))
    previous = _usable("previous authorities", lambda: _trust(_value(secret, "previous.crt"))) or frozenset()
    signed = frozenset() if current is None else frozenset({current.certificate})
    if following is not None and following.certificate in signed | previous:
        following = None
    return Authorities(
        current,
        following,
        _usable("since when", lambda: _moment(secret, NEXT_SINCE)) if following is not None else None,
        previous - signed,
        _usable("until when", lambda: _moment(secret, PREVIOUS_UNTIL)),
    )


def write_authorities(kept: Authorities, name: str, namespace: str, seen: Object | None) -> Object:
    """Return the Secret of the authorities, in place of the one that was seen."""
    data = {
        "current.crt": b"" if kept.current is None else kept.current.certificate_pem,
        "current.key": b"" if kept.current is None else kept.current.key_pem,
        "next.crt": b"" if kept.next is None else kept.next.certificate_pem,
        "next.key": b"" if kept.next is None else kept.next.key_pem,
        "previous.crt": pki.write_certificates(kept.previous),
    }
    annotations = {
        NEXT_SINCE: _written(kept.next_trusted_since),
        PREVIOUS_UNTIL: _written(kept.previous_needed_until),
    }
    return _secret(name, namespace, seen, data, "Opaque", annotations)


def read_leaf(secret: Object | None) -> Leaf | None:
    """Read the Secret that the webhook mounts."""
    if secret is None:
        return None
    pair = _usable("the leaf", lambda: pki.Pair.read(_value(secret, "tls.crt"), _value(secret, "tls.key")))
    if pair is None:
        return None
    found = _usable("ca.crt", lambda: pki.read_certificates(_value(secret, "ca.crt"))) or ()
    return Leaf(pair, found[0] if len(found) == 1 else None)


def write_leaf(leaf: Leaf, name: str, namespace: str, seen: Object | None) -> Object:
    """Return the Secret that the webhook mounts, in place of the one that was seen."""
    authority = b"" if leaf.authority is None else pki.write_certificates([leaf.authority])
    data = {
        "tls.crt": leaf.pair.certificate_pem + authority,
        "tls.key": leaf.pair.key_pem,
        "ca.crt": authority,
    }
    return _secret(name, namespace, seen, data, _TLS, {})


def read_registration(configuration: Object | None) -> Registration | None:
    """Read what each webhook of a ValidatingWebhookConfiguration is called with."""
    if configuration is None:
        return None
    return Registration({item["name"]: _bundle(item) for item in configuration.get("webhooks") or []})


def write_bundles(trust: pki.Trust, seen: Object) -> Object:
    """Return ``caBundle`` of each webhook, and nothing else, for the very object that was seen."""
    bundle = _encoded(pki.write_certificates(trust))
    return {
        "apiVersion": VALIDATING_WEBHOOK_CONFIGURATIONS.api_version,
        "kind": VALIDATING_WEBHOOK_CONFIGURATIONS.kind,
        "metadata": {"name": seen["metadata"]["name"], **_seen(seen)},
        "webhooks": [
            {"name": item["name"], "clientConfig": {"caBundle": bundle}}
            for item in seen.get("webhooks") or []
        ],
    }


def _bundle(webhook: Object) -> pki.Trust | None:
    coded = (webhook.get("clientConfig") or {}).get("caBundle") or ""
    return _usable("caBundle", lambda: _trust(_decoded(coded)))


def _secret(
    name: str,
    namespace: str,
    seen: Object | None,
    data: dict[str, bytes],
    kind: str,
    annotations: dict[str, str],
) -> Object:
    return {
        "apiVersion": SECRETS.api_version,
        "kind": SECRETS.kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/name": "actgate", "app.kubernetes.io/managed-by": MANAGED_BY},
            "annotations": annotations,
            **({} if seen is None else _seen(seen)),
        },
        # The type of a Secret can never change.
        "type": kind if seen is None else seen.get("type", kind),
        "data": {key: _encoded(value) for key, value in data.items()},
    }


def _seen(thing: Object) -> Object:
    """Return what makes a write fail where the object is another one by now, or none."""
    return {key: thing["metadata"][key] for key in ("uid", "resourceVersion")}


def _authority(secret: Object, role: str) -> pki.Pair | None:
    certificate = _value(secret, f"{role}.crt")
    if not certificate:
        return None
    pair = pki.Pair.read(certificate, _value(secret, f"{role}.key"))
    if not pki.is_authority(pair.certificate):
        raise pki.UnusableError("its certificate may not sign others")
    return pair


def _trust(pem: bytes) -> pki.Trust:
    return frozenset(pki.read_certificates(pem))


def _value(secret: Object, key: str) -> bytes:
    return _decoded((secret.get("data") or {}).get(key) or "")


def _moment(secret: Object, annotation: str) -> datetime | None:
    text = (secret["metadata"].get("annotations") or {}).get(annotation)
    return parse_timestamp(text) if text else None


def _written(moment: datetime | None) -> str:
    return "" if moment is None else timestamp(moment)


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise pki.UnusableError(f"no base64: {error}") from error


def _usable(what: str, read: Callable[[], T]) -> T | None:
    try:
        return read()
    except ValueError as error:
        logger.warning("%s cannot be used, and is created again: %s", what, error)
        return None
