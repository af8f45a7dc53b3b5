from __future__ import annotations

import copy
from itertools import product
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actgate.api import names
from actgate.subjects.kinds import kinds
from actgate.subjects.reading import package_table, reading
from actgate.subjects.serving_kinds import serving_kinds
from actgate.subjects.workload import Workload
from actgate_sandbox.cel import Expression
from demo import registration
from tests.subjects.objects import TEMPLATE_PATHS
from tests.webhook.build import Json, changed, model_deployment, workload
from tests.webhook.test_mutations import VALUES, paths, replace

pytestmark = pytest.mark.system

WRITTEN: Final = registration.read(
    Path(__file__).parents[2] / "deploy" / "base" / "webhook-registration.yaml"
)
SERVING, DECLARED, DETECTED = WRITTEN["webhooks"]
CONDITIONS: Final = {
    webhook["name"]: [
        Expression(condition["expression"], ("object", "oldObject", "request"))
        for condition in webhook["matchConditions"]
    ]
    for webhook in WRITTEN["webhooks"]
}


def asked_of(new: Json, old: Json | None) -> list[str]:
    """Return the webhooks that are asked about a create, or an update."""
    row = package_table().rows[new["apiVersion"].rpartition("/")[0], new["kind"]]
    known = {"object": new, "oldObject": old, "request": {"operation": "CREATE" if old is None else "UPDATE"}}
    return [
        webhook["name"]
        for webhook in WRITTEN["webhooks"]
        if any(
            row.group in rule["apiGroups"] and row.plural in rule["resources"] for rule in webhook["rules"]
        )
        and all(condition.holds(known) for condition in CONDITIONS[webhook["name"]])
    ]


def reaches(new: Json, old: Json | None) -> bool:
    """Return whether the conditions let a create, or an update, come to the webhook; once at most."""
    asked = asked_of(new, old)
    assert len(asked) <= 1, asked
    return bool(asked)


def matters(new: Json, old: Json | None) -> bool:
    """Return whether the webhook itself would judge it."""
    after, before = reading(new), None if old is None else reading(old)
    if not any(found is not None and found.judged for found in (after, before)):
        return False
    assert after is not None
    return before is None or after.governed_fields() != before.governed_fields()


@pytest.mark.parametrize("webhook", WRITTEN["webhooks"], ids=lambda webhook: webhook["name"])
def test_the_registration_answers_soon_and_without_side_effects(webhook: Json) -> None:
    """Timeout, side effects, versions and namespaces are what the design says."""
    assert webhook["timeoutSeconds"] == 5
    assert webhook["sideEffects"] == "None"
    assert webhook["matchPolicy"] == "Equivalent"
    assert webhook["admissionReviewVersions"] == ["v1"]
    service = {"name": "actgate-webhook", "namespace": "actgate-system", "path": "/validate", "port": 443}
    assert webhook["clientConfig"] == {"service": service}
    assert "objectSelector" not in webhook
    assert webhook["namespaceSelector"] == {
        "matchExpressions": [
            {"key": names.EXEMPT_LABEL, "operator": "DoesNotExist"},
            {
                "key": "kubernetes.io/metadata.name",
                "operator": "NotIn",
                "values": ["kube-system", "kube-node-lease", "actgate-system"],
            },
        ]
    }


def test_only_what_is_not_declared_goes_on_while_the_webhook_is_down() -> None:
    """A wrong guess about an ordinary pod must not stop a cluster; what says that it serves is held."""
    policies = {webhook["name"]: webhook["failurePolicy"] for webhook in WRITTEN["webhooks"]}
    assert policies == {
        "serving.actgate.dev": "Fail",
        "declared.actgate.dev": "Fail",
        "detected.actgate.dev": "Ignore",
    }


def test_creates_and_updates_of_every_kind_that_is_judged_are_asked_about() -> None:
    """No deletes, no status, no scale; every served version of every row, and of no other kind."""
    asked = {
        webhook["name"]: {
            (group, resource)
            for rule in webhook["rules"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
        }
        for webhook in WRITTEN["webhooks"]
    }
    judged = {(row.group, row.plural) for row in serving_kinds().values() if row.judged != "never"}
    assert len(judged) > 20
    workloads = {(row.group, row.plural) for row in kinds().values() if not row.always}
    assert asked == {
        "serving.actgate.dev": judged | {("actgate.dev", "modeldeployments")},
        "declared.actgate.dev": workloads | {("", "pods/ephemeralcontainers")},
        "detected.actgate.dev": workloads | {("", "pods/ephemeralcontainers")},
    }
    for webhook in WRITTEN["webhooks"]:
        for rule in webhook["rules"]:
            assert (rule["apiVersions"], rule["operations"]) == (["*"], ["CREATE", "UPDATE"])
            assert rule["scope"] == "Namespaced"


OBJECTS: Final = (model_deployment(), *(workload(kind) for kind in TEMPLATE_PATHS))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.resourceVersion", "4"),
        ("metadata.labels.team", "credit"),
        ("metadata.finalizers", ["example.com/hold"]),
        ("metadata.ownerReferences", []),
        ("metadata.deletionTimestamp", "2026-11-23T10:00:00Z"),
        ("metadata.managedFields", [{"manager": "kubectl"}]),
        ("metadata.generation", 2),
        ("spec.replicas", 9),
        ("spec.suspend", True),
        ("status", {"replicas": 1}),
    ],
)
def test_what_evidence_does_not_govern_never_reaches_the_webhook(path: str, value: object) -> None:
    """No-op applies and writes of labels, finalizers, replicas and status of any kind go on without it."""
    for obj in OBJECTS:
        old = changed(obj, "metadata.labels.team", "other")
        assert not reaches(old, old), obj["kind"]
        new = changed(old, path, value)
        assert not reaches(new, old), obj["kind"]
        assert not matters(new, old), obj["kind"]


def test_a_create_that_serves_a_model_reaches_the_webhook() -> None:
    """Whatever kind it is."""
    for obj in OBJECTS:
        assert reaches(obj, None), obj["kind"]


def test_a_workload_that_serves_no_model_never_reaches_the_webhook() -> None:
    """Neither its create nor its update, whatever maps it lacks."""
    for kind in TEMPLATE_PATHS:
        plain = workload(kind, labels={}, annotations={})
        for bare in (plain, changed(plain, "metadata.labels", {"actgate.dev/inference": "false"})):
            assert not reaches(bare, None), kind
            assert not reaches(changed(bare, "metadata.labels", {"a": "b"}), bare), kind


HIDDEN: Final[tuple[Json, ...]] = (
    {"command": ["$(PROGRAM)", "serve", "x/y"], "env": [{"name": "PROGRAM", "value": "vllm"}]},
    {"command": ["v$(A)m", "serve", "x/y"], "env": [{"name": "A", "value": "ll"}]},
    {"command": ["sh", "-c", "$SCRIPT"], "env": [{"name": "SCRIPT", "value": "exec vllm serve x/y"}]},
    {"command": ["bash", "-o", "pipefail", "-c", "vllm serve x/y"]},
    {"lifecycle": {"postStart": {"exec": {"command": ["vllm", "serve", "x/y"]}}}},
    {"lifecycle": {"preStop": {"exec": {"command": ["vllm", "serve", "x/y"]}}}},
    {"startupProbe": {"exec": {"command": ["sh", "-c", "vllm serve x/y &"]}}},
    {"image": "vllm/vllm-openai:1"},
    {"command": ["vllm", "serve", "x/y"]},
)
"""What a container holds in which a server is hidden."""


def test_a_server_reaches_the_webhook_wherever_a_container_starts_it() -> None:
    """In variables, hooks and probes, and in an init container, which need not end."""
    for kind in TEMPLATE_PATHS:
        plain = workload(kind, labels={}, annotations={})
        pod = ".".join((*TEMPLATE_PATHS[kind], "spec"))
        for fields in HIDDEN:
            container = {"name": "c", "image": "registry.example/house:1", **fields}
            for listed in ("containers", "initContainers"):
                obj = changed(plain, f"{pod}.{listed}", [container])
                assert matters(obj, None), (kind, listed, fields)
                assert reaches(obj, None), (kind, listed, fields)
        harmless = {"env": [{"name": "A", "valueFrom": {}}, {"name": "B", "value": "x"}], "args": ["--b=1"]}
        assert not reaches(
            changed(plain, f"{pod}.containers.0", {"name": "c", "image": "a:1", **harmless}), None
        )


def test_how_a_server_is_probed_by_other_ways_than_a_command_never_reaches_the_webhook() -> None:
    """Only what a probe runs can start something."""
    for kind in TEMPLATE_PATHS:
        old = workload(kind)
        path = ".".join((*TEMPLATE_PATHS[kind], "spec.containers.0.livenessProbe"))
        new = changed(old, path, {"httpGet": {"path": "/healthz", "port": 80}})
        assert not matters(new, old), kind
        assert not reaches(new, old), kind


def metadata_places(kind: str) -> list[str]:
    """Return each metadata in which a user may declare a workload of a kind."""
    job = ["spec.jobTemplate.metadata"] if kind == "CronJob" else []
    return [
        "metadata",
        *job,
        *([".".join((*TEMPLATE_PATHS[kind], "metadata"))] if TEMPLATE_PATHS[kind] else []),
    ]


MARKS: Final[tuple[Json, ...]] = (
    *({"actgate.dev/inference": value} for value in ("true", "True", "yes", "", "1", "False")),
    *({key: "x"} for key in ("actgate.dev/Inference", "actgate.io/inference", "ACT-Gate.dev/manifest")),
    *({f"actgate.dev/{name}": "m"} for name in ("compliance-manifest", "model", "enforce")),
    {"actgate.dev/inference": "false"},
    *({key: "sha256:0"} for key in sorted(names.OWN_KEYS)),
    {"example.com/actgate": "true", "app": "actgate", "a": "b"},
)


@pytest.mark.parametrize(
    ("kind", "place"), [(kind, place) for kind in TEMPLATE_PATHS for place in metadata_places(kind)]
)
def test_marks_mean_the_same_to_the_conditions_and_to_the_webhook(kind: str, place: str) -> None:
    """On every part of the object, as label and as annotation: created, added, changed and taken off."""
    plain = workload(kind, labels={}, annotations={})
    for name in metadata_places(kind):
        plain = changed(plain, f"{name}.labels", {"app": "scorer"})
    for field, mark in product(("labels", "annotations"), MARKS):
        marked = changed(plain, f"{place}.{field}", {"app": "scorer", **mark})
        assert reaches(marked, None) is Workload(marked).judged, (field, mark)
        other = changed(marked, f"{place}.{field}", {"app": "scorer", **dict.fromkeys(mark, "another")})
        for new, old in ((marked, plain), (plain, marked), (marked, other), (other, marked)):
            asked = ["declared.actgate.dev"] if matters(new, old) else []
            assert asked_of(new, old) == asked, (field, mark)


def test_a_workload_that_begins_or_ends_to_serve_a_model_reaches_the_webhook() -> None:
    """Both directions of the change are asked about."""
    for kind in TEMPLATE_PATHS:
        plain, linked = workload(kind, labels={}, annotations={}), workload(kind)
        assert reaches(linked, plain), kind
        assert reaches(plain, linked), kind


GOVERNED: Final[tuple[tuple[str, Any], ...]] = (
    ("metadata.annotations", {"actgate.dev/compliance-manifest": "other"}),
    ("metadata.annotations", {"actgate.dev/compliance-manifest": "CreditRiskScorer=a,Fraud=b"}),
    ("metadata.labels", {"actgate.dev/inference": "false"}),
    ("{pod}.containers.0.image", "registry.example/other:1"),
    ("{pod}.containers.0.command", ["vllm", "serve", "bank/other"]),
    ("{pod}.containers.0.args", ["--model", "bank/other"]),
    ("{pod}.containers.0.env", [{"name": "MODEL_ID", "value": "bank/other"}]),
    ("{pod}.containers.0.lifecycle", {"postStart": {"exec": {"command": ["sh", "-c", "true"]}}}),
    ("{pod}.containers.0.lifecycle", {"preStop": {"exec": {"command": ["hf", "download", "bank/other"]}}}),
    ("{pod}.containers.0.livenessProbe", {"exec": {"command": ["true"]}}),
    ("{pod}.containers.0.startupProbe", {"exec": {"command": ["hf", "download", "bank/other"]}}),
    ("{pod}.initContainers", [{"name": "init", "image": "busybox"}]),
    ("{pod}.ephemeralContainers", [{"name": "debug", "image": "busybox"}]),
    ("{pod}.volumes", [{"name": "weights", "image": {"reference": "registry.example/weights:1"}}]),
    ("{pod}.nodeSelector", {"topology.kubernetes.io/region": "eu-west-2"}),
    ("{pod}.affinity", {"nodeAffinity": {"x": []}}),
)


@pytest.mark.parametrize(("path", "value"), GOVERNED)
def test_a_change_of_a_governed_field_reaches_the_webhook(path: str, value: object) -> None:
    """Links, labels that classify, images of every sort of container and volume, and nodes."""
    for kind in TEMPLATE_PATHS:
        old = workload(kind)
        new = changed(old, path.format(pod=".".join((*TEMPLATE_PATHS[kind], "spec"))), value)
        assert matters(new, old), kind
        assert reaches(new, old), kind


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.model.version", "3"),
        ("spec.model.digest", f"sha256:{'0' * 64}"),
        ("spec.complianceManifestRef.name", "other"),
        ("spec.placement.regions", [{"region": "eu-west-2"}]),
        ("spec.placement", None),
        ("spec.server.image", "registry.example/other:1"),
        ("spec.server.command", ["vllm", "serve", "bank/other"]),
        ("spec.server.args", ["--model", "bank/other"]),
        ("spec.server.env", [{"name": "MODEL_ID", "value": "bank/other"}]),
        ("spec.server.lifecycle", {"postStart": {"exec": {"command": ["true"]}}}),
        ("spec.server.readinessProbe", {"exec": {"command": ["true"]}}),
        ("spec.podTemplate", {"spec": {"containers": [{"name": "x", "args": ["--model", "y"]}]}}),
        ("spec.podTemplate", {"spec": {"containers": [{"startupProbe": {"exec": {"command": ["true"]}}}]}}),
        ("spec.podTemplate", {"metadata": {"annotations": {"a": "b"}}}),
        ("spec.podTemplate", {"metadata": {"labels": {"actgate.dev/inference": "true"}}}),
        ("spec.podTemplate", {"spec": {"initContainers": [{"name": "x", "image": "y"}]}}),
        ("spec.podTemplate", {"spec": {"nodeSelector": {"a": "b"}}}),
        ("metadata.annotations", {"actgate.dev/model": "Other"}),
    ],
)
def test_a_change_of_a_governed_field_of_a_model_reaches_the_webhook(path: str, value: object) -> None:
    """Model, reference, placement, image, and what of the pod template evidence governs."""
    new = changed(model_deployment(), path, value)
    assert matters(new, model_deployment())
    assert reaches(new, model_deployment())


@pytest.mark.parametrize(
    "template",
    [
        {"spec": {"tolerations": [{"key": "gpu"}]}},
        {"metadata": {"labels": {"team": "credit"}}},
        {"metadata": None},
        {"metadata": {"annotations": {}, "labels": None}, "spec": {"containers": None}},
    ],
)
def test_a_pod_template_that_changes_in_other_ways_never_reaches_the_webhook(template: Json) -> None:
    """Tolerations, other labels, and nulls and empty maps where maps could be."""
    old = model_deployment()
    for new in (model_deployment(podTemplate=template), model_deployment(podTemplate={})):
        assert not matters(new, old)
        assert not reaches(new, old)
        assert not reaches(old, new)


@pytest.mark.parametrize(
    "annotation",
    sorted({value for key, value in vars(names).items() if key.endswith("_ANNOTATION")} - names.OWN_KEYS),
)
def test_every_annotation_that_links_is_known_to_the_conditions(annotation: str) -> None:
    """An annotation that the policy learns must be learned by the registration too."""
    for obj in OBJECTS:
        old = changed(obj, "metadata.annotations", {"actgate.dev/compliance-manifest": "x"})
        new = copy.deepcopy(old)
        new["metadata"]["annotations"][annotation] = "other"
        assert matters(new, old), obj["kind"]
        assert reaches(new, old), obj["kind"]


def test_a_stop_never_reaches_the_webhook_and_a_change_of_the_log_does() -> None:
    """Art. 14(4)(e): nothing stands in the way of a stop, be it with a reason and a name, or without."""
    logging = {"mode": "Recorder", "storage": {"pvc": {"claimName": "log"}}}
    for before in (model_deployment(), model_deployment(logging=logging)):
        stopped = copy.deepcopy(before)
        stopped["spec"]["suspend"] = True
        assert not reaches(stopped, before)
        stated = {names.STOPPED_BY_ANNOTATION: "anna", names.STOP_REASON_ANNOTATION: "drift"}
        stopped["metadata"].setdefault("annotations", {}).update(stated)
        assert not reaches(stopped, before)
        assert not matters(stopped, before)
    for changed_log in ({**logging, "retention": "1h"}, {"mode": "None"}):
        new, old = model_deployment(logging=changed_log), model_deployment(logging=logging)
        assert matters(new, old)
        assert reaches(new, old)
        assert reaches(new, model_deployment())
        assert reaches(model_deployment(), new)


EXTRAS: Final[tuple[tuple[str, Any], ...]] = (
    (
        "spec.podTemplate",
        {"metadata": {"annotations": {"a": "b"}, "labels": {"actgate.dev/inference": "true"}}},
    ),
    ("spec.podTemplate", {"spec": {"containers": [{"name": "x", "image": "y"}], "tolerations": []}}),
    ("spec.podTemplate", {"spec": {"volumes": [{"name": "w", "image": {"reference": "weights:1"}}]}}),
    ("spec.podTemplate", {"spec": {"nodeSelector": None, "affinity": {"nodeAffinity": {"x": []}}}}),
    ("spec.podTemplate", {"metadata": None, "spec": None}),
    ("metadata.annotations", {"actgate.dev/model": "CreditRiskScorer", "other": "x"}),
)
FULL: Final = tuple(
    changed(changed(obj, path, value), "spec.replicas", 1)
    for obj in OBJECTS
    for path, value in EXTRAS
    if obj["kind"] == "ModelDeployment" or path.startswith("metadata")
)
SOURCES: Final = OBJECTS + FULL


@st.composite
def updates(draw: st.DrawFn) -> tuple[Json, Json]:
    """Return an object and a changed one, both of a shape that the API server lets through."""
    old = SOURCES[draw(st.integers(0, len(SOURCES) - 1))]
    new = orjson.loads(orjson.dumps(old))
    for _ in range(draw(st.integers(1, 3))):
        changeable = tuple(path for path in paths(new) if _may_change(new, path))
        replace(
            new, changeable[draw(st.integers(0, len(changeable) - 1))], draw(st.integers(-1, len(VALUES) - 1))
        )
    return new, old


def _may_change(obj: Json, path: tuple[Any, ...]) -> bool:
    """Return whether values of other types can stand there: schemas of the API server fix the rest."""
    if obj["kind"] == "ModelDeployment":
        return len(path) > 2 and path[1] in ("model", "complianceManifestRef", "placement", "podTemplate")
    return len(path) > 2 and (path[-2] in ("annotations", "labels", "nodeSelector") or path[-1] == "image")


@settings(
    max_examples=10 * settings().max_examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(update=updates())
def test_no_update_that_matters_is_kept_from_the_webhook(update: tuple[Json, Json]) -> None:
    """Conditions and webhook agree on every update: what the webhook would judge, reaches it."""
    new, old = update
    if matters(new, old):
        assert reaches(new, old)
    assert not reaches(copy.deepcopy(old), old)
