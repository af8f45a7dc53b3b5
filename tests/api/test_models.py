"""The models in Python: the same shapes as in the schemas, read strictly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from actgate.api.compliance_manifest import ComplianceManifestSpec, Metric
from actgate.api.compliance_policy import CompliancePolicySpec
from actgate.api.durations import parse_duration
from actgate.api.model_deployment import ModelDeploymentSpec
from actgate.api.times import parse_timestamp
from tests.support.crds import deployment_spec, manifest_spec
from tools.crd import definitions


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01T10:00:00Z", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("2026-11-01t10:00:00z", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        ("2026-11-01T10:00:00+02:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
        ("2026-11-01T10:00:00.123456789Z", datetime(2026, 11, 1, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-01T10:00:00.5-00:00", datetime(2026, 11, 1, 10, 0, 0, 500000, tzinfo=UTC)),
        (
            datetime(2026, 11, 1, 10, tzinfo=timezone(timedelta(hours=1))),
            datetime(2026, 11, 1, 9, tzinfo=UTC),
        ),
    ],
)
def test_a_timestamp_is_rfc_3339_and_held_in_utc(text: object, moment: datetime) -> None:
    """Any zone and up to nine digits of a second are read; what is held is UTC."""
    assert parse_timestamp(text) == moment
    assert parse_timestamp(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        *("2026-11-01T10:00:00", "2026-11-01", "2026-11-01 10:00:00Z", "20261101T100000Z", "", "now"),
        *(
            "2026-13-01T10:00:00Z",
            "2026-02-30T10:00:00Z",
            "2026-11-01T25:00:00Z",
            "2026-11-01T10:00:00+25:00",
        ),
        *("2026-11-01T10:00:00Z\n", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"),
        *("\uff12\uff10\uff12\uff16-11-01T10:00:00Z", 1793527200, 1.5, None, True, [], datetime(2026, 11, 1)),  # noqa: DTZ001
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    ],
)
def test_anything_else_is_no_timestamp(text: object) -> None:
    """No zone, no such day, no such moment in UTC, or no text at all: a ValueError with a reason."""
    with pytest.raises(ValueError, match=r"must be an RFC 3339 time|must be a moment in time"):
        parse_timestamp(text)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("8760h", timedelta(days=365)),
        ("90m", timedelta(minutes=90)),
        ("1h30m", timedelta(minutes=90)),
        ("1h30m15s", timedelta(minutes=90, seconds=15)),
        ("0s", timedelta(0)),
        ("9999999h9999999m9999999s", timedelta(hours=9999999, minutes=9999999, seconds=9999999)),
    ],
)
def test_a_duration_is_hours_minutes_and_seconds(text: str, duration: timedelta) -> None:
    """Durations are written as Kubernetes writes them."""
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "h", "1", "1d", "1.5h", "-1h", "1m1h", "1h ", "12345678h", "1h\n"])
def test_anything_else_is_no_duration(text: str) -> None:
    """Days, fractions, signs and other orders are refused, with an example of what is right."""
    with pytest.raises(ValueError, match="must be a duration such as 8760h"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("model", "spec"),
    [
        (ComplianceManifestSpec, manifest_spec(surprise=1)),
        (ComplianceManifestSpec, manifest_spec(humanOversight={"enabled": "true"})),
        (ComplianceManifestSpec, manifest_spec(humanOversight={"enabled": 1})),
        (ComplianceManifestSpec, manifest_spec(riskCategory="HIGH_RISK")),
        (ComplianceManifestSpec, manifest_spec(bias=[{"metric": "accuracy", "value": 0.1}])),
        (ComplianceManifestSpec, manifest_spec(bias=[{"metric": "disparate_impact", "value": "0.9"}])),
        (ComplianceManifestSpec, manifest_spec(bias=[{"metric": "disparate_impact", "value": True}])),
        (ComplianceManifestSpec, manifest_spec(training={"finishedAt": "yesterday"})),
        (ComplianceManifestSpec, manifest_spec(model={"name": "x", "digest": "sha256:abc"})),
        (ComplianceManifestSpec, manifest_spec(model={"name": "x", "images": ["registry.example/x:1"]})),
        (ModelDeploymentSpec, deployment_spec(placement={"regions": []})),
        (ModelDeploymentSpec, deployment_spec(complianceManifestRef={"name": "Not_A_Name"})),
        (ModelDeploymentSpec, deployment_spec(replicas=-1)),
        (ModelDeploymentSpec, deployment_spec(server={})),
    ],
)
def test_a_field_of_the_wrong_type_range_or_name_is_an_error(
    model: type[BaseModel], spec: dict[str, Any]
) -> None:
    """A text is no boolean, a boolean no number, and an unknown field is not ignored."""
    with pytest.raises(ValidationError):
        model.model_validate(spec)


def test_specs_are_read_in_the_words_of_the_wire() -> None:
    """Objects speak camelCase; a whole number is a number too."""
    spec = ComplianceManifestSpec.model_validate(
        manifest_spec(bias=[{"metric": "disparate_impact", "value": 1}])
    )
    assert spec.bias is not None
    assert (spec.bias[0].metric, spec.bias[0].value) == (Metric.DISPARATE_IMPACT, 1.0)
    assert spec.training is not None
    assert spec.training.finished_at == datetime(2026, 11, 1, 10, tzinfo=UTC)


def test_a_server_takes_every_field_of_a_container() -> None:
    """Fields that actgate does not know are the API server's to check when the pod is made."""
    server = {"image": "x", "volumeMounts": [{"name": "models", "mountPath": "/models"}]}
    spec = ModelDeploymentSpec.model_validate(deployment_spec(server=server))
    assert spec.server.model_dump(by_alias=True, exclude_none=True) == server


def test_an_empty_policy_reads_as_the_defaults_that_the_schema_fills_in() -> None:
    """The API server's defaults and the model's are the same, field by field."""
    crd = definitions()["compliancepolicies.actgate.dev.yaml"]
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    filled = {name: part["default"] for name, part in schema["properties"].items()}
    assert CompliancePolicySpec.model_validate(filled) == CompliancePolicySpec()


def test_specs_are_immutable_in_python_too() -> None:
    """Policies are compared by identity between reviews, so none may change."""
    spec = CompliancePolicySpec()
    with pytest.raises(ValidationError, match="frozen"):
        spec.enforcement = spec.enforcement  # type: ignore[misc]


@pytest.mark.parametrize(
    ("metric", "ratio"),
    [(metric, not metric.value.endswith("_difference")) for metric in Metric],
)
def test_a_metric_is_a_difference_or_a_ratio(metric: Metric, ratio: bool) -> None:
    """Five differences and three ratios; disparate impact is a ratio without saying so."""
    assert metric.is_ratio is ratio
