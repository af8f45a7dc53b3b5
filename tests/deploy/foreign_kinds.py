"""Kinds of others that our components use, as open definitions: that the API server takes the objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

_KINDS: Final = (
    ("cert-manager.io", "v1", "certificates", "Certificate"),
    ("cert-manager.io", "v1", "issuers", "Issuer"),
    ("monitoring.coreos.com", "v1", "prometheusrules", "PrometheusRule"),
    ("monitoring.coreos.com", "v1", "servicemonitors", "ServiceMonitor"),
    ("argoproj.io", "v1alpha1", "applications", "Application"),
    ("source.toolkit.fluxcd.io", "v1", "gitrepositories", "GitRepository"),
    ("kustomize.toolkit.fluxcd.io", "v1", "kustomizations", "Kustomization"),
    ("helm.toolkit.fluxcd.io", "v2", "helmreleases", "HelmRelease"),
)


def definitions() -> Iterator[dict[str, Any]]:
    """Yield a CustomResourceDefinition for each kind, which lets every field through."""
    for group, version, plural, kind in _KINDS:
        yield definition(group, version, plural, kind)


def definition(group: str, version: str, plural: str, kind: str) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind that lets every field through."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {
                "plural": plural,
                "singular": kind.lower(),
                "kind": kind,
                "listKind": f"{kind}List",
            },
            "versions": [
                {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
            ],
        },
    }
