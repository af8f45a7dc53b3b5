from __future__ import annotations

import asyncio
import threading
from typing import Any

import kopf
import pytest
from kubernetes import aio, client, config, watch

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from tests.sandbox.conformance.paths import Paths
from tests.sandbox.conformance.samples import GROUP, config_map, deployment, widget
from tests.support.waiting import eventually


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
            core.read_namespaced_config_map("nobody", namespace)
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
            event = await anext(watched.stream(custom.list_namespaced_custom_object, *place))
        assert (event["type"], event["object"]["status"]["note"]) == ("ADDED", "seen")


async def test_kopf_sees_every_change(
    control_plane: ControlPlane,
    rest: Rest,
    paths: Paths,
    widgets: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An on.event handler hears of objects that were there, come, change and go."""
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig))
    rest("POST", paths.widgets(), widget("before"))
    registry, seen = kopf.OperatorRegistry(), list[tuple[str | None, str]]()

    kopf.on.login(registry=registry)(kopf.login_with_kubeconfig)

    @kopf.on.event(GROUP, "v1", "widgets", registry=registry)
    async def note(event: kopf.RawEvent, name: str, **_: object) -> None:
        seen.append((event["type"], name))

    stop, failures = threading.Event(), list[BaseException]()

    def operate() -> None:
        try:
            asyncio.run(
                kopf.operator(
                    registry=registry,
                    namespaces=[paths.namespace],
                    standalone=True,
                    stop_flag=stop,
                )
            )
        except BaseException as error:
            failures.append(error)

    operator = threading.Thread(target=operate)
    operator.start()
    try:
        await eventually(_async(lambda: (None, "before") in seen))
        rest("POST", paths.widgets(), widget("after"))
        await eventually(_async(lambda: ("ADDED", "after") in seen))
        rest("DELETE", f"{paths.widgets()}/after")
        await eventually(_async(lambda: ("DELETED", "after") in seen))
    finally:
        stop.set()
        await asyncio.to_thread(operator.join, 60)
    assert not failures


def _async(condition: Any) -> Any:  # noqa: ANN401 - a plain condition, awaited
    async def asked() -> bool:
        return bool(condition())

    return asked
