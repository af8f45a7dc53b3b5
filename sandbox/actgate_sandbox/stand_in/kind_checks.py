"""What built-in kinds refuse beyond their schemas, as far as a test of ours has to meet it."""

from __future__ import annotations

from collections.abc import Iterator

from actgate_sandbox.admission import compiled
from actgate_sandbox.cel import CelError
from actgate_sandbox.schema.errors import shown
from actgate_sandbox.stand_in.metadata import LABEL_RULE, is_label
from actgate_sandbox.status import Cause, Object


def check_workload(new: Object, old: Object | None) -> list[Cause]:
    """A selector must match its own template and never changes; names of containers and env are checked."""
    spec = new.get("spec") or {}
    selector = spec.get("selector") or {}
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    causes = []
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        why = "`selector` does not match template `labels`"
        causes.append(_invalid("spec.template.metadata.labels", labels, why))
    if old is not None and ((old.get("spec") or {}).get("selector") or {}) != selector:
        causes.append(_invalid("spec.selector", selector, "field is immutable"))
    pod = (spec.get("template") or {}).get("spec") or {}
    for index, container in enumerate(pod.get("containers") or ()):
        causes += _container_causes(container, f"spec.template.spec.containers[{index}]")
    return causes


def _container_causes(container: Object, path: str) -> Iterator[Cause]:
    if not is_label(container["name"]):
        yield _invalid(f"{path}.name", container["name"], LABEL_RULE)
    for index, variable in enumerate(container.get("env") or ()):
        if variable.get("value") and "valueFrom" in variable:
            why = "may not be specified when `value` is not empty"
            yield _invalid(f"{path}.env[{index}].valueFrom", "", why)


def check_webhooks(new: Object, _old: Object | None) -> list[Cause]:
    """Every match condition must compile."""
    causes = []
    for at, webhook in enumerate(new.get("webhooks") or ()):
        for index, condition in enumerate(webhook.get("matchConditions") or ()):
            try:
                compiled(condition["expression"])
            except CelError as error:
                field = f"webhooks[{at}].matchConditions[{index}].expression"
                causes.append(_invalid(field, condition["expression"], str(error)))
    return causes


def _invalid(field: str, value: object, why: str) -> Cause:
    return Cause("FieldValueInvalid", field, f"Invalid value: {shown(value)}: {why}")
