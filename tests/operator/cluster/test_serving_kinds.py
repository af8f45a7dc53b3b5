"""Rows of an administrator on a control plane: each is held against what is served, and owners are walked."""

from __future__ import annotations

from typing import Any, Final

from actgate.kube.client import Cluster
from actgate.lookup.added_kinds import NAME
from actgate.lookup.owners import OwnerChains
from actgate_operator.metrics import Metrics
from actgate_operator.serving_kinds import ABSENT, MISFIT, MISNAMED, ServingKindCheck
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest, install_crds
from tests.operator.test_serving_kinds import Notes
from tests.support.waiting import wait_until

GROUP: Final = "models.example.com"
HEAD: Final = "format: actgate.serving-kinds/1\nkinds:\n"
ROW: Final = (
    "- {group: models.example.com, kind: Scorer, plural: scorers, judged: always, uris: [spec.uri]}\n"
)
DEFINITION: Final[dict[str, Any]] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"scorers.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"kind": "Scorer", "plural": "scorers", "singular": "scorer", "listKind": "ScorerList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {"spec": {"type": "object", "properties": {"uri": {"type": "string"}}}},
                    }
                },
            }
        ],
    },
}


async def test_rows_are_held_against_what_is_served_and_owners_of_an_added_kind_are_walked(
    control_plane: ControlPlane, rest: Rest, namespace: str
) -> None:
    """What does not fit is named, and takes neither the other rows nor the operator away."""
    install_crds(rest, [DEFINITION])
    # A few seconds after it serves a kind, the API server publishes its schema.
    wait_until(lambda: '"Scorer"' in str(rest("GET", f"/openapi/v3/apis/{GROUP}/v1").body).replace("'", '"'))
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": {"rows": HEAD + ROW}}
    assert rest("POST", path, body).status == 201
    notes = Notes()
    async with Cluster.from_environment(control_plane.kubeconfig) as cluster:
        check = ServingKindCheck(cluster, namespace, notes, Metrics())  # type: ignore[arg-type] # of Events
        await check.added.refresh()
        assert [problem for problem in await check.check() if GROUP in problem.kind] == []

        owner = rest(
            "POST",
            f"/apis/{GROUP}/v1/namespaces/{namespace}/scorers",
            {
                "apiVersion": f"{GROUP}/v1",
                "kind": "Scorer",
                "metadata": {"name": "top", "annotations": {"actgate.dev/compliance-manifest": "credit"}},
                "spec": {"uri": "s3://models/credit"},
            },
        )
        assert owner.status == 201, owner
        reference = {"apiVersion": f"{GROUP}/v1", "kind": "Scorer", "controller": True}
        reference |= {key: owner.body["metadata"][key] for key in ("name", "uid")}
        pod = {"kind": "Pod", "metadata": {"name": "p", "uid": "1", "ownerReferences": [reference]}}
        chains = OwnerChains(cluster, table=check.added.known_table)
        top = (await chains.top(pod, namespace, within=10.0)).top
        assert top is not None
        assert top.name == "top"
        assert top.lends is not None
        assert [link.manifest for link in top.lends.links] == ["credit"]

        for text, reason in (
            (ROW.replace("spec.uri", "spec.address"), MISFIT),
            (ROW.replace("scorers", "scores"), MISNAMED),
            (ROW.replace("kind: Scorer", "kind: Judge").replace("scorers", "judges"), ABSENT),
            (ROW + ROW.replace("judged: always", "judged: perhaps").replace("corer", "udge"), "Unreadable"),
        ):
            body["data"] = {"rows": HEAD + text}
            assert rest("PUT", f"{path}/{NAME}", body).status == 200
            await check.added.refresh()
            reasons = {problem.reason for problem in await check.check()}
            assert reasons & {MISFIT, MISNAMED, ABSENT, "Unreadable"} >= {reason}, text
            assert (GROUP, "Judge" if reason == ABSENT else "Scorer") in check.added.known_table().rows or (
                reason == "Unreadable"
            )
    assert {name for name, _ in notes.found} == {NAME}
