"""One leader among replicas: who holds a Lease may write, and stops in time when it may not any more.

Two promises carry it. The holder counts from the moment at which a renewal was *sent*: only before
`renew_deadline` has passed since then does it call the lease its own. The others count from the
moment at which they *observed* that renewal, later by nature, and wait for the whole `duration`. So
between the last write of a leader that lost its API server and the first one of its successor lie
`duration - renew_deadline` seconds, in which a request that was under way comes to its end.

Clocks of different machines are never compared: the times in a Lease are for people to read. A
candidate takes another's lease for expired when it has not changed, on the candidate's own clock,
for as long as it says. That clock counts the time in which a machine sleeps, too.

Every write names the version that it builds on, so of two candidates the API server lets one win.
"""

import asyncio
import logging
import math
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from actgate.api.times import timestamp
from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, Conflict, NotFound
from actgate.kube.objects import Object
from actgate.kube.resources import LEASES
from actgate.kube.timing import LeaseTiming

logger = logging.getLogger(__name__)


class LeaseLost(Exception):  # noqa: N818 - the name says it already
    """The lease is not ours any more, or cannot be shown to be: whatever it allowed has to end."""


@dataclass(frozen=True, slots=True)
class _Record:
    """What a candidate compares: as long as all of it stays the same, the lease was not renewed."""

    holder: str
    renewed: str
    version: str

    @classmethod
    def of(cls, lease: Object) -> "_Record":
        spec = lease.get("spec") or {}
        version = lease["metadata"].get("resourceVersion")
        return cls(spec.get("holderIdentity") or "", str(spec.get("renewTime")), str(version))


class Lease:
    """One candidate for one Lease: `acquire`, then `keep` beside the work, then `release`.

    `identity` is for people, say the name of the pod. A random part is added to it, since two
    processes of one identity would both lead: a restarted process is another candidate, and waits
    for the lease of its former life as all others do.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        name: str,
        identity: str,
        *,
        timing: LeaseTiming | None = None,
    ) -> None:
        self.identity = f"{identity}_{secrets.token_hex(4)}"
        """What stands in the Lease as its holder while we are."""
        self.holder = ""
        """The holder of the lease when it was last read; empty where it had none."""
        self._cluster = cluster
        self._namespace = namespace
        self._name = name
        self._timing = timing or LeaseTiming()
        self._lease: Object | None = None
        self._seen: _Record | None = None
        self._seen_at = -math.inf
        self._renewed = -math.inf
        self._answered = -math.inf
        self._asked_for = False
        """Whether a write was sent that may have made the lease ours, answered or not."""

    def __str__(self) -> str:
        return f"lease {self._namespace}/{self._name}"

    def held(self) -> bool:
        """Return by the local clock alone whether it is certain that no other candidate leads.

        Ask right before each write: one that takes no longer than `duration - renew_deadline` from
        then on ends before another candidate can hold the lease.
        """
        return self._left() > 0

    def age(self) -> float:
        """Return the seconds since the API server last answered about the lease, infinity before."""
        return self._timing.now() - self._answered

    async def acquire(self) -> None:
        """Return once the lease is held, however long that takes and whatever the API server says."""
        logged, timing = "", self._timing
        while True:
            at_least = 0.0
            try:
                if await self._attempt():
                    logger.info("%s: held by us, %s", self, self.identity)
                    return
            except Conflict as error:
                logger.debug("%s: another candidate was faster: %s", self, error)
            except ClusterError as error:
                at_least = min(error.retry_after, timing.duration)
                # Candidates try every few seconds: an error is logged once, until it changes.
                if str(error) != logged:
                    logged = str(error)
                    logger.warning("%s: cannot be acquired: %s", self, logged)
            await timing.sleep(max(at_least, timing.renew_every * (1 + 0.2 * timing.chance())))

    async def keep(self) -> None:
        """Renew the lease until it is lost, then raise `LeaseLost`; `held` is false by then."""
        timing = self._timing
        pause = timing.renew_every
        try:
            while True:
                await timing.sleep(min(pause, self._left()))
                pause = await self._renew()
        except LeaseLost:
            self._renewed = -math.inf
            raise

    async def release(self) -> None:
        """Let another candidate take over at once; nothing that the lease allowed may still run.

        Where the API server does not answer in time, the others wait until the lease expires. A candidate
        that never asked for the lease has none to release, and asks nothing.
        """
        self._renewed = -math.inf
        if not self._asked_for:
            return None
        try:
            async with asyncio.timeout(self._timing.request):
                # After a conflict once more: a renewal that was broken off may just have come in.
                with suppress(Conflict):
                    return await self._vacate()
                await self._vacate()
        except NotFound:
            logger.debug("%s: nothing to release", self)
        except (ClusterError, TimeoutError) as error:
            why = str(error) or f"no answer within {self._timing.request:g} s"
            logger.warning("%s: not released, it expires by itself: %s", self, why)

    async def _attempt(self) -> bool:
        """Take the lease if it is free; raise `Conflict` where another candidate was faster."""
        try:
            lease = await self._look()
        except NotFound:
            await self._create()
        else:
            if not self._free():
                return False
            await self._put(self._claimed(lease), self._timing.request)
        # An answer that took too long is no lease: keep() would end right away.
        return self.held()

    def _free(self) -> bool:
        if self.holder in ("", self.identity):
            # Our own name is that of a write whose answer did not reach us.
            return True
        return self._timing.now() - self._seen_at >= self._others_duration()

    def _others_duration(self) -> float:
        spec = (self._lease or {}).get("spec") or {}
        seconds = spec.get("leaseDurationSeconds")
        return float(seconds) if isinstance(seconds, int) else self._timing.duration

    async def _renew(self) -> float:
        """Renew once, and return how long to wait before the next time."""
        timing = self._timing
        try:
            if self._lease is None or self.holder != self.identity:
                raise LeaseLost(f"{self}: held by {self.holder or 'no candidate'}")
            await self._put(self._claimed(self._lease), self._within())
        except Conflict:
            return await self._look_again()
        except NotFound:
            raise self._deleted() from None
        except ClusterError as error:
            return self._soon(error)
        return timing.renew_every

    def _soon(self, error: ClusterError) -> float:
        logger.warning("%s: not renewed: %s", self, error)
        return self._timing.renew_every / 6 * (1 + self._timing.chance())

    async def _look_again(self) -> float:
        """Find out who changed the lease: a renewal without an answer is a change, too."""
        try:
            await self._look(self._within())
        except NotFound:
            raise self._deleted() from None
        except ClusterError as error:
            return self._soon(error)
        # Renewed right away where it is still ours; where it is not, that ends it.
        return 0.0

    def _deleted(self) -> LeaseLost:
        return LeaseLost(f"{self}: deleted by another client")

    def _within(self) -> float:
        left = self._left()
        if left <= 0:
            deadline = self._timing.renew_deadline
            raise LeaseLost(f"{self}: not renewed for {deadline:g} seconds, another may hold it soon")
        return min(self._timing.request, left)

    def _left(self) -> float:
        return self._renewed + self._timing.renew_deadline - self._timing.now()

    async def _look(self, within: float | None = None) -> Object:
        try:
            lease = await self._cluster.get(
                LEASES, self._name, self._namespace, within=within or self._timing.request
            )
        except NotFound:
            self._answered = self._timing.now()
            raise
        self._note(lease)
        return lease

    async def _create(self) -> None:
        sent, self._asked_for = self._timing.now(), True
        made = await self._cluster.create(LEASES, self._new(), within=self._timing.request)
        self._hold(made, sent)

    async def _put(self, lease: Object, within: float) -> None:
        sent, self._asked_for = self._timing.now(), True
        try:
            stored = await self._cluster.replace(LEASES, lease, within=within)
        except Conflict:
            self._answered = self._timing.now()
            raise
        self._hold(stored, sent)

    async def _vacate(self) -> None:
        lease = await self._look()
        if self.holder != self.identity:
            return
        # A duration of one second as client-go's: the next candidate does not wait for the rest of ours.
        spec = {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _timestamp()}
        self._note(await self._cluster.replace(LEASES, {**lease, "spec": spec}, within=self._timing.request))
        logger.info("%s: released", self)

    def _hold(self, lease: Object, sent: float) -> None:
        self._note(lease)
        self._renewed = sent

    def _note(self, lease: Object) -> None:
        """Note what the API server answered, and when it was new to us."""
        self._answered = self._timing.now()
        self._lease = lease
        record = _Record.of(lease)
        if record != self._seen:
            self._seen, self._seen_at = record, self._answered
            self.holder = record.holder

    def _new(self) -> Object:
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": self._terms() | {"acquireTime": _timestamp(), "leaseTransitions": 0},
        }

    def _claimed(self, lease: Object) -> Object:
        """Return the lease as ours: renewed, or taken over and counted as such."""
        spec = lease.get("spec") or {}
        claim = spec | self._terms()
        if spec.get("holderIdentity") != self.identity:
            transitions = int(spec.get("leaseTransitions") or 0) + 1
            claim |= {"acquireTime": _timestamp(), "leaseTransitions": transitions}
        return {**lease, "spec": claim}

    def _terms(self) -> Object:
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": math.ceil(self._timing.duration),
            "renewTime": _timestamp(),
        }


def _timestamp() -> str:
    """Write the wall clock's time as a Kubernetes MicroTime."""
    return timestamp(datetime.now(UTC), "microseconds")
