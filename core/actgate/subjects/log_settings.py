"""How the use of a model is logged, as an object states it, and which sidecars of its pods are recorders.

- A ModelDeployment states it in ``spec.logging``.
- Any other workload states it in the annotation ``actgate.dev/logging`` of its pods: the fields of
  ``spec.logging`` as JSON. The operator writes it on the pods of ModelDeployments.
- A logger of KServe's sends each payload once, after the answer, and loses what its sink does not take
  (https://github.com/kserve/kserve/tree/master/pkg/logger): a log, at most once, of whole payloads. The
  annotation beside it can state how long and where the sink keeps them.

Nothing raises: what cannot be read is a fact, too, and counts where a policy asks for a log.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from pydantic import ValidationError

from actgate.api.durations import parse_duration
from actgate.api.inference_log import LoggingSpec, LogMode, MaxPayload, RequiredDurability
from actgate.api.names import LOGGING_ANNOTATION, RECORDER_CONTAINER
from actgate.api.paths import dotted
from actgate.api.quoting import cut, got
from actgate.decision.logged import Logged
from actgate.decision.manifest import Region
from actgate.decision.problem import Problem
from actgate.subjects.fields import MAPS, Json, object_at, value_at
from actgate.subjects.kinds import Kind
from actgate.subjects.marks import Place
from actgate.subjects.serving_kinds import ServingKind

_LOSSY: Final = frozenset({LogMode.EXTERNAL, LogMode.NONE})
"""Modes in which no record is known to be written, whatever durability is stated."""
_LONGEST: Final = 120
_FIX: Final = "state the fields of spec.logging of a ModelDeployment, mode first"


def logged_by(obj: Json, kind: Kind, places: list[Place]) -> Logged | None:
    """Return how the use of an object's models is logged; None where it states nothing.

    Args:
        obj: The object, as JSON.
        kind: Its row.
        places: Where its marks are read, those of its pods last.
    """
    if kind.logging is not None:
        stated = value_at(obj, kind.logging)
        return of_settings(stated, kind.logging.text) if stated is not None else None
    return _of_annotation(places[-1])


def logged_by_server(obj: Json, kind: ServingKind, places: list[Place]) -> Logged | None:
    """Return how the use of the models of a serving system's object is logged; None where it states nothing.

    Args:
        obj: The object, as JSON.
        kind: Its row.
        places: Where its marks are read, the object itself first. Of several annotations the weakest reading
            counts: one that differs from another is as one that cannot be read.
    """
    annotated = [found for place in places if (found := _of_annotation(place)) is not None]
    beside = annotated[0] if annotated else None
    for other in annotated[1:]:
        if replace(other, path=annotated[0].path) != annotated[0]:
            differs = Problem(other.path, "Invalid value: differs from the one above it", _FIX)
            beside = Logged(LogMode.NONE, other.path, problem=differs)
    for path, stated in kind.logging.found(obj) if kind.logging is not None else ():
        return of_kserve_logger(stated, path, beside)
    return beside


def server_logging_path(kind: ServingKind) -> str:
    """Return the field in which an object of a serving system states how its use is logged."""
    if kind.logging is not None:
        return kind.logging.text
    return f"{kind.links[0].text}.annotations[{LOGGING_ANNOTATION}]"


def logging_path(kind: Kind) -> str:
    """Return the field in which an object of a kind states how its use is logged."""
    if kind.logging is not None:
        return kind.logging.text
    return f"{kind.pods.metadata.text}.annotations[{LOGGING_ANNOTATION}]"


def of_settings(stated: object, path: str) -> Logged:
    """Read the fields of ``spec.logging``, wherever they stand."""
    try:
        spec = LoggingSpec.model_validate(stated, by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at, words = dotted((path, *first["loc"])), cut(str(first["msg"]), _LONGEST)
        return Logged(LogMode.NONE, path, problem=Problem(at, f"Invalid value: {words}", _FIX))
    storage = spec.storage
    region = storage.region if storage is not None else None
    lossy = spec.mode in _LOSSY
    return Logged(
        mode=spec.mode,
        path=path,
        durability=RequiredDurability.AT_MOST_ONCE if lossy else RequiredDurability(spec.durability.value),
        payload=MaxPayload(spec.payload.value),
        retention=parse_duration(spec.retention),
        stated_retention=spec.retention,
        region=Region(region.region, region.provider) if region is not None else None,
        stays_with_pods=storage is not None and storage.pvc is not None,
    )


def of_kserve_logger(stated: object, path: str, beside: Logged | None = None) -> Logged:
    """Read the ``logger`` of a KServe predictor.

    Args:
        stated: Its value.
        path: Where it stands, such as ``spec.predictor.logger``.
        beside: What an annotation states of the log.
    """
    if not isinstance(stated, MAPS):
        problem = Problem(path, f"Invalid value: {got(stated)}: must be an object", "correct the logger")
        return Logged(LogMode.NONE, path, problem=problem)
    if beside is not None and beside.problem is not None:
        return replace(beside, mode=LogMode.NONE)
    logger = Logged(LogMode.EXTERNAL, path)
    if beside is None or beside.mode is LogMode.NONE:
        return logger
    return replace(
        logger,
        retention=beside.retention,
        stated_retention=beside.stated_retention,
        region=beside.region,
    )


def _of_annotation(place: Place) -> Logged | None:
    """Return what an annotation says; of a workload that of the pods, which one above does not reach."""
    text = place.annotations.get(LOGGING_ANNOTATION)
    if text is None:
        return None
    path = f"{place.path}.annotations[{LOGGING_ANNOTATION}]"
    stated: Any = None
    with suppress(ValueError, RecursionError):
        stated = json.loads(text) if isinstance(text, str) else None
    if not isinstance(stated, dict):
        problem = Problem(path, f"Invalid value: {got(text)}: must be an object in JSON", _FIX)
        return Logged(LogMode.NONE, path, problem=problem)
    return of_settings(stated, path)


def recorders_in(obj: Json, kind: Kind) -> Iterator[tuple[str, str]]:
    """Yield (field, image) of each container that a recorder may run in: a native sidecar of its name.

    Its command must be that of its image: another one could do anything in a trusted image.
    """
    containers = object_at(obj, kind.pods.spec).get("initContainers")
    for index, container in enumerate(containers if isinstance(containers, list) else ()):
        if (
            isinstance(container, MAPS)
            and container.get("name") == RECORDER_CONTAINER
            and container.get("restartPolicy") == "Always"
            and not container.get("command")
            and isinstance(image := container.get("image"), str)
        ):
            yield f"{kind.pods.spec.text}.initContainers[{index}].image", image
