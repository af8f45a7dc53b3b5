"""A namespace and a registration of a test, and the certificate reconciler at work on them."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from actgate.kube.client import Cluster
from actgate.kube.observing import Asked
from actgate_operator.certificates import stored
from actgate_operator.certificates.metrics import CertificateMetrics
from actgate_operator.certificates.reconciler import CertificateReconciler, Places, service_names
from actgate_operator.certificates.state import State
from actgate_operator.deadlines import Clocks
from actgate_operator.names import MANAGER
from actgate_operator.writer import Writer
from actgate_sandbox.rest import MERGE_PATCH, Rest
from demo import registration

Json = dict[str, Any]

REGISTRATION_FILE = Path(__file__).parents[3] / "deploy" / "base" / "webhook-registration.yaml"
AUTHORITIES, LEAF = "actgate-webhook-ca", "actgate-webhook-tls"


def static_registration(namespace: str, port: int = 9) -> Json:
    """Return the registration as it is installed, for one namespace, on loopback, without caBundle."""
    written = registration.read(REGISTRATION_FILE)
    written["metadata"]["name"] = f"actgate-{namespace}"
    for item in written["webhooks"]:
        item["namespaceSelector"].setdefault("matchLabels", {})["kubernetes.io/metadata.name"] = namespace
    return without_bundle(written, port)


def without_bundle(written: Json, port: int) -> Json:
    """Return a registration that points at loopback and trusts no authority yet."""
    pointed = registration.on_loopback(written, port, b"")
    for item in pointed["webhooks"]:
        del item["clientConfig"]["caBundle"]
    return pointed


@dataclass
class Kept:
    """What the certificate reconciler writes, as others see it."""

    rest: Rest
    namespace: str
    reconciler: CertificateReconciler
    metrics: CertificateMetrics
    registry: CollectorRegistry
    requests: list[Asked]
    clocks: Clocks
    offset: list[float]
    """By how many seconds the reconciler's wall clock is ahead."""
    writer: Writer
    names: tuple[str, ...]

    @property
    def registration_path(self) -> str:
        """Where the registration is."""
        return f"{registration.COLLECTION}/actgate-{self.namespace}"

    def secret_path(self, name: str) -> str:
        """Return where a Secret is."""
        return f"/api/v1/namespaces/{self.namespace}/secrets/{name}"

    def get(self, path: str) -> Json | None:
        """Return an object, None where there is none."""
        reply = self.rest("GET", path)
        return dict(reply.body) if reply.status == 200 else None

    def state(self) -> State:
        """Return what is stored."""
        return State(
            stored.read_authorities(self.get(self.secret_path(AUTHORITIES))),
            stored.read_leaf(self.get(self.secret_path(LEAF))),
            stored.read_registration(self.get(self.registration_path)),
        )

    def patch(self, path: str, body: Json) -> Json:
        """Change an object as another field manager would."""
        reply = self.rest("PATCH", path, body, MERGE_PATCH, fieldManager="kubectl-patch")
        assert reply.status == 200, reply
        return dict(reply.body)

    def spoil(self, name: str, **data: bytes) -> None:
        """Write keys of a Secret; ``_`` stands for the dot in their names."""
        coded = {key.replace("_", "."): base64.b64encode(value).decode() for key, value in data.items()}
        self.patch(self.secret_path(name), {"data": coded})

    def install(self, port: int = 9, manager: str = "installer") -> Json:
        """Apply the registration as an installer does, again and again if need be."""
        reply = self.rest(
            "PATCH",
            self.registration_path,
            static_registration(self.namespace, port),
            "application/apply-patch+yaml",
            fieldManager=manager,
        )
        assert reply.status in (200, 201), reply
        return dict(reply.body)

    def value(self, name: str, **labels: str) -> float | None:
        """Return what is counted."""
        return self.registry.get_sample_value(f"actgate_operator_{name}", labels)


@asynccontextmanager
async def reconciling(
    kubeconfig: Path,
    rest: Rest,
    namespace: str,
    *,
    writes: bool = True,
    leading: Callable[[], bool] = lambda: True,
    settling: timedelta = timedelta(),
    every: float = 0.1,
) -> AsyncIterator[Kept]:
    """Yield a reconciler for a namespace; the registration, if there is one by then, goes at the end."""
    requests: list[Asked] = []
    registry, offset = CollectorRegistry(), [0.0]
    metrics, clocks = CertificateMetrics(registry), Clocks()
    names = (*service_names("actgate-webhook", namespace), "127.0.0.1")
    shifted = Clocks(wall=lambda: clocks.wall() + offset[0])
    places = Places(namespace, LEAF, AUTHORITIES, f"actgate-{namespace}", names)
    async with Cluster.from_environment(kubeconfig, requests.append, MANAGER) as cluster:
        writer = Writer(cluster, leading)
        reconciler = CertificateReconciler(
            cluster,
            writer,
            places,
            metrics,
            writes=writes,
            clocks=shifted,
            settling=settling,
            every=every,
        )
        kept = Kept(rest, namespace, reconciler, metrics, registry, requests, shifted, offset, writer, names)
        try:
            yield kept
        finally:
            rest("DELETE", kept.registration_path)
