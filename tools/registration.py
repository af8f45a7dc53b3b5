"""The webhook's registration, from the table of kinds: its rules, and its match conditions in CEL.

The text around them, and what of them is the same for every kind, stands in ``webhook-registration.yaml.in``.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Final

from actgate.api.names import ENFORCE_LABEL, INFERENCE_LABEL, OWN_KEYS
from actgate.subjects.fields import CONTAINERS
from actgate.subjects.kinds import Kind, kinds
from actgate.subjects.marks import BEGINS_LIKE_OURS

_CORE: Final = '""'
_TEMPLATE: Final = Path(__file__).with_name("webhook-registration.yaml.in")


def registration() -> str:
    """Return the ValidatingWebhookConfiguration.

    Raises:
        ValueError: A row needs what the template does not say yet.
    """
    rows = kinds().values()
    (model,) = [row for row in rows if row.always]
    workloads = [row for row in rows if not row.always]
    if model.placement is None or any(row.pods.spec.parent != row.pods.metadata.parent for row in rows):
        raise ValueError("the match conditions take one kind that is always judged, and pods with metadata")
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        is_mark=f"k.matches('(?i)^{BEGINS_LIKE_OURS.pattern}')\n"
        f"            && !(k in [{_texts(sorted(OWN_KEYS))}])",
        inference=INFERENCE_LABEL,
        enforce=ENFORCE_LABEL,
        containers=_texts(CONTAINERS),
        model_rules=_rules([model]),
        model_fields=", ".join(f"o.{field.text}" for field in (*model.governed, *model.images)),
        placement=f"o.{model.placement.parent.text}",
        overlay=f"o.{model.pods.metadata.parent.text}",
        workload_rules=_rules(workloads),
        parts=_parts(workloads),
        numbers=", ".join(map(str, range(max(len(row.marks) for row in workloads)))),
        makes_pods=f"!({_is_of([row for row in workloads if len(row.marks) == 1], 'p[0]')})",
    )


def _rules(rows: Sequence[Kind]) -> str:
    """Return a rule for each group, in the order of the table."""
    return "\n".join(
        f"  - apiGroups: [{group or _CORE}]\n"
        '    apiVersions: ["*"]\n'
        "    operations: [CREATE, UPDATE]\n"
        f"    resources: [{', '.join(_resources(members))}]\n"
        "    scope: Namespaced"
        for group, members in groupby(rows, key=lambda row: row.group)
    )


def _resources(rows: Iterable[Kind]) -> Iterable[str]:
    for row in rows:
        yield row.plural
        yield from (f"{row.plural}/{subresource}" for subresource in row.subresources)


def _parts(rows: Sequence[Kind]) -> str:
    """Return, in CEL, the parts of an object that have metadata: itself first, the pods last."""
    by_parts: dict[str, list[Kind]] = {}
    for row in sorted(rows, key=lambda row: len(row.marks)):
        parts = ", ".join(".".join(("o", *path.parent.steps)) for path in row.marks)
        by_parts.setdefault(parts, []).append(row)
    common = max(by_parts, key=lambda parts: len(by_parts[parts]))
    cases = [f"{_is_of(by_parts[parts], 'o')} ? [{parts}]" for parts in by_parts if parts != common]
    return "\n          : ".join([*cases, f"[{common}]"])


def _is_of(rows: Sequence[Kind], variable: str) -> str:
    if len(rows) == 1:
        return f"{variable}.kind == '{rows[0].kind}'"
    return f"{variable}.kind in [{_texts(row.kind for row in rows)}]"


def _texts(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)
