"""A resource knows its URLs, and lets nothing into them that is not a name."""

from __future__ import annotations

import pytest

from actgate.kube.errors import Invalid
from actgate.kube.resources import (
    COMPLIANCE_MANIFESTS,
    COMPLIANCE_POLICIES,
    NAMESPACES,
    Resource,
)

DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
SERVICES = Resource("", "v1", "services", "Service")


def test_paths_of_collections() -> None:
    """All namespaces, one namespace, the core group and cluster scope."""
    root = "/apis/actgate.dev/v1alpha1"
    assert COMPLIANCE_MANIFESTS.collection() == f"{root}/compliancemanifests"
    assert COMPLIANCE_MANIFESTS.collection("a") == f"{root}/namespaces/a/compliancemanifests"
    assert COMPLIANCE_POLICIES.collection() == f"{root}/compliancepolicies"
    assert SERVICES.collection("a") == "/api/v1/namespaces/a/services"
    assert NAMESPACES.collection() == "/api/v1/namespaces"


def test_paths_of_objects() -> None:
    """With and without namespace and subresource."""
    assert DEPLOYMENTS.item("m", "a") == "/apis/apps/v1/namespaces/a/deployments/m"
    assert DEPLOYMENTS.item("m", "a", "scale") == "/apis/apps/v1/namespaces/a/deployments/m/scale"
    assert NAMESPACES.item("a") == "/api/v1/namespaces/a"


def test_api_versions() -> None:
    """As in the objects themselves."""
    assert (DEPLOYMENTS.api_version, SERVICES.api_version) == ("apps/v1", "v1")


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b",
        "../x",
        "a?watch=true",
        "a#b",
        "a%2fb",
        "A",
        "-a",
        "a-",
        "a..b",
        "ä",
        "a\n",
        "a" * 254,
    ],
)
def test_what_is_no_name_never_gets_into_a_path(name: str) -> None:
    """A reference in a user's annotation must not point at another object."""
    with pytest.raises(Invalid, match="cannot be the name of a ComplianceManifest"):
        COMPLIANCE_MANIFESTS.item(name, "default")
    with pytest.raises(Invalid, match="cannot be the name of a namespace"):
        COMPLIANCE_MANIFESTS.collection(name)


@pytest.mark.parametrize("name", ["a", "credit-risk-scorer-v2", "a.b.c", "0", "a" * 253])
def test_what_kubernetes_takes_for_a_name_is_taken(name: str) -> None:
    """DNS subdomains of up to 253 characters."""
    assert COMPLIANCE_MANIFESTS.item(name, "default").endswith(f"/{name}")


@pytest.mark.parametrize("namespace", ["a.b", "a" * 64])
def test_namespaces_are_labels(namespace: str) -> None:
    """Shorter than names, and without dots."""
    with pytest.raises(Invalid, match="cannot be the name of a namespace"):
        COMPLIANCE_MANIFESTS.collection(namespace)


def test_a_forgotten_namespace_is_our_own_mistake() -> None:
    """Not an answer about the cluster: it must not be caught with those."""
    with pytest.raises(ValueError, match="live in namespaces"):
        COMPLIANCE_MANIFESTS.item("a")
    with pytest.raises(ValueError, match="live outside namespaces"):
        NAMESPACES.item("a", "b")
