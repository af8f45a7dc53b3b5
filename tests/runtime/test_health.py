from __future__ import annotations

import asyncio

from actgate.runtime.background import Background
from actgate.runtime.health import Health


def test_a_page_names_each_check_as_the_api_server_does() -> None:
    """Verbose or failing, every check has its line; the last line sums up."""
    health = Health("readyz", [lambda: {"certificate": None}, lambda: {"self-call": "refused"}])
    expected = "[+]certificate ok\n[-]self-call failed: refused\nreadyz check failed\n"
    assert health.page(verbose=False) == (503, expected)
    health.checks.pop()
    assert health.page(verbose=True) == (200, "[+]certificate ok\nreadyz check passed\n")
    assert health.page(verbose=False) == (200, "ok")


def test_a_note_is_for_readers_of_the_whole_page_and_fails_nothing() -> None:
    """A probe must not restart a service for what a person should know."""
    health = Health("readyz", [lambda: {"lease": None}], [lambda: {"reports": "no API is served"}])
    assert health.page(verbose=False) == (200, "ok")
    expected = "[+]lease ok\n[ ]reports: no API is served\nreadyz check passed\n"
    assert health.page(verbose=True) == (200, expected)


async def test_work_ends_with_the_app() -> None:
    """Leaving the lifespan cancels what runs beside it, and waits for it."""
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with Background({"work": work()}) as background:
        await asyncio.sleep(0)
        assert background.failing_checks() == {"work": None}
    assert ended.is_set()
