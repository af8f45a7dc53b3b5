from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime

import pytest

from actgate.decision import Policy, Subject
from actgate.runtime import deciding
from actgate.runtime.deciding import MANY, decided
from tests.decision.build import subject

NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize("count", [1, MANY - 1, MANY, 10 * MANY])
async def test_the_event_loop_goes_on_while_many_policies_are_held_against_a_subject(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """A lease is renewed by the same loop; a small decision is not worth a thread's turn."""
    seen: list[threading.Thread] = []
    release, turn = threading.Event(), asyncio.Event()
    many = count >= MANY

    def decide(of: Subject, *rest: object) -> str:
        seen.append(threading.current_thread())
        if many:
            release.wait(30.0)
        return of.namespace

    monkeypatch.setattr(deciding, "decide", decide)
    policies = tuple(Policy(f"policy-{number}") for number in range(count))
    asked = subject()
    deciding_now = asyncio.ensure_future(decided(asked, (), policies, NOW))
    asyncio.get_running_loop().call_soon(turn.set)
    await turn.wait()
    release.set()
    assert str(await deciding_now) == asked.namespace
    assert (seen != [threading.current_thread()]) is many
