"""The cluster as a registry, by the command line and a kubeconfig."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from tests.cli.signing import loaded, signed_by_three, unsigned
from tests.cli.support import actgate, actgate_process, write
from tests.support import crds

RESOURCE = "/apis/actgate.dev/v1alpha1/namespaces/{}/compliancemanifests"


class Cluster:
    """Commands against a namespace of a control plane."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self.namespace = namespace
        self.env = {**os.environ, "KUBECONFIG": str(plane.kubeconfig)}
        self.arguments = ("--to", "kubernetes:", "-n", namespace)

    def run(self, *arguments: str) -> CompletedProcess[str]:
        """Run a command in this process."""
        return actgate(*arguments, *self.arguments, env=self.env)


@pytest.fixture
def cluster(control_plane: ControlPlane, rest: Rest, namespace: str) -> Cluster:
    """Return a namespace that knows our kinds and holds none of them."""
    crds.install(rest)
    return Cluster(control_plane, namespace)


def test_a_manifest_is_applied_once_and_found_again(cluster: Cluster, tmp_path: Path, rest: Rest) -> None:
    """By its own name, with the attestations; the second time nothing is written."""
    file = str(signed_by_three(tmp_path))
    versions = []
    for did in ("registered", "already registered"):
        done = cluster.run("register", file)
        assert (done.returncode, done.stdout.split(":")[0]) == (0, did), done.stderr
        stored = rest("GET", f"{RESOURCE.format(cluster.namespace)}/credit-v2").body
        versions.append(stored["metadata"]["resourceVersion"])
        (manager,) = {one["manager"] for one in stored["metadata"]["managedFields"]}
        assert manager == "actgate-register"
    assert versions[0] == versions[1]
    shown = json.loads(cluster.run("registry", "show", "CreditRiskScorer", "-o", "json").stdout)
    (version,) = shown["versions"]
    assert version["evidence"] == actgate("manifest", "digest", file).stdout.strip()
    assert len(version["manifest"]["spec"]["attestations"]) == 3
    assert cluster.run("registry", "verify").stdout == "VERIFIED: 1 version\n"


def test_other_evidence_or_attestations_of_a_name_are_refused(cluster: Cluster, tmp_path: Path) -> None:
    """Evidence is immutable: a later signature is a new object."""
    first = str(write(tmp_path / "m.yaml", unsigned()))
    assert cluster.run("register", first).returncode == 0
    other = str(write(tmp_path / "o.yaml", unsigned(riskCategory="LimitedRisk")))
    for file, words in (
        (other, "has other evidence already"),
        (str(signed_by_three(tmp_path)), "has this evidence with other attestations"),
    ):
        done = cluster.run("register", file)
        assert (done.returncode, done.stdout, words in done.stderr) == (2, "", True), done.stderr


def test_of_two_pipelines_at_once_one_evidence_stays(cluster: Cluster, tmp_path: Path) -> None:
    """The API server refuses the second; processes, since each has an event loop of its own."""
    files = [
        str(write(tmp_path / f"{category}.yaml", unsigned(riskCategory=category)))
        for category in ("HighRisk", "LimitedRisk")
    ]

    def registered(file: str) -> CompletedProcess[str]:
        return actgate_process("register", file, *cluster.arguments, env=cluster.env)

    with ThreadPoolExecutor(2) as pool:
        first, second = sorted(pool.map(registered, files), key=lambda done: done.returncode)
    assert (first.returncode, second.returncode, second.stderr.count("\n")) == (0, 2, 1), second.stderr
    listed = json.loads(cluster.run("registry", "list", "-o", "json").stdout)
    assert len(listed["versions"]) == 1


def test_what_contradicts_its_signatures_is_noticed(cluster: Cluster, tmp_path: Path, rest: Rest) -> None:
    """A manifest that another user created, with unsigned evidence."""
    file = signed_by_three(tmp_path)
    forged = loaded(file)
    forged["spec"]["riskCategory"] = "LimitedRisk"
    assert rest("POST", RESOURCE.format(cluster.namespace), forged).status == 201
    done = cluster.run("registry", "verify")
    assert (done.returncode, "credit-v2: spec.riskCategory" in done.stdout) == (1, True), done.stdout


def test_a_cluster_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    """No kubeconfig; a namespace that is not the manifest's."""
    file = str(write(tmp_path / "m.yaml", unsigned()))
    env = {**os.environ, "KUBECONFIG": str(tmp_path / "absent")}
    done = actgate("register", file, "--to", "kubernetes:", env=env)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "error: the cluster: the kubeconfig" in done.stderr
    other = unsigned()
    other["metadata"]["namespace"] = "team-credit"
    done = actgate(
        "register", str(write(tmp_path / "n.yaml", other)), "--to", "kubernetes:", "-n", "x", env=env
    )
    assert "must be x" in done.stderr
