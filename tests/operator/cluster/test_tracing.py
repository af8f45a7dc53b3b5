from __future__ import annotations

import pytest

from actgate_sandbox.control_plane import ControlPlane
from demo.service import operator
from tests.operator.world import MODEL, World
from tests.support.otlp import receiving
from tests.support.waiting import wait_until


def test_each_reconcile_is_a_span(
    control_plane: ControlPlane, world: World, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator as a process, with an endpoint in its environment: which model, and what came of it."""
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        with operator(control_plane.kubeconfig, "--lease-name", f"lease-of-{namespace}", "--identity", "one"):
            world.model()

            def outcomes() -> set[str]:
                return {
                    span.attributes["actgate.outcome"]
                    for span in receiver.named("reconcile")
                    if (span.attributes["actgate.namespace"], span.attributes["actgate.name"])
                    == (namespace, MODEL)
                }

            wait_until(lambda: "Fail" in outcomes())
            world.manifest()
            wait_until(lambda: outcomes() & {"Pass", "Warn"})
    resource = receiver.spans[0].resource
    assert (resource["service.name"], resource["service.instance.id"]) == ("actgate-operator", "one")
