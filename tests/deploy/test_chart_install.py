"""The chart on the real API server: installed, upgraded and removed by the real Helm."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import yaml

from actgate_operator.certificates.reconciler import MANAGER
from actgate_sandbox.pki import Authority
from actgate_sandbox.rest import APPLY_PATCH
from tests.deploy.accounts import REGISTRATION
from tests.deploy.charting import CHART, EVERYTHING, RELEASE, Values, helm, needs_helm, set_values
from tests.deploy.conftest import Cluster
from tests.deploy.installing import apply, apply_kinds, written
from tests.deploy.rendering import DEPLOY, NAMESPACE, SERVICES, Json

pytestmark = [needs_helm, pytest.mark.needs_kubectl]

AUDIT_FIRST: Final = "/apis/actgate.dev/v1alpha1/compliancepolicies/audit-first"
DEFINITIONS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def run(cluster: Cluster, verb: str, *arguments: str) -> str:
    """Run `helm VERB actgate …` on the cluster, and return what it printed."""
    done = attempt(cluster, verb, *arguments)
    assert done[0] == 0, done[1]
    return done[1]


def attempt(cluster: Cluster, verb: str, *arguments: str) -> tuple[int, str]:
    """Run it, and return the exit code and what it printed, errors if it failed."""
    to = (f"--kubeconfig={cluster.plane.kubeconfig}", f"--namespace={NAMESPACE}")
    done = helm(*verb.split(), RELEASE, *arguments, *to, check=False)
    return done.returncode, done.stdout if done.returncode == 0 else done.stderr


@contextmanager
def installed(cluster: Cluster, values: Values, *flags: str) -> Iterator[str]:
    """Install the chart in one command, which prints what is yielded, and leave nothing in the end."""
    try:
        yield run(cluster, "install", str(CHART), "--create-namespace", *set_values(values), *flags)
    finally:
        run(cluster, "uninstall", "--ignore-not-found", "--wait")
        for what in (("-f", str(CHART / "crds")), ("namespace", NAMESPACE)):
            done = cluster.kubectl("delete", *what, "--ignore-not-found", "--timeout=300s")
            assert done.code == 0, done.err


def manifest(cluster: Cluster, folder: Path) -> Path:
    """Return a file with what the release holds."""
    file = folder / "manifest.yaml"
    file.write_text(run(cluster, "get manifest"), encoding="utf-8")
    return file


def test_everything_is_installed_by_one_command_and_a_second_one_changes_nothing(
    cluster: Cluster, tmp_path: Path
) -> None:
    """Kinds first, and an object of such a kind with them; the pods are let in, and become ready."""
    with installed(cluster, EVERYTHING):
        for service in SERVICES:
            done = cluster.kubectl(
                "-n", NAMESPACE, "rollout", "status", f"deployment/{service}", "--timeout=90s"
            )
            assert done.code == 0, done.err
        file = manifest(cluster, tmp_path)
        before = written(cluster, "-f", file)
        assert len(before) > 30
        run(cluster, "upgrade", str(CHART), *set_values(EVERYTHING))
        assert manifest(cluster, tmp_path).read_text("utf-8") == file.read_text("utf-8")
        assert written(cluster, "-f", file) == before


def test_an_installation_by_kubectl_becomes_a_release_and_restarts_nothing(cluster: Cluster) -> None:
    """Objects are taken by --take-ownership, fields by --force-conflicts where Helm applies them."""
    apply_kinds(cluster)
    apply(cluster, DEPLOY / "base")
    before = templates(cluster)
    is_server_side = "--force-conflicts" in helm("install", "--help").stdout
    with installed(cluster, {}, "--take-ownership", *["--force-conflicts"][: int(is_server_side)]):
        assert templates(cluster) == before
        assert "kind: ValidatingWebhookConfiguration" in run(cluster, "get manifest")


def templates(cluster: Cluster) -> dict[str, Json]:
    """Return the pod template of each Deployment, of which a change restarts its pods."""
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
    items = cluster.rest("GET", path).body["items"]
    return {item["metadata"]["name"]: item["spec"]["template"] for item in items}


def test_removed_it_leaves_the_kinds_and_nothing_else(cluster: Cluster, tmp_path: Path) -> None:
    """No model and no evidence goes with the release, and no registration stays without a webhook."""
    with installed(cluster, EVERYTHING):
        file = manifest(cluster, tmp_path)
        run(cluster, "uninstall", "--wait")
        left = cluster.kubectl("get", "-f", str(file), "--ignore-not-found", "-o", "name")
        assert (left.code, left.out) == (0, "")
        for path in sorted((CHART / "crds").glob("*.yaml")):
            assert cluster.rest("GET", f"{DEFINITIONS}/{path.stem}").status == 200


def test_after_the_first_weeks_an_upgrade_refuses(cluster: Cluster) -> None:
    """The policy that only records goes, and the registration fails closed, in one command."""
    with installed(cluster, {"baseline": {"enforcement": "Audit"}}):
        assert cluster.rest("GET", AUDIT_FIRST).body["spec"]["enforcement"] == "Audit"
        assert policies(cluster) == {"Ignore"}
        run(cluster, "upgrade", str(CHART), "--set=baseline.enforcement=Warn")
        assert cluster.rest("GET", AUDIT_FIRST).body["spec"]["enforcement"] == "Warn"
        run(cluster, "upgrade", str(CHART), "--set=baseline.enforcement=Deny")
        assert cluster.rest("GET", AUDIT_FIRST).status == 404
        assert policies(cluster) == {"Fail"}


def policies(cluster: Cluster) -> set[str]:
    """Return what the registration says happens without an answer, to what is declared or always judged."""
    webhooks = cluster.rest("GET", REGISTRATION).body["webhooks"]
    return {item["failurePolicy"] for item in webhooks if item["name"] != "detected.actgate.dev"}


def test_an_upgrade_leaves_the_ca_bundle_to_the_operator(cluster: Cluster) -> None:
    """What it applied as a manager of its own is there after the registration was changed by Helm."""
    bundle = base64.b64encode(Authority("upgrade").certificate).decode()
    with installed(cluster, {}):
        names = [item["name"] for item in cluster.rest("GET", REGISTRATION).body["webhooks"]]
        body: Json = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "webhooks": [{"name": name, "clientConfig": {"caBundle": bundle}} for name in names],
        }
        reply = cluster.rest("PATCH", REGISTRATION, body, APPLY_PATCH, fieldManager=MANAGER)
        assert reply.status == 200, reply
        run(cluster, "upgrade", str(CHART), "--set=registration.timeoutSeconds=7")
        after = cluster.rest("GET", REGISTRATION).body["webhooks"]
        assert {item["timeoutSeconds"] for item in after} == {7}
        assert {item["clientConfig"]["caBundle"] for item in after} == {bundle}


def test_an_upgrade_waits_for_the_kinds_of_its_chart(cluster: Cluster, tmp_path: Path) -> None:
    """Helm never changes what is in crds; the services must not meet kinds that lack their fields."""
    newer = tmp_path / "chart"
    shutil.copytree(CHART, newer)
    (path,) = (newer / "crds").glob("modeldeployments.*")
    definition = yaml.safe_load(path.read_text("utf-8"))
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"][
        "properties"
    ]
    schema["added"] = {"type": "string", "maxLength": 8, "description": "Of a newer version."}
    path.write_text(yaml.safe_dump(definition), encoding="utf-8")
    with installed(cluster, {}):
        code, words = attempt(cluster, "upgrade", str(newer))
        assert code == 1
        assert "the kind modeldeployments.actgate.dev of this cluster is not that of chart actgate" in words
        kinds = tmp_path / "kinds.yaml"
        kinds.write_text(helm("show", "crds", str(newer)).stdout, encoding="utf-8")
        assert "helm show crds CHART | kubectl apply --server-side --force-conflicts -f -" in words
        done = cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(kinds))
        assert done.code == 0, done.err
        run(cluster, "upgrade", str(newer))


def test_a_dry_run_on_a_server_says_what_would_be(cluster: Cluster) -> None:
    """Nothing is there afterwards, not even the kinds."""
    printed = run(cluster, "install", str(CHART), "--dry-run=server")
    assert "kind: ValidatingWebhookConfiguration" in printed
    for path in (REGISTRATION, f"{DEFINITIONS}/modeldeployments.actgate.dev"):
        assert cluster.rest("GET", path).status == 404


def test_notes_say_what_to_do_next(cluster: Cluster) -> None:
    """How to hold the namespace, which Helm makes without labels, to the restricted standard."""
    label = f"kubectl label namespace {NAMESPACE} pod-security.kubernetes.io/enforce=restricted"
    with installed(cluster, {}) as printed:
        assert label in printed
        done = cluster.kubectl(*label.split()[1:])
        assert done.code == 0, done.err
        assert label not in run(cluster, "upgrade", str(CHART))
