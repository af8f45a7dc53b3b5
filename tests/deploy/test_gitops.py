"""The examples for Argo CD and Flux: that they point at what exists, in the right order."""

from __future__ import annotations

import json
from typing import Any, Final

import jsonschema
import pytest
import yaml

from actgate_sandbox.cel import Expression
from tests.deploy.rendering import DEPLOY, ROOT, Json, named, of_kind, render
from tests.deploy.test_argocd import FIXTURES, NO_STATUS, read
from tests.support import kstatus
from tests.support.kstatus import Verdict

WAVE: Final = "argocd.argoproj.io/sync-wave"


def documents(path: str) -> list[Json]:
    """Return the objects of an example."""
    return list(yaml.safe_load_all((DEPLOY / "gitops" / path).read_text("utf-8")))


def check() -> Json:
    """Return the rules by which Flux reads the health of a ModelDeployment."""
    (found,) = named(documents("flux/models.yaml"), "Kustomization", "models")["spec"]["healthCheckExprs"]
    expressions: Json = found
    return expressions


def flux(obj: dict[str, Any]) -> Verdict:
    """Return what Flux makes of an object: the first of its three expressions that holds."""
    variables = {"spec": obj["spec"], "status": obj.get("status") or {}, "metadata": obj["metadata"]}
    for name, verdict in (
        ("inProgress", Verdict.IN_PROGRESS),
        ("failed", Verdict.FAILED),
        ("current", Verdict.CURRENT),
    ):
        if Expression(check()[name], variables).holds(variables):
            return verdict
    return Verdict.IN_PROGRESS


@pytest.mark.parametrize("path", FIXTURES)
def test_flux_reads_a_model_as_kstatus_does(path: str) -> None:
    """But for a suspended one, which is as its owner wants it. What is being deleted, Flux sees before."""
    obj = read(path)
    if obj["metadata"].get("deletionTimestamp") or NO_STATUS in path:
        return
    expected = kstatus.verdict(obj)
    if expected is Verdict.IN_PROGRESS and obj["spec"].get("suspend") and not _is_reconciling(obj):
        expected = Verdict.CURRENT
    assert flux(obj) is expected


def _is_reconciling(obj: dict[str, Any]) -> bool:
    return any(
        (item["type"], item["status"]) == ("Reconciling", "True") for item in obj["status"]["conditions"]
    )


def test_flux_waits_for_a_model_that_was_not_reconciled_yet() -> None:
    """The status that the schema gives every new model is in progress."""
    obj = read("testdata/healthy_available.yaml")
    unseen = {"conditions": [{"type": "Ready", "status": "Unknown", "reason": "Pending"}]}
    assert flux({**obj, "status": unseen}) is Verdict.IN_PROGRESS


def test_flux_waits_for_actgate_before_the_models_and_never_prunes_the_kinds() -> None:
    """To prune a kind would delete every object of it."""
    gate = named(documents("flux/actgate.yaml"), "Kustomization", "actgate")["spec"]
    models = named(documents("flux/models.yaml"), "Kustomization", "models")["spec"]
    assert (gate["wait"], gate["prune"]) == (True, False)
    assert models["dependsOn"] == [{"name": "actgate"}]
    assert (ROOT / gate["path"] / "kustomization.yaml").exists()


@pytest.mark.parametrize("name", ["application", "chart"])
def test_argo_cd_leaves_the_ca_bundle_to_its_writer(name: str) -> None:
    """Neither shown as a difference nor taken away by a sync."""
    spec = named(documents(f"argocd/{name}.yaml"), "Application", "actgate")["spec"]
    (ignored,) = spec["ignoreDifferences"]
    assert ignored["jqPathExpressions"] == [".webhooks[].clientConfig.caBundle"]
    assert {"RespectIgnoreDifferences=true", "ServerSideApply=true"} <= set(spec["syncPolicy"]["syncOptions"])
    installed = {"application": "kustomization.yaml", "chart": "Chart.yaml"}[name]
    assert (ROOT / spec["source"]["path"] / installed).exists()


def test_the_examples_of_the_chart_set_values_that_it_has() -> None:
    """And Flux keeps the kinds at the version of the chart, which refuses an upgrade with others."""
    argo = named(documents("argocd/chart.yaml"), "Application", "actgate")["spec"]["source"]["helm"]
    flux_release = named(documents("flux/chart.yaml"), "HelmRelease", "actgate")["spec"]
    schema = json.loads((DEPLOY / "chart" / "values.schema.json").read_text("utf-8"))
    for values in (argo["valuesObject"], flux_release["values"]):
        jsonschema.Draft7Validator(schema).validate(values)
    assert argo["valuesObject"]["argocd"] == {"syncWaves": True}
    assert (ROOT / flux_release["chart"]["spec"]["chart"] / "Chart.yaml").exists()
    assert {flux_release[action]["crds"] for action in ("install", "upgrade")} == {"CreateReplace"}


def wave_of(item: Json) -> int:
    """Return the sync wave of an object."""
    return int(item["metadata"].get("annotations", {}).get(WAVE, 0))


@pytest.mark.needs_kubectl
def test_argo_cd_registers_the_webhook_last() -> None:
    """Kinds, namespace and limits first; the registration only when what it calls is healthy."""
    objects = render(DEPLOY / "overlays" / "argocd")
    waves = {f"{item['kind']}/{item['metadata']['name']}": wave_of(item) for item in objects}
    first = [name for name, wave in waves.items() if wave < 0]
    last = [name for name, wave in waves.items() if wave > 0]
    definitions = of_kind(objects, "CustomResourceDefinition")
    kinds = [f"CustomResourceDefinition/{item['metadata']['name']}" for item in definitions]
    limits = [name for name in waves if name.startswith("ValidatingAdmissionPolicy")]
    assert len(limits) == 8
    assert sorted(first) == sorted(["Namespace/actgate-system", *kinds, *limits])
    assert last == ["ValidatingWebhookConfiguration/actgate"]
