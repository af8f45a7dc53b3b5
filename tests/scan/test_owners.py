"""Which objects of a cluster are subjects: top objects, and whatever an owner reference cannot hide."""

from __future__ import annotations

from typing import Any

import pytest

from actgate.scan.candidates import Tier, candidate
from actgate.scan.owners import HOPS, answering, by_uid, subjects
from actgate.subjects.reading import package_table
from tests.scan.objects import SERVER, inference_service, kept, named, refer, server
from tests.subjects.objects import workload

Json = dict[str, Any]


def found(*objects: Json) -> list[str]:
    """Return the subjects among objects as kind/name."""
    return [f"{one.subject.kind}/{one.subject.name}" for one in subjects(by_uid(kept(*objects)))]


def test_the_pods_of_a_deployment_are_no_subjects() -> None:
    deployment = server("Deployment", "llm")
    replicas = server("ReplicaSet", "llm-1", deployment)
    pods = [server("Pod", f"llm-1-{number}", replicas) for number in range(3)]
    assert found(*pods, replicas, deployment) == ["Deployment/llm"]
    known = by_uid(kept(*pods, replicas, deployment))
    top = answering(known["uid-Pod-llm-1-0"], known)
    assert top is not None
    assert top.subject.name == "llm"


def test_children_of_a_serving_kind_may_run_what_its_controller_adds() -> None:
    """An InferenceService states no image, and its pods get an init container that fetches the model."""
    service = inference_service("credit")
    deployment = server("Deployment", "credit-predictor", service)
    replicas = server("ReplicaSet", "credit-predictor-1", deployment)
    init = [{"name": "storage-initializer", "image": "kserve/storage:1", "args": ["s3://models/credit"]}]
    pod = workload("Pod", {"containers": [SERVER], "initContainers": init})
    pod = named(pod, "credit-predictor-1-a", owner=replicas)
    assert found(service, deployment, replicas, pod) == ["InferenceService/credit"]


@pytest.mark.parametrize(
    "forged",
    [
        {"uid": "another-uid"},
        {"name": "other"},
        {"kind": "StatefulSet"},
        {"apiVersion": "example.com/v1"},
        {"controller": False},
        {"controller": "true"},
        {"uid": None},
    ],
    ids=str,
)
def test_a_forged_owner_hides_nothing(forged: Json) -> None:
    deployment = server("Deployment", "llm")
    pod = server("Pod", "orphan")
    pod["metadata"]["ownerReferences"] = [refer(deployment, **forged)]
    assert found(deployment, pod) == ["Deployment/llm", "Pod/orphan"]


def test_an_owner_of_another_namespace_does_not_count() -> None:
    deployment = server("Deployment", "llm")
    pod = server("Pod", "orphan", deployment)
    pod["metadata"]["namespace"] = "elsewhere"
    assert found(deployment, pod) == ["Deployment/llm", "Pod/orphan"]


def test_an_owner_that_serves_nothing_does_not_answer_for_a_model_server() -> None:
    """Its true uid can be written by any user who may read it."""
    database = named(workload("Deployment"), "database")
    assert found(database, server("Pod", "orphan", database)) == ["Pod/orphan"]


def test_a_pod_that_differs_from_its_owner_is_a_subject() -> None:
    deployment = server("Deployment", "llm")
    other_model = server("Pod", "model", deployment, args=["--model", "other/model"])
    other_server = server("Pod", "server", deployment, image="ollama/ollama:1")
    pinned = server("Pod", "pinned", deployment, image=f"mirror.example/vllm-openai@sha256:{'1' * 64}")
    assert found(deployment, other_model, other_server, pinned) == [
        "Deployment/llm",
        "Pod/model",
        "Pod/server",
    ]


def test_a_revision_that_runs_nothing_is_no_subject() -> None:
    """A Deployment keeps ten old ReplicaSets, whose models it no longer runs."""
    deployment = server("Deployment", "llm")
    old = server("ReplicaSet", "llm-0", deployment, args=["--model", "old/model"])
    assert found(deployment, old) == ["Deployment/llm", "ReplicaSet/llm-0"]
    old["spec"]["replicas"] = 0
    assert found(deployment, old) == ["Deployment/llm"]


def test_owners_in_a_circle_answer_for_nothing() -> None:
    first, second = server("Deployment", "first"), server("Deployment", "second")
    first["metadata"]["ownerReferences"] = [refer(second)]
    second["metadata"]["ownerReferences"] = [refer(first)]
    assert found(first, second) == ["Deployment/first", "Deployment/second"]


def test_a_longer_chain_than_any_controller_makes_answers_for_nothing() -> None:
    chain = [server("Deployment", "d0")]
    for number in range(1, HOPS + 2):
        chain.append(server("Deployment", f"d{number}", chain[-1]))
    assert found(*chain) == ["Deployment/d0", f"Deployment/d{HOPS + 1}"]


def test_an_object_that_loads_another_model_than_its_owner_is_a_subject() -> None:
    """A TrainedModel belongs to the InferenceService that loads it, and brings a model of its own."""
    service = inference_service("credit")
    same = inference_service("same", owner=service)
    other = inference_service("other", "s3://models/other", owner=service)
    behind_pods = inference_service("forged", owner=server("Deployment", "llm"))
    assert found(service, same, other, behind_pods, server("Deployment", "llm")) == [
        "InferenceService/credit",
        "InferenceService/other",
        "InferenceService/forged",
        "Deployment/llm",
    ]


def test_nothing_answers_for_a_model_deployment() -> None:
    service = inference_service("credit")
    model = {"apiVersion": "actgate.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {}}
    assert found(service, named(model, "hidden", owner=service)) == [
        "InferenceService/credit",
        "ModelDeployment/hidden",
    ]


def test_weak_signals_are_only_counted() -> None:
    table = package_table()
    training = workload("Job", {"containers": [{"image": "x", "env": [{"name": "HF_TOKEN", "value": "x"}]}]})
    ordinary, likely = workload("Deployment"), server("Pod", "p", image="house/server:1")
    likely["spec"]["containers"][0]["resources"] = {"limits": {"nvidia.com/gpu": "1"}}
    (one,) = kept(likely)
    assert one.tier is Tier.LIKELY
    assert candidate(training, table.rows["batch", "Job"]) is Tier.WEAK
    assert candidate(ordinary, table.rows["apps", "Deployment"]) is None


def test_objects_without_metadata_of_the_right_form_are_kept_apart() -> None:
    """The API server sends none; a scan that is given them loses none."""
    first, second = server("Pod", "first"), server("Pod", "second")
    for obj in (first, second):
        obj["metadata"]["uid"] = None
        obj["metadata"]["ownerReferences"] = "none"
    assert found(first, second) == ["Pod/first", "Pod/second"]
