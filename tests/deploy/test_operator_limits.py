"""What the operator's token is worth, tried on a real API server with the token itself."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from actgate.scan.reports import OPEN_REPORTS
from actgate_sandbox.rest import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, Reply, Rest
from tests.deploy.accounts import REGISTRATION, rest_of
from tests.deploy.conftest import Cluster
from tests.deploy.installing import apply_kinds, installed
from tests.deploy.rendering import DEPLOY, NAMESPACE, Json, compose
from tests.operator.scan.report_apis import serving
from tests.support.crds import create, deployment_spec
from tests.support.waiting import wait_until

pytestmark = pytest.mark.needs_kubectl

TEAM: Final = "team-limits"
EXCLUDED: Final = ("kube-system", "kube-public", "kube-node-lease", NAMESPACE)
BUNDLE: Final = "may change nothing of a webhook's registration but caBundle"
BELONGS: Final = "may write only what carries its labels and is controlled by a ModelDeployment"
FOREIGN: Final = "may change or delete only what is controlled by a ModelDeployment"
OUTSIDE: Final = "may not open a Service to the outside"


class Kind(NamedTuple):
    """One kind of child, as small as it can be."""

    api_version: str
    kind: str
    plural: str
    spec: Json

    def path(self, namespace: str, name: str) -> str:
        """Return where the API server keeps one."""
        root = "/api" if self.api_version == "v1" else "/apis"
        return f"{root}/{self.api_version}/namespaces/{namespace}/{self.plural}/{name}"


DEPLOYMENT: Final = Kind(
    "apps/v1",
    "Deployment",
    "deployments",
    {
        "selector": {"matchLabels": {"app": "m"}},
        "template": {
            "metadata": {"labels": {"app": "m"}},
            "spec": {"containers": [{"name": "server", "image": "registry.example/server:1"}]},
        },
    },
)
SERVICE: Final = Kind("v1", "Service", "services", {"selector": {"app": "m"}, "ports": [{"port": 80}]})
AUTOSCALER: Final = Kind(
    "autoscaling/v2",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
    {"maxReplicas": 2, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "m"}},
)
BUDGET: Final = Kind(
    "policy/v1",
    "PodDisruptionBudget",
    "poddisruptionbudgets",
    {"minAvailable": 1, "selector": {"matchLabels": {"app": "m"}}},
)
CLOSING: Final = Kind(
    "networking.k8s.io/v1",
    "NetworkPolicy",
    "networkpolicies",
    {"podSelector": {"matchLabels": {"app": "m"}}, "policyTypes": ["Ingress"]},
)
KINDS: Final = (DEPLOYMENT, SERVICE, AUTOSCALER, BUDGET, CLOSING)
OWNER: Final[Json] = {
    "apiVersion": "actgate.dev/v1alpha1",
    "kind": "ModelDeployment",
    "name": "m",
    "uid": "5f1c7a52-0000-4000-8000-000000000000",
    "controller": True,
}


def child(kind: Kind, name: str = "m", **metadata: Any) -> Json:  # noqa: ANN401 - fields of metadata
    """Return a child as the operator applies it, with other metadata where some is given."""
    labels = {"app.kubernetes.io/managed-by": "actgate-operator", "app.kubernetes.io/instance": name}
    whole = {"name": name, "labels": labels, "ownerReferences": [OWNER], **metadata}
    spec = copy.deepcopy(kind.spec)
    if kind is DEPLOYMENT:
        spec["template"]["metadata"]["labels"] |= whole["labels"] or {}
    kept = {key: value for key, value in whole.items() if value is not None}
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": kept,
        "spec": spec,
    }


class Token(NamedTuple):
    """The holder of the operator's token, beside an administrator."""

    rest: Rest
    """With the token."""
    admin: Rest
    owner: Json
    """The reference to the model in the team's namespace: without it, children would be collected."""

    def child(self, kind: Kind, name: str = "m", **metadata: Any) -> Json:  # noqa: ANN401 - metadata
        """Return a child of that model as the operator applies it."""
        return child(kind, name, **{"ownerReferences": [self.owner], **metadata})

    def apply(self, kind: Kind, thing: Json, namespace: str = TEAM) -> Reply:
        """Apply by force, in the operator's name."""
        path = kind.path(namespace, thing["metadata"]["name"])
        return self.rest(
            "PATCH", path, thing, APPLY_PATCH, fieldManager="actgate-operator", force="true", dryRun="All"
        )

    def replace(self, path: str) -> Reply:
        """Put what is there in its own place; its controllers may write their status in between."""

        def put() -> Reply:
            reply = self.rest("PUT", path, self.admin("GET", path).body, dryRun="All")
            assert reply.status != 409, reply
            return reply

        return wait_until(put)

    def merge(self, kind: Kind, change: Json, name: str = "m") -> Reply:
        """Change what is there."""
        return self.rest("PATCH", kind.path(TEAM, name), change, MERGE_PATCH, dryRun="All")


@pytest.fixture(scope="module")
def token(cluster: Cluster) -> Iterator[Token]:
    """The base installed and in force; in a namespace, what is a model's and what is not."""
    assert cluster.rest("POST", "/api/v1/namespaces", {"metadata": {"name": TEAM}}).status == 201
    apply_kinds(cluster)
    model = wait_until(lambda: made(create(cluster.rest, "ModelDeployment", "m", deployment_spec(), TEAM)))
    with installed(cluster, DEPLOY / "base"):
        owner = {**OWNER, "uid": model["metadata"]["uid"]}
        stolen = Token(rest_of(cluster, "actgate-operator"), cluster.rest, owner)
        wait_until(lambda: refused(stolen.apply(SERVICE, child(SERVICE), "kube-public")))
        wait_until(lambda: refused(stolen.rest("PATCH", REGISTRATION, WEAKER, JSON_PATCH, dryRun="All")))
        for kind in KINDS:
            for thing in (stolen.child(kind), child(kind, "foreign", labels=None, ownerReferences=None)):
                made(cluster.rest("POST", kind.path(TEAM, "").rstrip("/"), thing))
        yield stolen
        stolen.rest.close()
    cluster.rest("DELETE", f"/api/v1/namespaces/{TEAM}")


def made(reply: Reply) -> Json:
    """Return what was created."""
    assert reply.status == 201, reply
    return dict(reply.body)


def refused(reply: Reply, words: str = "") -> bool:
    """Return whether a policy of ours refused, and in which words."""
    return (
        reply.status == 403
        and "ValidatingAdmissionPolicy 'actgate-operator-" in reply.message
        and words in reply.message
    )


WEAKER: Final = [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
def test_what_a_model_runs_as_may_be_made_changed_and_repaired(token: Token, kind: Kind) -> None:
    """Made anew, applied again, adopted after an orphaning delete, and given back what was cut off."""
    assert token.apply(kind, token.child(kind, "new")).status == 201
    assert token.apply(kind, token.child(kind)).status == 200
    path = kind.path(TEAM, "m")
    for cut in ({"ownerReferences": None}, {"labels": None}):
        assert token.admin("PATCH", path, {"metadata": cut}, MERGE_PATCH).status == 200
        try:
            # What others added is adopted before anything is repaired: a whole replace, as it was found.
            assert token.replace(path).status == 200
            assert token.apply(kind, token.child(kind)).status == 200
        finally:
            whole = {"metadata": token.child(kind)["metadata"]}
            assert token.admin("PATCH", path, whole, MERGE_PATCH).status == 200


@pytest.mark.parametrize("kind", [AUTOSCALER, BUDGET], ids=lambda kind: kind.plural)
def test_of_what_it_may_delete_it_deletes_a_model_s_alone(token: Token, kind: Kind) -> None:
    """RBAC grants the verb on every object of the kind."""
    assert token.rest("DELETE", kind.path(TEAM, "m"), dryRun="All").status == 200
    assert refused(token.rest("DELETE", kind.path(TEAM, "foreign"), dryRun="All"), FOREIGN)


@pytest.mark.parametrize("namespace", EXCLUDED)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
def test_nothing_is_made_in_an_excluded_namespace(token: Token, kind: Kind, namespace: str) -> None:
    """The accounts there are worth the cluster; the reproduction of H4 is the Deployment in kube-system."""
    reply = token.apply(kind, child(kind), namespace)
    assert refused(reply, f"no model runs in namespace {namespace}"), reply


MANAGED: Final = "app.kubernetes.io/managed-by"
INSTANCE: Final = "app.kubernetes.io/instance"
STRANGERS: Final[dict[str, Json]] = {
    "no owner": {"ownerReferences": None},
    "no labels": {"labels": None},
    "no instance": {"labels": {MANAGED: "actgate-operator"}},
    "other instance": {"labels": {MANAGED: "actgate-operator", INSTANCE: "n"}},
    "other manager": {"labels": {MANAGED: "Helm", INSTANCE: "new"}},
    "not controlled": {"ownerReferences": [{**OWNER, "controller": False}]},
    "other kind of ours": {"ownerReferences": [{**OWNER, "kind": "ComplianceManifest"}]},
    "group that begins alike": {"ownerReferences": [{**OWNER, "apiVersion": "actgate.dev.evil/v1"}]},
    "group that ends alike": {"ownerReferences": [{**OWNER, "apiVersion": "xactgate.dev/v1"}]},
    "Deployment": {"ownerReferences": [{**OWNER, "apiVersion": "apps/v1", "kind": "Deployment"}]},
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
@pytest.mark.parametrize("metadata", STRANGERS.values(), ids=STRANGERS)
def test_nothing_is_made_that_is_not_a_model_s(token: Token, kind: Kind, metadata: Json) -> None:
    """Labels and a controlling ModelDeployment, both of them; by a create as by an apply."""
    thing = child(kind, "new", **metadata)
    created = token.rest("POST", kind.path(TEAM, "").rstrip("/"), thing, dryRun="All")
    for reply in (created, token.apply(kind, thing)):
        assert refused(reply, BELONGS), reply


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
def test_what_belongs_to_others_is_not_taken_over(token: Token, kind: Kind) -> None:
    """By no verb: not with our labels and owner put on it, and not as it is."""
    assert refused(token.apply(kind, child(kind, "foreign")), FOREIGN)
    assert refused(token.replace(kind.path(TEAM, "foreign")))
    assert refused(token.merge(kind, {"metadata": {"annotations": {"a": "b"}}}, "foreign"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": None},
        {"labels": {"app.kubernetes.io/instance": "other"}},
        {"ownerReferences": None},
        {"ownerReferences": [{**OWNER, "kind": "Other"}]},
    ],
    ids=["labels", "instance", "owner", "owner kind"],
)
def test_a_model_s_child_is_not_let_go(token: Token, kind: Kind, metadata: Json) -> None:
    """What the garbage collector and status would no longer find runs on unseen."""
    assert refused(token.merge(kind, {"metadata": metadata}), BELONGS)


@pytest.mark.parametrize(
    "spec",
    [
        {"externalIPs": ["192.0.2.1"]},
        {"type": "NodePort"},
        {"type": "LoadBalancer"},
        {"type": "ExternalName", "externalName": "example.com"},
    ],
    ids=lambda spec: str(spec.get("type", "externalIPs")),
)
def test_a_service_opens_no_way_in_from_outside(token: Token, spec: Json) -> None:
    """External addresses take traffic of every namespace; what a user set is left until it is removed."""
    body = child(SERVICE, "open")
    body["spec"] |= spec
    assert refused(token.apply(SERVICE, body), OUTSIDE)
    assert refused(token.merge(SERVICE, {"spec": spec}), OUTSIDE)
    if spec.get("type") != "ExternalName":
        path = SERVICE.path(TEAM, "m")
        assert token.admin("PATCH", path, {"spec": spec}, MERGE_PATCH).status == 200
        assert token.replace(path).status == 200
        back = {"type": "ClusterIP", "externalIPs": None}
        assert token.admin("PATCH", path, {"spec": back}, MERGE_PATCH).status == 200


def test_a_right_that_is_added_by_hand_is_held_to_the_same(token: Token) -> None:
    """Pods may be deleted where they are a model's; a Deployment is not scaled past its labels and owner."""
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    rules = [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]},
        {
            "apiGroups": ["apps"],
            "resources": ["deployments/scale", "deployments"],
            "verbs": ["patch", "delete"],
        },
    ]
    name = "actgate-test-more-rights"
    role: Json = {"kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    account = {"kind": "ServiceAccount", "name": "actgate-operator", "namespace": NAMESPACE}
    binding: Json = {"metadata": {"name": name}, "roleRef": reference, "subjects": [account]}
    made(token.admin("POST", f"{rbac}/clusterroles", role))
    made(token.admin("POST", f"{rbac}/clusterrolebindings", binding))
    try:
        pods = wait_until(lambda: pods_of(token))
        path = f"/api/v1/namespaces/{TEAM}/pods"
        wait_until(lambda: token.rest("DELETE", f"{path}/{pods['m']}", dryRun="All").status == 200)
        reply = token.rest("DELETE", f"{path}/{pods['foreign']}", dryRun="All")
        assert refused(reply, "may delete no pods but those of models"), reply
        scaled: Json = {"spec": {"replicas": 0}}
        for owner in ("m", "foreign"):
            whole = DEPLOYMENT.path(TEAM, owner)
            reply = token.rest("PATCH", f"{whole}/scale", scaled, MERGE_PATCH, dryRun="All")
            assert refused(reply), reply
        assert refused(token.rest("DELETE", DEPLOYMENT.path(TEAM, "foreign"), dryRun="All"), FOREIGN)
        assert token.rest("DELETE", DEPLOYMENT.path(TEAM, "m"), dryRun="All").status == 200
    finally:
        for plural in ("clusterrolebindings", "clusterroles"):
            token.admin("DELETE", f"{rbac}/{plural}/{name}")


def pods_of(token: Token) -> dict[str, str]:
    """Return a pod of each Deployment of the team's namespace, by the Deployment's name."""
    listed = token.admin("GET", f"/api/v1/namespaces/{TEAM}/pods").body["items"]
    names = {item["metadata"]["name"].partition("-")[0]: item["metadata"]["name"] for item in listed}
    assert names.keys() == {"m", "foreign"}
    return names


def test_ca_bundle_may_be_written(token: Token) -> None:
    """Of every webhook of the registration: the operator rotates what it signed itself."""
    number = len(token.admin("GET", REGISTRATION).body["webhooks"])
    for index in range(number):
        change = [{"op": "add", "path": f"/webhooks/{index}/clientConfig/caBundle", "value": "Zm9v"}]
        reply = token.rest("PATCH", REGISTRATION, change, JSON_PATCH, dryRun="All")
        # The bundle must be PEM, which is checked after the policy.
        assert reply.status in (200, 422), reply
        assert not refused(reply)


STRANGER: Final[Json] = {"apiVersion": "v1", "kind": "Namespace", "name": "gone", "uid": "1"}


@pytest.mark.parametrize(
    "change",
    [
        {"op": "replace", "path": "/webhooks", "value": []},
        {"op": "remove", "path": "/webhooks"},
        {"op": "remove", "path": "/webhooks/1"},
        *WEAKER,
        {"op": "replace", "path": "/webhooks/1/timeoutSeconds", "value": 1},
        {"op": "replace", "path": "/webhooks/0/name", "value": "other.actgate.dev"},
        {"op": "replace", "path": "/webhooks/0/rules", "value": []},
        {"op": "replace", "path": "/webhooks/0/matchConditions", "value": []},
        {"op": "remove", "path": "/webhooks/1/namespaceSelector"},
        {"op": "add", "path": "/webhooks/0/objectSelector", "value": {"matchLabels": {"a": "b"}}},
        {"op": "replace", "path": "/webhooks/0/clientConfig/service/path", "value": "/metrics"},
        {"op": "replace", "path": "/webhooks/0/clientConfig/service/namespace", "value": "default"},
        {"op": "replace", "path": "/webhooks/0/clientConfig", "value": {"url": "https://evil.example/"}},
        {"op": "add", "path": "/metadata/ownerReferences", "value": [STRANGER]},
        {"op": "add", "path": "/metadata/finalizers", "value": ["evil.example/stay"]},
        {"op": "add", "path": "/metadata/annotations", "value": {"cert-manager.io/inject-ca-from": "a/b"}},
        {"op": "remove", "path": "/metadata/labels"},
    ],
    ids=lambda change: f"{change['op']} {change['path']} {str(change.get('value', ''))[:20]}",
)
def test_nothing_else_of_the_registration_may_be_changed(token: Token, change: Json) -> None:
    """RBAC can grant only the whole object; a gate without webhooks is no gate."""
    reply = token.rest("PATCH", REGISTRATION, [change], JSON_PATCH, dryRun="All")
    assert refused(reply, BUNDLE), reply


def test_no_report_of_another_tool_is_written(token: Token) -> None:
    """People act on what Kyverno or a scanner reports: it must not vanish by this token."""
    with serving(token.admin, OPEN_REPORTS):
        for cluster, name, allowed in (
            (False, "actgate-7f0c6b3a", True),
            (True, "actgate", True),
            (False, "7f0c6b3a", False),
            (True, "kyverno", False),
            (False, "actgatecopy", False),
        ):
            kind = OPEN_REPORTS.cluster_kind if cluster else OPEN_REPORTS.kind
            plural = OPEN_REPORTS.cluster_plural if cluster else OPEN_REPORTS.plural
            folder = f"/apis/{OPEN_REPORTS.api_version}" + ("" if cluster else f"/namespaces/{TEAM}")
            path = f"{folder}/{plural}/{name}"
            made_of: Json = {"apiVersion": OPEN_REPORTS.api_version, "kind": kind, "metadata": {"name": name}}
            reply = token.rest(
                "PATCH", path, made_of, APPLY_PATCH, fieldManager="actgate-operator", force="true"
            )
            assert (reply.status == 201) == allowed, reply
            assert allowed or refused(reply, "may write no report but its own"), reply
            if not allowed:
                made(token.admin("POST", f"{folder}/{plural}", made_of))
                assert refused(token.rest("DELETE", path), "may write no report but its own")


def test_an_administrator_is_held_to_nothing_of_this(token: Token) -> None:
    """The policies are about one account."""
    for kind in KINDS:
        path = kind.path("kube-public", "").rstrip("/")
        bare = child(kind, "bare", labels=None, ownerReferences=None)
        assert token.admin("POST", path, bare, dryRun="All").status == 201
    assert token.admin("PATCH", REGISTRATION, WEAKER, JSON_PATCH, dryRun="All").status == 200


def test_the_type_checker_of_the_api_server_finds_nothing(token: Token) -> None:
    """An expression that it doubts may fail at the moment when it counts."""
    path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
    names = [
        item["metadata"]["name"]
        for item in token.admin("GET", path).body["items"]
        if item["metadata"]["name"].startswith("actgate-")
    ]
    assert len(names) == 4
    for name in names:

        def checked(name: str = name) -> Json:
            status: Json = token.admin("GET", f"{path}/{name}").body.get("status") or {}
            assert "typeChecking" in status, status
            return status

        assert "expressionWarnings" not in (wait_until(checked) or {})["typeChecking"]


def test_under_another_namespace_the_account_is_held_to_the_same(cluster: Cluster, tmp_path: Path) -> None:
    """Its own namespace is the one that it is in, and not a name that is written down."""
    file = compose(tmp_path, []) / "kustomization.yaml"
    overlay = yaml.safe_load(file.read_text("utf-8")) | {"namespace": "gate"}
    file.write_text(yaml.safe_dump(overlay), encoding="utf-8")
    with installed(cluster, tmp_path):
        rest = rest_of(cluster, "actgate-operator", "gate")
        stolen = Token(rest, cluster.rest, OWNER)
        wait_until(lambda: refused(stolen.apply(SERVICE, child(SERVICE), "gate"), "namespace gate:"))
        assert refused(stolen.apply(SERVICE, child(SERVICE), "kube-system"), "namespace kube-system:")
        rest.close()
