"""CRDs made for one test, and the objects of such a kind."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from actgate_sandbox.rest import CRDS, MERGE_PATCH, Reply, Rest, install_crds

_numbers = itertools.count()
GROUP = "schema.test"


@dataclass(frozen=True, slots=True)
class Kind:
    """A cluster-scoped kind that is served for the length of a test."""

    rest: Rest
    definition: dict[str, Any]

    @property
    def path(self) -> str:
        """Where its objects are."""
        return f"/apis/{GROUP}/v1/{self.definition['spec']['names']['plural']}"

    def create(self, spec: object, name: str = "x", **query: str) -> Reply:
        """Create an object with this spec."""
        kind = self.definition["spec"]["names"]["kind"]
        body = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        return self.rest("POST", self.path, body, **query)

    def patch(self, change: Mapping[str, Any], name: str = "x", **query: str) -> Reply:
        """Merge-patch an object."""
        return self.rest("PATCH", f"{self.path}/{name}", change, MERGE_PATCH, **query)


def definition(schema: Mapping[str, Any], **version: object) -> dict[str, Any]:
    """Make a CRD of a kind that no other test uses."""
    number = next(_numbers)
    plural, kind = f"samples{number}", f"Sample{number}"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Cluster",
            "names": {
                "plural": plural,
                "kind": kind,
                "singular": kind.lower(),
                "listKind": f"{kind}List",
            },
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    **version,
                }
            ],
        },
    }


@contextmanager
def served(rest: Rest, schema: Mapping[str, Any], **version: object) -> Iterator[Kind]:
    """Serve a kind with this schema, and remove it afterwards."""
    made = definition(schema, **version)
    install_crds(rest, [made])
    try:
        yield Kind(rest, made)
    finally:
        rest("DELETE", f"{CRDS}/{made['metadata']['name']}")


def complaints(reply: Reply) -> list[str]:
    """Return what a 422 complains of, as sorted `field: message`; nothing for a success."""
    if reply.status < 400:
        return []
    assert reply.status == 422, reply
    return sorted(f"{c['field']}: {c['message']}" for c in reply.body["details"]["causes"])
