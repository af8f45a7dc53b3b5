"""The fake API server, and a kubeconfig that leads to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kube.test_access import write_kubeconfig
from tests.operator.frame.models_api import ModelsApi


@pytest.fixture
async def api() -> AsyncIterator[ModelsApi]:
    """A fake API server that serves, without objects."""
    async with ModelsApi().serving() as serving:
        assert isinstance(serving, ModelsApi)
        yield serving


@pytest.fixture
def kubeconfig(api: ModelsApi, tmp_path: Path) -> Path:
    """A kubeconfig for the fake API server; its token is in a file beside it."""
    path, token = tmp_path / "kubeconfig", tmp_path / "token"
    token.write_text("first")
    write_kubeconfig(path, f"http://127.0.0.1:{api.port}", tokenFile=str(token))
    return path
