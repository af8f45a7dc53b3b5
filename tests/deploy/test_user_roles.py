"""What people may do of ours with the roles that every cluster has: view, edit and admin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
import yaml

from tests.deploy.asking import allowed
from tests.deploy.conftest import Cluster
from tests.deploy.installing import installed
from tests.deploy.rendering import DEPLOY, ROOT, Json, named, render
from tests.support.waiting import wait_until

pytestmark = pytest.mark.needs_kubectl

TEAM: Final = "team-roles"
ROLES: Final = ("view", "edit", "admin")
GROUPS: Final = ["system:authenticated"]
BINDINGS: Final = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{TEAM}/rolebindings"
READ: Final = [
    f"{verb} {resource}.actgate.dev"
    for verb in ("get", "list", "watch")
    for resource in ("modeldeployments", "compliancemanifests")
]
WRITE_MODELS: Final = [
    f"{verb} modeldeployments.actgate.dev"
    for verb in ("create", "update", "patch", "delete", "deletecollection")
] + ["patch modeldeployments.actgate.dev/scale", "update modeldeployments.actgate.dev/scale"]
NEVER: Final = [
    *(
        f"{verb} compliancemanifests.actgate.dev"
        for verb in ("create", "update", "patch", "delete", "deletecollection")
    ),
    "create compliancepolicies.actgate.dev",
    "patch compliancepolicies.actgate.dev",
    "delete compliancepolicies.actgate.dev",
    # The right to create one is the approval.
    *(
        f"{verb} exemptions.actgate.dev"
        for verb in ("create", "update", "patch", "delete", "deletecollection")
    ),
    "patch modeldeployments.actgate.dev/status",
    "update modeldeployments.actgate.dev/status",
    "patch compliancemanifests.actgate.dev/status",
    "update modeldeployments.actgate.dev/finalizers",
    # Labels of a namespace choose its policies and whether its workloads are judged.
    "patch namespaces",
    "update namespaces",
    *(
        f"{verb} validatingwebhookconfigurations.admissionregistration.k8s.io"
        for verb in ("create", "patch", "delete")
    ),
]


def binding(role: str, *, everywhere: bool = False) -> Json:
    """Return what gives the user of a role that role, in the team's namespace or everywhere."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding" if everywhere else "RoleBinding",
        "metadata": {"name": f"people-{role}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": f"{role}-everywhere"}
            if everywhere
            else {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": role}
        ],
    }


@pytest.fixture(scope="module")
def people(cluster: Cluster) -> Iterator[Cluster]:
    """A namespace with one user for each role, once the roles hold ours."""
    assert cluster.rest("POST", "/api/v1/namespaces", {"metadata": {"name": TEAM}}).status == 201
    for role in ROLES:
        assert cluster.rest("POST", BINDINGS, binding(role)).status == 201
    with installed(cluster, DEPLOY / "base"):
        # A controller of Kubernetes fills the aggregated roles.
        wait_until(lambda: all(may(cluster, role, "list modeldeployments.actgate.dev") for role in ROLES))
        wait_until(
            lambda: all(may(cluster, role, "create modeldeployments.actgate.dev") for role in ROLES[1:])
        )
        yield cluster
    cluster.rest("DELETE", f"/api/v1/namespaces/{TEAM}")


def may(cluster: Cluster, user: str, request: str) -> bool:
    """Return whether a user may do something in the team's namespace."""
    return allowed(cluster, user, GROUPS, f"{request} {TEAM}")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("request_line", READ)
def test_who_may_see_a_namespace_sees_why_something_was_refused(
    people: Cluster, role: str, request_line: str
) -> None:
    """Models, their status, and the evidence that a refusal speaks of."""
    assert may(people, role, request_line)


@pytest.mark.parametrize("request_line", WRITE_MODELS)
def test_editors_deploy_models_and_viewers_do_not(people: Cluster, request_line: str) -> None:
    """As they deploy everything else."""
    assert may(people, "edit", request_line)
    assert may(people, "admin", request_line)
    assert not may(people, "view", request_line)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("request_line", NEVER)
def test_no_user_writes_evidence_by_these_roles(people: Cluster, role: str, request_line: str) -> None:
    """Who deploys a model is not who says that it may be deployed; that right is given by name."""
    assert not may(people, role, request_line)


def test_edit_and_admin_can_become_the_accounts_of_their_namespace(people: Cluster) -> None:
    """So says docs/rights.md, and so a pipeline's account belongs into another namespace than its models."""
    for role, is_so in (("view", False), ("edit", True), ("admin", True)):
        for request_line in ("create serviceaccounts/token", "impersonate serviceaccounts"):
            assert may(people, role, request_line) is is_so
            assert not allowed(people, role, GROUPS, f"{request_line} pipelines")


def test_the_role_of_the_page_lets_a_pipeline_of_another_namespace_write_evidence(people: Cluster) -> None:
    """Bound into the namespace of the models; it may replace a manifest, and never change one."""
    page = (ROOT / "docs" / "rights.md").read_text("utf-8")
    role = yaml.safe_load(page.split("```yaml\n", 1)[1].split("```", 1)[0])
    roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    assert people.rest("POST", roles, role).status == 201
    name = role["metadata"]["name"]
    account: Json = {"kind": "ServiceAccount", "name": "pipeline", "namespace": "pipelines"}
    bound = {**binding(name), "subjects": [account]}
    try:
        assert people.rest("POST", BINDINGS, bound).status == 201
        user = "system:serviceaccount:pipelines:pipeline"
        groups = ["system:serviceaccounts", "system:serviceaccounts:pipelines", *GROUPS]
        wait_until(lambda: allowed(people, user, groups, f"create compliancemanifests.actgate.dev {TEAM}"))
        for verb in ("patch", "update"):
            assert not allowed(people, user, groups, f"{verb} compliancemanifests.actgate.dev {TEAM}")
        assert not allowed(people, user, groups, "create compliancemanifests.actgate.dev default")
    finally:
        people.rest("DELETE", f"{roles}/{name}")


def test_policies_are_seen_through_a_cluster_role_binding_alone(people: Cluster) -> None:
    """They are outside namespaces, where a RoleBinding reaches nothing."""
    line = "list compliancepolicies.actgate.dev"
    assert not allowed(people, "view", GROUPS, line)
    path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    assert people.rest("POST", path, binding("view", everywhere=True)).status == 201
    try:
        wait_until(lambda: allowed(people, "view-everywhere", GROUPS, line))
    finally:
        people.rest("DELETE", f"{path}/people-view")


def test_the_roles_are_written_so() -> None:
    """Also where there is no real API server to ask: each is taken in where it should be."""
    objects = render(DEPLOY / "base")
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    view, edit = (named(objects, "ClusterRole", name) for name in ("actgate-view", "actgate-edit"))
    for role, into in ((view, {"view", "edit", "admin"}), (edit, {"edit", "admin"})):
        labels = role["metadata"]["labels"]
        assert {key.removeprefix(prefix) for key in labels if key.startswith(prefix)} == into
    assert {verb for rule in view["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}
    assert {item for rule in edit["rules"] for item in rule["resources"]} == {
        "modeldeployments",
        "modeldeployments/scale",
    }
