from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from actgate_sandbox.pki import Authority
from actgate_sandbox.rest import APPLY_PATCH, MERGE_PATCH, Reply, Rest
from tests.sandbox.admission import answer_cases
from tests.sandbox.admission.configurations import client_config, configuration, rule, webhook
from tests.sandbox.conformance_admission.crds import complaints
from tests.support.waiting import wait_until
from tests.support.webhook_server import WebhookServer, allow, serving

WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
DENY = {"allowed": False, "status": {"message": "no"}}
_numbers = itertools.count()


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    """A webhook that allows until a test says otherwise."""
    with serving() as running:
        yield running


@contextmanager
def registered(
    rest: Rest, namespace: str, hook: dict[str, Any], in_force: Callable[[], bool]
) -> Iterator[None]:
    """Register a webhook for one namespace, wait until it is in force, and remove it afterwards."""
    name = f"webhook-test-{namespace}-{next(_numbers)}"
    only_here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    body = configuration({"namespaceSelector": only_here, **hook}, name=name)
    reply = rest("POST", WEBHOOKS, body)
    assert reply.status == 201, reply
    try:
        wait_until(in_force)
        yield
    finally:
        rest("DELETE", f"{WEBHOOKS}/{name}")


def create(rest: Rest, namespace: str, name: str = "c", **more: object) -> Reply:
    """Ask for a config map by dry run."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **more}
    return rest("POST", f"/api/v1/namespaces/{namespace}/configmaps", body, dryRun="All")


def _asks(rest: Rest, namespace: str, server: WebhookServer) -> Callable[[], bool]:
    def asked() -> bool:
        create(rest, namespace, "canary")
        return bool(server.asked)

    return asked


def _refuses(rest: Rest, namespace: str) -> Callable[[], bool]:
    return lambda: create(rest, namespace, "canary").status >= 400


@pytest.fixture(scope="module")
def answering(rest: Rest) -> Iterator[tuple[str, WebhookServer]]:
    """A namespace whose config maps go through a webhook."""
    name = "webhook-answers"
    rest("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    with serving() as server, registered(rest, name, webhook(server), _asks(rest, name, server)):
        yield name, server
    rest("DELETE", f"/api/v1/namespaces/{name}")


class TestAnswers:
    """What becomes of a webhook's answer."""

    def test_answers_become_these_statuses(self, rest: Rest, answering: tuple[str, WebhookServer]) -> None:
        """The engine answers with this code, reason and message."""
        namespace, server = answering
        for case in answer_cases.CASES:
            server.answer = lambda _, answer=case.answer: answer  # type: ignore[misc]
            reply = create(rest, namespace)
            assert reply.status == (case.code or 201), case.name
            if case.code:
                assert reply.body.get("reason") == case.reason, case.name
                assert reply.message.startswith(case.message), case.name

    def test_warnings_reach_the_client(self, rest: Rest, answering: tuple[str, WebhookServer]) -> None:
        """Warnings come as headers; one that no header can carry is dropped."""
        namespace, server = answering
        server.answer = lambda _: {
            "allowed": True,
            "warnings": ["look out", 'with "quotes"', "two\nlines"],
        }
        assert create(rest, namespace).warnings == ("look out", 'with "quotes"')

    def test_a_review_is_complete(self, rest: Rest, answering: tuple[str, WebhookServer]) -> None:
        """The webhook gets the same review from both engines."""
        namespace, server = answering
        server.answer = allow
        create(rest, namespace, "complete", data={"a": "b"})
        asked = server.asked[-1]
        assert len(asked.pop("uid")) == 36
        assert "system:masters" in asked.pop("userInfo")["groups"]
        obj = asked.pop("object")
        assert (obj["kind"], obj["data"]) == ("ConfigMap", {"a": "b"})
        assert obj["metadata"].items() >= {"name": "complete", "namespace": namespace}.items()
        assert asked == {
            "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
            "resource": {"group": "", "version": "v1", "resource": "configmaps"},
            "requestKind": {"group": "", "version": "v1", "kind": "ConfigMap"},
            "requestResource": {"group": "", "version": "v1", "resource": "configmaps"},
            "name": "complete",
            "namespace": namespace,
            "operation": "CREATE",
            "oldObject": None,
            "dryRun": True,
            "options": {
                "kind": "CreateOptions",
                "apiVersion": "meta.k8s.io/v1",
                "dryRun": ["All"],
            },
        }
        assert server.paths[-1] == "/validate?timeout=10s"


class TestFailures:
    """What becomes of a request whose webhook cannot be asked."""

    def test_a_webhook_of_another_authority_fails_the_request(
        self, rest: Rest, namespace: str, server: WebhookServer
    ) -> None:
        """An untrusted certificate is reported as such."""
        config = client_config(WebhookServer(server.port, Authority("other").certificate))
        hook = webhook(server, clientConfig=config)
        with registered(rest, namespace, hook, _refuses(rest, namespace)):
            reply = create(rest, namespace)
        assert (reply.status, reply.body["reason"]) == (500, "InternalError")
        assert "certificate" in reply.message
        assert server.asked == []

    def test_an_absent_webhook_fails_the_request(
        self, rest: Rest, namespace: str, server: WebhookServer
    ) -> None:
        """No server at the address: the request is refused with the address in the message."""
        hook = webhook(server, clientConfig=client_config(server, "https://127.0.0.1:1/x"))
        with registered(rest, namespace, hook, _refuses(rest, namespace)):
            reply = create(rest, namespace)
        assert reply.message.startswith(
            'Internal error occurred: failed calling webhook "check.webhook.test": '
            'failed to call webhook: Post "https://127.0.0.1:1/x?timeout=10s": '
        )

    def test_a_broken_webhook_is_ignored_with_its_failure_policy(
        self, rest: Rest, namespace: str, server: WebhookServer
    ) -> None:
        """With `failurePolicy: Ignore` the request goes through."""
        server.answer = lambda _: 500
        hook = webhook(server, failurePolicy="Ignore")
        with registered(rest, namespace, hook, _asks(rest, namespace, server)):
            assert create(rest, namespace).status == 201

    def test_a_refused_write_changes_nothing(self, rest: Rest, namespace: str, server: WebhookServer) -> None:
        """What a webhook denies is not stored."""
        server.answer = lambda _: DENY
        with registered(rest, namespace, webhook(server), _refuses(rest, namespace)):
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "denied"}}
            path = f"/api/v1/namespaces/{namespace}/configmaps"
            assert rest("POST", path, body).status == 400
        assert rest("GET", f"{path}/denied").status == 404


class TestChoice:
    """Which requests a webhook is asked about."""

    def test_conditions_and_selectors_narrow_the_rules(
        self, rest: Rest, namespace: str, server: WebhookServer
    ) -> None:
        """Only what fits the object selector and every match condition is asked about."""
        hook = webhook(
            server,
            objectSelector={"matchLabels": {"ask": "yes"}},
            matchConditions=[{"name": "data", "expression": "has(object.data) && object.data.a == 'b'"}],
        )

        def asked_about(name: str, labels: dict[str, str], data: dict[str, str]) -> bool:
            before = len(server.asked)
            metadata = {"name": name, "labels": labels}
            create(rest, namespace, metadata=metadata, data=data)
            return len(server.asked) > before

        fits = {"ask": "yes"}, {"a": "b"}
        with registered(rest, namespace, hook, lambda: asked_about("canary", *fits)):
            assert asked_about("both", *fits)
            assert not asked_about("no-label", {}, {"a": "b"})
            assert not asked_about("other-data", {"ask": "yes"}, {"a": "c"})

    def test_a_condition_without_a_value_refuses_the_request(
        self, rest: Rest, namespace: str, server: WebhookServer
    ) -> None:
        """An error in a condition is no reason to skip the webhook: the request is forbidden."""
        conditions = [{"name": "a", "expression": "object.data.zz == 'x'"}]
        hook = webhook(server, matchConditions=conditions)
        with registered(rest, namespace, hook, _refuses(rest, namespace)):
            reply = create(rest, namespace, data={"a": "b"})
        assert (reply.status, reply.body["reason"]) == (403, "Forbidden")
        assert reply.message == (
            "configmaps \"c\" is forbidden: expression 'object.data.zz == 'x'' "
            "resulted in error: no such key: zz"
        )

    def test_subresources_are_asked_about_only_when_named(
        self, rest: Rest, namespace: str, server: WebhookServer
    ) -> None:
        """A rule for `deployments/scale` sees a Scale, and no write of the Deployment itself."""
        rules = [rule("configmaps", "deployments/scale")]
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        with registered(rest, namespace, webhook(server, rules=rules), _asks(rest, namespace, server)):
            server.asked.clear()
            assert rest("POST", path, _deployment("d")).status == 201
            rest("PATCH", f"{path}/d", {"metadata": {"labels": {"x": "y"}}}, MERGE_PATCH)
            rest("PATCH", f"{path}/d/status", {"status": {"replicas": 1}}, MERGE_PATCH)
            assert server.asked == []
            scaled = rest("PATCH", f"{path}/d/scale", {"spec": {"replicas": 2}}, MERGE_PATCH)
            assert scaled.status == 200, scaled
        (asked,) = server.asked
        assert asked["kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
        assert (asked["resource"]["resource"], asked["subResource"]) == ("deployments", "scale")
        assert asked["object"]["spec"]["replicas"] == 2

    def test_every_way_of_writing_is_reviewed(
        self, rest: Rest, namespace: str, server: WebhookServer
    ) -> None:
        """Create, replace, patches, apply (also without a change) and delete: one review each."""
        path = f"/api/v1/namespaces/{namespace}/configmaps"
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "w"}}
        with registered(rest, namespace, webhook(server), _asks(rest, namespace, server)):
            server.asked.clear()
            stored = rest("POST", path, config).body
            rest("PUT", f"{path}/w", {**stored, "data": {"a": "1"}})
            rest("PATCH", f"{path}/w", {"data": {"a": "2"}}, MERGE_PATCH)
            query = {"fieldManager": "test", "force": "true"}
            rest("PATCH", f"{path}/w", config, APPLY_PATCH, **query)
            rest("PATCH", f"{path}/w", config, APPLY_PATCH, **query)
            rest("DELETE", f"{path}/w")
        operations = [asked["operation"] for asked in server.asked]
        assert operations == ["CREATE", "UPDATE", "UPDATE", "UPDATE", "UPDATE", "DELETE"]
        assert server.asked[0]["oldObject"] is None
        assert server.asked[-1]["object"] is None
        assert server.asked[2]["oldObject"]["data"] == {"a": "1"}


def test_a_match_condition_that_does_not_compile_is_refused(rest: Rest) -> None:
    """Its place and the compiler's words are in the refusal."""
    conditions = [{"name": "wrong", "expression": "request.missing == 1"}]
    hook = webhook(WebhookServer(8443, Authority("x").certificate), matchConditions=conditions)
    [found] = complaints(rest("POST", WEBHOOKS, configuration(hook), dryRun="All"))
    assert found.startswith("webhooks[0].matchConditions[0].expression: Invalid value: ")
    assert "undefined field 'missing'" in found


def _deployment(name: str) -> dict[str, Any]:
    labels = {"app": name}
    containers = [{"name": "c", "image": "registry.example/c"}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
    }
