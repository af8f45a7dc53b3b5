"""Install, install again, and remove, before the real API server."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from actgate_operator.certificates.reconciler import MANAGER
from actgate_sandbox.pki import Authority
from actgate_sandbox.rest import APPLY_PATCH
from tests.deploy.accounts import REGISTRATION
from tests.deploy.conftest import Cluster
from tests.deploy.installing import apply, installed, written
from tests.deploy.rendering import DEPLOY, NAMESPACE, OVERLAYS, ROOT, SERVICES, Json, compose
from tests.support.crds import collection, deployment_spec
from tests.support.waiting import wait_until

pytestmark = pytest.mark.needs_kubectl

EVERYTHING = "all components"
INSTALLATIONS = ["base", *OVERLAYS, EVERYTHING]
GITOPS = sorted(
    path
    for path in (DEPLOY / "gitops").glob("*/*.yaml")
    if path.name not in ("kustomization.yaml", "argocd-cm.yaml")
)


@pytest.fixture(params=INSTALLATIONS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """What is applied: the base, an overlay, or all components together."""
    if request.param == EVERYTHING:
        return compose(tmp_path)
    return DEPLOY / "base" if request.param == "base" else DEPLOY / "overlays" / request.param


def test_an_installation_is_accepted_and_a_second_one_changes_nothing(cluster: Cluster, folder: Path) -> None:
    """Every object is taken by strict validation, with no warning, and stays as it is."""
    with installed(cluster, folder, "--validate=strict"):
        before = written(cluster, "-k", folder)
        again = cluster.kubectl("apply", "-k", str(folder))
        assert (again.code, again.err) == (0, "")
        assert written(cluster, "-k", folder) == before


def test_a_server_side_installation_changes_nothing_again(cluster: Cluster) -> None:
    """As Argo CD and Flux apply: no conflict with another manager, and no difference afterwards."""
    folder = DEPLOY / "base"
    with installed(cluster, folder, "--server-side"):
        before = written(cluster, "-k", folder)
        apply(cluster, folder, "--server-side")
        assert written(cluster, "-k", folder) == before
        difference = cluster.kubectl("diff", "-k", str(folder), "--server-side")
        assert (difference.code, difference.out) == (0, ""), difference.out


@pytest.mark.parametrize("flags", [(), ("--server-side",)], ids=["client-side", "server-side"])
def test_an_upgrade_leaves_the_ca_bundle_to_the_operator(cluster: Cluster, flags: tuple[str, ...]) -> None:
    """What it applied as a manager of its own is there after another installation, and no difference."""
    bundle = base64.b64encode(Authority("upgrade").certificate).decode()
    folder = DEPLOY / "base"
    with installed(cluster, folder, *flags):
        names = [item["name"] for item in cluster.rest("GET", REGISTRATION).body["webhooks"]]
        trusting = [{"name": name, "clientConfig": {"caBundle": bundle}} for name in names]
        body: Json = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "webhooks": trusting,
        }
        reply = cluster.rest("PATCH", REGISTRATION, body, APPLY_PATCH, fieldManager=MANAGER)
        assert reply.status == 200, reply
        apply(cluster, folder, *flags)
        after = cluster.rest("GET", REGISTRATION).body["webhooks"]
        assert {item["clientConfig"]["caBundle"] for item in after} == {bundle}
        assert cluster.kubectl("diff", "-k", str(folder), *flags).code == 0


def test_a_dry_run_shows_what_would_be(cluster: Cluster) -> None:
    """Where the namespace is not there yet, a user can check everything else before."""
    done = cluster.kubectl("apply", "-k", str(ROOT / "crds"), "--dry-run=server")
    assert done.code == 0, done.err
    assert done.out.count("created (server dry run)") == len(list((ROOT / "crds").glob("*.actgate.dev.yaml")))


def test_our_pods_are_let_in_by_the_restricted_standard(cluster: Cluster) -> None:
    """Deployments become available in our namespace as it is labelled; a pod that asks for more does not."""
    with installed(cluster, DEPLOY / "base"):
        for service in SERVICES:
            done = cluster.kubectl(
                "-n", NAMESPACE, "wait", "--for=condition=Available", f"deployment/{service}", "--timeout=90s"
            )
            assert done.code == 0, done.err
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "open"},
            "spec": {"containers": [{"name": "open", "image": "registry.example/open:1"}]},
        }
        refused = cluster.rest("POST", f"/api/v1/namespaces/{NAMESPACE}/pods", pod, dryRun="All")
        assert refused.status == 403
        assert "restricted" in refused.message


def test_what_is_removed_leaves_a_usable_cluster(cluster: Cluster, tmp_path: Path) -> None:
    """No namespace that never ends, no registration without a webhook, no kind, no right, no class."""
    with installed(cluster, compose(tmp_path)):
        pass
    listed = (
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        "/apis/scheduling.k8s.io/v1/priorityclasses",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        "/api/v1/namespaces",
    )
    for path in listed:
        names = [item["metadata"]["name"] for item in cluster.rest("GET", path).body["items"]]
        assert not [name for name in names if "actgate" in name], path
    things: dict[str, Json] = {
        "/api/v1/namespaces/default/configmaps": {"apiVersion": "v1", "kind": "ConfigMap"},
        "/apis/apps/v1/namespaces/default/deployments": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "spec": {
                "selector": {"matchLabels": {"app": "after"}},
                "template": {
                    "metadata": {"labels": {"app": "after", "actgate.dev/inference": "true"}},
                    "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]},
                },
            },
        },
    }
    for path, thing in things.items():
        made = cluster.rest("POST", path, {**thing, "metadata": {"name": "after"}})
        assert made.status == 201, made
        assert cluster.rest("DELETE", f"{path}/after").status == 200


def test_models_can_be_kept_when_actgate_is_removed(cluster: Cluster) -> None:
    """Deleted as an orphan, a ModelDeployment leaves its Deployment, which has no owner then."""
    deployments = "/apis/apps/v1/namespaces/default/deployments"
    with installed(cluster, DEPLOY / "overlays" / "audit-first"):
        path = f"{collection('ModelDeployment', 'default')}/kept"
        body: Json = {
            "apiVersion": "actgate.dev/v1alpha1",
            "kind": "ModelDeployment",
            "metadata": {"name": "kept"},
            "spec": deployment_spec(),
        }
        model = wait_until(lambda: _applied(cluster, path, body))
        owner: Json = {key: model["metadata"][key] for key in ("name", "uid")}
        child: Json = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": "kept",
                "ownerReferences": [{**owner, "apiVersion": body["apiVersion"], "kind": body["kind"]}],
            },
            "spec": {
                "selector": {"matchLabels": {"app": "kept"}},
                "template": {
                    "metadata": {"labels": {"app": "kept"}},
                    "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}]},
                },
            },
        }
        assert cluster.rest("POST", deployments, child).status == 201
        done = cluster.kubectl(
            "delete", "modeldeployments", "--all", "--all-namespaces", "--cascade=orphan", "--timeout=60s"
        )
        assert done.code == 0, done.err
    kept = cluster.rest("GET", f"{deployments}/kept")
    assert kept.status == 200
    assert "ownerReferences" not in kept.body["metadata"]
    assert cluster.rest("DELETE", f"{deployments}/kept").status == 200


def _applied(cluster: Cluster, path: str, body: Json) -> Json:
    """Apply an object of a kind that the API server may only begin to serve."""
    reply = cluster.rest("PATCH", path, body, APPLY_PATCH, fieldManager="test")
    assert reply.status == 201, reply
    return dict(reply.body)


@pytest.mark.parametrize("path", GITOPS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_examples_for_gitops_are_accepted(cluster: Cluster, path: Path) -> None:
    """They are well-formed objects of the versions that they name."""
    for name in ("argocd", "flux-system"):
        cluster.rest("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    done = cluster.kubectl("apply", "-f", str(path), "--dry-run=server")
    assert done.code == 0, done.err
