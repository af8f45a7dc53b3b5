"""CustomResourceDefinitions, generated from the pydantic models of ``actgate.api``.

The models' JSON schemas (draft 2020-12) become structural schemas as apiextensions.k8s.io/v1 asks:
references inlined, ``null`` alternatives dropped (an absent field is absent), no titles, and no
``additionalProperties: false``, since the API server prunes or refuses unknown fields itself.
"""

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise
from typing import Any, Final

import yaml
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from actgate import api
from actgate.api.base import Model, Resource
from actgate.api.compliance_manifest import ComplianceManifest
from actgate.api.compliance_policy import CompliancePolicy
from actgate.api.exemption import Exemption
from actgate.api.model_deployment import ModelDeployment
from actgate.api.names import GROUP, VERSION

Schema = dict[str, Any]


class _Plain(yaml.SafeDumper):
    """Writes a list that several fields share in full at each of them: anchors are no schema."""

    def ignore_aliases(self, data: object) -> bool:
        return True


class _Described(GenerateJsonSchema):
    """Describes each field by the docstring below it, which the models themselves need not read."""

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        """Return the schema of a model, its fields described."""
        made = super().model_schema(schema)
        fields = schema["cls"].model_fields
        for name, text in _field_docstrings(schema["cls"]).items():
            if name in fields:
                made["properties"][fields[name].alias or name]["description"] = text
        return made


def _field_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstrings of the fields of a model, and of those that it inherits, by their names."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base.__module__.startswith(api.__name__):
            for field, text in pairwise(_classes(base.__module__)[base.__qualname__].body):
                match field, text:
                    case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(words))):
                        found[name] = inspect.cleandoc(words)
    return found


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    """Return the classes of a module as they are written; ``inspect`` would parse it for each of them."""
    body = ast.parse(inspect.getsource(sys.modules[module])).body
    return {one.name: one for one in body if isinstance(one, ast.ClassDef)}


_UNSEEN: Final[Schema] = {
    # kstatus and Argo CD take an object without conditions for healthy; Gateway API's default
    # for the same reason reads the same.
    "conditions": [
        {
            "type": "Ready",
            "status": "Unknown",
            "reason": "Pending",
            "message": "Waiting for the actgate operator",
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        }
    ]
}


def _column(name: str, path: str, type_: str = "string", priority: int = 0) -> Schema:
    column = {"name": name, "type": type_, "jsonPath": path}
    return column | ({"priority": priority} if priority else {})


_AGE: Final = _column("Age", ".metadata.creationTimestamp", "date")


def definitions() -> dict[str, Schema]:
    """Return the CustomResourceDefinitions by the name of their file."""
    manifest = _definition(
        ComplianceManifest,
        plural="compliancemanifests",
        short="cmf",
        scope="Namespaced",
        columns=[
            _column("Model", ".spec.model.name"),
            _column("Version", ".spec.model.version"),
            _column("Risk", ".spec.riskCategory"),
            _column("Verdict", ".status.verdict.outcome"),
            _column("Reason", ".status.verdict.reason"),
            _column("Trained", ".spec.training.finishedAt", "date"),
            _column("Expires", ".spec.validity.notAfter", priority=1),
            _AGE,
        ],
    )
    policy = _definition(
        CompliancePolicy,
        plural="compliancepolicies",
        short="acp",
        scope="Cluster",
        columns=[
            _column("Enforcement", ".spec.enforcement"),
            _column("On Violation", ".spec.onViolation", priority=1),
            _AGE,
        ],
    )
    deployment = _definition(
        ModelDeployment,
        plural="modeldeployments",
        short="mdep",
        scope="Namespaced",
        columns=[
            _column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            _column("Reason", ".status.conditions[?(@.type=='Ready')].reason"),
            _column("Model", ".spec.model.name"),
            _column("Version", ".spec.model.version"),
            _column("Manifest", ".spec.complianceManifestRef.name"),
            _column("URL", ".status.url", priority=1),
            _AGE,
        ],
    )
    exemption = _definition(
        Exemption,
        plural="exemptions",
        short="aex",
        scope="Cluster",
        columns=[
            _column("Active", ".status.conditions[?(@.type=='Active')].status"),
            _column("Ends", ".spec.notAfter", "date"),
            _column("Reference", ".spec.reference"),
            _column("Matched", ".status.matched", "integer", priority=1),
            _AGE,
        ],
    )
    version = deployment["spec"]["versions"][0]
    version["schema"]["openAPIV3Schema"]["properties"]["status"]["default"] = _UNSEEN
    version["selectableFields"] = [{"jsonPath": ".spec.complianceManifestRef.name"}]
    version["subresources"]["scale"] = {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }
    crds = (manifest, policy, deployment, exemption)
    return {f"{crd['spec']['names']['plural']}.{GROUP}.yaml": crd for crd in crds}


def render(crd: Schema) -> str:
    """Return one CustomResourceDefinition as YAML, the same text for the same models."""
    header = "# Generated from core/actgate/api by `make crds`; edit the models, not this file.\n"
    return header + yaml.dump(crd, Dumper=_Plain, sort_keys=False, width=100, allow_unicode=True)


def structural(model: type[Model] | type[Resource]) -> Schema:
    """Return the structural schema of a model, as apiextensions.k8s.io/v1 asks for it."""
    schema = model.model_json_schema(by_alias=True, schema_generator=_Described)
    return _structural(schema, schema.get("$defs", {}))


def _definition(
    resource: type[Resource], *, plural: str, short: str, scope: str, columns: list[Schema]
) -> Schema:
    kind = resource.__name__
    schema = structural(resource)
    properties = schema["properties"]
    properties["apiVersion"] = {"type": "string"}
    properties["kind"] = {"type": "string"}
    properties["metadata"] = {"type": "object"}
    properties.setdefault(
        "status",
        {
            "description": "Reserved; nothing writes it today.",
            "type": "object",
            "properties": {
                "observedGeneration": {
                    "description": "Generation of the spec that this status speaks of.",
                    "type": "integer",
                    "format": "int64",
                }
            },
        },
    )
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": scope,
            "names": {
                "plural": plural,
                "singular": kind.lower(),
                "kind": kind,
                "listKind": f"{kind}List",
                "shortNames": [short],
                "categories": ["actgate"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema | {"required": ["spec"]}},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": columns,
                }
            ],
        },
    }


def _structural(schema: Schema, definitions_: Schema) -> Schema:
    if "$ref" in schema:
        target = definitions_[schema["$ref"].removeprefix("#/$defs/")]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return _structural(target | beside, definitions_)
    if "anyOf" in schema:
        (alternative,) = (part for part in schema["anyOf"] if part.get("type") != "null")
        beside = {key: value for key, value in schema.items() if key != "anyOf"}
        return _structural(alternative | beside, definitions_)
    kept = {
        key: value
        for key, value in schema.items()
        if key not in ("$defs", "title", "additionalProperties", "properties", "items")
        and not (key == "default" and value is None)
    }
    if "default" in kept:
        kept["default"] = _without_nulls(kept["default"])
    if "const" in kept:
        kept["enum"] = [kept.pop("const")]
    if "properties" in schema:
        kept["properties"] = {
            name: _structural(part, definitions_) for name, part in schema["properties"].items()
        }
    if "items" in schema:
        kept["items"] = _structural(schema["items"], definitions_)
    if isinstance(schema.get("additionalProperties"), dict):
        kept["additionalProperties"] = _structural(schema["additionalProperties"], definitions_)
    return kept


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    return value
