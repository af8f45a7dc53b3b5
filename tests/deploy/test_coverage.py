"""What is asked about, and who may change that, on the real API server: components, and both guards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from actgate.api.names import ENFORCE_LABEL, EXEMPT_LABEL
from demo import registration
from tests.deploy.conftest import Cluster
from tests.deploy.installing import apply_kinds
from tests.deploy.rendering import DEPLOY, ROOT, Json, compose, named, render
from tests.support.crds import manifest_spec
from tests.support.kubectl import Outcome
from tests.support.waiting import wait_until
from tests.webhook import corpus

pytestmark = pytest.mark.needs_kubectl

TEAM: Final = "team-coverage"
EXEMPTED: Final = "metadata.labels[actgate.dev/exempt]: Forbidden: takes namespace"
_RBAC: Final = "rbac.authorization.k8s.io"


def role(name: str, *rules: Json) -> list[Json]:
    """Return a ClusterRole, and its binding to the user of that name."""
    reference = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": f"coverage-{name}"}
    return [
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": f"coverage-{name}"},
            "rules": list(rules),
        },
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": f"coverage-{name}"},
            "roleRef": reference,
            "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": name}],
        },
    ]


def rule(group: str, resources: str, *verbs: str) -> Json:
    """Return a rule of a role."""
    return {"apiGroups": [group], "resources": resources.split(), "verbs": list(verbs)}


NAMESPACES: Final = rule("", "namespaces namespaces/status namespaces/finalize", "*")
WRITES: Final = rule("actgate.dev", "compliancemanifests", "get", "create", "patch")
ATTESTS: Final = rule("actgate.dev", "compliancemanifests", "attest")
USERS: Final = [
    *role("namespace-owner", NAMESPACES),
    *role("exempter", NAMESPACES, rule("actgate.dev", "namespaces", "exempt")),
    *role("auditor", WRITES, ATTESTS),
    *role("writer", WRITES),
    *role("deployer", WRITES, ATTESTS, rule("apps", "deployments", "create")),
    *role("modeler", WRITES, ATTESTS, rule("actgate.dev", "modeldeployments", "create")),
    *role("scheduler", WRITES, ATTESTS, rule("batch", "cronjobs", "create")),
    *role("everything", rule("*", "*", "*")),
]


class Place:
    """The cluster, with users of different rights."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def namespace(self, user: str, name: str, labels: Json, *flags: str) -> Outcome:
        """Apply a namespace with labels as a user."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        return self.cluster.kubectl.apply(body, flags=(f"--as={user}", "--server-side", *flags))

    def patch(self, user: str, name: str, value: str | None, subresource: str = "") -> Outcome:
        """Change the label of a namespace as a user; None takes it off."""
        change = json.dumps({"metadata": {"labels": {EXEMPT_LABEL: value}}})
        flags = [f"--subresource={subresource}"] if subresource else []
        return self.cluster.kubectl(
            "patch", "namespace", name, f"--as={user}", "--type=merge", "-p", change, *flags
        )

    def attests(self, user: str) -> Outcome:
        """Create a manifest as a user, in a dry run."""
        body = {
            "apiVersion": "actgate.dev/v1alpha1",
            "kind": "ComplianceManifest",
            "metadata": {"name": f"by-{user}", "namespace": TEAM},
            "spec": manifest_spec(),
        }
        return self.cluster.kubectl.apply(body, flags=(f"--as={user}", "--server-side", "--dry-run=server"))


@pytest.fixture(scope="module")
def place(cluster: Cluster) -> Iterator[Place]:
    """Both policies, users, and a namespace; all of it is gone afterwards."""
    files = [
        DEPLOY / "base" / "namespace-exemptions.yaml",
        DEPLOY / "components/manifest-authors/policy.yaml",
    ]
    flags = [item for file in files for item in ("-f", str(file))]
    apply_kinds(cluster)
    assert cluster.kubectl("apply", *flags).code == 0
    done = cluster.kubectl.apply(*USERS)
    assert done.code == 0, done.err
    found = Place(cluster)
    try:
        assert cluster.kubectl("create", "namespace", TEAM).code == 0
        # The API server follows policies and roles in caches of its own.
        wait_until(
            lambda: (
                EXEMPTED
                in found.namespace("namespace-owner", "probe", {EXEMPT_LABEL: ""}, "--dry-run=server").err
            )
        )
        wait_until(lambda: "may not attest" in found.attests("writer").err)
        yield found
    finally:
        names = [item["metadata"]["name"] for item in USERS if item["kind"] == "ClusterRole"]
        cluster.kubectl("delete", "clusterroles,clusterrolebindings", *names, "--ignore-not-found")
        cluster.kubectl("delete", *flags, "--ignore-not-found")
        cluster.kubectl("delete", "namespace", TEAM, "team-exempt", "--ignore-not-found", "--wait=false")
        cluster.kubectl("delete", "-k", str(ROOT / "crds"), "--ignore-not-found", "--timeout=120s")


def test_a_namespace_is_exempted_by_the_verb_alone(place: Place) -> None:
    """At creation and later, whatever the value, also by the subresources; else it is written as before."""
    for labels in ({EXEMPT_LABEL: ""}, {EXEMPT_LABEL: "false"}, {EXEMPT_LABEL: "true", "team": "credit"}):
        done = place.namespace("namespace-owner", "team-other", labels)
        assert EXEMPTED in done.err, done
    for subresource in ("", "status"):
        assert EXEMPTED in place.patch("namespace-owner", TEAM, "true", subresource).err, subresource
    finalize = f"/api/v1/namespaces/{TEAM}/finalize"
    body = place.cluster.rest("GET", f"/api/v1/namespaces/{TEAM}").body
    body["metadata"]["labels"][EXEMPT_LABEL] = "true"
    done = place.cluster.kubectl(
        "replace", "--raw", finalize, "-f", "-", "--as=namespace-owner", stdin=json.dumps(body)
    )
    assert EXEMPTED in done.err, done

    done = place.namespace("exempter", "team-exempt", {EXEMPT_LABEL: "true"})
    assert done.code == 0, done
    assert place.patch("exempter", TEAM, "x").code == 0
    # What else is written to an exempt namespace is not judged: only a change of the label is.
    assert place.cluster.kubectl("annotate", "namespace", TEAM, "a=b", "--as=namespace-owner").code == 0
    assert EXEMPTED in place.patch("namespace-owner", TEAM, "y").err
    assert EXEMPTED in place.patch("namespace-owner", TEAM, None).err
    assert place.patch("exempter", TEAM, None).code == 0


def test_evidence_is_created_only_by_an_account_that_attests_and_cannot_deploy(place: Place) -> None:
    """Not by who may write manifests, and not by who could run what the evidence is about."""
    done = place.attests("auditor")
    assert done.code == 0, done
    assert "writer may not attest in namespace team-coverage" in place.attests("writer").err
    for user in ("deployer", "modeler", "scheduler", "everything"):
        assert f"{user} can deploy in namespace team-coverage" in place.attests(user).err, user


SERVER: Final = corpus.container(image="vllm/vllm-openai:1")
INSTALLED: Final[dict[str, tuple[str, ...]]] = {
    "base": (),
    "opt-in-namespaces": ("opt-in-namespaces",),
    "detected-fail": ("detected-fail",),
    "both": ("opt-in-namespaces", "detected-fail"),
}
PLACES: Final[dict[str, Json]] = {
    "team-plain": {},
    "team-enforced": {ENFORCE_LABEL: "true"},
    "team-not-enforced": {ENFORCE_LABEL: "false"},
    "team-exempted": {EXEMPT_LABEL: "false", ENFORCE_LABEL: "true"},
}
SYSTEM: Final = ("kube-system", "kube-node-lease", "actgate-system")


@pytest.fixture(scope="module")
def namespaces(cluster: Cluster) -> Iterator[None]:
    """Namespaces with each label, and the system's own."""
    for name, labels in (*PLACES.items(), ("actgate-system", {})):
        cluster.rest("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
        account = {"metadata": {"name": "default"}}
        cluster.rest("POST", f"/api/v1/namespaces/{name}/serviceaccounts", account)
    yield
    for name in (*PLACES, "actgate-system"):
        cluster.kubectl("delete", "namespace", name, "--timeout=60s")


@pytest.mark.usefixtures("namespaces")
@pytest.mark.parametrize("installation", INSTALLED)
def test_components_decide_where_an_object_waits_for_the_webhook(
    cluster: Cluster, tmp_path: Path, installation: str
) -> None:
    """No webhook runs: what is asked about, and may not go on, is refused. System namespaces never are."""
    components = INSTALLED[installation]
    folder = DEPLOY / "base" if not components else compose(tmp_path, components)
    written = named(render(folder), "ValidatingWebhookConfiguration", "actgate")
    registration.install(cluster.rest, registration.on_loopback(written, 9, b""))
    judged = {"team-enforced"}
    if "opt-in-namespaces" not in components:
        judged |= {"team-plain", "team-not-enforced"}
    try:
        wait_until(lambda: waits(cluster, "team-enforced", declared=True))
        assert {name for name in (*PLACES, *SYSTEM) if waits(cluster, name, declared=True)} == judged
        expected = judged if "detected-fail" in components else set()
        assert {name for name in (*PLACES, *SYSTEM) if waits(cluster, name, declared=False)} == expected
    finally:
        registration.uninstall(cluster.rest, written)
        wait_until(lambda: not waits(cluster, "team-enforced", declared=True))


def waits(cluster: Cluster, namespace: str, *, declared: bool) -> bool:
    """Return whether a server cannot be created there while no webhook answers."""
    labels = {"actgate.dev/inference": "true"} if declared else {}
    obj = corpus.of_kind("Deployment", corpus.pod_of([SERVER]), labels)
    obj["metadata"]["namespace"] = namespace
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    reply = cluster.rest("POST", path, obj, dryRun="All")
    assert reply.status == 201 or "failed calling webhook" in reply.message, reply
    return reply.status != 201
