"""Two replicas under load while something happens to them: every decision is right, and no call fails.

The table of latencies in ``docs/performance.md`` is measured with the same disturbances, for longer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from bench.disturbances import causes
from bench.disturbances.gate import Gate
from bench.disturbances.measuring import disturbed
from bench.disturbances.reviews import Load, Outcome
from tests.support import crds

_RATE = 20.0
_AROUND = 20

HARMLESS = [
    causes.nothing,
    causes.roll,
    causes.rotate_leaf,
    causes.rotate_authority,
    causes.expire_leaf,
    causes.cut_watches,
    causes.jump_clock,
]


@pytest.fixture
def gate(control_plane: ControlPlane, rest: Rest, namespace: str, tmp_path: Path) -> Disturbed:
    """Run a disturbance and return the load that went on meanwhile."""
    if control_plane.engine == "stand-in":
        pytest.skip("the stand-in shares its process with the load, and would be what is measured")
    crds.install(rest)

    async def go_on(act: Act) -> Load:
        return await disturbed(control_plane, rest, namespace, tmp_path, act, 2, _RATE, _AROUND)

    return go_on


Act = Callable[[Gate, Load], Awaitable[None]]
Disturbed = Callable[[Act], Awaitable[Load]]


@pytest.mark.parametrize("act", HARMLESS, ids=lambda act: act.__name__)
async def test_no_client_notices(gate: Disturbed, act: Act) -> None:
    """Each request gets its one right answer, half of them a refusal."""
    load = await gate(act)
    assert [answer.message for answer in load.answers if answer.outcome is not Outcome.RIGHT] == []
    assert len(load.answers) >= 2 * _AROUND


async def test_a_kill_fails_no_call_but_those_in_its_hands(gate: Disturbed) -> None:
    """What had been sent to the killed replica is lost; no later call is, and no decision is wrong."""
    seen: list[tuple[int, float]] = []

    async def act(gate: Gate, load: Load) -> None:
        held = max(endpoint.open for endpoint in gate.balancer.endpoints.values())
        await causes.kill(gate, load)
        seen.append((held, gate.noticed))

    load = await gate(act)
    held, noticed = seen[0]
    assert load.all_that(Outcome.WRONG) == []
    failed = load.all_that(Outcome.FAILED)
    assert [answer.message for answer in failed if answer.due > noticed] == []
    assert len(failed) <= held


async def test_an_api_server_that_comes_back_finds_the_webhook_at_once(gate: Disturbed) -> None:
    """While it is gone nothing can be asked; from when it is ready every call is answered, and rightly."""
    load = await gate(causes.restart_api_server)
    assert load.all_that(Outcome.WRONG) == []
    assert [answer.message for answer in load.all_that(Outcome.FAILED)] == []
    assert load.answers[-1].outcome is Outcome.RIGHT
