"""Rows of an administrator, from one ConfigMap: used whole or not at all, and exchanged while running."""

from __future__ import annotations

from typing import Any, Final

import pytest

from actgate.kube.errors import Forbidden
from actgate.lookup.added_kinds import NAME, UNREADABLE, AddedKinds
from actgate.lookup.evidence import EvidenceUnavailableError
from actgate.subjects.reading import package_table
from tests.lookup.fake_cluster import FakeCluster

NAMESPACE = "actgate-system"
ROW = """\
format: actgate.serving-kinds/1
kinds:
- {group: models.example.com, kind: Scorer, plural: scorers, judged: always, uris: [spec.uri]}
"""
KEY = ("models.example.com", "Scorer")


def config_map(text: str, key: str = "rows.yaml", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the ConfigMap with one file of rows."""
    metadata = {"name": NAME, "namespace": NAMESPACE, "uid": "1"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {key: text}, **more}


async def test_rows_of_the_configmap_are_used_as_soon_as_they_are_read_and_as_long() -> None:
    cluster, changes = FakeCluster(), []
    kinds = AddedKinds(cluster, NAMESPACE, lambda: changes.append(1))
    assert not kinds.is_known
    await kinds.refresh()
    assert kinds.is_known
    assert kinds.table == package_table()
    cluster.put(config_map(ROW), tell=False)
    await kinds.refresh()
    await kinds.refresh()
    assert kinds.row(*KEY) is not None
    assert [row.kind for row in kinds.added] == ["Scorer"]
    cluster.objects.clear()
    await kinds.refresh()
    assert kinds.row(*KEY) is None
    assert len(changes) == 3, "once for each content"


BAD: Final = (
    ("{", "data[rows.yaml]: invalid YAML: ", f"configmap/{NAME}"),
    ("kinds: []", "data[rows.yaml]: format: ", f"configmap/{NAME}"),
    (
        ROW + "- {group: ray.io, kind: RayService, plural: rayservices, judged: declared}\n",
        'data[rows.yaml]: kinds: Duplicate value: "RayService" of group "ray.io": a row that is known',
        "RayService.ray.io",
    ),
    (
        ROW + "- {group: b.example, kind: Broken, plural: broken, judged: always, uris: [.spec]}\n",
        "data[rows.yaml]: kinds[1].uris[0]: must be names of fields",
        "Broken.b.example",
    ),
    (ROW + "- 7\n", "data[rows.yaml]: kinds[1]: ", f"configmap/{NAME}"),
)


async def test_a_row_that_cannot_be_used_leaves_the_last_good_table_and_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An error of an administrator must neither take a kind away nor end a service."""
    cluster = FakeCluster(config_map(ROW))
    kinds = AddedKinds(cluster, NAMESPACE)
    await kinds.refresh()
    good = kinds.table
    for text, message, kind in BAD:
        cluster.put(config_map(text), tell=False)
        await kinds.refresh()
        assert kinds.table is good, text
        assert kinds.row("unknown.example", "Kind") is None
        (problem,) = kinds.problems
        assert (problem.kind, problem.reason) == (kind, UNREADABLE)
        assert problem.message.startswith(f"ConfigMap {NAMESPACE}/{NAME}: {message}"), problem
        assert problem.message in caplog.text
        assert kinds.notes()["serving kinds"] == f"the last good rows are in use: {problem.message}"
        assert kinds.failing_checks() == {"serving kinds": None}, "a service that goes on judging is ready"
    cluster.put(config_map(ROW), tell=False)
    await kinds.refresh()
    assert kinds.problems == ()
    assert kinds.notes() == {}


async def test_a_service_that_starts_with_a_broken_row_uses_the_others_alone() -> None:
    """It has no last good table: a kind without a row may be the one whose row is broken."""
    for text, _, _ in BAD:
        kinds = AddedKinds(FakeCluster(config_map(text)), NAMESPACE)
        await kinds.refresh()
        assert (KEY in kinds.table.rows) is (ROW in text)
        assert kinds.row("", "Pod") is not None
        with pytest.raises(EvidenceUnavailableError, match="rows of further kinds cannot be used"):
            kinds.row("b.example", "Broken")
        assert set(kinds.failing_checks().values()) == {None}, "all that is known is judged"


async def test_a_configmap_that_cannot_be_read_is_unknown_and_not_absent() -> None:
    cluster = FakeCluster(config_map(ROW))
    cluster.failure = Forbidden("no", code=403)
    kinds = AddedKinds(cluster, NAMESPACE)
    await kinds.refresh()
    assert not kinds.is_known
    assert kinds.failing_checks() == {"serving kinds": "no"}
    for ask in (kinds.known_table, lambda: kinds.row(*KEY)):
        with pytest.raises(EvidenceUnavailableError, match="not known: no"):
            ask()
    assert kinds.row("", "Pod") is not None, "a row of the package is never replaced"
    cluster.failure = None
    await kinds.refresh()
    cluster.failure = Forbidden("no", code=403)
    await kinds.refresh()
    assert kinds.is_known, "the last table stays while the API server does not answer"
    assert kinds.row(*KEY) is not None
