"""The recorder that is planned into the pods of a model, and what cannot have one."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from actgate.decision import Link, Manifest, decide
from actgate.subjects.workload import Workload
from actgate_operator.plan import Plan, PlanError, Recording, plan
from actgate_recorder.bucket import Bucket
from actgate_recorder.settings import Settings
from tests.decision.build import NOW, PASSING, manifest, policy
from tests.decision.signing import sha
from tests.operator.plan.build import EVIDENCE, PARIS, Json, model_deployment, overlaid, serving

IMAGE: Final = f"registry.example/recorder@{sha('recorder')}"
SERVER: Final = f"registry.example/server@{sha('server')}"
RECORDING: Final = Recording(IMAGE, (1, 36))
LOGGING: Final[Json] = {"mode": "Recorder", "storage": {"pvc": {"claimName": "log"}}}


def recorded(recording: Recording = RECORDING, logging: Json | None = None, **spec: Any) -> Plan:  # noqa: ANN401
    """Plan a model with a recorder."""
    return plan(model_deployment(logging=LOGGING | (logging or {}), **spec), EVIDENCE, recording=recording)


def pod(planned: Plan) -> Json:
    """Return the spec of the planned pods."""
    found: Json = planned.deployment["spec"]["template"]["spec"]
    return found


def sidecar(planned: Plan) -> Json:
    """Return the planned recorder."""
    (found,) = [item for item in pod(planned)["initContainers"] if item["name"] == "actgate-recorder"]
    return dict(found)


def variables(planned: Plan) -> dict[str, str]:
    """Return the settings of the planned recorder."""
    prefix = "ACTGATE_RECORDER_"
    return {
        item["name"].removeprefix(prefix): item["value"]
        for item in sidecar(planned)["env"]
        if item["name"].startswith(prefix)
    }


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"placement": {"regions": [PARIS]}, "replicas": 3},
        {"server": serving(ports=[{"name": "grpc", "containerPort": 9000}])},
        {"podTemplate": overlaid(initContainers=[{"name": "fetch", "image": "fetch:1"}])},
    ],
)
def test_a_model_without_logging_is_planned_as_before_whatever_the_operator_has(spec: Json) -> None:
    """Byte for byte: an upgrade, or another image of the recorder, restarts no such model."""
    before = json.dumps(plan(model_deployment(**spec), EVIDENCE).children)
    for recording in (RECORDING, Recording(), Recording("", (1, 25))):
        assert json.dumps(plan(model_deployment(**spec), EVIDENCE, recording=recording).children) == before


def test_the_recorder_is_a_native_sidecar_to_which_the_service_leads() -> None:
    """It starts before the server and ends after it, and no answer leaves past it by the Service."""
    planned = recorded(server=serving(ports=[{"name": "http", "containerPort": 9000}]))
    found = sidecar(planned)
    assert (found["image"], found["restartPolicy"]) == (IMAGE, "Always")
    assert "command" not in found
    (port,) = planned.service["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (9000, found["ports"][0]["containerPort"])
    assert planned.url == "http://credit-risk.credit.svc:9000"
    assert variables(planned)["UPSTREAM"] == "127.0.0.1:9000"
    assert planned.model_port is not None
    assert "9000" in planned.model_port


def test_a_network_policy_closes_the_port_of_a_model_with_a_recorder_and_no_other() -> None:
    """What is stated beside it stays open, metrics say; without a recorder there is none."""
    ports = [{"containerPort": 9000}, {"containerPort": 9100, "name": "metrics"}]
    adapter = {"name": "adapter", "image": "adapter:1", "ports": [{"containerPort": 9200, "protocol": "UDP"}]}
    planned = recorded(server=serving(ports=ports), podTemplate=overlaid(containers=[adapter]))
    assert planned.closing is not None
    recorder = [("TCP", item["containerPort"]) for item in sidecar(planned)["ports"]]
    (rule,) = planned.closing["spec"]["ingress"]
    assert [(port["protocol"], port["port"]) for port in rule["ports"]] == [
        ("TCP", 9100),
        ("UDP", 9200),
        *recorder,
    ]
    assert planned.closing["spec"]["policyTypes"] == ["Ingress"]
    assert planned.closing["spec"]["podSelector"] == planned.deployment["spec"]["selector"]
    assert planned.closing in planned.children
    assert plan(model_deployment(), EVIDENCE, recording=RECORDING).closing is None


def test_the_recorder_takes_ports_that_nothing_else_has() -> None:
    """Two processes of a pod share its ports."""
    planned = recorded(server=serving(ports=[{"containerPort": 18080}, {"containerPort": 18083}]))
    assert [item["containerPort"] for item in sidecar(planned)["ports"]] == [18084, 18085]


def test_the_settings_of_the_recorder_say_what_the_spec_says() -> None:
    """Durability, failure, fields, keys, and what the first record of a log says of the model."""
    stated = {
        "durability": "Node",
        "onFailure": "Serve",
        "payload": "Digest",
        "fields": [{"name": "score", "from": "Response", "pointer": "/outputs/0/data/0"}],
        "subject": {"from": "Request", "pointer": "/id/$(HOME)"},
        "exclude": ["/healthz"],
        "keySecretRef": {"name": "keys"},
    }
    planned = recorded(logging=stated, server=serving(image=SERVER))
    found = variables(planned)
    assert (found["DURABILITY"], found["ON_FAILURE"]) == ("Node", "Serve")
    assert json.loads(found["FIELDS"]) == ["score=response:/outputs/0/data/0"]
    assert json.loads(found["PROBE_PATHS"]) == ["/healthz"]
    assert found["SUBJECT"] == "subject=request:/id/$$(HOME)"
    assert found["IMAGE_DIGEST"] == sha("server")
    assert (found["MODEL_NAME"], found["MANIFEST_DIGEST"]) == ("CreditRiskScorer", EVIDENCE)
    assert found["LOG_NAME"] == "credit/credit-risk/$(ACTGATE_POD_UID)"
    volumes = {item["name"]: item for item in pod(planned)["volumes"]}
    assert volumes["actgate-log-keys"]["secret"] == {"secretName": "keys"}
    assert volumes["actgate-log"]["persistentVolumeClaim"] == {"claimName": "log"}
    mounts = [
        mount["name"]
        for container in pod(planned)["containers"]
        for mount in container.get("volumeMounts", [])
    ]
    assert mounts == []


def test_the_recorder_reads_the_settings_as_they_are_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and forms are the recorder's own; a variable that it does not know would have no effect."""
    stated = {
        "payload": "Digest",
        "fields": [{"name": "score", "from": "Response", "pointer": "/outputs/0/data/0"}],
        "subject": {"from": "Request", "pointer": "/id"},
        "exclude": ["/healthz"],
        "keySecretRef": {"name": "keys"},
    }
    found = variables(recorded(logging=stated, server=serving(image=SERVER)))
    for name, value in found.items():
        monkeypatch.setenv(f"ACTGATE_RECORDER_{name}", value)
    settings = Settings()
    assert {name.lower() for name in found} <= Settings.model_fields.keys()
    assert (settings.fields, settings.probe_paths) == (("score=response:/outputs/0/data/0",), ("/healthz",))
    assert settings.log_name == "credit/credit-risk/$(ACTGATE_POD_UID)"
    assert settings.subject == "subject=request:/id"


def test_without_digests_no_key_is_mounted() -> None:
    """The recorder makes digests where it has keys."""
    planned = recorded(logging={"keySecretRef": {"name": "keys"}})
    assert [item["name"] for item in pod(planned)["volumes"]] == ["actgate-log"]
    assert "KEYS_DIR" not in variables(planned)


def test_a_volume_for_one_pod_is_let_go_before_the_next_pod_takes_it() -> None:
    """A rollout with one more pod than there are would wait for ever."""
    assert recorded().deployment["spec"]["strategy"]["rollingUpdate"]["maxSurge"] == 0
    many = {"storage": {"pvc": {"claimName": "log", "accessMode": "ReadWriteMany"}}}
    assert "strategy" not in recorded(logging=many, replicas=3).deployment["spec"]


@pytest.mark.parametrize(
    ("recording", "spec", "words"),
    [
        (Recording("", (1, 36)), {}, "no image of the recorder"),
        (Recording(IMAGE, (1, 30)), {}, "Kubernetes 1.31 or newer, this is 1.30"),
        (RECORDING, {"replicas": 2}, "2 replicas"),
        (RECORDING, {"autoscaling": {"maxReplicas": 3}}, "3 replicas"),
        (
            RECORDING,
            {"server": serving(ports=[{"containerPort": 53, "protocol": "UDP"}])},
            "HTTP/1.1 over TCP",
        ),
        (
            RECORDING,
            {"podTemplate": overlaid(initContainers=[{"name": "actgate-recorder", "image": "x"}])},
            "must be another name",
        ),
    ],
)
def test_what_cannot_be_recorded_is_not_planned(recording: Recording, spec: Json, words: str) -> None:
    """One sentence that says what is wrong, where, and how to fix it."""
    with pytest.raises(PlanError, match="fix: ") as raised:
        recorded(recording, **spec)
    assert words in str(raised.value)


UPLOAD: Final[Json] = {
    "endpoint": "https://s3.example:9000/",
    "bucket": "logs",
    "prefix": "credit/",
    "signingRegion": "eu-west-3",
    "credentialsSecretRef": {"name": "s3"},
}


def test_a_log_that_is_uploaded_waits_in_an_empty_dir_of_any_number_of_pods(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The user's Secret is mounted into the recorder alone; the settings are those of the recorder."""
    stated = {"storage": {"s3": UPLOAD, "emptyDir": {"sizeLimit": "2Gi"}}}
    planned = recorded(logging=stated, replicas=3)
    volumes = {item["name"]: item for item in pod(planned)["volumes"]}
    assert volumes["actgate-log"]["emptyDir"] == {"sizeLimit": "2Gi"}
    assert volumes["actgate-log-upload"]["secret"] == {"secretName": "s3"}
    assert [mount["name"] for mount in sidecar(planned)["volumeMounts"]] == [
        "actgate-log",
        "actgate-log-upload",
    ]
    assert not [one for one in pod(planned)["containers"] if one.get("volumeMounts")]
    found = variables(planned)
    assert found["UPLOAD_PREFIX"] == "credit/"
    for name, value in found.items():
        monkeypatch.setenv(f"ACTGATE_RECORDER_{name}", value)
    settings = Settings(log_name="credit/scorer/uid")
    assert {name.lower() for name in found} <= Settings.model_fields.keys()
    sink = settings.log.sink
    assert isinstance(sink, Bucket)
    assert (sink.endpoint, sink.bucket, sink.region) == ("https://s3.example:9000", "logs", "eu-west-3")
    assert settings.log.retain_shipped is not None
    small = recorded(logging={"storage": {"s3": UPLOAD}})
    assert pod(small)["volumes"][0]["emptyDir"] == {"sizeLimit": "1Gi"}


def test_the_pods_state_the_log_that_the_model_states() -> None:
    """The gate judges both by the same policy, and a user's own word on the pods does not count."""
    stated = {"retention": "5000h", "storage": {"pvc": {"claimName": "log"}, "region": PARIS}}
    lie = {"metadata": {"annotations": {"actgate.dev/logging": '{"mode": "External"}'}}}
    model = model_deployment(logging=LOGGING | stated, podTemplate=lie)
    planned = plan(model, EVIDENCE, recording=RECORDING)
    above, below = Workload(model).subject().logging, Workload(planned.deployment).subject().logging
    assert above is not None
    assert below is not None
    assert (below.mode, below.retention, below.region) == (above.mode, above.retention, above.region)
    unlogged = plan(model_deployment(podTemplate=lie), EVIDENCE).deployment
    assert Workload(unlogged).subject().logging is None


def test_the_recorder_of_a_trusted_image_passes_beside_bound_images() -> None:
    """ADR 1: the Deployment is judged like that of any user, and refused where no policy trusts the image."""
    evidence: Manifest = manifest(images=(SERVER,))
    model = model_deployment(logging=LOGGING, server=serving(image=SERVER), placement={"regions": [PARIS]})
    deployment = plan(model, EVIDENCE, recording=RECORDING).deployment
    asked = Workload(deployment).subject()
    assert asked.links == (Link(PASSING.name),)
    logs = {"requiredFor": ["HighRisk"], "durability": "Process"}
    trusting = policy(logging=logs | {"recorderImages": [IMAGE]})
    refusing = policy(logging=logs | {"recorderImages": [f"x@{sha('other')}"]})
    assert decide(asked, (evidence,), (trusting,), NOW).allowed
    assert decide(asked, (evidence,), (refusing,), NOW).failed_rules == ("link/model", "logging/enabled")


def test_libraries_and_gateways_leave_the_pods_as_they_are() -> None:
    """But for the annotation, by which the gate reads who writes the log."""
    for mode in ("Library", "External", "None"):
        planned = plan(model_deployment(logging={"mode": mode}), EVIDENCE)
        assert "initContainers" not in pod(planned), mode
        assert planned.recorder is None
