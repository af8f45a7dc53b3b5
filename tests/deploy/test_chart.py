"""The chart without Helm: its values, and their schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import jsonschema
import pytest
import yaml

from tests.deploy.charting import CHART, EVERYTHING, OVERLAY_VALUES, Values
from tests.deploy.rendering import DEPLOY, OVERLAYS, ROOT, Json
from tools import chart, chart_values
from tools.chart_parts import PARTS, Part

SCHEMA: Final[Json] = json.loads((CHART / "values.schema.json").read_text("utf-8"))
DEFAULTS: Final[Json] = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))

PEM: Final = "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----"
REFUSED: Final[tuple[tuple[str, Values], ...]] = (
    ("/", {"replicas": 3}),
    ("/webhook", {"webhook": {"replica": 3}}),
    ("/webhook/replicas", {"webhook": {"replicas": "3"}}),
    ("/webhook/replicas", {"webhook": {"replicas": -1}}),
    ("/webhook/image/repository", {"webhook": {"image": {"repository": "registry.example/webhook:1.0"}}}),
    ("/webhook/image/repository", {"webhook": {"image": {"repository": ""}}}),
    ("/webhook/image/tag", {"webhook": {"image": {"tag": 1.0}}}),
    ("/webhook/image/digest", {"webhook": {"image": {"digest": "sha256:abc"}}}),
    ("/webhook/image/pullPolicy", {"webhook": {"image": {"pullPolicy": "Sometimes"}}}),
    ("/webhook/resources/limits/memory", {"webhook": {"resources": {"limits": {"memory": "1 GB"}}}}),
    ("/webhook/extraArgs/0", {"webhook": {"extraArgs": ["log-level=DEBUG"]}}),
    ("/webhook/env/A", {"webhook": {"env": {"A": 1}}}),
    ("/webhook/env", {"webhook": {"env": {"A-B": "1"}}}),
    ("/webhook/podLabels", {"webhook": {"podLabels": {"app.kubernetes.io/name": "other"}}}),
    ("/webhook/affinity", {"webhook": {"affinity": {"nodes": {}}}}),
    ("/webhook/topologySpreadConstraints/0", {"webhook": {"topologySpreadConstraints": [{"maxSkew": 1}]}}),
    ("/operator/replicas", {"operator": {"replicas": 1.5}}),
    ("/imagePullSecrets/0", {"imagePullSecrets": ["pull"]}),
    ("/priorityClass/value", {"priorityClass": {"value": 2_000_000_000}}),
    ("/certificates/source", {"certificates": {"source": "cert-manager"}}),
    ("/certificates/caBundle", {"certificates": {"source": "Secret"}}),
    ("/certificates/caBundle", {"certificates": {"source": "Secret", "caBundle": "LS0tLS1CRUdJTg=="}}),
    ("/certificates/caBundle", {"certificates": {"caBundle": PEM}}),
    ("/certificates/secretName", {"certificates": {"secretName": "mine"}}),
    ("/certificates/certManager/issuerRef", {"certificates": {"certManager": {"issuerRef": {"kind": "X"}}}}),
    ("/baseline/enforcement", {"baseline": {"enforcement": "audit"}}),
    ("/registration/failurePolicy", {"registration": {"failurePolicy": "Open"}}),
    ("/registration/timeoutSeconds", {"registration": {"timeoutSeconds": 31}}),
    ("/registration/exemptNamespaces/0", {"registration": {"exemptNamespaces": ["Team_A"]}}),
    ("/networkPolicies/apiServer/ports", {"networkPolicies": {"apiServer": {"ports": []}}}),
    ("/networkPolicies/apiServer/cidrs/0", {"networkPolicies": {"apiServer": {"cidrs": ["10.0.0.1"]}}}),
    ("/monitoring/interval", {"monitoring": {"interval": 30}}),
    ("/tenantNamespaces/enabled", {"tenantNamespaces": {"enabled": "yes"}}),
)  # fmt: skip
"""What the schema refuses, and where it says the mistake is."""


def merged(defaults: Json, values: Values) -> Json:
    """Return values over defaults, as Helm puts them together."""
    together = dict(defaults)
    for key, value in values.items():
        below = together.get(key)
        is_group = isinstance(below, dict) and isinstance(value, dict)
        together[key] = merged(below, value) if is_group and below is not None else value
    return together


def leaves(values: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of each value that is no group with values."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def test_the_schema_is_a_schema_and_takes_the_defaults() -> None:
    """Of the draft that Helm 3 and Helm 4 both read."""
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    validator = jsonschema.Draft7Validator
    validator.check_schema(SCHEMA)
    for values in ({}, {"global": {"any": 1}}, EVERYTHING, *OVERLAY_VALUES.values()):
        validator(SCHEMA).validate(merged(DEFAULTS, values))


def test_a_mistake_in_a_value_is_refused_where_it_is() -> None:
    """A name that does not exist, a type, a range: never taken, and never ignored."""
    validator = jsonschema.Draft7Validator(SCHEMA)
    for path, values in REFUSED:
        errors: list[Any] = list(validator.iter_errors(merged(DEFAULTS, values)))
        assert path in {"/" + "/".join(map(str, error.absolute_path)) for error in errors}, values


def test_no_object_of_the_schema_takes_a_name_that_it_does_not_know() -> None:
    """Whatever has properties of its own is closed."""
    open_objects = [
        path
        for path, schema in _schemas(SCHEMA)
        if "properties" in schema
        and schema.get("type") == "object"
        and schema.get("additionalProperties") is not False
    ]
    assert open_objects == []


def _schemas(schema: Any, path: str = "") -> Iterator[tuple[str, Json]]:  # noqa: ANN401 - JSON
    if isinstance(schema, dict):
        yield path, schema
        for key, value in schema.items():
            yield from _schemas(value, f"{path}/{key}")


def test_every_value_is_in_the_schema_and_on_the_page() -> None:
    """values.yaml holds no more and no less, with the schema's default."""
    page = (ROOT / "docs" / "chart.md").read_text("utf-8")
    assert (CHART / "values.yaml").read_text("utf-8") == chart_values.defaults()
    described = {value.path: value.default for value in chart_values.values() if not value.is_group}
    for path, default in described.items():
        found: Any = DEFAULTS
        for key in path:
            found = found[key]
        assert found == default, path
        assert f"| `{'.'.join(path)}` |" in page
    for path in leaves(DEFAULTS):
        assert any(path[: len(known)] == known for known in described), path


def test_the_values_of_the_install_page_are_taken() -> None:
    """With a registry and digests of one's own in place of what stands for them."""
    page = (ROOT / "docs" / "install.md").read_text("utf-8")
    text = page.split("# actgate-values.yaml\n", 1)[1].split("```", 1)[0]
    values = yaml.safe_load(text.replace("REGISTRY", "registry.example").replace("...", "0" * 64))
    jsonschema.Draft7Validator(SCHEMA).validate(merged(DEFAULTS, values))
    assert values["baseline"] == {"enforcement": "Audit"}


def test_every_overlay_has_values_that_come_to_the_same() -> None:
    """tests/deploy/test_chart_rendering.py compares what both come to."""
    assert sorted(OVERLAY_VALUES) == OVERLAYS


def test_everything_in_deploy_has_its_place_in_the_chart() -> None:
    """A file that the base or a component gains is not forgotten, where there is no Helm to compare with."""
    elsewhere = {
        "base/namespace.yaml": "is Helm's",
        "base/../../crds": "crds",
        "base/priority-class.yaml": "templates/priority-class.yaml",
        "components/audit-first/policy.yaml": "templates/baseline.yaml",
    }
    found = set()
    for file in (DEPLOY / "base" / "kustomization.yaml", *DEPLOY.glob("components/*/kustomization.yaml")):
        content = yaml.safe_load(file.read_text("utf-8"))
        found |= {f"{file.parent.relative_to(DEPLOY)}/{name}" for name in content.get("resources", ())}
    assert found == {part.source for part in PARTS} | elsewhere.keys()


def test_a_manifest_that_lost_what_the_chart_makes_a_value_of_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A value that sets nothing any more is found when the chart is generated."""
    part = Part("base/webhook-registration.yaml", values={"failurePolicy: Never": "{{ .Values.x }}"})
    monkeypatch.setattr(chart, "PARTS", (part,))
    with pytest.raises(ValueError, match=r"webhook-registration\.yaml: 'failurePolicy: Never' is not there"):
        chart.templates()
