"""The files of a run that become a manifest, and the shape that their readers rely on."""

import re
from collections.abc import Mapping
from typing import Any, Final

from actgate.api.quoting import invalid
from actgate.manifests.errors import EvidenceError
from actgate.pipeline import plan as plans

AUDIT: Final = "audit.json"
EVALUATION: Final = "evaluation.json"
TRAINING: Final = "training.json"
FILES: Final = (plans.FILE, plans.ENVELOPE, AUDIT, EVALUATION, TRAINING)
"""What is read of the folder of a run."""
Json = dict[str, Any]
_WORDS: Final = {dict: "an object", list: "a list of objects", str: "text", bool: "true or false"}
_REFERENCE: Final = re.compile(r"(?s:.+)@sha256:[0-9a-f]{64}")
_SHAPES: Final[Mapping[str, Mapping[str, type]]] = {
    AUDIT: {"bias": list, "dataQuality": list, "datasets": list, "dataset": dict},
    EVALUATION: {"evaluations": list, "datasets": list, "dataset": dict, "model": dict},
    TRAINING: {
        "training": dict,
        "lineage": dict,
        "datasets": list,
        "model": dict,
        "run": dict,
        "sources": list,
        "training.finishedAt": str,
        "run.startedAt": str,
        "run.builder": str,
    },
}
_ARTEFACT: Final[Mapping[str, type]] = {"name": str, "digest": str}
_CODE: Final[Mapping[str, type]] = {"commit": str, "level": str, "dirty": bool}
_STATED: Final[Mapping[str, type]] = {"model": dict, "datasets": list, "humanOversight": dict}
_REQUIRED: Final = {
    TRAINING: ("training", "run", "sources", "training.finishedAt", "run.startedAt", "run.builder"),
}
"""What provenance is made of."""


def require_shape(run: Mapping[str, Json]) -> None:
    """Raise if a file is not what its step writes.

    Raises:
        EvidenceError: A field has another type, or is missing.
    """
    for file, shape in _SHAPES.items():
        if file in run:
            _require(file, run[file], shape, _REQUIRED.get(file, ()))
            for index, one in enumerate(run[file].get("datasets") or ()):
                _require(f"{file}: datasets[{index}]", one, _ARTEFACT, (*_ARTEFACT,))
    training = run.get(TRAINING)
    if training is None:
        return
    for field, parts in (("code", _CODE), ("lock", _ARTEFACT)):
        if field in training["run"]:
            _require(f"{TRAINING}: run.{field}", training["run"][field], parts, (*parts,))
    references = (training.get("lineage") or {}).get("baseModels") or []
    whole = isinstance(references, list) and all(isinstance(one, str) for one in references)
    if not whole or not all(map(_REFERENCE.fullmatch, references)):
        wanted = "a list of NAME@sha256:HEX"
        raise EvidenceError(f"{TRAINING}: lineage.baseModels: {invalid(references, wanted)}")


def require_stated(stated: Json) -> None:
    """Raise if what people state has another shape than ``spec``; raises like ``require_shape``."""
    _require("the statements", stated, _STATED, ())


def _require(place: str, value: Json, shape: Mapping[str, type], required: tuple[str, ...]) -> None:
    for path, kind in shape.items():
        found: object = value
        for step in path.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        if found is None and path not in required:
            continue
        items = found if isinstance(found, list) else ()
        if not isinstance(found, kind) or not all(isinstance(one, Mapping) for one in items):
            raise EvidenceError(f"{place}: {path}: {invalid(found, _WORDS[kind])}; run its step again")
