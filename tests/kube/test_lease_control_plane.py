"""The lease on an API server of the sandbox: stand-in and real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from actgate.kube.client import Cluster
from actgate.kube.lease import Lease, LeaseLost
from actgate.kube.resources import LEASES
from actgate.kube.timing import LeaseTiming
from actgate_sandbox.control_plane import ControlPlane
from tests.kube.running import PATIENCE_SECONDS, until

NAME = "actgate-operator"

LONG = LeaseTiming(duration=600.0, renew_deadline=500.0, request=30.0, renew_every=0.2)
"""Nothing expires within a test."""

SHORT = LeaseTiming(duration=4.0, renew_deadline=2.5, request=1.0, renew_every=0.2)


@pytest.fixture
async def cluster(control_plane: ControlPlane) -> AsyncIterator[Cluster]:
    """A client with the administrator's kubeconfig."""
    async with Cluster.from_environment(control_plane.kubeconfig) as opened:
        yield opened


@asynccontextmanager
async def background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run coroutines while a test observes them."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, LeaseLost):
                await task


async def test_one_of_two_leads_and_hands_over_when_it_goes(cluster: Cluster, namespace: str) -> None:
    """They race for a lease that does not exist yet; the other one has it soon after."""
    leases = [Lease(cluster, namespace, NAME, name, timing=LONG) for name in ("a", "b")]
    async with background(*(lease.acquire() for lease in leases)) as tasks:
        await until(lambda: any(task.done() for task in tasks))
        leader, other = sorted(leases, key=lambda lease: not lease.held())
        await until(lambda: other.holder == leader.identity)
        assert [lease.held() for lease in (leader, other)] == [True, False]
        await leader.release()
        await until(lambda: other.held())
    stored = await cluster.get(LEASES, NAME, namespace)
    assert stored["spec"]["holderIdentity"] == other.identity
    assert stored["spec"]["leaseTransitions"] == 1


async def test_a_killed_leader_is_replaced(cluster: Cluster, namespace: str) -> None:
    """It renews no more, and releases nothing."""
    dead = Lease(cluster, namespace, NAME, "a", timing=SHORT)
    heir = Lease(cluster, namespace, NAME, "b", timing=SHORT)
    await dead.acquire()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await heir.acquire()
    assert not dead.held()
    stored = await cluster.get(LEASES, NAME, namespace)
    assert stored["spec"]["holderIdentity"] == heir.identity


async def test_a_stolen_lease_is_lost(cluster: Cluster, namespace: str) -> None:
    """The next renewal is a conflict, and another name stands there."""
    lease = Lease(cluster, namespace, NAME, "a", timing=LONG)
    await lease.acquire()
    stored = await cluster.get(LEASES, NAME, namespace)
    await cluster.replace(LEASES, {**stored, "spec": {**stored["spec"], "holderIdentity": "thief"}})
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(LeaseLost, match="held by thief"):
            await lease.keep()
    assert not lease.held()


async def test_a_deleted_lease_is_lost(cluster: Cluster, namespace: str) -> None:
    """It is not quietly made again: another candidate may have done so."""
    lease = Lease(cluster, namespace, NAME, "a", timing=LONG)
    await lease.acquire()
    await cluster.delete(LEASES, NAME, namespace)
    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(LeaseLost):
            await lease.keep()
    assert not lease.held()


async def test_a_restart_of_the_api_server_does_not_cost_the_lease(
    control_plane: ControlPlane, cluster: Cluster, namespace: str
) -> None:
    """As long as it is back before the deadline; and who waits keeps waiting."""
    leader = Lease(cluster, namespace, NAME, "a", timing=LONG)
    other = Lease(cluster, namespace, NAME, "b", timing=LONG)
    await leader.acquire()
    async with background(leader.keep(), other.acquire()) as tasks:
        await asyncio.to_thread(control_plane.restart)
        renewed = leader.age()
        await until(lambda: leader.age() < renewed or tasks[0].done())
        await until(lambda: other.holder == leader.identity)
        assert leader.held()
        assert not any(task.done() for task in tasks)
