"""The component that holds the operator's account to labelled namespaces, with the operator at work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from actgate_sandbox.rest import MERGE_PATCH, Rest
from tests.deploy import accounts
from tests.deploy.conftest import Cluster
from tests.deploy.installing import installed
from tests.deploy.rendering import DEPLOY, Json, compose, named, render
from tests.deploy.test_operator_limits import KINDS, SERVICE, Kind, child
from tests.operator.world import MODEL, World
from tests.support.waiting import wait_until

pytestmark = pytest.mark.needs_kubectl

LABEL: Final = "actgate.dev/tenant"
TENANT: Final = "team-tenant"
OTHER: Final = "team-other"
SENTENCE: Final = f"no model runs in namespace {OTHER} before an administrator labels it {LABEL}=true"


class Running(NamedTuple):
    """An installation with the component."""

    cluster: Cluster
    token: Rest
    """A client with the operator's token."""

    def label(self, namespace: str, value: str | None) -> None:
        """Label a namespace, as an administrator does."""
        change: Json = {"metadata": {"labels": {LABEL: value}}}
        path = f"/api/v1/namespaces/{namespace}"
        assert self.cluster.rest("PATCH", path, change, MERGE_PATCH).status == 200

    def refusal(self, kind: Kind, namespace: str) -> str:
        """Return in which words a child is refused to the token; empty where it is not."""
        path = kind.path(namespace, "").rstrip("/")
        reply = self.token("POST", path, child(kind, "probe"), dryRun="All")
        assert reply.status in (201, 403), reply
        return reply.message


@pytest.fixture(scope="module")
def running(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Two namespaces, one of them labelled; the webhook, which fails open here, does not run."""
    folder = compose(tmp_path_factory.mktemp("tenants"), ["audit-first", "tenant-namespaces"])
    for namespace, labels in ((TENANT, {LABEL: "true"}), (OTHER, {})):
        body: Json = {"metadata": {"name": namespace, "labels": labels}}
        assert cluster.rest("POST", "/api/v1/namespaces", body).status == 201
    with installed(cluster, folder):
        token = accounts.rest_of(cluster, "actgate-operator")
        found = Running(cluster, token)
        wait_until(lambda: found.refusal(SERVICE, OTHER) != "")
        with accounts.operator(cluster, render(DEPLOY / "base"), tmp_path_factory.mktemp("operator")):
            yield found
        token.close()
    for namespace in (TENANT, OTHER):
        cluster.rest("DELETE", f"/api/v1/namespaces/{namespace}")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
def test_a_stolen_token_is_refused_everywhere_else(running: Running, kind: Kind) -> None:
    """A 403 with the sentence, whatever labels and owner the object claims."""
    assert running.refusal(kind, TENANT) == ""
    for namespace in ("default", OTHER):
        assert f"no model runs in namespace {namespace} before" in running.refusal(kind, namespace)


@pytest.mark.parametrize("value", ["false", "True", "", "yes"])
def test_no_other_value_of_the_label_counts(running: Running, value: str) -> None:
    """What is nearly right is not right."""
    running.label(OTHER, value)
    try:
        # The API server follows the label in a cache of its own.
        wait_until(lambda: SENTENCE in running.refusal(SERVICE, OTHER))
    finally:
        running.label(OTHER, None)


def test_a_model_elsewhere_is_stalled_with_that_sentence_until_the_label_is_set(running: Running) -> None:
    """It says what an administrator has to do, and starts when that is done."""
    world = World(running.cluster.rest, OTHER)
    world.manifest()
    world.model()
    stalled = world.wait_for("Stalled", "True")
    assert SENTENCE in stalled["message"]
    assert world.child("deployments") is None
    running.label(OTHER, "true")
    world.deployment(MODEL)
    wait_until(lambda: not world.condition("Stalled"))


def test_both_policies_are_about_the_same(tmp_path: Path) -> None:
    """The component forgets no kind and no verb of those that the base holds the account to."""
    objects = render(compose(tmp_path, ["tenant-namespaces"]))
    names = ("actgate-operator-children", "actgate-operator-tenant-namespaces")
    base, component = (named(objects, "ValidatingAdmissionPolicy", name)["spec"] for name in names)
    for field in ("matchConstraints", "matchConditions", "failurePolicy"):
        assert base[field] == component[field]
    for name in names:
        binding = named(objects, "ValidatingAdmissionPolicyBinding", name)["spec"]
        assert binding == {"policyName": name, "validationActions": ["Deny"]}
