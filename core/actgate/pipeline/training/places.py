"""Where a training run was: every source that says it, with its evidence level, and where two disagree.

``observed`` is what this process asked the provider of the machine. All else is ``declared``: arguments,
environment variables and the files of the Kubernetes downward API are what the author of the job or pod
wrote, or could have written. A region label of a node is what its kubelet says.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from actgate.api.quoting import quoted
from actgate.decision.manifest import Region
from actgate.decision.regions import locate
from actgate.manifests.errors import EvidenceError
from actgate.manifests.v0 import region_fields
from actgate.pipeline import declared
from actgate.pipeline.declared import StatedRegions
from actgate.pipeline.remote import metadata

AUTO: Final = "auto"
NEVER: Final = "never"
CLOUD_METADATA: Final = (AUTO, NEVER, *metadata.CLOUDS)
"""Ask the cloud that the firmware names, none, or this one."""
PODINFO: Final = Path("/etc/podinfo")
"""Where examples of the Kubernetes documentation mount the downward API."""
REGION_LABEL: Final = "topology.kubernetes.io/region"
ZONE_LABEL: Final = "topology.kubernetes.io/zone"
_NODE: Final = {
    "ACTGATE_NODE_NAME": "node",
    "ACTGATE_NODE_PROVIDER_ID": "providerID",
    "ACTGATE_NODE_REGION": "region",
    "ACTGATE_NODE_ZONE": "zone",
    "ACTGATE_POD_NAME": "pod",
    "ACTGATE_POD_NAMESPACE": "namespace",
}
_SCHEMES: Final = {
    "aws": "aws",
    "gce": "gcp",
    "azure": "azure",
    "hcloud": "hetzner",
    "ibm": "ibm",
    "scaleway": "scaleway",
    "exoscale": "exoscale",
    "ionos": "ionos",
    "stackit": "stackit",
}
"""Provider by the scheme of a node's ``spec.providerID``."""
_ZONE_AT: Final = {"aws": 1, "gcp": 1}
"""Where a providerID has the zone: aws:///eu-west-3a/i-1, gce://project/europe-west9-b/name."""
_LABEL: Final = re.compile(r'([^=\s]+)=("(?:[^"\\]|\\.)*")')


class Level(StrEnum):
    """How a fact became known."""

    DECLARED = "declared"
    """Written by the user who set up the run."""
    OBSERVED = "observed"
    """Found by the run itself, at a source that the author of the run does not write."""


@dataclass(frozen=True, slots=True)
class Source:
    """What one source says of where the run was."""

    name: str
    level: Level
    regions: tuple[Region, ...] = ()
    every: bool = False
    """Whether it names every region in which data was processed, and not only where this process ran."""
    facts: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return it as ``training.json`` has it."""
        found: dict[str, Any] = {"source": self.name, "level": self.level.value}
        if self.regions:
            found["regions"] = [region_fields(region) for region in self.regions]
        return {**found, **({"facts": dict(sorted(self.facts.items()))} if self.facts else {})}


def gathered(
    stated: StatedRegions | None,
    environ: Mapping[str, str],
    cloud_metadata: str = AUTO,
    podinfo: Path = PODINFO,
) -> list[Source]:
    """Return every source that says something.

    Raises:
        EvidenceError: One cannot be read, a metadata server that was asked gives no answer, or two disagree.
    """
    found = [*_stated(stated, environ), *_of_node(environ), *_of_labels(podinfo)]
    cloud = metadata.detected() if cloud_metadata == AUTO else cloud_metadata
    if cloud is not None and cloud != NEVER:
        found.append(_observed(metadata.read(cloud)))
    require_agreement(found)
    return found


def require_agreement(sources: Iterable[Source]) -> None:
    """Raise where two sources cannot both be right; the sentence names both.

    Raises:
        EvidenceError: Two sources name different places.
    """
    for one, other in combinations(sources, 2):
        for left, right in ((one, other), (other, one)):
            # What names every region may name more than the one in which this process ran.
            if not right.regions or (left.every and not right.every):
                continue
            for region in left.regions:
                if not any(same(region, known) for known in right.regions):
                    raise EvidenceError(
                        f"training.regions: {left.name} ({left.level}) says {_words(region)}, and "
                        f"{right.name} ({right.level}) says {', '.join(map(_words, right.regions))}: "
                        "must be the same place; correct the one that is wrong"
                    )


def regions(sources: Sequence[Source]) -> tuple[Region, ...]:
    """Return every region that was named, each once: as it was observed, where it was, with stated words."""
    found: list[Region] = []
    for source in sorted(sources, key=lambda source: source.level is Level.DECLARED):
        for region in source.regions:
            at = next((index for index, known in enumerate(found) if same(known, region)), None)
            if at is None:
                found.append(region)
            elif found[at].statement is None and region.statement is not None:
                found[at] = replace(found[at], statement=region.statement)
    return tuple(found)


def same(one: Region, other: Region) -> bool:
    """Return whether two regions can be the same place; codes that the table lacks have to be equal."""
    left, right = locate(one.code, one.provider), locate(other.code, other.provider)
    if left and right:
        return not {(place.provider, place.region) for place in left}.isdisjoint(
            (place.provider, place.region) for place in right
        )
    providers = {one.provider, other.provider} - {None}
    return one.code.strip().lower() == other.code.strip().lower() and len(providers) < 2


def _stated(argument: StatedRegions | None, environ: Mapping[str, str]) -> Iterator[Source]:
    if argument is not None:
        yield Source("argument", Level.DECLARED, declared.regions(argument, {}), every=True)
    for every, names in (
        (True, {declared.TRAINING_REGION}),
        (False, environ.keys() - {declared.TRAINING_REGION}),
    ):
        found = declared.regions(None, {name: environ[name] for name in names if name in environ})
        if found:
            yield Source("environment", Level.DECLARED, found, every=every)


def _of_node(environ: Mapping[str, str]) -> Iterator[Source]:
    facts = {called: environ[name] for name, called in _NODE.items() if environ.get(name)}
    if facts:
        scheme, separator, path = facts.get("providerID", "").partition("://")
        provider = _SCHEMES.get(scheme) if separator else None
        region, zone = facts.pop("region", None), facts.pop("zone", None)
        yield Source("kubernetes-environment", Level.DECLARED, _place(region, zone, provider), facts=facts)
        position = _ZONE_AT.get(provider or "")
        if position is not None and path.count("/") >= position:
            where = _place(None, path.split("/")[position], provider)
            yield Source("kubernetes-provider-id", Level.DECLARED, where)


def _of_labels(podinfo: Path) -> Iterator[Source]:
    file = podinfo / "labels"
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise EvidenceError(f"{file} cannot be read: {reason}") from None
    labels = {name: _unquoted(value) for name, value in _LABEL.findall(text)}
    where = _place(labels.get(REGION_LABEL), labels.get(ZONE_LABEL), None)
    if where:
        yield Source("kubernetes-downward-api", Level.DECLARED, where)


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:  # An escape of Go that JSON lacks; no label can hold one.
        return text.strip('"')


def _observed(instance: metadata.Instance) -> Source:
    where = _place(instance.region, instance.zone, instance.provider)
    zone = {"zone": instance.zone} if instance.zone else {}
    return Source("cloud-metadata", Level.OBSERVED, where, facts={**instance.facts, **zone})


def _place(region: str | None, zone: str | None, provider: str | None) -> tuple[Region, ...]:
    """Return a region, or its zone where that is not known to be in it: some lie abroad."""
    if not region:
        return (Region(zone, provider),) if zone else ()
    known = Region(region, provider)
    if not zone or same(Region(zone, provider), known):
        return (known,)
    if locate(zone, provider):
        raise EvidenceError(
            f"training.regions: zone {quoted(zone)} is not in region {quoted(region)}: must be the same "
            "place; correct the one that is wrong"
        )
    return (Region(zone, provider),)


def _words(region: Region) -> str:
    return quoted(f"{region.provider} {region.code}" if region.provider else region.code)
