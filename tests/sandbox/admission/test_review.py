from __future__ import annotations

import dataclasses
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from actgate_sandbox.admission import Attributes, Decision, Endpoint, Webhooks
from tests.sandbox.admission.configurations import configuration, rule, webhook
from tests.support.webhook_server import WebhookServer, serving

CREATE = Attributes(
    operation="CREATE",
    endpoint=Endpoint("", "v1", "configmaps", "ConfigMap"),
    name="c",
    namespace="n",
    object={
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "labels": {"app": "x"}},
        "data": {"a": "b"},
    },
    options={"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    user={"username": "admin", "groups": ["system:masters"]},
)
DENY = {"allowed": False, "status": {"message": "no"}}


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    """A webhook that allows until a test says otherwise."""
    with serving() as running:
        yield running


@pytest.fixture
async def webhooks() -> AsyncIterator[Webhooks]:
    """The admission chain."""
    chain = Webhooks()
    yield chain
    await chain.close()


async def _review(webhooks: Webhooks, hook: dict[str, Any], attributes: Attributes = CREATE) -> Decision:
    return await webhooks.review([configuration(hook)], {"team": "blue"}, attributes)


async def test_a_denial_is_not_a_failure(server: WebhookServer, webhooks: Webhooks) -> None:
    """`failurePolicy: Ignore` does not forgive a denial."""
    server.answer = lambda _: DENY
    assert (await _review(webhooks, webhook(server, failurePolicy="Ignore"))).denied is not None


async def test_connections_are_kept(server: WebhookServer, webhooks: Webhooks) -> None:
    """Reviews in sequence share one TLS connection."""
    for _ in range(3):
        await _review(webhooks, webhook(server))
    assert len(server.connections) == 1


async def test_a_slow_webhook_is_given_up(server: WebhookServer, webhooks: Webhooks) -> None:
    """A webhook that has not answered within its own timeout counts as failed."""
    given_up = threading.Event()
    server.answer = lambda _: given_up.wait(60) and {"allowed": True}
    decision = await _review(webhooks, webhook(server, timeoutSeconds=1))
    given_up.set()
    assert decision.denied is not None
    assert decision.denied.message.endswith('/validate?timeout=1s": context deadline exceeded')


async def test_a_service_is_refused_with_the_way_out(server: WebhookServer, webhooks: Webhooks) -> None:
    """There is no network of services here, and the message says what to use instead."""
    config = {"service": {"name": "s", "namespace": "n"}}
    decision = await _review(webhooks, webhook(server, clientConfig=config))
    assert decision.denied is not None
    assert "use clientConfig.url" in decision.denied.message


async def test_webhook_configurations_are_exempt(server: WebhookServer, webhooks: Webhooks) -> None:
    """A broken webhook can always be unregistered: registrations are never reviewed."""
    server.answer = lambda _: DENY
    group = "admissionregistration.k8s.io"
    endpoint = Endpoint(group, "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration")
    attributes = dataclasses.replace(CREATE, endpoint=endpoint, namespace="")
    decision = await _review(webhooks, webhook(server, rules=[rule("*")]), attributes)
    assert decision.denied is None


@pytest.mark.parametrize("side_effects", ["Some", "Unknown"])
async def test_dry_run_does_not_reach_webhooks_with_side_effects(
    server: WebhookServer, webhooks: Webhooks, side_effects: str
) -> None:
    """A dry run is refused rather than sent to a webhook that would act on it."""
    attributes = dataclasses.replace(CREATE, dry_run=True)
    decision = await _review(webhooks, webhook(server, sideEffects=side_effects), attributes)
    assert decision.denied is not None
    assert "does not support dry run" in decision.denied.message
    assert server.asked == []
