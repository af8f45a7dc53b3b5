"""``actgate scan``: what the gate would say about a cluster, by a kubeconfig alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Final

import jsonschema
import pytest
import yaml

from actgate_sandbox import control_plane as sandbox
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import CRDS, Rest, install_crds
from tests.cli.support import actgate, manifest, policy, write
from tests.support import crds

Json = dict[str, Any]

SCHEMA: Final = json.loads((files("actgate.cli.report") / "scan.schema.json").read_text())
KSERVE: Final = "serving.kserve.io"
VLLM: Final = "docker.io/vllm/vllm-openai:v0.11"
LINKED: Final = {"actgate.dev/compliance-manifest": "credit-v2", "actgate.dev/model": "CreditRiskScorer"}


def definition() -> Json:
    """Return a small CustomResourceDefinition with the names of KServe's InferenceService."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1beta1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {
        "kind": "InferenceService",
        "listKind": "InferenceServiceList",
        "plural": "inferenceservices",
        "singular": "inferenceservice",
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"inferenceservices.{KSERVE}"},
        "spec": {"group": KSERVE, "scope": "Namespaced", "names": names, "versions": [version]},
    }


class Cluster:
    """A namespace of a control plane, and the command against it."""

    def __init__(self, plane: ControlPlane, rest: Rest, namespace: str) -> None:
        self.rest, self.namespace = rest, namespace
        self.env = {**os.environ, "KUBECONFIG": str(plane.kubeconfig)}

    def run(self, *arguments: str) -> CompletedProcess[str]:
        """Scan the namespace."""
        return actgate("scan", "-n", self.namespace, *arguments, env=self.env)

    def report(self, *arguments: str) -> tuple[int, Json]:
        """Return the exit code and the JSON, which keeps to its schema."""
        done = self.run("-o", "json", *arguments)
        found: Json = json.loads(done.stdout)
        jsonschema.Draft202012Validator(SCHEMA).validate(found)
        return done.returncode, found

    def create(self, root: str, plural: str, obj: Json) -> Json:
        """Create an object in the namespace."""
        reply = self.rest("POST", f"{root}/namespaces/{self.namespace}/{plural}", obj)
        assert reply.status == 201, reply
        stored: Json = reply.body
        return stored

    def deployment(self, name: str, image: str = VLLM, **template: Any) -> Json:  # noqa: ANN401 - JSON
        """Create a Deployment."""
        return self.create("/apis/apps/v1", "deployments", deployment(name, image, **template))


def deployment(name: str, image: str = VLLM, **template: Any) -> Json:  # noqa: ANN401 - JSON
    """Return a Deployment of a model server."""
    labels = {"app": "server"}
    spec = {"containers": [{"name": "server", "image": image, "args": ["--model", "bank/credit"]}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels, **template}, "spec": spec},
        },
    }


@pytest.fixture(scope="module")
def plane(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """A control plane of these tests alone: on the one that others share, our kinds are installed once."""
    with sandbox.start(control_plane.engine) as own:
        yield own


@pytest.fixture(scope="module")
def rest(plane: ControlPlane) -> Iterator[Rest]:
    """A client of that control plane, in place of the shared one's."""
    client = plane.rest()
    yield client
    client.close()


@pytest.fixture
def cluster(plane: ControlPlane, rest: Rest, namespace: str) -> Cluster:
    """Return a namespace of a cluster that knows nothing of actgate."""
    for name in (f"{kind}.actgate.dev" for kind in ("compliancemanifests", "exemptions")):
        rest("DELETE", f"{CRDS}/{name}")
    return Cluster(plane, rest, namespace)


def test_a_cluster_without_anything_of_actgate_is_judged(cluster: Cluster) -> None:
    """The first look: a kubeconfig, and the built-in baseline."""
    install_crds(cluster.rest, [definition()])
    pod = deployment("x")["spec"]["template"] | {"apiVersion": "v1", "kind": "Pod"}
    # The second owner is there as well, and serves nothing.
    for owner, child in (
        (cluster.deployment("llm"), "child"),
        (cluster.deployment("web", "nginx:1"), "forged"),
    ):
        metadata = owner["metadata"]
        reference = {"apiVersion": "apps/v1", "kind": "Deployment", "controller": True}
        reference |= {"name": metadata["name"], "uid": metadata["uid"]}
        cluster.create(
            "/api/v1", "pods", {**pod, "metadata": {"name": child, "ownerReferences": [reference]}}
        )
    service = {"predictor": {"model": {"storageUri": "s3://models/credit", "runtime": "sklearn"}}}
    cluster.create(
        f"/apis/{KSERVE}/v1beta1",
        "inferenceservices",
        {
            "apiVersion": f"{KSERVE}/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": "credit"},
            "spec": service,
        },
    )
    code, found = cluster.report()
    verdicts = {one["object"]["name"]: (one["tier"], one["outcome"]) for one in found["verdicts"]}
    assert verdicts == {
        "llm": ("Strong", "Warn"),
        "forged": ("Strong", "Warn"),
        "credit": ("Declared", "Fail"),
    }
    assert (code, found["complete"], found["missed"]) == (1, True, [])
    (credit,) = (one for one in found["verdicts"] if one["object"]["name"] == "credit")
    assert credit["references"] == [
        {"path": "spec.predictor.model.storageUri", "value": "s3://models/credit"}
    ]
    assert "spec.predictor.model.runtime" in credit["unstated"]
    assert found["read"]["pods"] == 2
    assert "raycluster" in " ".join(found["absent"])
    done = cluster.run()
    assert done.returncode == 1
    assert done.stdout.splitlines()[0].split() == [
        "NAMESPACE", "KIND", "NAME", "TIER", "OUTCOME", "VALID-UNTIL", "RULES",
    ]  # fmt: skip
    assert "3 judged: 1 refused, 2 with warnings" in done.stdout
    assert done.stderr == ""


def test_a_policy_that_was_not_applied_yet_can_be_tried(cluster: Cluster, tmp_path: Path) -> None:
    cluster.deployment("llm")
    strict = write(tmp_path / "p.yaml", policy("strict", detection={"strong": "Deny"}))
    assert (cluster.run().returncode, cluster.run("--policy", str(strict)).returncode) == (0, 1)


def test_evidence_of_a_file_counts_and_of_the_cluster_as_well(cluster: Cluster, tmp_path: Path) -> None:
    cluster.deployment("llm", annotations=LINKED)
    evidence = manifest(namespace=cluster.namespace)
    file = write(tmp_path / "m.yaml", evidence)
    _, without = cluster.report()
    _, of_file = cluster.report("-f", str(file))
    crds.install(cluster.rest)
    cluster.create(crds.ROOT, "compliancemanifests", evidence)
    _, of_cluster = cluster.report()
    rules = [
        {finding["rule"] for finding in found["verdicts"][0]["findings"]}
        for found in (without, of_file, of_cluster)
    ]
    assert "link/manifest" in rules[0]
    assert "link/manifest" not in rules[1] | rules[2]
    (link,) = of_cluster["verdicts"][0]["links"]
    assert link["digest"] == of_file["verdicts"][0]["links"][0]["digest"] is not None


def test_nothing_to_judge_is_its_own_exit_code(cluster: Cluster) -> None:
    done = cluster.run()
    assert (done.returncode, done.stdout) == (3, "0 judged\n")
    assert "nothing to judge" in done.stderr


def test_a_report_can_be_written_to_a_file(cluster: Cluster, tmp_path: Path) -> None:
    cluster.deployment("llm")
    file = tmp_path / "scan.xml"
    done = cluster.run("-o", "junit", "--output-file", str(file))
    assert (done.returncode, done.stdout) == (0, "")
    assert '<testsuite name="actgate scan"' in file.read_text()
    assert cluster.run("--output-file", str(tmp_path / "absent" / "x")).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--kubeconfig", "absent"), "the cluster cannot be scanned: the kubeconfig 'absent' does not exist"),
        (("-n", "x", "-A"), "not allowed with argument"),
    ],
    ids=["kubeconfig", "both"],
)
def test_what_cannot_be_used_is_one_sentence(arguments: tuple[str, ...], words: str) -> None:
    done = actgate("scan", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert words in done.stderr


def test_objects_that_run_are_not_taken_from_files(tmp_path: Path) -> None:
    file = write(tmp_path / "d.yaml", deployment("llm"))
    done = actgate("scan", "-f", str(file))
    assert done.returncode == 2
    assert "d.yaml:1: -f takes evidence" in done.stderr


def test_a_user_who_may_not_list_a_kind_gets_an_incomplete_scan(
    cluster: Cluster, plane: ControlPlane, tmp_path: Path
) -> None:
    """The stand-in lets every user do everything."""
    if plane.engine == "stand-in":
        pytest.skip("needs an API server with RBAC")
    cluster.deployment("llm")
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader"}}
    cluster.create("/api/v1", "serviceaccounts", account)
    subject = {"kind": "ServiceAccount", "name": "reader", "namespace": cluster.namespace}
    rules = [{"apiGroups": ["apps"], "resources": ["*"], "verbs": ["list"]}]
    root, reader = "/apis/rbac.authorization.k8s.io/v1", {"metadata": {"name": "reader"}}
    cluster.create(root, "roles", {**reader, "rules": rules})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    cluster.create(root, "rolebindings", {**reader, "roleRef": reference, "subjects": [subject]})
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = cluster.create("/api/v1", "serviceaccounts/reader/token", asked)["status"]["token"]
    kubeconfig = yaml.safe_load(plane.kubeconfig.read_text())
    for user in kubeconfig["users"]:
        user["user"] = {"token": token}
    limited = tmp_path / "kubeconfig"
    limited.write_text(yaml.safe_dump(kubeconfig))
    code, found = cluster.report("--kubeconfig", str(limited))
    assert (code, found["complete"]) == (2, False)
    assert [one["object"]["name"] for one in found["verdicts"]] == ["llm"]
    missed = {one["resource"] for one in found["missed"]}
    assert {"pods", "jobs.batch", "namespaces"} <= missed
    assert "deployments.apps" not in missed
    done = cluster.run("--kubeconfig", str(limited))
    assert done.returncode == 2
    assert "error: incomplete: pods could not be read" in done.stderr
    everywhere = actgate("scan", "--kubeconfig", str(limited), env=cluster.env)
    assert everywhere.returncode == 2
    assert "with -n NAMESPACE only the rights in one namespace are needed" in everywhere.stderr
