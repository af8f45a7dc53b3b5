"""The pipeline's JSON (v0) in the terms of a ComplianceManifest (v1), field by field.

A value that v1 can hold goes over as it stands, even when its type is wrong: v1's reading then says
so, with the v0 field's name, and generosity here cannot turn a forgery into evidence. What v0 cannot
prove, or v1 has no place for, becomes a ``Weakness``; ``v0_keys`` refuses keys that hold evidence and are
not read.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

from actgate.api.compliance_manifest import Metric, RiskCategory
from actgate.api.names import API_VERSION
from actgate.api.paths import parent
from actgate.api.quoting import got, quoted
from actgate.decision.manifest import Region
from actgate.decision.regions import locate
from actgate.decision.residency_text import read
from actgate.manifests import naming, places

NAME: Final = "model_name"
CATEGORY: Final = "risk_category"
TIMESTAMP: Final = "training_timestamp"
OVERSIGHT: Final = "human_oversight_enabled"
SOVEREIGNTY: Final = "training_data_sovereignty"
BIAS: Final = "bias_metrics"
ASSUMED: Final = "assumed_defaults"
"""Names of fields whose values were not declared: the logger's defaults, see ``declared``."""
FIELDS: Final = frozenset({NAME, CATEGORY, TIMESTAMP, OVERSIGHT, SOVEREIGNTY, BIAS, ASSUMED})
_CHARACTERISTIC: Final = frozenset({NAME, CATEGORY, OVERSIGHT, SOVEREIGNTY, BIAS})

METRICS: Final[Mapping[str, Metric]] = {
    **{metric.value: metric for metric in Metric},
    **{metric.value.removesuffix("erence"): metric for metric in Metric},
}
"""Keys of ``bias_metrics`` that hold a measured value: v1's names, and ``…_diff`` for a difference."""

_CATEGORIES: Final = {
    **{name.value.lower(): name for name in RiskCategory},
    "prohibitedrisk": RiskCategory.PROHIBITED,
    "unacceptable": RiskCategory.PROHIBITED,
    "unacceptablerisk": RiskCategory.PROHIBITED,
}
_MOMENT: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?([Zz]|[+-]\d{2}:?\d{2})?", re.ASCII
)
_LONGEST: Final = 1024
"""Longest free text that is searched for region codes."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """Something that a v0 file does not prove or that is lost: v1 path, or v0 field where v1 has none."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Translation:
    """A v0 file as a ComplianceManifest object, not yet checked."""

    manifest: dict[str, Any]
    origins: Mapping[str, str]
    """From a v1 path to the v0 field that its value comes from."""
    weaknesses: tuple[Weakness, ...]
    stated_category: str | None
    """A risk category that v1 does not know."""


def is_v0(document: object) -> TypeGuard[Mapping[str, Any]]:
    """Return whether a document is meant to be the pipeline's JSON."""
    return (
        isinstance(document, Mapping)
        and "kind" not in document
        and "apiVersion" not in document
        and not _CHARACTERISTIC.isdisjoint(document)
    )


def origin(path: str, origins: Mapping[str, str]) -> str | None:
    """Return the v0 field behind a v1 path, or behind the nearest field around it."""
    around: str | None = path
    while around is not None:
        if around in origins:
            return origins[around]
        around = parent(around)
    return None


def category(stated: object) -> RiskCategory | None:
    """Return the risk category that v0's or v1's spelling means; None when it is not known."""
    if not isinstance(stated, str):
        return None
    return _CATEGORIES.get(re.sub(r"[-_\s]", "", stated).lower())


def translate(document: Mapping[str, Any], *, name: str | None = None) -> Translation:
    """Say in v1's terms what a v0 file says; nulls count as absent.

    Args:
        document: A v0 file for which ``is_v0`` holds.
        name: Name of the object; made from the model's name when it is None.
    """
    return _Translator(document).translation(name)


@dataclass(slots=True)
class _Translator:
    document: Mapping[str, Any]
    spec: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    weaknesses: list[Weakness] = field(default_factory=list)
    stated_category: str | None = None

    def translation(self, name: str | None) -> Translation:
        self._model()
        self._category()
        self._training()
        self._bias()
        self._oversight()
        self._leftovers()
        model_name = self.document.get(NAME)
        made = naming.object_name(model_name if isinstance(model_name, str) else "")
        return Translation(
            {
                "apiVersion": API_VERSION,
                "kind": "ComplianceManifest",
                "metadata": {"name": name if name is not None else made},
                "spec": self.spec,
            },
            self.origins,
            tuple(self.weaknesses),
            self.stated_category,
        )

    def _weak(self, path: str, message: str) -> None:
        self.weaknesses.append(Weakness(path, message))

    def _model(self) -> None:
        self.origins |= {"spec.model": NAME, "spec.model.name": NAME, "spec.model.version": NAME}
        stated = self.document.get(NAME)
        if stated is None:
            return
        name, version = naming.split_version(stated) if isinstance(stated, str) else (stated, None)
        self.spec["model"] = {"name": name}
        if version is not None:
            self.spec["model"]["version"] = version
            self._weak("spec.model.version", f"version {version} is read off the name {quoted(stated)}")
        self._weak("spec.model.digest", "no digest binds the evidence to the model's bytes")

    def _category(self) -> None:
        self.origins["spec.riskCategory"] = CATEGORY
        stated = self.document.get(CATEGORY)
        if not isinstance(stated, str):
            if stated is not None:
                self.spec["riskCategory"] = stated
            return
        known = category(stated)
        if known is not None:
            self.spec["riskCategory"] = known.value
            return
        self.stated_category = stated
        self._weak("spec.riskCategory", f"{quoted(stated)} is not a risk category: judged as HighRisk")

    def _training(self) -> None:
        self.origins |= {
            "spec.training": TIMESTAMP,
            "spec.training.finishedAt": TIMESTAMP,
            "spec.training.regions": SOVEREIGNTY,
        }
        training = {**self._finished(), **self._regions()}
        if training:
            self.spec["training"] = training

    def _finished(self) -> dict[str, Any]:
        stated = self.document.get(TIMESTAMP)
        if stated is None:
            return {}
        found = _MOMENT.fullmatch(stated) if isinstance(stated, str) else None
        if found is None:
            return {"finishedAt": stated}
        day, minutes, seconds, zone = found.groups()
        if zone is None:
            self._weak("spec.training.finishedAt", f"{quoted(stated)} has no zone: read as UTC")
            zone = "Z"
        elif ":" not in zone and len(zone) > 1:
            zone = f"{zone[:3]}:{zone[3:]}"
        return {"finishedAt": f"{day}T{minutes}{seconds or ':00'}{zone.upper()}"}

    def _regions(self) -> dict[str, Any]:
        stated = self.document.get(SOVEREIGNTY)
        if stated is None:
            return {}
        if not isinstance(stated, str):
            return {"regions": [{"region": stated}]}
        found = places.regions_in(stated) if len(stated) <= _LONGEST else (Region(stated),)
        for index, region in enumerate(found):
            for doubt in _doubts(region):
                self._weak(f"spec.training.regions[{index}].statement", f"{quoted(region.statement)} {doubt}")
        return {"regions": [region_fields(region) for region in found]}

    def _bias(self) -> None:
        self.origins |= {"spec.bias": BIAS, BIAS: BIAS}
        stated = self.document.get(BIAS)
        if stated is None:
            return
        if not isinstance(stated, Mapping):
            self.spec["bias"] = stated
            return
        measured = [key for key in stated if key in METRICS and stated[key] is not None]
        self.spec["bias"] = [self._measurement(stated, index, key) for index, key in enumerate(measured)]
        kept = {*METRICS, *(("threshold", "compliant") if measured else ())}
        for key in stated:
            if key not in kept and stated[key] is not None:
                self._not_carried(f"{BIAS}.{key}", stated[key])

    def _measurement(self, stated: Mapping[str, Any], index: int, key: str) -> dict[str, Any]:
        path = f"spec.bias[{index}]"
        fields = {"value": key, "threshold": "threshold", "compliant": "compliant"}
        self.origins |= {f"{path}.{ours}": f"{BIAS}.{theirs}" for ours, theirs in fields.items()}
        self.origins[f"{path}.metric"] = f"{BIAS}.{key}"
        self._weak(f"{path}.groups", "neither the protected attribute nor the groups compared are named")
        values = {ours: stated.get(theirs) for ours, theirs in fields.items()}
        return {
            "metric": METRICS[key].value,
            **{ours: value for ours, value in values.items() if value is not None},
        }

    def _oversight(self) -> None:
        self.origins |= {"spec.humanOversight": OVERSIGHT, "spec.humanOversight.enabled": OVERSIGHT}
        stated = self.document.get(OVERSIGHT)
        if stated is None:
            return
        self.spec["humanOversight"] = {"enabled": stated is True}
        if stated is True:
            self._weak(
                "spec.humanOversight", "oversight is a bare true: the persons who exercise it are not named"
            )
        elif stated is not False:
            self._weak("spec.humanOversight.enabled", f"only the boolean true counts, not {got(stated)}")

    def _leftovers(self) -> None:
        for key, value in self.document.items():
            if key not in FIELDS:
                self._not_carried(key, value)
        assumed = self.document.get(ASSUMED)
        for name in _assumed(assumed):
            self._weak(name, "this was not declared: it is a default that the governance logger assumed")

    def _not_carried(self, key: object, value: object) -> None:
        self._weak(
            plain_key(key), f"a ComplianceManifest has no field for this: {got(value)} is not carried over"
        )


def _assumed(stated: object) -> Iterator[str]:
    if isinstance(stated, list):
        yield from (name for name in stated if isinstance(name, str) and name in FIELDS)


def _doubts(region: Region) -> Iterator[str]:
    """Yield what a region's statement holds beside the region."""
    reading = read(region.statement or "", locate(region.code, region.provider))
    for label, _ in reading.others:
        yield f"also names {label}, which is not region {quoted(region.code)}"
    for words in reading.unexplained:
        yield f"holds {quoted(words)}, which is not understood"


def plain_key(key: object) -> str:
    """Return a key as it stands, or escaped and in quotes where it is no plain name."""
    text = str(key)
    return text if re.fullmatch(r"[\w.-]{1,80}", text, re.ASCII) else quoted(key)


def region_fields(region: Region) -> dict[str, str]:
    """Return a region as v1 writes it."""
    stated = {"provider": region.provider, "region": region.code, "statement": region.statement}
    return {key: value for key, value in stated.items() if value is not None}
