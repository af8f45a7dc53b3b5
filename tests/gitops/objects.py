"""What lies in Git, and where the API server keeps it.

Both tools mark what they apply as theirs, so every object here is a copy: a commit is never changed.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from actgate_sandbox.rest import Reply, Rest
from tests.operator.world import MANIFEST, MODEL, stamp
from tests.support.crds import API_VERSION, collection, deployment_spec, manifest_spec
from tests.support.waiting import wait_until

Json = dict[str, Any]


FINISHED: Final = stamp(datetime.now(UTC) - timedelta(days=21))
"""Said once: evidence is immutable, and a commit says the same whenever it is read."""


def manifest(name: str = MANIFEST, **changes: Any) -> Json:  # noqa: ANN401 - fields of a spec
    """Return a ComplianceManifest with evidence of three weeks ago."""
    spec = manifest_spec(**changes)
    spec["training"]["finishedAt"] = FINISHED
    return _document("ComplianceManifest", name, spec)


def model(name: str = MODEL, **changes: Any) -> Json:  # noqa: ANN401 - fields of a spec
    """Return a ModelDeployment that refers to the manifest."""
    return _document("ModelDeployment", name, deployment_spec(**changes))


def _document(kind: str, name: str, spec: Json) -> Json:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def marked(obj: Json, namespace: str, field: str, marks: dict[str, str]) -> Json:
    """Return a copy in its namespace, with labels or annotations added."""
    copied = copy.deepcopy(obj)
    metadata = copied["metadata"]
    metadata["namespace"] = namespace
    metadata[field] = {**metadata.get(field, {}), **marks}
    return copied


def path_of(obj: Json) -> str:
    """Return the path of one of our objects."""
    return f"{collection(obj['kind'], obj['metadata']['namespace'])}/{obj['metadata']['name']}"


def live(rest: Rest, obj: Json) -> Json | None:
    """Return an object as it is, None where there is none."""
    reply = rest("GET", path_of(obj))
    assert reply.status in (200, 404), reply
    return dict(reply.body) if reply.status == 200 else None


def wait_until_gone(rest: Rest, objects: Sequence[Json]) -> None:
    """Wait until none of them is there any more.

    Slow on a real control plane: its garbage collector hears of new kinds every 30 s.
    """
    wait_until(lambda: all(live(rest, obj) is None for obj in objects), within=240)


def is_refused(reply: Reply) -> bool:
    """Return whether the webhook refused; that something else failed is an error of the test."""
    assert reply.status in (200, 201, 403), reply
    return reply.status == 403
