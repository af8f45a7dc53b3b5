"""How objects state that the use of their models is logged, and which sidecars are recorders."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from actgate.api.inference_log import LogMode, MaxPayload, RequiredDurability
from actgate.decision.subject import Subject
from actgate.subjects.log_settings import of_kserve_logger, of_settings
from actgate.subjects.serving import ServingObject
from actgate.subjects.serving_kinds import serving_kinds
from actgate.subjects.workload import Workload

LOGGER = {"url": "http://sink.example", "mode": "all"}
STATED: dict[str, Any] = {
    "mode": "Recorder",
    "durability": "Node",
    "payload": "Digest",
    "retention": "4416h",
    "storage": {"pvc": {"claimName": "log"}, "region": {"provider": "aws", "region": "eu-west-3"}},
}


def pods(annotation: object = None, *init: dict[str, Any]) -> dict[str, Any]:
    """Return a Deployment with an annotation of its pods, and init containers."""
    metadata = {"annotations": {"actgate.dev/logging": annotation}} if annotation is not None else {}
    spec = {"containers": [{"name": "server", "image": "server:1"}], "initContainers": list(init)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "scorer"},
        "spec": {"template": {"metadata": metadata, "spec": spec}},
    }


def model(**spec: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a spec
    """Return a ModelDeployment."""
    return {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": "scorer"},
        "spec": {"server": {"image": "server:1"}, **spec},
    }


def test_a_model_deployment_and_its_pods_state_the_same_log() -> None:
    """One reader, whether the fields stand in the spec or, as JSON, in an annotation."""
    stated = Workload(model(logging=STATED)).subject()
    assert stated.logging is not None
    assert (stated.logging.mode, stated.logging.durability) == (LogMode.RECORDER, RequiredDurability.NODE)
    annotated = Workload(pods(json.dumps(STATED))).subject().logging
    assert annotated is not None
    assert annotated.path == "spec.template.metadata.annotations[actgate.dev/logging]"
    assert replace(annotated, path="spec.logging") == stated.logging


def test_what_states_nothing_has_no_log() -> None:
    """An annotation has no say for a ModelDeployment, and neither has one above the pods."""
    assert Workload(model()).subject().logging is None
    above = pods()
    above["metadata"]["annotations"] = {"actgate.dev/logging": json.dumps(STATED)}
    assert Workload(above).subject().logging is None
    overlay = model(podTemplate={"metadata": {"annotations": {"actgate.dev/logging": json.dumps(STATED)}}})
    assert Workload(overlay).subject().logging is None


def test_what_cannot_be_read_is_no_log() -> None:
    """Nothing raises, and nothing of it counts."""
    for annotation in ("Recorder", "[]", "{}", '{"mode": "Recorder", "payload": 1}', 7, "[" * 100_000):
        log = Workload(pods(annotation)).subject().logging
        assert log is not None
        assert (log.problem is not None, log.mode) == (True, LogMode.NONE), annotation


def test_an_external_log_is_at_most_once_whatever_it_states() -> None:
    """A gateway answers before its record is anywhere."""
    log = of_settings({"mode": "External", "durability": "Node"}, "x")
    assert (log.mode, log.durability) == (LogMode.EXTERNAL, RequiredDurability.AT_MOST_ONCE)


def test_kserves_logger_is_a_log_at_most_once_of_whole_payloads() -> None:
    """`spec.predictor.logger`: how long its sink keeps records, an annotation beside it has to say."""
    path = "spec.predictor.logger"
    log = of_kserve_logger(LOGGER, path)
    assert (log.mode, log.durability) == (LogMode.EXTERNAL, RequiredDurability.AT_MOST_ONCE)
    assert (log.payload, log.retention, log.path) == (MaxPayload.FULL, None, path)
    beside = of_kserve_logger(LOGGER, path, of_settings(STATED, "x"))
    assert (beside.retention is not None, beside.region is not None) == (True, True)
    assert (beside.mode, beside.durability) == (LogMode.EXTERNAL, RequiredDurability.AT_MOST_ONCE)
    assert of_kserve_logger("all", path).problem is not None


def test_an_inference_service_states_its_log_by_its_logger() -> None:
    """The row names the field; the annotation of the object or of its predictor says how long it is kept."""

    def read(logger: object = None, *annotated: tuple[str, dict[str, Any]]) -> Subject:
        obj: dict[str, Any] = {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": "scorer"},
            "spec": {"predictor": {"model": {"storageUri": "s3://models/credit"}}},
        }
        for place, stated in annotated:
            where = obj["metadata"] if place == "metadata" else obj["spec"]["predictor"]
            where["annotations"] = {"actgate.dev/logging": json.dumps(stated)}
        if logger is not None:
            obj["spec"]["predictor"]["logger"] = logger
        return ServingObject(obj, serving_kinds()["serving.kserve.io", "InferenceService"]).subject()

    assert read().logging is None
    assert read().logging_path == "spec.predictor.logger"
    kept = {**STATED, "mode": "External"}
    for annotated in ([], [("metadata", kept)], [("spec.predictor", kept)], [("metadata", kept)] * 2):
        log = read(LOGGER, *annotated).logging
        assert log is not None
        assert (log.mode, log.durability) == (LogMode.EXTERNAL, RequiredDurability.AT_MOST_ONCE)
        assert (log.payload, log.path) == (MaxPayload.FULL, "spec.predictor.logger")
        assert (log.retention is not None) is bool(annotated)
    differing = read(LOGGER, ("metadata", kept), ("spec.predictor", {**kept, "retention": "9000h"})).logging
    for log in (differing, read("all").logging):
        assert log is not None
        assert (log.mode, log.problem is not None) == (LogMode.NONE, True)


def test_a_recorder_is_a_native_sidecar_with_the_command_of_its_image() -> None:
    """Anything else could run other code in an image that the policy trusts."""
    good = {"name": "actgate-recorder", "image": "recorder:1", "restartPolicy": "Always"}
    others: list[dict[str, Any]] = [
        good | {"name": "other"},
        good | {"restartPolicy": None},
        good | {"command": ["python"]},
        good | {"image": 7},
    ]
    found = Workload(pods(None, good, *others)).subject().recorders
    assert found == (("spec.template.spec.initContainers[0].image", "recorder:1"),)


def test_a_change_of_the_log_is_governed_and_a_stop_is_not() -> None:
    """Logging changes as evidence allows; nothing stands in the way of a stop, or of a report of it."""
    before = Workload(model(logging=STATED)).governed_fields()
    for changed in (None, {**STATED, "mode": "None"}, {**STATED, "retention": "1h"}):
        assert Workload(model(logging=changed)).governed_fields() != before, changed
    stopped = model(logging=STATED, suspend=True)
    stopped["metadata"]["annotations"] = {
        "actgate.dev/stopped-by": "anna",
        "actgate.dev/stop-reason": "drift",
    }
    assert Workload(stopped).governed_fields() == before
