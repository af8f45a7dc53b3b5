"""The examples for models in `deploy/gitops` ask their tools for what is simulated here."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.gitops.cluster import Json

EXAMPLES = Path(__file__).parents[2] / "deploy" / "gitops"


def spec_of(path: str, kind: str) -> Json:
    """Return the spec of the object of a kind that is called models."""
    documents = yaml.safe_load_all((EXAMPLES / path).read_text("utf-8"))
    [found] = [item for item in documents if (item["kind"], item["metadata"]["name"]) == (kind, "models")]
    spec: Json = found["spec"]
    return spec


def test_flux_waits_prunes_and_never_forces() -> None:
    """Forced, it would replace evidence that a user changed."""
    spec = spec_of("flux/models.yaml", "Kustomization")
    assert spec["wait"] is True
    assert spec["prune"] is True
    assert "force" not in spec


def test_argo_cd_applies_on_the_server_retries_and_never_replaces() -> None:
    """A retry is what a first sync without waves needs; to replace or to force would replace evidence too."""
    policy = spec_of("argocd/application.yaml", "Application")["syncPolicy"]
    assert "ServerSideApply=true" in policy["syncOptions"]
    assert not {"Replace=true", "Force=true"} & set(policy["syncOptions"])
    assert policy["retry"]["limit"] != 0
