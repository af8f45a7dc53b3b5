"""An ML-BOM: the model, its data and what is declared of them, as CycloneDX 1.6.

Specification: https://cyclonedx.org/docs/1.6/json/ (``modelCard``, ``declarations``, ``definitions``). Values
of metrics are texts there. Nothing is scored: a declaration says which evidence there is, and which is not.
No time and no random number: the serial number is made of the document's digest.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from actgate.api.canonical import canonical
from actgate.pipeline.card import proof
from actgate.pipeline.card.annex_iv import open_items
from actgate.pipeline.card.content import Inline, Source, number, parts
from actgate.pipeline.card.evidence import Evidence
from actgate.pipeline.card.measurements import Measured, measured
from actgate.pipeline.card.owners import DEFAULT, Owners
from actgate.pipeline.card.statements import worth
from actgate.version import VERSION

Json = dict[str, Any]
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://actgate.dev/card/cyclonedx")
MODEL: Final = "model"


@dataclass(frozen=True, slots=True)
class _Requirement:
    """A provision of the Act, and the fields of ``spec`` that are evidence about it."""

    identifier: str
    title: str
    fields: tuple[str, ...]
    claim: str


_REQUIREMENTS: Final = (
    _Requirement(
        "Art. 6",
        "Classification of the system",
        ("riskCategory", "classification"),
        "A risk category is recorded.",
    ),
    _Requirement(
        "Art. 9(8)",
        "Tests against metrics and thresholds defined before",
        ("bias", "evaluations"),
        "Results are recorded.",
    ),
    _Requirement(
        "Art. 10(2)(f)",
        "Examination in view of possible biases",
        ("bias",),
        "Bias measurements are recorded.",
    ),
    _Requirement(
        "Art. 10(3)",
        "Quality of the data sets",
        ("datasets", "dataQuality"),
        "Data sets or checks of them are recorded.",
    ),
    _Requirement("Art. 14", "Human oversight", ("humanOversight",), "Human oversight is recorded."),
    _Requirement(
        "Art. 15", "Accuracy, robustness and cybersecurity", ("evaluations",), "Tests are recorded."
    ),
)


def document(found: Evidence, owners: Owners = DEFAULT) -> Json:
    """Return the BOM of a manifest."""
    data = [*_data(found)]
    images = [*_images(found)]
    bases = [*_bases(found)]
    bom: Json = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "actgate", "version": VERSION}]},
            "component": {**_model(found), "modelCard": _card(found, owners, data)},
            "properties": [
                _property("manifest-digest", found.digest),
                _property("verification", text(proof.verified(found.verification))),
            ],
        },
        "components": [*data, *bases, *images],
        "dependencies": [
            {"ref": MODEL, "dependsOn": [one["bom-ref"] for one in (*data, *bases)]},
            *({"ref": one["bom-ref"], "dependsOn": [MODEL]} for one in images),
        ],
        "declarations": _declarations(found),
        "definitions": {"standards": [_standard()]},
    }
    return {**bom, "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, canonical(bom).decode())}"}


def text(inline: Inline) -> str:
    """Return a text without any markup."""
    return "".join(parts(inline))


def _model(found: Evidence) -> Json:
    stated = found.spec.model
    component: Json = {"type": "machine-learning-model", "bom-ref": MODEL, "name": stated.name}
    if stated.version is not None:
        component["version"] = stated.version
    if stated.digest is not None:
        component["hashes"] = [_hash(stated.digest)]
        domain = "not stated" if stated.digest_domain is None else stated.digest_domain.value
        component["properties"] = [_property("digest-domain", domain)]
    return component


def _data(found: Evidence) -> Iterator[Json]:
    for index, one in enumerate(found.spec.datasets or ()):
        component: Json = {"type": "data", "bom-ref": f"dataset-{index}", "name": one.name}
        if one.version is not None:
            component["version"] = one.version
        if one.digest is not None:
            component["hashes"] = [_hash(one.digest)]
        if one.license is not None:
            component["licenses"] = [{"license": {"name": one.license}}]
        checks = [
            _property(f"data-quality:{check.check}", f"{check.failed} of {check.checked} failed")
            for check in found.spec.data_quality or ()
            if check.dataset == one.name
        ]
        contents = {"contents": {"properties": checks}} if checks else {}
        yield {**component, "data": [{"type": "dataset", "name": one.name, **contents}]}


def _images(found: Evidence) -> Iterator[Json]:
    for index, image in enumerate(found.spec.model.images or ()):
        name, _, digest = image.rpartition("@")
        yield {"type": "container", "bom-ref": f"image-{index}", "name": name, "hashes": [_hash(digest)]}


def _bases(found: Evidence) -> Iterator[Json]:
    lineage = found.spec.lineage
    for index, name in enumerate((lineage.base_models or ()) if lineage is not None else ()):
        yield {"type": "machine-learning-model", "bom-ref": f"base-model-{index}", "name": name}


def _card(found: Evidence, owners: Owners, data: list[Json]) -> Json:
    parameters: Json = {"datasets": [{"ref": one["bom-ref"]} for one in data]} if data else {}
    items = [
        _property(f"open-item:{one.point}", f"{one.what} Owner: {one.owner}")
        for one in open_items(found, owners)
    ]
    metrics = [*_metrics(found)]
    analysis = {"quantitativeAnalysis": {"performanceMetrics": metrics}} if metrics else {}
    return {"modelParameters": parameters, **analysis, "properties": items}


def _metrics(found: Evidence) -> Iterator[Json]:
    for row in measured(found):
        attribute = row.stated.attribute or "attribute not stated"
        metric: Json = {
            "type": row.stated.metric.value,
            "value": str(number(row.stated.value)),
            "slice": attribute,
        }
        if row.bounds is not None:
            metric["confidenceInterval"] = _bounds(row.bounds.low, row.bounds.high)
        yield metric
        yield from _rates(row, attribute)
    for one in found.spec.evaluations or ():
        if one.value is not None:
            yield {"type": one.metric or one.kind, "value": str(number(one.value)), "slice": one.kind}


def _rates(row: Measured, attribute: str) -> Iterator[Json]:
    for group in row.groups:
        for kind, rate in zip(row.rates, group.rates, strict=True):
            if rate is not None:
                yield {
                    "type": f"{kind.name.lower()}_rate",
                    "value": f"{rate.rate:.6g}",
                    "slice": f"{attribute}={group.group.name}",
                    "confidenceInterval": _bounds(rate.low, rate.high),
                }


def _bounds(low: float, high: float) -> Json:
    return {"lowerBound": f"{low:.6g}", "upperBound": f"{high:.6g}"}


def _declarations(found: Evidence) -> Json:
    evidence = {field: [*_evidence(found, field)] for one in _REQUIREMENTS for field in one.fields}
    against = [
        {"bom-ref": f"contradiction-{index}", "propertyName": one.path, "description": one.message}
        for index, one in enumerate(found.contradictions)
    ]
    claims, mapped = [], []
    for index, requirement in enumerate(_REQUIREMENTS):
        refs = [one["bom-ref"] for field in requirement.fields for one in evidence[field]]
        counter = [
            item["bom-ref"]
            for item, finding in zip(against, found.contradictions, strict=True)
            if any(finding.path.startswith(f"spec.{field}") for field in requirement.fields)
        ]
        entry: Json = {"requirement": f"requirement-{index}"}
        if refs:
            claim = {
                "bom-ref": f"claim-{index}",
                "target": MODEL,
                "predicate": requirement.claim,
                "evidence": refs,
            }
            claims.append({**claim, "counterEvidence": counter} if counter else claim)
            entry["claims"] = [f"claim-{index}"]
        state = "contradictory" if counter else "present" if refs else "missing"
        mapped.append({**entry, "conformance": {"rationale": f"Evidence {state}. Nothing is scored."}})
    summary = text(proof.verified(found.verification))
    return {
        "assessors": [
            {"bom-ref": "assessor", "thirdParty": False, "organization": {"name": "Author of the manifest"}}
        ],
        "attestations": [{"summary": summary, "assessor": "assessor", "map": mapped}],
        "claims": claims,
        "evidence": [*(one for items in evidence.values() for one in items), *against],
    }


def _evidence(found: Evidence, field: str) -> Iterator[Json]:
    """Yield the evidence in a field of ``spec``: one for each item of a list."""
    stated = found.value.get(field)
    paths = [f"{field}[{index}]" for index in range(len(stated))] if isinstance(stated, list) else [field]
    if stated is None:
        return
    for path in paths:
        source = found.source(path)
        item: Json = {
            "bom-ref": f"evidence-{path}",
            "propertyName": source.path,
            "description": _worth(source),
        }
        if source.signers:
            item["author"] = {"name": ", ".join(source.signers)}
        yield item


def _worth(source: Source) -> str:
    return f"Level: {text(worth(source))}"


def _standard() -> Json:
    return {
        "bom-ref": "ai-act",
        "name": "Regulation (EU) 2024/1689",
        "owner": "European Union",
        "requirements": [
            {"bom-ref": f"requirement-{index}", "identifier": one.identifier, "text": one.title}
            for index, one in enumerate(_REQUIREMENTS)
        ],
    }


def _hash(digest: str) -> Json:
    return {"alg": "SHA-256", "content": digest.removeprefix("sha256:")}


def _property(name: str, value: str) -> Json:
    return {"name": f"actgate:{name}", "value": value}
