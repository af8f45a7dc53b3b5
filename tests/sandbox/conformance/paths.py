"""Where the objects of one namespace are."""

from __future__ import annotations

from dataclasses import dataclass

from tests.sandbox.conformance.samples import GROUP


@dataclass(frozen=True, slots=True)
class Paths:
    """The paths of collections in one namespace."""

    namespace: str

    @property
    def config_maps(self) -> str:
        """Where ConfigMaps are."""
        return f"/api/v1/namespaces/{self.namespace}/configmaps"

    @property
    def deployments(self) -> str:
        """Where Deployments are."""
        return f"/apis/apps/v1/namespaces/{self.namespace}/deployments"

    def widgets(self, version: str = "v1") -> str:
        """Where widgets of a version are."""
        return f"/apis/{GROUP}/{version}/namespaces/{self.namespace}/widgets"
