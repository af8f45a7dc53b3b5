from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kubernetes import aio, client, config, watch

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH, Rest
from tests.sandbox.conformance.paths import Paths
from tests.sandbox.conformance.samples import GROUP, config_map, deployment, widget
from tests.support.waiting import wait_until

NOTING_OPERATOR = Path(__file__).with_name("noting_operator.py")
"""Run, and never imported: in this process its handler would be one of actgate's operator, too."""


def test_the_synchronous_client_works(control_plane: ControlPlane, namespace: str) -> None:
    """Typed calls are parsed, a watch yields, and an apply needs no special client."""
    # The client's own annotations do not cover its configuration and watches.
    open_client: Any = config.new_client_from_config
    watcher: Any = watch.Watch
    with open_client(str(control_plane.kubeconfig)) as api:
        core: Any = client.CoreV1Api(api)
        core.create_namespaced_config_map(namespace, config_map("a", x="1"))
        listed = core.list_namespaced_config_map(namespace, field_selector="metadata.name=a")
        assert [item.data for item in listed.items] == [{"x": "1"}]
        client.CustomObjectsApi(api).patch_namespaced_custom_object(
            *("apps", "v1", namespace, "deployments", "d"),
            deployment("d"),
            field_manager="test",
            force=True,
            _content_type="application/apply-patch+yaml",
        )
        read = client.AppsV1Api(api).read_namespaced_deployment("d", namespace)
        assert read.spec is not None
        assert read.spec.replicas == 1
        with pytest.raises(client.ApiException) as missing:
            core.read_namespaced_config_map("absent", namespace)
        assert missing.value.status == 404
        core.delete_namespaced_config_map("a", namespace)
        events = watcher().stream(
            core.list_namespaced_config_map,
            namespace,
            field_selector="metadata.name=a",
            resource_version=listed.metadata.resource_version,
            timeout_seconds=30,
        )
        assert next(events)["type"] == "DELETED"
        events.close()


async def test_the_asynchronous_client_works(
    control_plane: ControlPlane, namespace: str, widgets: None
) -> None:
    """Custom resources are created, patched and watched."""
    settings = aio.client.Configuration()
    load: Any = aio.config.load_kube_config
    watcher: Any = aio.watch.Watch
    await load(str(control_plane.kubeconfig), client_configuration=settings)
    async with aio.client.ApiClient(settings) as api:
        custom = aio.client.CustomObjectsApi(api)
        place = (GROUP, "v1", namespace, "widgets")
        await custom.create_namespaced_custom_object(*place, widget("a", size=1))
        body: dict[str, Any] = {"status": {"note": "seen"}}
        await custom.patch_namespaced_custom_object_status(
            *place, "a", body, _content_type="application/merge-patch+json"
        )
        async with watcher() as watched:
            stream = watched.stream(custom.list_namespaced_custom_object, *place, timeout_seconds=1)
            # To its end: a watch that is left in the middle leaves its connection open.
            events = [event async for event in stream]
        assert [(e["type"], e["object"]["status"]["note"]) for e in events] == [("ADDED", "seen")]


def test_kopf_sees_every_change(
    control_plane: ControlPlane, rest: Rest, paths: Paths, widgets: None, tmp_path: Path
) -> None:
    """An on.event handler hears of objects that were there, come, change and go."""
    notes = tmp_path / "notes"
    notes.touch()
    rest("POST", paths.widgets(), widget("before"))
    command = [sys.executable, "-m", "kopf", "run", "--standalone", "-n", paths.namespace]
    operator = subprocess.Popen(  # noqa: S603 - our own command
        [*command, str(NOTING_OPERATOR)],
        env={**os.environ, "KUBECONFIG": str(control_plane.kubeconfig), "NOTES": str(notes)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: "None before" in notes.read_text().splitlines())
        rest("POST", paths.widgets(), widget("after"))
        wait_until(lambda: "ADDED after" in notes.read_text().splitlines())
        change = {"spec": {"size": 1}}
        rest("PATCH", f"{paths.widgets()}/after", change, MERGE_PATCH)
        wait_until(lambda: "MODIFIED after" in notes.read_text().splitlines())
        rest("DELETE", f"{paths.widgets()}/after")
        wait_until(lambda: "DELETED after" in notes.read_text().splitlines())
        assert operator.poll() is None
    finally:
        operator.terminate()
        operator.wait(timeout=60)
