"""What is being asked (`Attributes`), and what came of it (`Decision`)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actgate_sandbox.status import ApiError

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A served resource and the kind that it takes: one version of both."""

    group: str
    version: str
    resource: str
    """The plural, without subresource."""
    kind: str
    kind_group: str | None = None
    """The kind's own group where it differs: `autoscaling` for `deployments/scale`."""
    kind_version: str | None = None

    @property
    def gvr(self) -> dict[str, str]:
        """The resource as an AdmissionReview writes it."""
        return {"group": self.group, "version": self.version, "resource": self.resource}

    @property
    def gvk(self) -> dict[str, str]:
        """The kind as an AdmissionReview writes it."""
        group = self.group if self.kind_group is None else self.kind_group
        return {"group": group, "version": self.kind_version or self.version, "kind": self.kind}


@dataclass(frozen=True, slots=True)
class Attributes:
    """One request on its way to the store, after defaulting, pruning and validation."""

    operation: str
    """CREATE, UPDATE, DELETE or CONNECT."""
    endpoint: Endpoint
    name: str
    namespace: str = ""
    """Empty for cluster-scoped resources."""
    subresource: str = ""
    object: Object | None = None
    """None for DELETE."""
    old_object: Object | None = None
    """None for CREATE."""
    options: Object = field(default_factory=dict)
    """`CreateOptions` and the like, with kind and apiVersion."""
    dry_run: bool = False
    user: Object = field(default_factory=dict)
    """A `UserInfo`."""

    def request(self) -> dict[str, Any]:
        """Return what CEL and webhooks see of the request, without uid and objects."""
        described = {
            "kind": self.endpoint.gvk,
            "resource": self.endpoint.gvr,
            "subResource": self.subresource,
            "requestKind": self.endpoint.gvk,
            "requestResource": self.endpoint.gvr,
            "requestSubResource": self.subresource,
            "name": self.name,
            "namespace": self.namespace,
        }
        return {key: value for key, value in described.items() if value} | {
            "operation": self.operation,
            "userInfo": dict(self.user),
            "dryRun": self.dry_run,
            "options": dict(self.options),
        }

    def objects(self) -> dict[str, Object | None]:
        """Return `object` and `oldObject`."""
        return {"object": self.object, "oldObject": self.old_object}

    def review(self) -> dict[str, Any]:
        """Return a new AdmissionReview with a uid of its own."""
        return {
            "kind": "AdmissionReview",
            "apiVersion": "admission.k8s.io/v1",
            "request": {"uid": str(uuid.uuid4()), **self.request(), **self.objects()},
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """What all webhooks together say."""

    denied: ApiError | None
    """The refusal to answer with, None when the request may go on."""
    warnings: list[str]
