"""The webhook's registration, from the tables of kinds and of signals: rules, and match conditions in CEL.

The text around them stands in ``webhook-registration.yaml.in``; what makes a workload look like a model
server, in ``registration_signals.py``.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Final

import yaml

from actgate.api.names import EXEMPT_LABEL, INFERENCE_LABEL, OWN_KEYS
from actgate.subjects.fields import CONTAINERS
from actgate.subjects.kinds import Kind, kinds
from actgate.subjects.marks import BEGINS_LIKE_OURS
from actgate.subjects.serving_kinds import ServingKind, serving_kinds
from actgate_operator.registration.weaknesses import digest
from tools.registration_signals import PROBES, labelled, signals, texts

_CORE: Final = '""'
_TEMPLATE: Final = Path(__file__).with_name("webhook-registration.yaml.in")

MOST_KEYS: Final = 100
"""Labels or annotations that are looked through; an object with more is asked about unread, as for these:"""
MOST_OWNERS: Final = 20
MOST_CONTAINERS: Final = 200
MOST_VOLUMES: Final = 400

_RUN: Final = ("image", "command", "args", "env", "lifecycle")
"""Fields of a container by which another model can be loaded, besides what its probes run."""
_ROOT: Final = ("apiVersion", "kind", "metadata", "spec", "status")


def _runs() -> str:
    """Return what a container ``c`` runs, as a CEL list; of a probe its command, and not when it runs."""
    probes = "f in c && type(c[f]) == map && has(c[f].exec) ? dyn(c[f].exec) : dyn(null)"
    return f"[[{texts(_RUN)}].map(f, f in c ? dyn(c[f]) : dyn(null)), [{texts(PROBES)}].map(f, {probes})]"


def registration() -> str:
    """Return the ValidatingWebhookConfiguration.

    Raises:
        ValueError: A row needs what the template does not say yet.
    """
    rows = kinds().values()
    (model,) = [row for row in rows if row.always]
    workloads = [row for row in rows if not row.always]
    serving = [row for row in serving_kinds().values() if row.judged != "never"]
    if not (model.placement and model.logging) or any(
        row.pods.spec.parent != row.pods.metadata.parent for row in rows
    ):
        raise ValueError("the match conditions take one kind that is always judged, and pods with metadata")
    if any(row.scope != "Namespaced" for row in serving):
        raise ValueError("a kind that is judged must live in namespaces: there its manifests are")
    parts = _parts(workloads)
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        exempt=EXEMPT_LABEL,
        containers=texts(CONTAINERS),
        runs=_runs(),
        root=texts(_ROOT),
        most_containers=MOST_CONTAINERS,
        most_volumes=MOST_VOLUMES,
        serving_rules=_rules([model, *serving]),
        model_fields=", ".join(f"o.{field.text}" for field in model.governed),
        model_servers=", ".join(f"o.{field.parent.text}" for field in model.images),
        placement=f"o.{model.placement.parent.text}",
        logging=f"o.{model.logging.text}",
        overlay=f"o.{model.pods.metadata.parent.text}",
        scale=_scale(serving),
        own_marks_change=_lined(_marks_change(
            "[object, oldObject].map(o, [\n"
            "  has(o.metadata.labels) ? dyn(o.metadata.labels) : dyn({}),\n"
            "  has(o.metadata.annotations) ? dyn(o.metadata.annotations) : dyn({})])"
        ), 8),
        overlay_marks_change=_lined(_marks_change("[[g[0][1], g[0][0]], [g[1][1], g[1][0]]]"), 8),
        workload_rules=_rules(workloads),
        declared=_lined(_declared(parts, [row for row in serving if row.judged == "always"]), 6),
        detected=_lined(_detected(parts, [row for row in serving if row.judged == "declared"]), 6),
        parts=_lined(parts, 8),
        part_marks_change=_lined(_marks_change(
            "p.map(o, has(o[i].metadata) ? dyn(o[i].metadata) : dyn({})).map(m, [\n"
            "  has(m.labels) ? dyn(m.labels) : dyn({}),\n"
            "  has(m.annotations) ? dyn(m.annotations) : dyn({})])"
        ), 8),
        numbers=", ".join(map(str, range(max(len(row.marks) for row in workloads)))),
        makes_pods=f"!({_is_of([row for row in workloads if len(row.marks) == 1], 'p[0]')})",
    )  # fmt: skip


def expected() -> str:
    """Return what the operator holds a registration against, as JSON by the names of webhooks."""
    webhooks = yaml.safe_load(registration())["webhooks"]
    found = {
        item["name"]: {
            "failurePolicy": item["failurePolicy"],
            "rules": {group: rule["resources"] for rule in item["rules"] for group in rule["apiGroups"]},
            "matchConditions": {one["name"]: digest(one["expression"]) for one in item["matchConditions"]},
        }
        for item in webhooks
    }
    return f"{json.dumps(found, indent=1)}\n"


def _rules(rows: Sequence[Kind | ServingKind]) -> str:
    """Return a rule for each group, in the order of the table."""
    by_group = {group: list(members) for group, members in groupby(sorted(rows, key=_order(rows)), _group)}
    return "\n".join(
        f"  - apiGroups: [{group or _CORE}]\n"
        '    apiVersions: ["*"]\n'
        "    operations: [CREATE, UPDATE]\n"
        f"    resources: [{', '.join(_resources(members))}]\n"
        "    scope: Namespaced"
        for group, members in by_group.items()
    )


def _group(row: Kind | ServingKind) -> str:
    return row.group


def _order(rows: Sequence[Kind | ServingKind]) -> Callable[[Kind | ServingKind], int]:
    """Return the place of a row's group among those of the table."""
    groups = list(dict.fromkeys(row.group for row in rows))
    return lambda row: groups.index(row.group)


def _resources(rows: Iterable[Kind | ServingKind]) -> Iterable[str]:
    for row in rows:
        yield row.plural
        if isinstance(row, Kind):
            yield from (f"{row.plural}/{subresource}" for subresource in row.subresources)


def _scale(rows: Sequence[ServingKind]) -> str:
    """Return, in CEL, the fields right below spec that only change how many servers run.

    Kinds of one name in two groups share those that both have.
    """
    by_kind: dict[str, set[str]] = {}
    for row in rows:
        fields = {
            pattern.steps[1]
            for pattern in row.scale
            if len(pattern.steps) == 2 and pattern.steps[0] == "spec" and pattern.steps[1].isalpha()
        }
        by_kind[row.kind] = by_kind.get(row.kind, fields) & fields
    by_fields: dict[tuple[str, ...], list[str]] = {}
    for kind, fields in by_kind.items():
        if fields:
            by_fields.setdefault(tuple(sorted(fields)), []).append(kind)
    cases = [f"object.kind in [{texts(names)}] ? [{texts(fields)}]" for fields, names in by_fields.items()]
    return "\n          : ".join([*cases, "[]"])


def _parts(rows: Sequence[Kind]) -> str:
    """Return, in CEL, the parts of an object that have metadata: itself first, the pods last."""
    by_parts: dict[str, list[Kind]] = {}
    for row in sorted(rows, key=lambda row: len(row.marks)):
        parts = ", ".join(".".join(("o", *path.parent.steps)) for path in row.marks)
        by_parts.setdefault(parts, []).append(row)
    common = max(by_parts, key=lambda parts: len(by_parts[parts]))
    cases = [f"{_is_of(by_parts[parts], 'o')} ? [{parts}]" for parts in by_parts if parts != common]
    return "\n  : ".join([*cases, f"[{common}]"])


def _declared(parts: str, owners: Sequence[ServingKind]) -> str:
    """Return, in CEL, whether an object or its former version is declared, or has an owner that is."""
    return (
        "[object, oldObject].filter(o, o != null).exists(o,\n"
        f"  ({_lined(parts, 2)})\n"
        "  .filter(p, has(p.metadata)).map(p, p.metadata).exists(m,\n"
        "    ((has(m.labels) ? [m.labels] : []) + (has(m.annotations) ? [m.annotations] : []))\n"
        f"    .exists(s, size(s) > {MOST_KEYS} || s.exists(k, {_is_mark()}\n"
        f"      && !(k == '{INFERENCE_LABEL}' && s[k] == 'false'))))\n"
        f"  || {_lined(_owned(owners), 2)})"
    )


def _detected(parts: str, owners: Sequence[ServingKind]) -> str:
    """Return, in CEL, whether an object or its former version looks like a model server."""
    return (
        "[object, oldObject].filter(o, o != null).exists(o,\n"
        f"  [({_lined(parts, 2)})].exists(parts,\n"
        "    parts.exists(p, has(p.metadata) && has(p.metadata.labels)\n"
        f"      && ({_lined(labelled('p.metadata.labels'), 6)}))\n"
        "    || [parts[size(parts) - 1]].filter(p, has(p.spec)).map(p, p.spec).exists(s,\n"
        f"      {_lined(signals('s'), 6)}))\n"
        f"  || {_lined(_owned(owners), 2)})"
    )


def _owned(owners: Sequence[ServingKind]) -> str:
    """Return, in CEL, whether a controller of one of these kinds owns an object, verified or not."""
    by_group: Mapping[str, list[str]] = {
        group: [row.kind for row in owners if row.group == group]
        for group in dict.fromkeys(row.group for row in owners)
    }
    cases = [
        f"r.apiVersion.startsWith('{group}/') && r.kind in [{texts(names)}]"
        for group, names in by_group.items()
    ]
    either = "\n    || ".join(cases)
    return (
        f"has(o.metadata.ownerReferences) && (size(o.metadata.ownerReferences) > {MOST_OWNERS}\n"
        "  || o.metadata.ownerReferences.exists(r, has(r.controller) && r.controller && (\n"
        f"    {either})))"
    )


def _marks_change(pair: str) -> str:
    """Return, in CEL, whether a mark differs between two objects, each given as [labels, annotations]."""
    return (
        f"[{pair}].exists(s, s[0] != s[1]\n"
        f"  && ([0, 1].exists(j, size(s[0][j]) > {MOST_KEYS} || size(s[1][j]) > {MOST_KEYS})\n"
        "    || [[s[0], s[1]], [s[1], s[0]]].exists(d, [0, 1].exists(j, d[0][j].exists(k,\n"
        f"      {_is_mark()}\n"
        "      && (!(k in d[1][j]) || d[0][j][k] != d[1][j][k]))))))"
    )


def _is_mark() -> str:
    return f"k.matches('(?i)^{BEGINS_LIKE_OURS.pattern}') && !(k in [{texts(sorted(OWN_KEYS))}])"


def _is_of(rows: Sequence[Kind], variable: str) -> str:
    if len(rows) == 1:
        return f"{variable}.kind == '{rows[0].kind}'"
    return f"{variable}.kind in [{texts(row.kind for row in rows)}]"


def _lined(text: str, spaces: int) -> str:
    """Return lines that stand that far in, but for the first."""
    return text.replace("\n", "\n" + " " * spaces)
