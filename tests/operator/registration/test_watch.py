"""The operator's watch on the registration, at work on an API server."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, NoReturn

import pytest
from prometheus_client import CollectorRegistry

from actgate.kube.client import Cluster
from actgate_operator.names import MANAGER
from actgate_operator.registration.metrics import RegistrationMetrics
from actgate_operator.registration.watch import RegistrationWatch
from actgate_operator.registration.weaknesses import Chosen, Reason
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import MERGE_PATCH, Rest
from demo import registration
from tests.deploy.rendering import DEPLOY
from tests.lookup.test_cache_in_a_cluster import farewell
from tests.support.waiting import eventually

pytestmark = pytest.mark.system

Json = dict[str, Any]


class Watched:
    """A registration of a name of its own, as it is generated, and the watch on it."""

    def __init__(self, cluster: Cluster, rest: Rest, namespace: str) -> None:
        self.rest = rest
        self.written = registration.read(DEPLOY / "base" / "webhook-registration.yaml")
        self.written["metadata"]["name"] = f"actgate-{namespace}"
        self.path = f"{registration.COLLECTION}/actgate-{namespace}"
        self.registry = CollectorRegistry()
        chosen = Chosen("actgate-system", "actgate-webhook")
        self.watch = RegistrationWatch(
            cluster, self.written["metadata"]["name"], chosen, RegistrationMetrics(self.registry)
        )

    def counted(self) -> dict[str, float]:
        """Return the metric by reason, without those that are zero."""
        values = {
            reason.value: self.registry.get_sample_value(
                "actgate_operator_registration_weaknesses", {"reason": reason.value}
            )
            for reason in Reason
        }
        return {reason: value for reason, value in values.items() if value}

    async def counts(self, **expected: float) -> None:
        """Wait until the metric says so."""

        async def does() -> bool:
            return self.counted() == expected

        await eventually(does)

    def change(self, webhooks: list[Json]) -> str:
        """Edit the webhooks as an administrator would, and return the version that this makes."""
        reply = self.rest("PATCH", self.path, {"webhooks": webhooks}, MERGE_PATCH)
        assert reply.status == 200, reply
        return str(reply.body["metadata"]["resourceVersion"])

    def install(self) -> None:
        """Register."""
        reply = self.rest("POST", registration.COLLECTION, self.written)
        assert reply.status == 201, reply


@pytest.fixture
async def watched(control_plane: ControlPlane, rest: Rest, namespace: str) -> AsyncIterator[Watched]:
    """The watch at work on a registration that does not exist yet; it is gone at the end."""
    async with Cluster.from_environment(control_plane.kubeconfig, lambda _: None, MANAGER) as cluster:
        found = Watched(cluster, rest, namespace)
        assert found.counted() == {"Unread": 1}
        task = asyncio.create_task(found.watch.run())
        try:
            yield found
        finally:
            rest("DELETE", found.path)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    await farewell()


async def test_what_becomes_of_the_registration_is_counted_and_logged_at_once(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not there, it is installed, it is edited twice, restored, and deleted; nothing is written."""
    caplog.set_level("INFO", logger="actgate_operator.registration")
    await watched.counts(Missing=1)
    watched.install()
    await watched.counts()
    weaker = copy.deepcopy(watched.written["webhooks"])
    weaker[0]["failurePolicy"] = "Ignore"
    watched.change(weaker)
    await watched.counts(FailurePolicy=1)
    weaker[1]["rules"][0]["operations"] = ["CREATE"]
    version = watched.change(weaker)
    await watched.counts(FailurePolicy=1, Rules=len(weaker[1]["rules"][0]["resources"]))
    assert watched.rest("GET", watched.path).body["metadata"]["resourceVersion"] == version
    watched.change(watched.written["webhooks"])
    await watched.counts()
    assert watched.rest("DELETE", watched.path).status == 200
    await watched.counts(Missing=1)
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in lines] == ["ERROR", "INFO", "ERROR", "ERROR", "INFO", "ERROR"]
    assert lines[2][1] == (
        "the webhook's registration is weaker than generated: "
        "webhooks[serving.actgate.dev].failurePolicy: Invalid value: Ignore: must be Fail"
    )


async def test_a_registration_that_cannot_be_read_is_reported_and_not_taken_as_whole(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form that the operator does not know yet: unknown is never fine."""
    await watched.counts(Missing=1)

    def broken(*_: object) -> NoReturn:
        raise KeyError("operations")

    monkeypatch.setattr("actgate_operator.registration.watch.weaknesses", broken)
    watched.install()
    await watched.counts(Unread=1)
