"""One process from startup to cleanup, with the real handlers: what it opens, and what it ends with."""

from __future__ import annotations

import asyncio
import socket
from base64 import b64encode
from pathlib import Path
from typing import Any

import kopf
import pytest
import yaml

from actgate.kube.errors import Misconfigured
from actgate_operator import handlers
from actgate_operator.options import Options
from actgate_operator.process import Process
from actgate_operator.settings import Settings
from tests.kube.fake_api import Refuse, always
from tests.kube.test_access import write_kubeconfig
from tests.operator.frame.models_api import ModelsApi

pytestmark = pytest.mark.system


def process(kubeconfig: Path, port: int = 0) -> Process:
    """Return a process that is not open yet."""
    settings = Settings(
        kubeconfig=kubeconfig, bind_address="127.0.0.1", health_port=port, lease_namespace="default"
    )
    return Process(settings, options=Options())


async def call(handler: Any, **arguments: object) -> object:  # noqa: ANN401 - kopf passes more than it needs
    """Call a handler as kopf does."""
    return await handler(**arguments)


@pytest.fixture
def untrusting(tmp_path: Path) -> Path:
    """A kubeconfig whose authority is no certificate."""
    path = tmp_path / "untrusting"
    write_kubeconfig(path, "https://127.0.0.1:1")
    content = yaml.safe_load(path.read_text())
    authority = b64encode(b"not a certificate").decode()
    content["clusters"][0]["cluster"]["certificate-authority-data"] = authority
    path.write_text(yaml.safe_dump(content))
    return path


async def test_without_an_api_server_to_ask_it_does_not_open(tmp_path: Path) -> None:
    """Before kopf has anything to wait for."""
    with pytest.raises(Misconfigured, match="absent' does not exist"):
        await process(tmp_path / "absent").open(kopf.OperatorSettings())


async def test_certificates_that_cannot_be_read_are_named(untrusting: Path) -> None:
    """At once, too."""
    with pytest.raises(Misconfigured, match="certificates"):
        await process(untrusting).open(kopf.OperatorSettings())


async def test_what_was_opened_before_a_failure_is_closed(api: ModelsApi, kubeconfig: Path) -> None:
    """Kopf calls no cleanup after a startup that failed: an open session would be a warning."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await process(kubeconfig, taken.getsockname()[1]).open(kopf.OperatorSettings())
    assert not api.lists


async def test_the_probe_of_kopf_fails_where_livez_does(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same reason; a handler that raises is a 500 of kopf's liveness endpoint."""
    running = process(kubeconfig)
    memo = kopf.Memo(process=running)
    await call(handlers.start, settings=kopf.OperatorSettings(), memo=memo)
    assert await call(handlers.livez, memo=memo) == "ok"
    monkeypatch.setattr(running._live, "_patience", -1.0)
    monkeypatch.setattr(running._live, "_first", -1.0)
    with pytest.raises(RuntimeError, match=r"watch modeldeployments\.actgate\.dev: no answer yet"):
        await call(handlers.livez, memo=memo)
    await call(handlers.end, memo=memo)


async def test_settings_come_from_the_environment_under_kopf_run(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``kopf run`` takes no flags of ours, and makes a memo of its own."""
    monkeypatch.setenv("ACTGATE_OPERATOR_KUBECONFIG", str(kubeconfig))
    monkeypatch.setenv("ACTGATE_OPERATOR_HEALTH_PORT", "0")
    monkeypatch.setenv("ACTGATE_OPERATOR_LEASE_NAMESPACE", "default")
    memo = kopf.Memo()
    await call(handlers.start, settings=kopf.OperatorSettings(), memo=memo)
    assert memo.process.livez() == "ok"
    await call(handlers.end, memo=memo)


async def test_a_kind_that_is_not_installed_ends_the_work(api: ModelsApi, kubeconfig: Path) -> None:
    """Kopf alone would wait for ever; the lease is never asked for."""
    api.on_list = always(Refuse(404))
    stopped = asyncio.Event()
    running = Process(process(kubeconfig)._settings, stopped.set)
    await running.open(kopf.OperatorSettings())
    await stopped.wait()
    with pytest.raises(ExceptionGroup) as ended:
        await running.close()
    assert "install the definitions in crds/" in str(ended.value.exceptions)
