from __future__ import annotations

import dataclasses
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from actgate_sandbox.admission import Attributes, Decision, Endpoint, Webhooks
from actgate_sandbox.pki import Authority
from tests.sandbox.admission.answer_cases import CASES, Case
from tests.sandbox.admission.configurations import client_config, configuration, rule, webhook
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


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_answers_become_the_status_of_the_api_server(
    server: WebhookServer, webhooks: Webhooks, case: Case
) -> None:
    """Each answer leads to the code, reason and words that the real API server has for it."""
    server.answer = lambda _: case.answer
    decision = await _review(webhooks, webhook(server))
    if not case.code:
        assert decision.denied is None
        return
    assert decision.denied is not None
    assert (decision.denied["code"], decision.denied.get("reason")) == (case.code, case.reason)
    assert decision.denied["message"].startswith(case.message)


@pytest.mark.parametrize("case", [case for case in CASES if case.code == 500], ids=lambda c: c.name)
async def test_ignored_failures_let_the_request_through(
    server: WebhookServer, webhooks: Webhooks, case: Case
) -> None:
    """`failurePolicy: Ignore` forgives every failure to get an answer."""
    server.answer = lambda _: case.answer
    assert (await _review(webhooks, webhook(server, failurePolicy="Ignore"))).denied is None


async def test_a_denial_is_not_a_failure(server: WebhookServer, webhooks: Webhooks) -> None:
    """`failurePolicy: Ignore` does not forgive a denial."""
    server.answer = lambda _: DENY
    assert (await _review(webhooks, webhook(server, failurePolicy="Ignore"))).denied is not None


async def test_a_review_is_complete(server: WebhookServer, webhooks: Webhooks) -> None:
    """A webhook is told everything that the API server tells."""
    await _review(webhooks, webhook(server))
    asked = server.asked[0]
    assert asked.pop("uid")
    assert asked == {
        "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
        "resource": {"group": "", "version": "v1", "resource": "configmaps"},
        "requestKind": {"group": "", "version": "v1", "kind": "ConfigMap"},
        "requestResource": {"group": "", "version": "v1", "resource": "configmaps"},
        "name": "c",
        "namespace": "n",
        "operation": "CREATE",
        "userInfo": {"username": "admin", "groups": ["system:masters"]},
        "object": CREATE.object,
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    assert server.paths == ["/validate?timeout=10s"]


async def test_connections_are_kept(server: WebhookServer, webhooks: Webhooks) -> None:
    """Reviews in sequence share one TLS connection."""
    for _ in range(3):
        await _review(webhooks, webhook(server))
    assert len(server.connections) == 1


async def test_warnings_of_all_webhooks_are_passed_on(server: WebhookServer, webhooks: Webhooks) -> None:
    """Warnings come through, also with a denial; those that no header can carry are dropped."""
    server.answer = lambda _: {**DENY, "warnings": ["look out", "two\nlines"]}
    hooks = configuration(webhook(server), webhook(server, name="other.webhook.test"))
    decision = await webhooks.review([hooks], {}, CREATE)
    assert decision.warnings == ["look out", "look out"]


async def test_a_slow_webhook_is_given_up(server: WebhookServer, webhooks: Webhooks) -> None:
    """A webhook that has not answered within its own timeout counts as failed."""
    given_up = threading.Event()
    server.answer = lambda _: given_up.wait(60) and {"allowed": True}
    decision = await _review(webhooks, webhook(server, timeoutSeconds=1))
    given_up.set()
    assert decision.denied is not None
    assert decision.denied["message"].endswith('/validate?timeout=1s": context deadline exceeded')


async def test_an_untrusted_webhook_is_not_asked(server: WebhookServer, webhooks: Webhooks) -> None:
    """A certificate of another authority ends the call before anything is sent."""
    other = dataclasses.replace(server, ca=Authority("other").certificate)
    decision = await _review(webhooks, webhook(other))
    assert decision.denied is not None
    assert (
        "tls: failed to verify certificate: x509: certificate signed by unknown authority"
        in (decision.denied["message"])
    )
    assert server.asked == []


async def test_an_absent_webhook_is_a_failure(server: WebhookServer, webhooks: Webhooks) -> None:
    """Nobody at the address: the API server's words for a refused connection."""
    config = client_config(server, "https://127.0.0.1:1/x")
    decision = await _review(webhooks, webhook(server, clientConfig=config))
    assert decision.denied is not None
    assert 'Post "https://127.0.0.1:1/x?timeout=10s": ' in decision.denied["message"]
    assert decision.denied["message"].endswith("dial tcp 127.0.0.1:1: connect: connection refused")


async def test_a_service_is_refused_with_the_way_out(server: WebhookServer, webhooks: Webhooks) -> None:
    """There is no network of services here, and the message says what to use instead."""
    config = {"service": {"name": "s", "namespace": "n"}}
    decision = await _review(webhooks, webhook(server, clientConfig=config))
    assert decision.denied is not None
    assert "use clientConfig.url" in decision.denied["message"]


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
    assert "does not support dry run" in decision.denied["message"]
    assert server.asked == []
