"""Reconciles the certificates every few seconds while leading.

The wall clock is asked every few seconds instead of once for a far moment: a machine that slept, and a clock
that was set, are noticed as soon as anything is.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NoReturn

from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, NotFound
from actgate.kube.objects import Object
from actgate.kube.resources import SECRETS, VALIDATING_WEBHOOK_CONFIGURATIONS, Resource
from actgate_operator.certificates import stored
from actgate_operator.certificates.metrics import CertificateMetrics
from actgate_operator.certificates.plan import SETTLING, Change, KeepAuthorities, Publish, plan
from actgate_operator.certificates.probe import Probe
from actgate_operator.certificates.state import State
from actgate_operator.deadlines import Clocks
from actgate_operator.writer import NotLeadingError, Writer

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 10.0
MANAGER: Final = "actgate-operator-ca"
"""The field manager that owns ``caBundle``, and nothing else."""

_LONGEST_PASS: Final = 10
"""Changes in a row: a rotation takes six."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the objects are."""

    namespace: str
    leaf: str
    """Name of the Secret that the webhook mounts."""
    authorities: str
    """Name of the Secret of the authorities."""
    registration: str
    names: Sequence[str]
    """DNS names and addresses that the leaf is for."""


def service_names(service: str, namespace: str) -> tuple[str, ...]:
    """Return every DNS name of a Service; the API server uses the third."""
    return (
        service,
        f"{service}.{namespace}",
        f"{service}.{namespace}.svc",
        f"{service}.{namespace}.svc.cluster.local",
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """The objects as they were read, None where there is none."""

    authorities: Object | None
    leaf: Object | None
    registration: Object | None

    def state(self) -> State:
        return State(
            stored.read_authorities(self.authorities),
            stored.read_leaf(self.leaf),
            stored.read_registration(self.registration),
        )


class CertificateReconciler:
    """Keeps certificates and ``caBundle`` as the plan wants them, and asks whether the webhook answers."""

    def __init__(
        self,
        cluster: Cluster,
        writer: Writer,
        places: Places,
        metrics: CertificateMetrics,
        *,
        writes: bool = True,
        clocks: Clocks | None = None,
        settling: timedelta = SETTLING,
        every: float = EVERY_SECONDS,
    ) -> None:
        """Keep them.

        Args:
            cluster: Where they are read.
            writer: Where they are written.
            places: Which objects they are.
            metrics: Gets when certificates end, and what was changed.
            writes: Whether they are ours; where another client makes them, the webhook is asked alone.
            clocks: The clocks.
            settling: How long an authority is trusted before it signs.
            every: Seconds between two passes.
        """
        self._cluster = cluster
        self._writer = writer
        self._places = places
        self._metrics = metrics
        self._writes = writes
        self._clocks = clocks or Clocks()
        self._settling = settling
        self._every = every
        self._probe = Probe(metrics)
        self._last_error = ""

    async def run(self) -> NoReturn:
        """Reconcile for ever; nothing that goes wrong here ends the operator."""
        while True:
            await self.reconcile()
            await self._clocks.sleep(self._every)

    async def reconcile(self) -> None:
        """Change what has to be changed now, then ask the webhook."""
        try:
            if self._writes:
                await self._fix()
            await self._probe.ask(
                await self._get(VALIDATING_WEBHOOK_CONFIGURATIONS, self._places.registration)
            )
        except NotLeadingError:
            raise
        except ClusterError as error:
            self._failed(type(error).__name__, error)
        except Exception as error:
            self._failed("Defect", error, trace=True)
        else:
            self._last_error = ""

    async def _fix(self) -> None:
        for _ in range(_LONGEST_PASS):
            seen = await self._read()
            state = seen.state()
            self._metrics.seen(state)
            change = plan(state, self._places.names, self._clocks.now(), self._settling)
            if change is None:
                return
            logger.info("%s: %s", type(change).__name__, change.why)
            await self._write(change, seen)
            self._metrics.changed(change)
        logger.warning("certificates are not as they have to be after %d changes", _LONGEST_PASS)
        self._metrics.failed("NotConverged")

    async def _read(self) -> _Seen:
        places = self._places
        return _Seen(
            await self._get(SECRETS, places.authorities, places.namespace),
            await self._get(SECRETS, places.leaf, places.namespace),
            await self._get(VALIDATING_WEBHOOK_CONFIGURATIONS, places.registration),
        )

    async def _get(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        try:
            return await self._cluster.get(resource, name, namespace)
        except NotFound:
            return None

    async def _write(self, change: Change, seen: _Seen) -> None:
        places = self._places
        match change:
            case Publish(trust):
                if seen.registration is not None:
                    written = stored.write_bundles(trust, seen.registration)
                    await self._writer.apply(VALIDATING_WEBHOOK_CONFIGURATIONS, written, manager=MANAGER)
            case KeepAuthorities(kept):
                secret = stored.write_authorities(
                    kept, places.authorities, places.namespace, seen.authorities
                )
                await self._writer.apply(SECRETS, secret)
            case _:
                secret = stored.write_leaf(change.leaf, places.leaf, places.namespace, seen.leaf)
                await self._writer.apply(SECRETS, secret)

    def _failed(self, reason: str, error: Exception, *, trace: bool = False) -> None:
        """Count a failure; what was logged once is not logged again every few seconds."""
        self._metrics.failed(reason)
        if str(error) != self._last_error:
            self._last_error = str(error)
            logger.warning(
                "certificates are reconciled every %g s until this is fixed: %s",
                self._every,
                error,
                exc_info=trace,
            )
