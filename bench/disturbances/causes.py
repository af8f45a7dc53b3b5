"""The disturbances, one after another: each is done to a gate under load, and returns when it is over."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from signal import SIGKILL, SIGTERM
from typing import Final

from actgate_operator.certificates import pki
from bench.disturbances.gate import Gate
from bench.disturbances.reviews import Load, creating, evidence
from bench.disturbances.waiting import until
from tests.operator.certificates.reconciled import LEAF
from tests.support.fault_proxy import Refuse

_YEAR: Final = timedelta(days=365)
_SHORT: Final = timedelta(seconds=8)
"""Lifetime of a leaf that ends during a measurement."""


async def nothing(_gate: Gate, load: Load) -> None:
    """Let the load go on, to compare with."""
    await load.more(20)


async def kill(gate: Gate, _load: Load) -> None:
    """Kill the replica with most connections, wait until that is seen, and start another one."""
    victim = max(gate.replicas, key=lambda replica: gate.endpoint(replica).open)
    endpoint = gate.endpoint(victim)
    victim.signal(SIGKILL)
    await asyncio.to_thread(victim.process.wait)
    await until(lambda: endpoint.open == 0 and not endpoint.ready)
    gate.noticed = time.perf_counter()
    gate.forget(victim, endpoint.port)
    await gate.launch()


async def roll(gate: Gate, _load: Load) -> None:
    """Replace every replica, one by one: a new one is ready before an old one is terminated."""
    for old in list(gate.replicas):
        await gate.launch()
        port = old.port
        old.signal(SIGTERM)
        code = await asyncio.to_thread(old.process.wait)
        assert code == 0, old.process.last_words()
        gate.forget(old, port)


async def rotate_leaf(gate: Gate, load: Load) -> None:
    """Let two thirds of the leaf's life be over, and the API server connect by the new one."""
    before = await _leaf(gate)
    gate.kept.offset[0] = pki.LEAF_LIFETIME.total_seconds() * 0.7
    await gate.all_serve(lambda leaf: leaf != before.certificate)
    await gate.handshake(load)


async def rotate_authority(gate: Gate, load: Load) -> None:
    """Let two thirds of the authority's life be over, and the API server connect by a leaf of the new one."""
    before = await _signer(gate)
    gate.kept.offset[0] = timedelta(days=30).total_seconds()
    await gate.all_serve(lambda leaf: not pki.issued_by(leaf, before.certificate))
    await gate.handshake(load)


async def expire_leaf(gate: Gate, load: Load) -> None:
    """Serve a leaf with seconds to live, let the controller find it, and go on until it has ended."""
    await gate.keep_nothing()
    born = datetime.now(UTC) + _SHORT - pki.LEAF_LIFETIME
    short = pki.new_leaf(await _signer(gate), gate.kept.names, born)
    await asyncio.to_thread(
        lambda: gate.kept.spoil(LEAF, tls_crt=short.certificate_pem, tls_key=short.key_pem)
    )
    await gate.all_serve(lambda leaf: leaf == short.certificate)
    gate.keep()
    await gate.all_serve(lambda leaf: leaf != short.certificate)
    await until(lambda: datetime.now(UTC) > short.ends)
    await gate.handshake(load)


async def restart_api_server(gate: Gate, load: Load) -> None:
    """Kill the API server and start it again, over the same objects."""
    with load.without_api_server():
        await asyncio.to_thread(gate.plane.restart)


async def cut_watches(gate: Gate, load: Load) -> None:
    """Silence every watch and refuse new ones; evidence that comes meanwhile counts all the same."""
    gate.proxy.muted = True
    gate.proxy.fault = lambda seen: Refuse(503, "ServiceUnavailable") if "watch" in seen.query else None
    for name, fair in (("late", True), ("late-unfair", False)):
        await asyncio.to_thread(evidence, gate.rest, gate.kept.namespace, name, fair=fair)
        load.asks.append(creating(gate.kept.namespace, name, allowed=fair))
    await load.more(40)
    gate.proxy.muted = False
    gate.proxy.fault = lambda _: None


async def jump_clock(gate: Gate, load: Load) -> None:
    """Set clocks a year ahead: one replica's, the operator's, then all; then one a year back.

    The leaf has ended for a clock that is a year ahead, so that such a replica is not ready until the
    operator, of the same mind, has renewed it.
    """
    first, *others = gate.replicas
    before = await _leaf(gate)
    first.set_clock(_YEAR)
    await until(lambda: not gate.endpoint(first).ready)
    await load.more(20)
    gate.kept.offset[0] = _YEAR.total_seconds()
    await gate.all_serve(lambda leaf: leaf != before.certificate)
    await until(lambda: gate.endpoint(first).ready)
    for other in others:
        other.set_clock(_YEAR)
    await gate.handshake(load)
    await load.more(20)
    first.set_clock(-_YEAR)
    await load.more(20)


async def _leaf(gate: Gate) -> pki.Pair:
    leaf = (await asyncio.to_thread(gate.kept.state)).leaf
    assert leaf is not None
    return leaf.pair


async def _signer(gate: Gate) -> pki.Pair:
    current = (await asyncio.to_thread(gate.kept.state)).authorities.current
    assert current is not None
    return current


@dataclass(frozen=True, slots=True)
class Disturbance:
    """A disturbance under the name that the table has for it."""

    name: str
    act: Callable[[Gate, Load], Awaitable[None]]


DISTURBANCES: Final = (
    Disturbance("nothing", nothing),
    Disturbance("a replica is killed", kill),
    Disturbance("all replicas are rolled", roll),
    Disturbance("the leaf is rotated", rotate_leaf),
    Disturbance("the authority is rotated", rotate_authority),
    Disturbance("a leaf expires", expire_leaf),
    Disturbance("the API server restarts", restart_api_server),
    Disturbance("every watch is cut", cut_watches),
    Disturbance("clocks jump by a year", jump_clock),
)
