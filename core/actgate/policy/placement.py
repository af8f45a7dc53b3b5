"""Where a subject declares to run: its placement, and what binds its pods to nodes.

Only what the scheduler must obey counts. Node labels name a region without its provider; the annotation
``actgate.dev/provider`` says which one is meant.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from actgate.api.names import PROVIDER_ANNOTATION, REGION_NODE_LABEL, ZONE_NODE_LABEL
from actgate.policy.evidence import Region
from actgate.policy.pods import Json, annotation, items_at, map_at, template_of, template_path, unreadable
from actgate.policy.rules import residency
from actgate.policy.subject import SubjectProblem

_REGION_LABELS: Final = (REGION_NODE_LABEL, ZONE_NODE_LABEL)
_TERMS: Final = "nodeSelectorTerms"


def declared_placement(spec: Json, problems: list[SubjectProblem]) -> tuple[tuple[str, Region], ...]:
    """Return the regions that a ModelDeployment's spec.placement names."""
    stated = map_at(spec, "placement").get("regions")
    if stated is None and spec.get("placement") is None:
        return ()
    declared = []
    for index, entry in enumerate(stated if isinstance(stated, list) else [None]):
        path = f"spec.placement.regions[{index}]"
        code = entry.get("region") if isinstance(entry, Mapping) else None
        provider = entry.get("provider") if isinstance(entry, Mapping) else None
        if not isinstance(code, str) or not isinstance(provider, str | None):
            problems.append(unreadable(residency.SERVING.id, path, "a region, with a provider if known"))
        else:
            declared.append((path, Region(code, provider)))
    return tuple(declared)


def node_placement(obj: Json, problems: list[SubjectProblem]) -> Iterator[tuple[str, Region]]:
    """Yield the regions and zones that node selector and required node affinity name."""
    spec = map_at(template_of(obj), "spec")
    if not spec:
        return
    path = f"{template_path(obj)}spec"
    # Node labels name a region without its provider, and a code can mean several places.
    provider = annotation(obj, PROVIDER_ANNOTATION, residency.SERVING.id, problems)
    selector = map_at(spec, "nodeSelector")
    selected = [label for label in _REGION_LABELS if label in selector]
    for label in selected:
        yield f"{path}.nodeSelector[{label}]", Region(str(selector[label]), provider)
    affinity = map_at(map_at(spec, "affinity"), "nodeAffinity")
    required = map_at(affinity, "requiredDuringSchedulingIgnoredDuringExecution")
    base = f"{path}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
    terms = [(f"{base}.{_TERMS}[{number}]", term) for number, term in items_at(required, _TERMS)]
    for at, term in terms:
        for index, expression in items_at(term, "matchExpressions"):
            yield from _expression(expression, provider, f"{at}.matchExpressions[{index}]", problems)
    if not selected:
        problems.extend(_open_terms(terms))


def _open_terms(terms: list[tuple[str, Json]]) -> Iterator[SubjectProblem]:
    """Yield terms that name no region where others do: they are alternatives, so pods may run anywhere."""
    if not any(_names_a_place(term) for _, term in terms):
        return
    for at, term in terms:
        if term and not _names_a_place(term):  # An empty term matches no node.
            yield SubjectProblem(
                residency.SERVING.id,
                at,
                "the term names no region, though others do, so pods may run in any",
                "name the regions in every term; terms are alternatives",
            )


def _names_a_place(term: Json) -> bool:
    return any(
        expression.get("key") in _REGION_LABELS for _, expression in items_at(term, "matchExpressions")
    )


def _expression(
    expression: Json, provider: str | None, path: str, problems: list[SubjectProblem]
) -> Iterator[tuple[str, Region]]:
    if expression.get("key") not in _REGION_LABELS:
        return
    values = expression.get("values")
    if expression.get("operator") != "In" or not isinstance(values, list):
        problems.append(unreadable(residency.SERVING.id, path, "operator In with the regions by name"))
        return
    for value in values:
        yield path, Region(str(value), provider)
