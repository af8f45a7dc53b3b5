"""Objects of a cluster with uids and owners, as a scan meets them."""

from __future__ import annotations

from typing import Any, Final

from actgate.scan.candidates import Candidate, candidate
from actgate.subjects.reading import package_table
from tests.subjects.objects import workload

Json = dict[str, Any]

VLLM: Final = "docker.io/vllm/vllm-openai:v0.11"
SERVER: Final = {"name": "server", "image": VLLM, "args": ["--model", "bank/credit"]}


def named(obj: Json, name: str, uid: str | None = None, owner: Json | None = None) -> Json:
    """Return an object with a name, a uid (by default made of kind and name) and a controller."""
    metadata = {**obj["metadata"], "name": name, "uid": uid or f"uid-{obj['kind']}-{name}"}
    return {**obj, "metadata": {**metadata, **({"ownerReferences": [refer(owner)]} if owner else {})}}


def refer(owner: Json, **changes: object) -> Json:
    """Return the reference of a controller to an object that it controls."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        **changes,
    }


def server(kind: str, name: str, owner: Json | None = None, **container: object) -> Json:
    """Return a workload whose pods run a model server."""
    return named(workload(kind, {"containers": [{**SERVER, **container}]}), name, owner=owner)


def inference_service(name: str, uri: str = "s3://models/credit", owner: Json | None = None) -> Json:
    """Return an InferenceService that loads a URI."""
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"namespace": "credit"},
        "spec": {"predictor": {"model": {"modelFormat": {"name": "sklearn"}, "storageUri": uri}}},
    }
    return named(service, name, owner=owner)


def kept(*objects: Json) -> list[Candidate]:
    """Return the candidates among objects."""
    found = []
    for obj in objects:
        row = package_table().row_of(obj)
        assert row is not None
        one = candidate(obj, row)
        if isinstance(one, Candidate):
            found.append(one)
    return found
