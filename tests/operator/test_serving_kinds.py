"""Rows that do not fit the cluster are reported; groups that a cluster lacks are normal."""

from __future__ import annotations

from typing import Any

from actgate.kube.objects import Object
from actgate_operator.metrics import Metrics
from actgate_operator.serving_kinds import ABSENT, MISFIT, MISNAMED, ServingKindCheck
from tests.lookup.fake_cluster import FakeCluster
from tests.lookup.test_added_kinds import NAMESPACE, ROW, config_map

DOCUMENT: dict[str, Any] = {
    "paths": {
        "/apis/models.example.com/v1/scorers": {},
        "/apis/models.example.com/v1/namespaces/{namespace}/scorers/{name}": {},
    },
    "components": {
        "schemas": {
            "scorer": {
                "type": "object",
                "properties": {
                    "metadata": {"$ref": "#/components/schemas/ObjectMeta"},
                    "spec": {"type": "object", "properties": {"uri": {"type": "string"}}},
                },
                "x-kubernetes-group-version-kind": [
                    {"group": "models.example.com", "version": "v1", "kind": "Scorer"}
                ],
            }
        }
    },
}


class Serving(FakeCluster):
    """A cluster that serves one more group."""

    paths: tuple[str, ...] = ("api/v1", "apis/models.example.com/v1")

    async def discover(self, path: str, *, within: float = 10.0) -> Object:
        """Return the index, or the one document."""
        if path == "/openapi/v3":
            return {"paths": {name: {} for name in self.paths}}
        assert path == "/openapi/v3/apis/models.example.com/v1"
        return DOCUMENT


class Notes:
    """Events that are noted."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def note(self, thing: Object, note: Any) -> None:  # noqa: ANN401 - a Note
        """Take an Event."""
        self.found.append((thing["metadata"]["name"], note.message))


async def checked(cluster: Serving) -> tuple[ServingKindCheck, Notes, Metrics]:
    notes, metrics = Notes(), Metrics()
    check = ServingKindCheck(cluster, NAMESPACE, notes, metrics)  # type: ignore[arg-type] # all that is asked of it
    await check.added.refresh()
    await check.check()
    return check, notes, metrics


async def test_a_row_that_fits_is_no_problem_and_neither_is_a_group_of_ours_that_is_absent() -> None:
    _, notes, metrics = await checked(Serving(config_map(ROW)))
    assert notes.found == []
    assert b"actgate_serving_kind_problems{" not in metrics.exposition("")[0]


async def test_a_path_that_the_served_schema_does_not_have_is_reported_once() -> None:
    """The API server prunes it, so that nothing would ever be read there."""
    text = ROW.replace("spec.uri", "spec.address")
    check, notes, metrics = await checked(Serving(config_map(text)))
    await check.check()
    assert notes.found == [
        (
            "actgate-serving-kinds",
            "Scorer.models.example.com: spec.address: no served version has this field",
        )
    ]
    line = f'actgate_serving_kind_problems{{kind="Scorer.models.example.com",reason="{MISFIT}"}} 1.0'
    assert line.encode() in metrics.exposition("")[0]


async def test_a_kind_that_an_administrator_named_and_the_cluster_lacks_is_reported() -> None:
    cluster = Serving(config_map(ROW))
    cluster.paths = ("api/v1",)
    _, _, metrics = await checked(cluster)
    assert f'reason="{ABSENT}"'.encode() in metrics.exposition("")[0]


async def test_a_plural_or_a_scope_that_is_not_served_is_reported() -> None:
    """Else an owner of that kind would be looked for where none can be, and be taken for a missing one."""
    for wrong in (ROW.replace("scorers", "scores"), ROW.replace("judged", "scope: Cluster, judged")):
        cluster = Serving(config_map(wrong))
        check, notes, metrics = await checked(cluster)
        assert f'reason="{MISNAMED}"'.encode() in metrics.exposition("")[0], wrong
        assert notes.found[0][1] in check.notes()["serving kinds"]


async def test_rows_that_cannot_be_read_are_an_event_on_their_configmap() -> None:
    _, notes, metrics = await checked(Serving(config_map("{")))
    assert [name for name, _ in notes.found] == ["actgate-serving-kinds"]
    assert b'reason="Unreadable"' in metrics.exposition("")[0]
