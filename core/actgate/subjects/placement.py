"""Where a subject declares to run: its placement, and what binds its pods to nodes.

Only what the scheduler must obey counts. Node labels name a region without its provider; a provider's
own label says whose region it is, otherwise the annotation ``actgate.dev/provider`` does.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from actgate.api.names import PROVIDER_ANNOTATION
from actgate.decision.manifest import Region
from actgate.decision.rule_ids import RESIDENCY_SERVING
from actgate.decision.subject import SubjectProblem
from actgate.subjects.kinds import Kind, Path
from actgate.subjects.node_labels import provider_of, rank, selects_a_place
from actgate.subjects.pods import (
    Json,
    Places,
    annotation_in,
    items_at,
    map_at,
    object_at,
    unreadable,
    value_at,
)
from actgate.subjects.shapes import NODES, misfits

_TERMS: Final = "nodeSelectorTerms"

Placement = Iterator[tuple[str, Region]]


def placement_of(obj: Json, kind: Kind, annotations: Places, problems: list[SubjectProblem]) -> Placement:
    """Yield (field, region) for each region that an object names, and for those that its nodes are chosen by.

    Args:
        obj: What is to run.
        kind: Its row.
        annotations: Those of each metadata of it.
        problems: Takes what cannot be read.
    """
    if kind.placement is not None:
        yield from _declared(obj, kind.placement, problems)
    spec = object_at(obj, kind.pods.spec)
    if spec:
        path = kind.pods.spec.text
        problems += [
            unreadable(RESIDENCY_SERVING, found.path, found.expected, found.value)
            for found in misfits(spec, NODES, path)
        ]
        # Node labels name a region without its provider, and a code can mean several places.
        provider = annotation_in(annotations, PROVIDER_ANNOTATION, RESIDENCY_SERVING, problems)
        yield from _of_nodes(spec, path, provider, problems)


def _declared(obj: Json, field: Path, problems: list[SubjectProblem]) -> Placement:
    stated = value_at(obj, field)
    if stated is None and value_at(obj, field.parent) is None:
        return
    for index, entry in enumerate(stated if isinstance(stated, list) else [None]):
        path = f"{field.text}[{index}]"
        named = entry if isinstance(entry, Mapping) else {}
        code, provider, statement = named.get("region"), named.get("provider"), named.get("statement")
        if (
            not isinstance(code, str)
            or not isinstance(provider, str | None)
            or not isinstance(statement, str | None)
        ):
            problems.append(unreadable(RESIDENCY_SERVING, path, "a region, with a provider if known"))
        else:
            yield path, Region(code, provider, statement)


def _of_nodes(spec: Json, path: str, provider: str | None, problems: list[SubjectProblem]) -> Placement:
    selector = map_at(spec, "nodeSelector")
    selected = sorted(
        (label for label, value in selector.items() if selects_a_place(label, (value,))), key=rank
    )
    for label in selected:
        yield f"{path}.nodeSelector[{label}]", Region(str(selector[label]), provider_of(label) or provider)
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
                RESIDENCY_SERVING,
                at,
                "Required value: the term must name a region as others do, else pods may run in any",
                "name the regions in every term; terms are alternatives",
            )


def _names_a_place(term: Json) -> bool:
    return any(map(_selects_a_place, (expression for _, expression in items_at(term, "matchExpressions"))))


def _selects_a_place(expression: Json) -> bool:
    values = expression.get("values")
    return selects_a_place(expression.get("key"), values if isinstance(values, list) else ())


def _expression(
    expression: Json, provider: str | None, path: str, problems: list[SubjectProblem]
) -> Placement:
    if not _selects_a_place(expression):
        return
    values = expression.get("values")
    if expression.get("operator") != "In" or not isinstance(values, list) or not values:
        problems.append(unreadable(RESIDENCY_SERVING, path, "operator In with the regions by name"))
        return
    for value in values:
        yield path, Region(str(value), provider_of(str(expression["key"])) or provider)
