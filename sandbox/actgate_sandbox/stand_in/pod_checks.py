"""What the API server refuses in a pod, or in the template of one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from actgate_sandbox.schema.errors import shown
from actgate_sandbox.stand_in.metadata import LABEL_RULE, is_label
from actgate_sandbox.stand_in.status import Cause, Object

_PORT_NAME = re.compile(r"[a-z0-9]([a-z0-9]|-(?=[a-z0-9]))*")
_LONGEST_PORT_NAME = 15


def pod_causes(pod: Object, path: str) -> list[Cause]:
    """Return what is wrong with a pod's spec.

    Args:
        pod: The spec.
        path: Where it is, such as `spec.template.spec`.
    """
    volumes = {volume.get("name") for volume in pod.get("volumes") or ()}
    causes = list(_volume_causes(pod, path))
    for field in ("initContainers", "containers"):
        for index, container in enumerate(pod.get(field) or ()):
            causes += _container_causes(container, f"{path}.{field}[{index}]")
            causes += _mount_causes(container, f"{path}.{field}[{index}]", volumes)
    if path != "spec" and pod.get("restartPolicy", "Always") != "Always":
        why = f'Unsupported value: "{pod["restartPolicy"]}": supported values: "Always"'
        causes.append(Cause("FieldValueNotSupported", f"{path}.restartPolicy", why))
    return causes


def _volume_causes(pod: Object, path: str) -> Iterator[Cause]:
    for index, volume in enumerate(pod.get("volumes") or ()):
        kinds = [name for name in volume if name != "name"]
        for extra in kinds[1:]:
            why = "Forbidden: may not specify more than 1 volume type"
            yield Cause("FieldValueForbidden", f"{path}.volumes[{index}].{extra}", why)


def _container_causes(container: Object, path: str) -> Iterator[Cause]:
    name = container.get("name", "")
    if not is_label(name):
        yield _invalid(f"{path}.name", name, LABEL_RULE)
    if not container.get("image"):
        yield Cause("FieldValueRequired", f"{path}.image", "Required value")
    for index, port in enumerate(container.get("ports") or ()):
        yield from _port_causes(port, f"{path}.ports[{index}]")
    for index, variable in enumerate(container.get("env") or ()):
        where = f"{path}.env[{index}]"
        if not variable.get("name"):
            yield Cause("FieldValueRequired", f"{where}.name", "Required value")
        if variable.get("value") and "valueFrom" in variable:
            yield _invalid(f"{where}.valueFrom", "", "may not be specified when `value` is not empty")


def _port_causes(port: Object, path: str) -> Iterator[Cause]:
    number, name = port.get("containerPort", 0), port.get("name")
    if not 1 <= number <= 65535:
        yield _invalid(f"{path}.containerPort", number, "must be between 1 and 65535, inclusive")
    if name is None:
        return
    if len(name) > _LONGEST_PORT_NAME:
        yield _invalid(f"{path}.name", name, f"must be no more than {_LONGEST_PORT_NAME} characters")
    if not _PORT_NAME.fullmatch(name):
        why = "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
        yield _invalid(f"{path}.name", name, why)


def _mount_causes(container: Object, path: str, volumes: set[str]) -> Iterator[Cause]:
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        if mount["name"] not in volumes:
            why = f'Not found: "{mount["name"]}"'
            yield Cause("FieldValueNotFound", f"{path}.volumeMounts[{index}].name", why)


def _invalid(field: str, value: object, why: str) -> Cause:
    return Cause("FieldValueInvalid", field, f"Invalid value: {shown(value)}: {why}")
