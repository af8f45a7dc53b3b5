"""Replicas behind one address, registered with an API server, with certificates that the operator keeps.

The certificate controller is the operator's own, and its wall clock can be set. What it writes into the
Secret lands in the files of each replica a moment later, as the kubelet would bring it.
"""

import asyncio
import base64
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

import urllib3
from cryptography import x509

from actgate_operator.certificates import pki
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.pki import Authority, KeyPair
from actgate_sandbox.rest import Rest
from bench.disturbances.balancer import Balancer, Endpoint
from bench.disturbances.replicas import Replica
from bench.disturbances.reviews import Load, prepared
from bench.disturbances.waiting import until
from tests.operator.certificates.mounting import pair_in
from tests.operator.certificates.reconciled import LEAF, Kept, reconciling
from tests.support.fault_proxy import FaultProxy, proxied
from tests.support.waiting import eventually

AGE: Final = pki.AUTHORITY_LIFETIME * 0.66
"""How old the authority is at first: a few days from where another one is due."""
_MOUNT_SECONDS: Final = 0.2
_SETTLING: Final = timedelta(seconds=1)


@dataclass
class Gate:
    """What a disturbance can get at."""

    plane: ControlPlane
    rest: Rest
    kept: Kept
    balancer: Balancer
    proxy: FaultProxy
    """Between the replicas and the API server."""
    folder: Path
    replicas: list[Replica] = field(default_factory=list)
    noticed: float = 0.0
    """When the balancer had taken out a replica that was killed, on the clock of the load."""

    def __post_init__(self) -> None:
        self._numbers = itertools.count()
        self._keeping: asyncio.Task[None] | None = None

    async def launch(self) -> Replica:
        """Start one more replica, and return when connections are led to it."""
        pair = await asyncio.to_thread(pair_in, self.rest, self.kept.secret_path(LEAF))
        assert pair is not None
        replica = Replica(self.folder / f"replica-{next(self._numbers)}", self.proxy.kubeconfig, pair)
        self.replicas.append(replica)
        await until(lambda: replica.port)
        self.balancer.add(replica.port)
        await until(lambda: self.endpoint(replica).ready)
        return replica

    def endpoint(self, replica: Replica) -> Endpoint:
        """Return a replica as the balancer sees it."""
        return self.balancer.endpoints[replica.port]

    def forget(self, replica: Replica, port: int) -> None:
        """Strike off a replica that has ended."""
        self.balancer.remove(port)
        self.replicas.remove(replica)
        replica.close()

    async def all_serve(self, accepted: Callable[[x509.Certificate], bool]) -> None:
        """Wait until what every replica shows to a new connection is as asked for."""

        def so() -> bool:
            return all(accepted(replica.served()) for replica in self.replicas)

        await eventually(lambda: asyncio.to_thread(so))

    async def handshake(self, load: Load) -> None:
        """Make the API server connect anew, and return when a few reviews in a row came over new connections.

        It keeps connections for each `caBundle` that it has seen, so an authority is added that did not exist
        before. The controller would take it out again; it works no more from here on.
        """
        await self.keep_nothing()
        before = self.balancer.accepted
        spare = Authority("of another user").certificate
        await asyncio.to_thread(_trust_too, self.rest, self.kept, spare)

        async def anew() -> bool:
            self.balancer.used.clear()
            await load.more(8)
            return min(self.balancer.used, default=0) > before

        await eventually(anew)

    def keep(self) -> None:
        """Let the certificate controller work."""
        self._keeping = asyncio.create_task(self.kept.reconciler.run())

    async def keep_nothing(self) -> None:
        """Stop the certificate controller, as when no operator leads."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    async def deliver(self) -> None:
        """Bring what the Secret holds into the files of each replica, one replica after the other."""
        with suppress(asyncio.CancelledError):
            while True:
                # While there is no API server the files stay as they are.
                with suppress(urllib3.exceptions.HTTPError):
                    await self._deliver_once()
                await asyncio.sleep(_MOUNT_SECONDS)

    async def _deliver_once(self) -> None:
        pair = await asyncio.to_thread(pair_in, self.rest, self.kept.secret_path(LEAF))
        for replica in list(self.replicas):
            if pair is not None and not _holds(replica, pair):
                replica.mount.write(pair.certificate, pair.key)
                await asyncio.sleep(_MOUNT_SECONDS)


def _holds(replica: Replica, pair: KeyPair) -> bool:
    return replica.mount.certificate.read_bytes() == pair.certificate


def _trust_too(rest: Rest, kept: Kept, authority: bytes) -> None:
    """Add an authority to each webhook's `caBundle`, as a client without server-side apply would."""
    reply = rest("GET", kept.registration_path)
    for item in reply.body["webhooks"]:
        bundle = base64.b64decode(item["clientConfig"]["caBundle"]) + authority
        item["clientConfig"]["caBundle"] = base64.b64encode(bundle).decode()
    reply = rest("PUT", kept.registration_path, reply.body)
    assert reply.status == 200, reply


@asynccontextmanager
async def standing(
    plane: ControlPlane, rest: Rest, namespace: str, folder: Path, replicas: int
) -> AsyncIterator[Gate]:
    """Yield a gate before a namespace whose replicas are all ready."""
    with prepared(rest, namespace), proxied(plane, folder) as proxy:
        async with (
            Balancer() as balancer,
            reconciling(plane.kubeconfig, rest, namespace, settling=_SETTLING, every=0.2) as kept,
        ):
            gate = Gate(plane, rest, kept, balancer, proxy, folder)
            await _first_certificates(gate)
            gate.keep()
            delivering = asyncio.create_task(gate.deliver())
            try:
                await asyncio.gather(*(gate.launch() for _ in range(replicas)))
                yield gate
            finally:
                await gate.keep_nothing()
                delivering.cancel()
                await asyncio.gather(delivering, return_exceptions=True)
                for replica in gate.replicas:
                    replica.close()


async def _first_certificates(gate: Gate) -> None:
    """Have an authority that has been there for long, and a leaf of today."""
    kept = gate.kept
    await asyncio.to_thread(kept.install, gate.balancer.port)
    kept.offset[0] = -AGE.total_seconds()
    await kept.reconciler.reconcile()
    kept.offset[0] = 0.0
    await kept.reconciler.reconcile()
    await eventually(lambda: asyncio.to_thread(lambda: kept.state().leaf is not None))
