"""The schemas: structural, described and bounded, so that the API server refuses what is malformed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tools.crd import definitions

Schema = dict[str, Any]
CRDS = {crd["spec"]["names"]["kind"]: crd for crd in definitions().values()}
FORBIDDEN = {"$ref", "$defs", "anyOf", "oneOf", "allOf", "not", "title", "const", "nullable", "uniqueItems"}
STANDARD = re.compile(r"apiVersion|kind|metadata")
"""Fields that every object has and that the API server describes itself."""


def version(kind: str) -> Schema:
    """Return the only version of a kind."""
    (found,) = CRDS[kind]["spec"]["versions"]
    return dict(found)


def root(kind: str) -> Schema:
    """Return the schema of a whole object of a kind."""
    return dict(version(kind)["schema"]["openAPIV3Schema"])


def nodes(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Yield every schema inside a schema with its path; [] is an item and {} a value of a map."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from nodes(part, f"{path}.{name}".lstrip("."))
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{path}{{}}")


def fields(kind: str) -> list[tuple[str, Schema]]:
    """Return the schemas of everything that is ours to describe in objects of a kind."""
    return [(path, part) for path, part in nodes(root(kind)) if path and not STANDARD.fullmatch(path)]


@pytest.mark.parametrize("kind", CRDS)
def test_every_schema_is_structural(kind: str) -> None:
    """One type, no references, no alternatives, and either properties or a map."""
    for path, schema in fields(kind):
        assert schema["type"] in {"object", "array", "string", "integer", "number", "boolean"}, path
        assert not FORBIDDEN & schema.keys(), path
        assert not {"properties", "additionalProperties"} <= schema.keys(), path
        assert ("items" in schema) is (schema["type"] == "array"), path
        assert None not in schema.values(), path


@pytest.mark.parametrize("kind", CRDS)
def test_every_field_is_described(kind: str) -> None:
    """`kubectl explain` has a sentence on every field."""
    described = {
        path: part.get("description", "") for path, part in fields(kind) if not path.endswith(("[]", "{}"))
    }
    assert [path for path, text in described.items() if not text.endswith(".")] == []


@pytest.mark.parametrize("kind", CRDS)
def test_every_list_text_and_number_is_bounded(kind: str) -> None:
    """Nothing grows without limit: lists, maps, texts and whole numbers say how far."""
    assert [path for path, schema in fields(kind) if not BOUNDS[schema["type"]] & bounds(schema)] == []


BOUNDS = {
    "array": {"maxItems"},
    "string": {"maxLength", "enum", "date-time"},
    "object": {"properties", "maxProperties", "x-kubernetes-preserve-unknown-fields"},
    "integer": {"maximum", "int64"},
    "number": {"type"},  # A number takes no more room when it is large; CEL and the rules judge it.
    "boolean": {"type"},
}
"""What bounds a value of each type: one of these keywords or formats."""


def bounds(schema: Schema) -> set[str]:
    """Return the keywords of a schema, and its format."""
    return {*schema, schema.get("format", "")}


@pytest.mark.parametrize("kind", CRDS)
def test_every_pattern_is_anchored_and_compiles(kind: str) -> None:
    """A pattern that is not anchored matches anything around it."""
    patterns = [schema["pattern"] for _, schema in fields(kind) if "pattern" in schema]
    assert all(re.compile(pattern) for pattern in patterns)
    assert [text for text in patterns if not (text.startswith("^") and text.endswith("$"))] == []


def test_texts_of_a_known_form_say_so() -> None:
    """Digests, durations, countries and object names have a pattern that the API server checks."""
    patterned = {path for kind in CRDS for path, schema in fields(kind) if "pattern" in schema}
    assert patterned >= {
        "spec.model.digest",
        "spec.model.images[]",
        "spec.evidence.maxAge",
        "spec.residency.countries[]",
        "spec.complianceManifestRef.name",
    }


@pytest.mark.parametrize("kind", CRDS)
def test_every_default_fits_its_own_schema(kind: str) -> None:
    """A default names known fields only, and of the right type; the API server refuses others."""
    for path, schema in fields(kind):
        default: Any = schema.get("default")
        if default is None:
            continue
        assert isinstance(default, TYPES[schema["type"]]), path
        if isinstance(default, dict):
            assert {*schema.get("required", ())} <= default.keys() <= schema["properties"].keys(), path


TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": float, "boolean": bool}


@pytest.mark.parametrize(
    ("kind", "plural", "short", "scope"),
    [
        ("ComplianceManifest", "compliancemanifests", "cmf", "Namespaced"),
        ("CompliancePolicy", "compliancepolicies", "acp", "Cluster"),
        ("Exemption", "exemptions", "aex", "Cluster"),
        ("ModelDeployment", "modeldeployments", "mdep", "Namespaced"),
    ],
)
def test_a_kind_is_found_by_its_names(kind: str, plural: str, short: str, scope: str) -> None:
    """Names, short names, category and scope are what users type."""
    spec = CRDS[kind]["spec"]
    assert CRDS[kind]["metadata"]["name"] == f"{plural}.actgate.dev"
    assert (spec["group"], spec["scope"]) == ("actgate.dev", scope)
    assert (spec["names"]["plural"], spec["names"]["shortNames"]) == (plural, [short])
    assert spec["names"]["categories"] == ["actgate"]
    assert version(kind)["subresources"]["status"] == {}
    assert root(kind)["required"] == ["spec"]


RULES = (
    ("ComplianceManifest", "spec", "self == oldSelf"),
    ("ComplianceManifest", "spec", ".sum() <= 163840"),
    ("ComplianceManifest", "spec.attestations[]", "has(self.envelope) != has(self.bundle)"),
    ("ComplianceManifest", "spec.bias[]", "self.value >= -1.0 && self.value <= 1.0"),
    ("ComplianceManifest", "spec.bias[]", "group.name == self.referenceGroup"),
    ("ComplianceManifest", "spec.bias[].groups[]", "self.selected <= self.count"),
    ("ComplianceManifest", "spec.bias[].groups[]", "self.positives <= self.count"),
    ("ComplianceManifest", "spec.bias[].groups[]", "self.truePositives <= self.positives"),
    ("ComplianceManifest", "spec.bias[].groups[]", "self.falsePositives <= self.count - self.positives"),
    (
        "ComplianceManifest",
        "spec.bias[].groups[]",
        "self.selected == self.truePositives + self.falsePositives",
    ),
    ("CompliancePolicy", "spec.namespaceSelector.matchExpressions[]", "has(self.values)"),
    ("CompliancePolicy", "spec.evidence.authorities[]", "has(self.key) != has(self.certificate)"),
    ("CompliancePolicy", "spec.evidence.authorities[].certificate.identities[]", ".size() == 1"),
    ("CompliancePolicy", "spec.evidence", "r.authorities.all(n, has(self.authorities)"),
    ("CompliancePolicy", "spec.evidence", "r.distinctFrom.all(n, has(self.authorities)"),
    ("Exemption", "spec", "!self.rules.exists("),
    ("Exemption", "spec", "self == oldSelf"),
    ("Exemption", "spec", "self.notAfter - self.notBefore <= duration('2160h')"),
    ("Exemption", "spec", "self.approvedBy != self.requestedBy"),
    ("ModelDeployment", "spec", "!(has(self.replicas) && has(self.autoscaling))"),
    ("ModelDeployment", "spec.autoscaling", "self.minReplicas <= self.maxReplicas"),
    ("CompliancePolicy", "spec.logging", "duration(self.minRetention) >= duration('4416h')"),
    ("ModelDeployment", "spec", "self.logging.storage.pvc.accessMode == 'ReadWriteMany'"),
    ("ModelDeployment", "spec", "!self.server.ports[0].name.matches("),
    ("ModelDeployment", "spec.logging", "has(self.storage.pvc) || has(self.storage.s3)"),
    ("ModelDeployment", "spec.logging", "has(self.keySecretRef)"),
    ("ModelDeployment", "spec.logging", "!has(self.subject) || self.payload != 'None'"),
    ("ModelDeployment", "spec.logging.storage", "!(has(self.pvc) && has(self.s3))"),
    ("ModelDeployment", "spec.logging.storage", "!has(self.emptyDir) || has(self.s3)"),
)


def test_what_a_schema_cannot_say_is_said_in_cel() -> None:
    """Immutability, alternatives, min <= max, ranges by metric, values by operator, sizes together."""
    found = [
        (kind, path, rule)
        for kind in CRDS
        for path, schema in nodes(root(kind))
        for rule in schema.get("x-kubernetes-validations", ())
    ]
    assert len(found) == len(RULES)
    assert all(rule["message"] for _, _, rule in found)
    for kind, path, words in RULES:
        assert [rule for at, where, rule in found if (at, where) == (kind, path) and words in rule["rule"]]


def test_the_status_of_an_unseen_model_is_unknown() -> None:
    """Tools such as kstatus and Argo CD must not call healthy what the operator has not seen."""
    status = dict(nodes(root("ModelDeployment")))["status"]
    (ready,) = status["default"]["conditions"]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "Unknown", "Pending")
    assert ready.keys() == set(status["properties"]["conditions"]["items"]["required"])


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        (
            "ComplianceManifest",
            ["Model", "Version", "Risk", "Verdict", "Reason", "Trained", "Expires", "Age"],
        ),
        ("CompliancePolicy", ["Enforcement", "On Violation", "Age"]),
        ("ModelDeployment", ["Ready", "Reason", "Model", "Version", "Manifest", "URL", "Age"]),
    ],
)
def test_every_printer_column_leads_to_a_field(kind: str, columns: list[str]) -> None:
    """A path with a typing error would print an empty column for ever."""
    printed = version(kind)["additionalPrinterColumns"]
    assert [column["name"] for column in printed] == columns
    for column in printed:
        field = resolved(root(kind), column["jsonPath"])
        assert field["type"] == "string"
        assert (column["type"] == "date") is (
            field.get("format") == "date-time" and column["name"] != "Expires"
        )


def test_the_selectable_field_and_the_scale_paths_lead_to_fields() -> None:
    """Manifests find their dependants by a field selector, and autoscalers find the replicas."""
    found = version("ModelDeployment")
    (selectable,) = found["selectableFields"]
    assert selectable == {"jsonPath": ".spec.complianceManifestRef.name"}
    assert resolved(root("ModelDeployment"), selectable["jsonPath"])["type"] == "string"
    scale = found["subresources"]["scale"]
    types = {name: resolved(root("ModelDeployment"), path)["type"] for name, path in scale.items()}
    assert types == {
        "specReplicasPath": "integer",
        "statusReplicasPath": "integer",
        "labelSelectorPath": "string",
    }


def resolved(schema: Schema, path: str) -> Schema:
    """Follow a JSONPath of names and one filter on `type` through a schema."""
    if path == ".metadata.creationTimestamp":
        return {"type": "string", "format": "date-time"}
    for step in re.findall(r"\.(\w+(?:\[\?\(@\.type=='\w+'\)\])?)", path):
        name, _, filtered = step.partition("[")
        schema = schema["properties"][name]
        if filtered:
            schema = schema["items"]
            assert "type" in schema["properties"]
    return schema
