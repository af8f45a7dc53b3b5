"""Installs the gate from ``deploy/base`` before a real API server, and opens the namespace of ``place``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from actgate_sandbox.kubeconfig import write_kubeconfig
from actgate_sandbox.rest import Rest, install_crds
from demo import registration, service
from tests.deploy import accounts
from tests.deploy.conftest import Cluster
from tests.deploy.installing import installed
from tests.deploy.rendering import DEPLOY, ROOT, named, render
from tests.e2e.attested import Parties
from tests.e2e.bypasses.objects import IMAGE, SCORER, URIS, undeclared, workload
from tests.e2e.bypasses.place import NAMESPACE, USER, Json, Place, with_keys
from tests.support.attested import MODEL
from tests.support.kubectl import Kubectl
from tests.support.waiting import wait_until

POLICY: Final = ROOT / "examples" / "policies" / "high-risk.yaml"
SELF_SERVICE: Final = "self-service"
ACCOUNTS: Final = (USER, SELF_SERVICE, "pipeline")
PARTIES: Final = Parties()
_RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"
_FOREIGN: Final = (
    ("serving.kserve.io", ("v1beta1", "v1alpha1"), "inferenceservices", "InferenceService"),
    ("models.example.com", ("v1",), "languagemodels", "LanguageModel"),
)
"""A kind that has a row, in two versions, and one that has none."""


@contextmanager
def opened(cluster: Cluster, folder: Path) -> Iterator[Place]:
    """Open the namespace until the block ends, with evidence that passes, once the webhook judges there."""
    with ExitStack() as stack:
        install_crds(cluster.rest, [_definition(*kind) for kind in _FOREIGN])
        stack.enter_context(installed(cluster, DEPLOY / "base"))
        _create_namespace(cluster)
        kubeconfig = accounts.kubeconfig_of(cluster, "actgate-webhook", folder)
        flags = accounts.flags_of(render(DEPLOY / "base"), "actgate-webhook")
        webhook = stack.enter_context(service.webhook(kubeconfig, *_without_files(flags)))
        written = named(render(DEPLOY / "base"), "ValidatingWebhookConfiguration", "actgate")
        pointed = registration.on_loopback(written, webhook.port, webhook.ca)
        wait_until(lambda: _replaced(cluster.rest, pointed))
        place = stack.enter_context(_place(cluster, folder))
        place.evidence(SCORER)
        wait_until(lambda: place.create(workload("probe"), dryRun="All").admitted)
        wait_until(lambda: not place.create(undeclared("probe"), dryRun="All").admitted)
        yield place
        cluster.rest("DELETE", f"/api/v1/namespaces/{NAMESPACE}")


def _replaced(rest: Rest, written: Json) -> bool:
    """Put a registration in the place of the installed one, which has a Service where this has a URL."""
    path = f"{registration.COLLECTION}/{written['metadata']['name']}"
    version = rest("GET", path).body["metadata"]["resourceVersion"]
    metadata = {**written["metadata"], "resourceVersion": version}
    return rest("PUT", path, {**written, "metadata": metadata}).status == 200


def signed(**spec: Any) -> Json:  # noqa: ANN401 - fields of the spec
    """Return the spec of evidence that three parties signed; its model is bound to an image and to URIs."""
    trained = datetime.now(UTC) - timedelta(days=10)
    stated: Json = {
        "model": {
            "name": "CreditRiskScorer",
            "version": "2",
            "digest": MODEL,
            "uris": URIS,
            "images": [IMAGE],
        },
        "training": {
            "finishedAt": f"{trained:%Y-%m-%dT%H:%M:%SZ}",
            "regions": [{"provider": "aws", "region": "eu-west-3"}],
        },
    }
    return PARTIES.signed().but(stated={**stated, **spec}).spec()


@contextmanager
def _place(cluster: Cluster, folder: Path) -> Iterator[Place]:
    keys = {party.name: party.pem for party in (PARTIES.training, PARTIES.risk, PARTIES.office)}
    policies = "/apis/actgate.dev/v1alpha1/compliancepolicies"
    reply = cluster.rest("POST", policies, with_keys(POLICY, keys))
    assert reply.status == 201, reply
    user, self_service = (accounts.rest_of(cluster, account, NAMESPACE) for account in (USER, SELF_SERVICE))
    kubeconfig = folder / "user.kubeconfig"
    write_kubeconfig(
        kubeconfig, cluster.plane.url, cluster.plane.ca, accounts.token_of(cluster, USER, NAMESPACE)
    )
    kubectl = Kubectl(kubeconfig, folder / "kubectl-cache", NAMESPACE)
    place = Place(user, cluster.rest, kubectl, cluster.plane.kubeconfig, folder, self_service, signed)
    # A controller of Kubernetes fills the aggregated role.
    wait_until(lambda: _may_deploy_models(place))
    try:
        yield place
    finally:
        user.close()
        self_service.close()
        cluster.rest("DELETE", f"{policies}/high-risk")


def _may_deploy_models(place: Place) -> bool:
    for kind in ("ModelDeployment", "InferenceService", "LanguageModel"):
        if place.user("DELETE", place.path(kind, "nothing")).status != 404:
            return False
    return True


def _create_namespace(cluster: Cluster) -> None:
    labels = {"actgate.dev/profile": "high-risk"}
    reply = cluster.rest("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE, "labels": labels}})
    assert reply.status == 201, reply
    for account in ACCOUNTS:
        path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
        assert cluster.rest("POST", path, {"metadata": {"name": account}}).status == 201
    for name, rule in _ROLES.items():
        role = {"metadata": {"name": name, "labels": rule.get("labels", {})}, "rules": rule["rules"]}
        reply = cluster.rest("POST", f"{_RBAC}/clusterroles", role)
        assert reply.status in (201, 409), reply
    _bind(cluster, f"/namespaces/{NAMESPACE}/rolebindings", USER, "edit")
    _bind(cluster, f"/namespaces/{NAMESPACE}/rolebindings", USER, "debug")
    _bind(cluster, f"/namespaces/{NAMESPACE}/rolebindings", "pipeline", "write-evidence")
    _bind(cluster, "/clusterrolebindings", SELF_SERVICE, SELF_SERVICE)


def _bind(cluster: Cluster, where: str, account: str, role: str) -> None:
    subject = {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
    binding = {
        "metadata": {"name": f"{account}-{role}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    }
    reply = cluster.rest("POST", f"{_RBAC}{where}", binding)
    assert reply.status in (201, 409), reply


_ROLES: Final[dict[str, Json]] = {
    # As the charts of serving systems have it.
    "serving-systems-edit": {
        "labels": {"rbac.authorization.k8s.io/aggregate-to-edit": "true"},
        "rules": [
            {
                "apiGroups": [group for group, *_ in _FOREIGN],
                "resources": ["*"],
                "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
            }
        ],
    },
    # What `edit` does not hold, and who debugs is given.
    "debug": {
        "rules": [
            {
                "apiGroups": [""],
                "resources": ["pods/ephemeralcontainers", "pods/resize"],
                "verbs": ["patch", "update"],
            }
        ],
    },
    "write-evidence": {
        "rules": [
            {
                "apiGroups": ["actgate.dev"],
                "resources": ["compliancemanifests"],
                "verbs": ["get", "list", "watch", "create", "delete"],
            }
        ]
    },
    SELF_SERVICE: {
        "rules": [
            {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "create", "update", "patch"]},
            {"apiGroups": [""], "resources": ["namespaces/finalize"], "verbs": ["update"]},
        ]
    },
}


def _without_files(flags: list[str]) -> list[str]:
    """Return the flags of the webhook's container but those about files and addresses of its pod."""
    return [flag for flag in flags if not flag.startswith(("--tls-", "--bind-address", "--secure-port"))]


def _definition(group: str, versions: tuple[str, ...], plural: str, kind: str) -> Json:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [
                {"name": version, "served": True, "storage": index == 0, "schema": schema}
                for index, version in enumerate(versions)
            ],
        },
    }
