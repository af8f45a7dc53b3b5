"""From any object to a Subject: which reader it has, and that nothing of a serving object is hidden."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from actgate.api.names import INFERENCE_LABEL, MANIFEST_ANNOTATION, MODEL_ANNOTATION
from actgate.subjects.kinds import UnusableKindsError
from actgate.subjects.reading import images_of, package_table, reading
from actgate.subjects.serving import ServingObject
from actgate.subjects.workload import Workload
from tests.subjects.objects import workload

SAMPLES: Final = yaml.safe_load((Path(__file__).parent / "serving_objects.yaml").read_text(encoding="utf-8"))
LINK: Final = {MANIFEST_ANNOTATION: "credit-3", MODEL_ANNOTATION: "Credit"}
ROW: Final = """
format: actgate.serving-kinds/1
kinds:
- {group: models.example.com, kind: Scorer, plural: scorers, judged: always, uris: [spec.from]}
"""


def sampled(kind: str, **metadata: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the sample object of a serving kind."""
    sample = next(sample for sample in SAMPLES if sample["kind"].endswith(f" {kind}"))
    version, _, name = sample["kind"].partition(" ")
    head = {"apiVersion": version, "kind": name, "metadata": {"namespace": "credit", **metadata}}
    return {**head, **copy.deepcopy(sample["body"])}


def replaced(obj: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return an object with another value at a path of names and numbers."""
    found: Any = obj
    *above, last = path.split(".")
    for step in above:
        found = found[int(step)] if step.isdecimal() else found[step]
    found[last] = value
    return obj


def test_each_kind_has_one_reader_and_one_that_is_never_judged_has_none() -> None:
    assert isinstance(reading(workload("Deployment")), Workload)
    assert isinstance(reading(sampled("InferenceService")), ServingObject)
    for version, kind in (("serving.kserve.io/v1alpha1", "ServingRuntime"), ("v1", "ConfigMap"), (1, [])):
        assert reading({"apiVersion": version, "kind": kind, "metadata": {}}) is None, kind
    assert [image for _, image in images_of(sampled("Workspace"))] == ["a/phi:1", "a/adapter:1"]


def test_names_that_the_api_server_makes_and_namespaces_of_requests_are_read() -> None:
    for obj in (sampled("Workspace", generateName="scorer-"), workload("Pod", own={"generateName": "p-"})):
        found = reading(obj)
        assert found is not None
        subject = found.subject(namespace="team")
        assert (subject.namespace, bool(subject.name)) == ("team", True)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("InferenceService", "spec", 7),
        ("InferenceService", "spec", ["predictor"]),
        ("InferenceService", "spec.predictor", "x"),
        ("InferenceService", "spec.predictor.model", []),
        ("InferenceService", "spec.predictor.model.storageUri", {"uri": "s3://other"}),
        ("InferenceService", "spec.canary", {"predictor": {}}),
        ("InferenceService", "spec.predictor.nodeSelector", "eu"),
        ("InferenceService", "spec.predictor.affinity", ["eu"]),
        ("InferenceService", "spec.transformer.containers", {"image": "a"}),
        ("InferenceService", "spec.transformer.containers", ["a"]),
        ("InferenceService", "spec.transformer.containers.0.image", 1),
        ("InferenceService", "spec.transformer.containers.0.command", "vllm serve other"),
        ("InferenceService", "spec.transformer.containers.0.args", [{"--model": "other"}]),
        ("InferenceService", "spec.transformer.containers.0.env", "MODEL_ID=other"),
        ("InferenceService", "spec.transformer.containers.0.env", [{"name": "MODEL_ID", "value": 7}]),
        ("InferenceService", "metadata.labels", "x"),
        ("InferenceService", "metadata.annotations", ["x"]),
        ("LLMInferenceService", "spec.template.containers.0.volumeMounts", "x"),
        ("LeaderWorkerSet", "spec.leaderWorkerTemplate.leaderTemplate.metadata", {"labels": "x"}),
        ("LeaderWorkerSet", "spec.leaderWorkerTemplate.leaderTemplate.metadata", {"annotations": ["x"]}),
        ("Model", "spec.storageUri", 7),
        ("NIMService", "spec.image", {"tag": "1"}),
        ("NIMService", "spec.env", 7),
        ("RayService", "spec.rayClusterConfig", "x"),
        ("RayService", "spec.serveConfigV2", 7),
        ("Workspace", "inference", 7),
        ("Workspace", "inference.preset", "phi-4"),
        ("Workspace", "inference.preset.name", ["phi-4"]),
    ],
)
def test_what_hides_a_part_of_a_serving_object_is_a_problem(kind: str, path: str, value: object) -> None:
    """The API server checks these types by the schema of the CRD, if that has them; unknown is never fine."""
    whole = reading(sampled(kind, annotations=LINK))
    assert whole is not None
    assert whole.subject().problems == ()
    found = reading(replaced(sampled(kind, annotations=LINK), path, value))
    assert found is not None
    assert found.subject().problems, (path, value)


def test_fields_of_other_meaning_are_no_problem() -> None:
    """The analysis of a Rollout has args that are objects; KubeAI states variables as a map."""
    rollout = sampled("Rollout", annotations=LINK)
    step = {"analysis": {"templates": [], "args": [{"name": "a", "value": "b"}]}}
    rollout["spec"]["strategy"] = {"canary": {"steps": [step]}}
    model = replaced(sampled("Model"), "spec", {"url": "hf://a/b", "env": {"MODEL_ID": "c/d"}})
    model["apiVersion"] = "kubeai.org/v1"
    for obj in (rollout, model):
        found = reading(obj)
        assert found is not None
        assert found.subject().problems == ()
        loads = {item.value for item in found.subject().references}
    assert loads == {"hf://a/b", "c/d"}


def test_a_mark_counts_in_whatever_metadata_of_pods_it_stands() -> None:
    """A place that the row does not name is one more, and never one that is not read."""
    obj = sampled("JobSet")
    template = obj["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]
    for field, mark in (("labels", {INFERENCE_LABEL: "true"}), ("annotations", LINK)):
        template["metadata"] = {field: mark}
        found = reading(obj)
        assert found is not None
        assert found.declared, field
        links = [link.manifest for link in found.subject().links]
    assert links == ["credit-3"]
    template["metadata"] = {"labels": {INFERENCE_LABEL: "false"}}
    plain = reading(obj)
    assert plain is not None
    assert not plain.declared


def test_the_root_of_an_object_without_a_spec_is_read_as_any_part() -> None:
    obj = {**sampled("Workspace"), "image": "a/root:1", "nodeSelector": {"a": "b"}}
    assert ("image", "a/root:1") in list(images_of(obj))


def test_rows_of_an_administrator_are_read_as_those_of_the_package() -> None:
    table = package_table().extended(ROW)
    obj = {"apiVersion": "models.example.com/v2", "kind": "Scorer", "spec": {"from": "s3://a"}}
    assert reading(obj) is None
    found = reading(obj, table.row_of(obj))
    assert found is not None
    assert [item.value for item in found.subject().references] == ["s3://a"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kinds: [", "invalid YAML"),
        ("format: actgate.serving-kinds/9\nkinds: []", "format"),
        (
            ROW.replace("Scorer", "InferenceService").replace("models.example.com", "serving.kserve.io"),
            "repl",
        ),
        (
            ROW.replace("scorers", "models").replace("models.example.com", "kubeai.org"),
            "kubeai.org.*replaced",
        ),
        (ROW.replace("always", "never"), "because"),
        (ROW.replace("Scorer", "Deployment").replace("models.example.com", "apps"), "Duplicate value"),
    ],
)
def test_rows_that_cannot_be_used_say_why(text: str, words: str) -> None:
    """A row of the package is never replaced: with another one, less of its kind might be read."""
    with pytest.raises(UnusableKindsError, match=words):
        package_table().extended(text)
