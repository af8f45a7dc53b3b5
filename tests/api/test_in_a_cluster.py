"""The definitions in an API server: what it refuses, fills in, shows and selects on its own."""

from __future__ import annotations

import re
from typing import Any

import pytest

from actgate_sandbox.rest import APPLY_PATCH, CRDS, MERGE_PATCH, Reply, Rest
from tests.support.crds import collection, create, definitions, deployment_spec, manifest_spec
from tests.support.kubectl import Kubectl


def columns(table: str) -> dict[str, str]:
    """Read the one row of what `kubectl get` printed, by the names above its columns."""
    header, row = table.splitlines()
    starts = [found.start() for found in re.finditer(r"\S+( \S+)*", header)]
    return {
        header[start:end].strip(): row[start:end].strip()
        for start, end in zip(starts, [*starts[1:], None], strict=True)
    }


def refused(reply: Reply, *words: str) -> None:
    """Check that an object was refused as invalid, in words that name the field."""
    assert reply.status == 422, reply
    assert all(word in reply.message for word in words), reply.message


@pytest.mark.parametrize("name", [crd["metadata"]["name"] for crd in definitions().values()])
def test_a_definition_is_established_and_has_nothing_to_complain_about(api: Rest, name: str) -> None:
    """Established, names accepted, and no NonStructuralSchema condition."""
    conditions = {
        item["type"]: item["status"] for item in api("GET", f"{CRDS}/{name}").body["status"]["conditions"]
    }
    assert (conditions["Established"], conditions["NamesAccepted"]) == ("True", "True")
    assert conditions.get("NonStructuralSchema", "False") == "False"


def test_evidence_is_immutable(api: Rest, namespace: str) -> None:
    """A ComplianceManifest's spec cannot be changed; its labels can."""
    assert create(api, "ComplianceManifest", "m", manifest_spec(), namespace).status == 201
    path = f"{collection('ComplianceManifest', namespace)}/m"
    for spec in ({"humanOversight": {"enabled": False}}, {"bias": None}, {"lineage": {"runId": "2"}}):
        refused(api("PATCH", path, {"spec": spec}, MERGE_PATCH), "evidence is immutable")
    assert api("PATCH", path, {"metadata": {"labels": {"a": "b"}}}, MERGE_PATCH).status == 200


def test_evidence_can_be_applied_again_unchanged(api: Rest, namespace: str) -> None:
    """GitOps applies the same object every few minutes."""
    body = {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "ComplianceManifest",
        "metadata": {"name": "m"},
        "spec": manifest_spec(),
    }
    path = f"{collection('ComplianceManifest', namespace)}/m"
    replies = [api("PATCH", path, body, APPLY_PATCH, fieldManager="gitops") for _ in range(2)]
    assert [reply.status for reply in replies] == [201, 200]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bias": [{"metric": "accuracy", "value": 0.9}]}, ["spec.bias[0].metric", "Unsupported value"]),
        (
            {"bias": [{"metric": "demographic_parity_difference", "value": 1.5}]},
            ["spec.bias[0].value", "a difference must be between -1 and 1"],
        ),
        (
            {"bias": [{"metric": "disparate_impact", "value": -0.5}]},
            ["spec.bias[0].value", "a ratio >= 0"],
        ),
        ({"humanOversight": {"enabled": "true"}}, ["spec.humanOversight.enabled", "must be of type boolean"]),
        ({"bias": [{"metric": "disparate_impact", "value": "0.9"}]}, ["spec.bias[0].value", "number"]),
        ({"bias": [{"metric": "disparate_impact", "value": True}]}, ["spec.bias[0].value", "number"]),
        ({"bias": [{"metric": "disparate_impact"}]}, ["spec.bias[0].value", "Required"]),
        (
            {"bias": [{"metric": "disparate_impact", "value": 1.0, "groups": [{"name": " \t", "count": 1}]}]},
            ["spec.bias[0].groups[0].name", "should match"],
        ),
        ({"riskCategory": "HIGH_RISK"}, ["spec.riskCategory", "Unsupported value"]),
        ({"training": {"finishedAt": "yesterday"}}, ["spec.training.finishedAt", "date-time"]),
        ({"model": {"name": "x", "digest": "sha256:abc"}}, ["spec.model.digest"]),
        ({"model": {"name": "x", "images": ["registry.example/x:1"]}}, ["spec.model.images[0]"]),
        ({"model": {"name": "x" * 254}}, ["spec.model.name", "Too long"]),
        ({"model": {}}, ["spec.model.name", "Required"]),
        ({"training": {"regions": [{"region": "x"}] * 33}}, ["spec.training.regions", "Too many"]),
    ],
)
def test_malformed_evidence_is_refused(
    api: Rest, namespace: str, changes: dict[str, Any], words: list[str]
) -> None:
    """Unknown metrics, values out of range, texts for booleans: the schema refuses and names the field."""
    refused(create(api, "ComplianceManifest", "m", manifest_spec(**changes), namespace), *words)


@pytest.mark.parametrize(
    ("counts", "field", "words"),
    [
        ({"selected": 101}, "selected", "must be at most count"),
        ({"positives": 101}, "positives", "must be at most count"),
        ({"positives": 50, "truePositives": 51}, "truePositives", "must be at most positives"),
        ({"positives": 50, "falsePositives": 51}, "falsePositives", "must be at most count less positives"),
        (
            {"selected": 40, "truePositives": 30, "falsePositives": 9},
            "selected",
            "must be truePositives and falsePositives together",
        ),
        ({"selected": -1}, "selected", "greater than or equal to 0"),
    ],
)
def test_counts_that_cannot_be_are_refused(
    api: Rest, namespace: str, counts: dict[str, int], field: str, words: str
) -> None:
    """No part is larger than its whole; what the value has to do with them, the gate judges."""
    groups = [{"name": "a", "count": 100}, {"name": "b", "count": 100, **counts}]
    spec = manifest_spec(bias=[{"metric": "equalized_odds_difference", "value": 0.0, "groups": groups}])
    reply = create(api, "ComplianceManifest", "m", spec, namespace)
    refused(reply, f"spec.bias[0].groups[1].{field}", words)


def test_counts_at_their_bounds_are_accepted(api: Rest, namespace: str) -> None:
    """All selected, none selected, and the largest numbers that JSON holds."""
    every = {"count": 2**53 - 1, "selected": 2**53 - 1, "positives": 2**53 - 1, "truePositives": 2**53 - 1}
    groups = [
        {"name": "all", **every, "falsePositives": 0},
        {"name": "none", "count": 5, "selected": 0, "positives": 0, "truePositives": 0, "falsePositives": 0},
    ]
    measured = {"metric": "average_odds_difference", "value": 1.0, "groups": groups}
    spec = manifest_spec(bias=[{**measured, "referenceGroup": "none"}])
    assert create(api, "ComplianceManifest", "m", spec, namespace).status == 201


@pytest.mark.parametrize("groups", [None, [], [{"name": "male", "count": 5}]])
def test_a_reference_group_that_is_no_group_is_refused(
    api: Rest, namespace: str, groups: list[dict[str, Any]] | None
) -> None:
    """It is what a directional metric compares the others with."""
    measured = {"metric": "disparate_impact", "value": 1.0, "referenceGroup": "female", "groups": groups}
    spec = manifest_spec(bias=[{key: value for key, value in measured.items() if value is not None}])
    reply = create(api, "ComplianceManifest", "m", spec, namespace)
    refused(reply, "spec.bias[0].referenceGroup", "must be the name of one of the groups")


@pytest.mark.parametrize("value", [0, 1, 7.5])
def test_a_ratio_has_no_upper_bound(api: Rest, namespace: str, value: float) -> None:
    """Disparate impact goes from 0 upwards, whole numbers included."""
    spec = manifest_spec(bias=[{"metric": "disparate_impact", "value": value}])
    assert create(api, "ComplianceManifest", "m", spec, namespace).status == 201


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"replicas": 2, "autoscaling": {"maxReplicas": 3}},
            ["spec.replicas", "set replicas or autoscaling, not both"],
        ),
        (
            {"autoscaling": {"minReplicas": 4, "maxReplicas": 3}},
            ["spec.autoscaling.minReplicas", "minReplicas must not exceed maxReplicas"],
        ),
        ({"autoscaling": {"minReplicas": 1}}, ["spec.autoscaling.maxReplicas", "Required"]),
        ({"replicas": -1}, ["spec.replicas", "greater than or equal to 0"]),
        ({"complianceManifestRef": {"name": "Not_A_Name"}}, ["spec.complianceManifestRef.name"]),
        ({"placement": {"regions": []}}, ["spec.placement.regions", "at least 1 items"]),
        ({"server": {}}, ["spec.server.image", "Required"]),
    ],
)
def test_a_malformed_model_deployment_is_refused(
    api: Rest, namespace: str, changes: dict[str, Any], words: list[str]
) -> None:
    """Replicas XOR autoscaling, min <= max, names and required fields are the schema's business."""
    refused(create(api, "ModelDeployment", "m", deployment_spec(**changes), namespace), *words)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"replicas": 0},
        {"autoscaling": {"maxReplicas": 1}},
        {"autoscaling": {"minReplicas": 3, "maxReplicas": 3}},
        {"server": {"image": "x", "securityContext": {"runAsNonRoot": True}}},
        {"podTemplate": {"spec": {"tolerations": [{"operator": "Exists"}]}}},
    ],
)
def test_a_sound_model_deployment_is_taken_whole(api: Rest, namespace: str, changes: dict[str, Any]) -> None:
    """Nothing of a sound spec is refused or pruned, foreign container fields included."""
    reply = create(
        api, "ModelDeployment", "m", deployment_spec(**changes), namespace, fieldValidation="Strict"
    )
    assert reply.status == 201, reply
    kept = reply.body["spec"]
    for name, value in changes.items():
        assert kept[name] == value or kept[name].items() >= value.items()


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("ComplianceManifest", manifest_spec(humanOversigth={"enabled": True})),
        ("ModelDeployment", deployment_spec(compliancemanifestRef={"name": "x"})),
    ],
)
def test_an_unknown_field_is_refused_under_strict_validation(
    api: Rest, namespace: str, kind: str, spec: dict[str, Any]
) -> None:
    """A typing error in a field's name is no silent omission: kubectl asks for this by default."""
    reply = create(api, kind, "m", spec, namespace, fieldValidation="Strict")
    assert reply.status == 400, reply
    assert "unknown field" in reply.message


def test_defaults_of_a_policy_are_filled_in(api: Rest) -> None:
    """An empty policy shows the whole baseline, so that every user sees what it asks."""
    try:
        reply = create(api, "CompliancePolicy", "empty", {})
        assert reply.status == 201, reply
        every = ["HighRisk", "LimitedRisk", "MinimalRisk"]
        assert reply.body["spec"] == {
            "enforcement": "Deny",
            "namespaceSelector": {},
            "bias": {
                "requiredFor": every,
                "maxDifference": 0.05,
                "minRatio": 0.8,
                "minGroupCount": 0,
                "attributes": [],
                "confidence": 0,
            },
            "residency": {
                "requiredFor": every,
                "countries": ["EU"],
                "training": "Require",
                "serving": "IfDeclared",
            },
            "humanOversight": {"requiredFor": every, "fields": []},
            "evidence": {
                "maxAge": "8760h",
                "requireDigest": False,
                "level": dict.fromkeys(every, "Declared"),
                "authorities": [],
                "require": [],
                "withdrawn": [],
                "requireUris": False,
                "graceAfterExpiry": "168h",
            },
            "detection": dict.fromkeys(("strong", "likely", "weak"), "Audit"),
            "injectedContainers": [],
            "onViolation": "Keep",
            "logging": {
                "requiredFor": [],
                "minRetention": "4416h",
                "countries": [],
                "durability": "AtMostOnce",
                "maxPayload": "Full",
                "recorderImages": [],
            },
        }
    finally:
        api("DELETE", f"{collection('CompliancePolicy')}/empty")


def requiring(signer: str, *distinct_from: str) -> dict[str, Any]:
    """Return a policy that has the authority risk, and requires a signature of this one."""
    kind = "https://example.com/audit"
    authority = {
        "name": "risk",
        "key": {"data": "-----BEGIN PUBLIC KEY-----"},
        "mayAttest": [kind],
    }
    requirement = {"predicateType": kind, "authorities": [signer], "distinctFrom": [*distinct_from]}
    return {"evidence": {"authorities": [authority], "require": [requirement]}}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"enforcement": "deny"}, ["spec.enforcement"]),
        ({"bias": {"maxDifference": 1.5}}, ["spec.bias.maxDifference"]),
        ({"evidence": {"maxAge": "1y"}}, ["spec.evidence.maxAge"]),
        ({"residency": {"countries": ["Germany"]}}, ["spec.residency.countries[0]"]),
        (
            {"namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "In"}]}},
            ["spec.namespaceSelector.matchExpressions[0]", "values must be set for In and NotIn"],
        ),
        (
            {
                "namespaceSelector": {
                    "matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]
                }
            },
            ["values must be set for In and NotIn"],
        ),
        (requiring("stranger"), ["spec.evidence.require", "require[].authorities must be names of"]),
        (requiring("risk", "stranger"), ["spec.evidence.require", "require[].distinctFrom must be names of"]),
    ],
)
def test_a_malformed_policy_is_refused(api: Rest, spec: dict[str, Any], words: list[str]) -> None:
    """A policy that could not be read later never gets into the cluster."""
    refused(create(api, "CompliancePolicy", "bad", spec), *words)


def test_a_typing_error_in_a_policy_earns_a_warning(api: Rest) -> None:
    """Also from clients that ask for nothing: the field is dropped, and the user hears of it."""
    try:
        reply = create(api, "CompliancePolicy", "typo", {"enforcment": "Audit"})
        assert (reply.status, reply.warnings) == (201, ('unknown field "spec.enforcment"',)), reply
        assert reply.body["spec"]["enforcement"] == "Deny"
    finally:
        api("DELETE", f"{collection('CompliancePolicy')}/typo")


def test_a_new_model_is_not_ready_yet(api: Rest, namespace: str) -> None:
    """Ready is Unknown from the first moment, and a status in the request is not taken over."""
    body = {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": "m"},
        "spec": deployment_spec(),
        "status": {"replicas": 7},
    }
    path = collection("ModelDeployment", namespace)
    assert api("POST", path, body).status == 201
    status = api("GET", f"{path}/m").body["status"]
    assert status.keys() == {"conditions"}
    (ready,) = status["conditions"]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "Unknown", "Pending")


def test_replicas_are_read_and_written_through_the_scale_subresource(api: Rest, namespace: str) -> None:
    """`kubectl scale` and autoscalers work: spec, status and selector are where they look."""
    assert create(api, "ModelDeployment", "m", deployment_spec(replicas=2), namespace).status == 201
    path = f"{collection('ModelDeployment', namespace)}/m"
    observed = {"status": {"replicas": 1, "selector": "app=m"}}
    assert api("PATCH", f"{path}/status", observed, MERGE_PATCH).status == 200
    scale = api("GET", f"{path}/scale").body
    assert scale["kind"] == "Scale"
    assert (scale["spec"], scale["status"]) == ({"replicas": 2}, {"replicas": 1, "selector": "app=m"})
    assert api("PATCH", f"{path}/scale", {"spec": {"replicas": 5}}, MERGE_PATCH).status == 200
    assert api("GET", path).body["spec"]["replicas"] == 5


def test_models_are_selected_by_their_manifest(api: Rest, namespace: str) -> None:
    """A field selector finds the dependants of a manifest."""
    for name, manifest in (("a", "x"), ("b", "y"), ("c", "x")):
        spec = deployment_spec(complianceManifestRef={"name": manifest})
        assert create(api, "ModelDeployment", name, spec, namespace).status == 201
    path = collection("ModelDeployment", namespace)
    found = api("GET", path, fieldSelector="spec.complianceManifestRef.name=x").body["items"]
    assert [item["metadata"]["name"] for item in found] == ["a", "c"]
    assert api("GET", path, fieldSelector="spec.model.name=x").status == 400


@pytest.mark.needs_kubectl
@pytest.mark.parametrize(
    ("kind", "spec", "cells"),
    [
        (
            "ComplianceManifest",
            manifest_spec(validity={"notAfter": "2027-11-01T00:00:00Z"}),
            {
                "MODEL": "CreditRiskScorer",
                "VERSION": "2",
                "RISK": "HighRisk",
                "EXPIRES": "2027-11-01T00:00:00Z",
            },
        ),
        (
            "ModelDeployment",
            deployment_spec(),
            {
                "READY": "Unknown",
                "REASON": "Pending",
                "MODEL": "CreditRiskScorer",
                "VERSION": "2",
                "MANIFEST": "credit-risk-scorer-v2",
            },
        ),
    ],
)
def test_printer_columns_show_what_matters(
    api: Rest, kubectl: Kubectl, namespace: str, kind: str, spec: dict[str, Any], cells: dict[str, str]
) -> None:
    """`kubectl get` shows model, version and state at a glance."""
    assert create(api, kind, "m", spec, namespace).status == 201
    outcome = kubectl("get", kind.lower(), "-o", "wide")
    assert outcome.code == 0, outcome
    shown = columns(outcome.out)
    assert shown.items() >= ({"NAME": "m"} | cells).items()
    assert "AGE" in shown


@pytest.mark.parametrize(
    "status",
    [
        {"verdict": {"outcome": "Compliant", "policies": [], "ruleset": "1"}},
        {"verdict": {"outcome": "Pass", "ruleset": "1"}},
        {"verdict": {"outcome": "Pass", "policies": [], "ruleset": "1", "findings": [{"rule": "x"}]}},
    ],
    ids=["outcome", "policies", "findings"],
)
def test_a_status_that_no_operator_writes_is_refused(
    api: Rest, namespace: str, status: dict[str, Any]
) -> None:
    """Its schema is as strict as that of the evidence."""
    assert create(api, "ComplianceManifest", "m", manifest_spec(), namespace).status == 201
    path = f"{collection('ComplianceManifest', namespace)}/m/status"
    refused(api("PATCH", path, {"status": status}, MERGE_PATCH), "status.verdict")


@pytest.mark.needs_kubectl
@pytest.mark.usefixtures("api")
@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("cmf.spec.bias.threshold", "it can tighten the policy's limit and never loosen it"),
        ("acp.spec.bias.maxDifference", "House policy: no law sets it"),
        ("mdep.spec.complianceManifestRef", "The evidence that speaks for the model"),
    ],
)
def test_kubectl_explains_every_field(kubectl: Kubectl, field: str, words: str) -> None:
    """`kubectl explain` finds the short names and shows the descriptions."""
    outcome = kubectl("explain", field)
    assert outcome.code == 0, outcome
    assert words in " ".join(outcome.out.split())


@pytest.mark.needs_kubectl
def test_kubectl_lists_all_of_ours_by_category(api: Rest, kubectl: Kubectl, namespace: str) -> None:
    """`kubectl get actgate` shows manifests, policies and models together."""
    assert create(api, "ComplianceManifest", "evidence", manifest_spec(), namespace).status == 201
    assert create(api, "ModelDeployment", "model", deployment_spec(), namespace).status == 201
    outcome = kubectl("get", "actgate", "-o", "name")
    assert outcome.code == 0, outcome
    assert {"compliancemanifest.actgate.dev/evidence", "modeldeployment.actgate.dev/model"} <= {
        *outcome.out.split()
    }
