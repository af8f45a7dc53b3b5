"""The table of kinds: what it holds of Kubernetes' own kinds, and what it refuses to hold."""

from __future__ import annotations

import subprocess
import sys

import pytest

from actgate.kube import resources
from actgate.subjects.kinds import UnusableKindsError, kinds, read
from actgate.subjects.workload import kind_of
from tests.subjects.objects import API_VERSIONS, TEMPLATE_PATHS, serving, workload
from tools import crd

ROW = "{group: apps, kind: Deployment, plural: deployments, judged: declared, pods: [%s]}"
PODS = "{spec: spec.template.spec, metadata: spec.template.metadata}"


def test_the_kinds_of_kubernetes_keep_their_pods_where_it_keeps_them() -> None:
    """Every built-in kind that makes pods, and a Pod, which is its own template."""
    rows = {kind: row for (group, kind), row in kinds().items() if group != "actgate.dev"}
    assert {kind: row.pods.spec.steps for kind, row in rows.items()} == {
        kind: (*steps, "spec") for kind, steps in TEMPLATE_PATHS.items()
    }
    assert {kind: row.pods.metadata.steps for kind, row in rows.items()} == {
        kind: (*steps, "metadata") for kind, steps in TEMPLATE_PATHS.items()
    }
    assert {kind: row.group for kind, row in rows.items()} == {
        kind: version.rpartition("/")[0] for kind, version in API_VERSIONS.items()
    }


def test_a_kind_is_called_the_same_where_it_is_defined_and_where_it_is_read() -> None:
    """The definition of our own kind, and what the services ask the API server for."""
    names = crd.definitions()["modeldeployments.actgate.dev.yaml"]["spec"]["names"]
    assert kinds()["actgate.dev", names["kind"]].plural == names["plural"]
    for resource in (resources.MODEL_DEPLOYMENTS, resources.DEPLOYMENTS, resources.PODS):
        assert kinds()[resource.group, resource.kind].plural == resource.plural


def test_an_object_is_of_a_kind_by_group_and_name_in_every_version() -> None:
    """A kind of the same name in another group is another kind; a version is not."""
    row = kind_of(workload("Deployment"))
    assert row is kinds()["apps", "Deployment"]
    assert kind_of({**workload("Deployment"), "apiVersion": "apps/v1beta2"}) is row
    assert kind_of({**workload("Deployment"), "apiVersion": "example.com/v1"}) is None
    assert kind_of({**serving(), "apiVersion": "v1alpha1"}) is None
    assert kind_of({"kind": "Deployment"}) is None


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("{", "invalid YAML"),
        ("[]", "should be a dictionary"),
        ("{format: actgate.kinds/2, kinds: []}", "format"),
        (ROW % "", "pods"),
        (ROW % f"{PODS}, {PODS}", "kinds[0].pods"),
        (ROW % PODS.replace("spec.template.spec", "spec..spec"), "kinds[0].pods.spec"),
        (ROW % PODS.replace("spec.template.spec", "'spec.groups[*].spec'"), "kinds[0].pods.spec"),
        ((ROW % PODS).replace("declared", "sometimes"), "kinds[0].judged"),
        ((ROW % PODS).replace("plural", "plurals"), "kinds[0].plural"),
        ((ROW % PODS).replace("pods:", "image: [spec.image], pods:"), "kinds[0].image"),
        (f"{ROW % PODS}, {ROW % PODS}", 'Duplicate value: "Deployment" of group "apps"'),
        (
            f"{ROW % PODS}, {(ROW % PODS).replace('Deployment', 'Other')}",
            'Duplicate value: "deployments" of group "apps"',
        ),
    ],
)
def test_rows_that_cannot_be_meant_are_refused_by_their_place(rows: str, words: str) -> None:
    """A row with an error in it would judge less than it says."""
    text = f"{{format: actgate.kinds/1, kinds: [{rows}]}}" if rows.startswith("{group") else rows
    with pytest.raises(UnusableKindsError) as raised:
        read(text)
    assert words in str(raised.value)


def test_the_version_of_the_command_line_loads_no_kinds() -> None:
    """What judges nothing must not wait for the table."""
    script = "import actgate.cli.main, sys; print([name for name in sys.modules if 'subjects' in name])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert run.stdout.strip() == "[]"
