"""What each service account may do, asked of the API server's own authorizer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deploy.asking import allowed
from tests.deploy.conftest import Cluster
from tests.deploy.installing import installed
from tests.deploy.rendering import DEPLOY, NAMESPACE

pytestmark = pytest.mark.needs_kubectl


@pytest.fixture(scope="module")
def base(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster with the base installed."""
    with installed(cluster, DEPLOY / "base"):
        yield cluster


def may(cluster: Cluster, account: str, request: str) -> bool:
    """Return whether a service account of ours may do what `allowed` reads."""
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}", "system:authenticated"]
    return allowed(cluster, f"system:serviceaccount:{NAMESPACE}:{account}", groups, request)


@pytest.mark.parametrize("verb", ["get", "list", "watch"])
@pytest.mark.parametrize("account", ["actgate-operator", "actgate-webhook"])
def test_both_read_evidence_everywhere(base: Cluster, account: str, verb: str) -> None:
    """In every namespace, since models are everywhere; what else they need, test_least_privilege shows."""
    assert may(base, account, f"{verb} compliancemanifests.actgate.dev models")


@pytest.mark.parametrize(
    "request_line",
    [
        "create compliancemanifests.actgate.dev models",
        "patch modeldeployments.actgate.dev models",
        "list modeldeployments.actgate.dev models",
        "patch compliancepolicies.actgate.dev",
        "create exemptions.actgate.dev",
        "patch namespaces * models",
        "create events.events.k8s.io models",
        "get secrets models",
        f"get secrets {NAMESPACE} actgate-webhook-tls",
        f"get secrets {NAMESPACE} actgate-webhook-ca",
        f"get leases.coordination.k8s.io {NAMESPACE} actgate-operator",
        "get validatingwebhookconfigurations.admissionregistration.k8s.io * actgate",
        "list pods models",
        "get configmaps models",
        f"create serviceaccounts/token {NAMESPACE} actgate-operator",
    ],
)
def test_the_webhook_may_do_nothing_else(base: Cluster, request_line: str) -> None:
    """It writes nothing, reads no Secret, and cannot become the operator."""
    assert not may(base, "actgate-webhook", request_line)


@pytest.mark.parametrize(
    "request_line",
    [
        "patch modeldeployments.actgate.dev models risk",
        "create modeldeployments.actgate.dev models",
        "delete modeldeployments.actgate.dev models risk",
        "patch compliancemanifests.actgate.dev models",
        "patch compliancepolicies.actgate.dev",
        "create exemptions.actgate.dev",
        "patch namespaces * models",
        "deletecollection deployments.apps models",
        "create pods models",
        "create pods/exec models",
        "get pods/log models",
        "list nodes",
        "get secrets models",
        "list secrets models",
        f"list secrets {NAMESPACE}",
        f"get secrets {NAMESPACE} of-another-tool",
        f"create secrets {NAMESPACE} of-another-tool",
        f"delete secrets {NAMESPACE} actgate-webhook-tls",
        f"patch leases.coordination.k8s.io {NAMESPACE} of-another-tool",
        "create leases.coordination.k8s.io kube-system",
        "create validatingwebhookconfigurations.admissionregistration.k8s.io",
        "delete validatingwebhookconfigurations.admissionregistration.k8s.io * actgate",
        "patch validatingwebhookconfigurations.admissionregistration.k8s.io * of-another-tool",
        "patch mutatingwebhookconfigurations.admissionregistration.k8s.io * actgate",
        "patch clusterroles.rbac.authorization.k8s.io * actgate-operator",
        "escalate clusterroles.rbac.authorization.k8s.io",
        "bind clusterroles.rbac.authorization.k8s.io",
        "impersonate users",
        f"create serviceaccounts/token {NAMESPACE} actgate-webhook",
    ],
)
def test_the_operator_may_not_do_this(base: Cluster, request_line: str) -> None:
    """It changes no model, no evidence, no policy and no right, and reads no Secret but its own two."""
    assert not may(base, "actgate-operator", request_line)


@pytest.mark.parametrize("account", ["default", "another"])
def test_no_other_account_of_our_namespace_may_anything(base: Cluster, account: str) -> None:
    """Rights belong to the two accounts, not to the namespace."""
    for verb in ("get", "list", "patch"):
        assert not may(base, account, f"{verb} compliancemanifests.actgate.dev models")
