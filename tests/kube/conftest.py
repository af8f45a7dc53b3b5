"""The fake API server as a fixture."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.kube.fake_api import FakeApi


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    """A fake API server that serves, without objects."""
    async with FakeApi().serving() as serving:
        yield serving
