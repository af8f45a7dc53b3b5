"""Waiting for what memory shows; what takes a call is waited for by ``tests.support.waiting``."""

from collections.abc import Callable

from tests.support.waiting import eventually


async def until(condition: Callable[[], object]) -> None:
    """Return when a condition holds; other tasks go on meanwhile.

    Raises:
        AssertionError: It was not so in time.
    """

    async def asked() -> object:
        return condition()

    await eventually(asked)
