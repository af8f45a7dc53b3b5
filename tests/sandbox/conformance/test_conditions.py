"""Conditions applied to /status: each manager has its own, merged by type."""

from __future__ import annotations

import pytest

from actgate_sandbox.rest import APPLY_PATCH, MERGE_PATCH, Reply, Rest
from tests.support import crds
from tests.support.crds import API_VERSION, collection, create, deployment_spec


@pytest.fixture(scope="session")
def api(rest: Rest) -> Rest:
    """A client of an API server that serves ModelDeployments."""
    crds.install(rest)
    return rest


class Status:
    """The status of one ModelDeployment."""

    def __init__(self, api: Rest, namespace: str) -> None:
        self.api = api
        self.path = f"{collection('ModelDeployment', namespace)}/m"
        self.created = create(api, "ModelDeployment", "m", deployment_spec(replicas=2), namespace)
        assert self.created.status == 201, self.created

    def apply(self, status: crds.Json, manager: str = "operator", **query: str) -> Reply:
        """Apply a status by force."""
        body = {
            "apiVersion": API_VERSION,
            "kind": "ModelDeployment",
            "metadata": {"name": "m"},
            "status": status,
        }
        query = {"fieldManager": manager, "force": "true", **query}
        return self.api("PATCH", f"{self.path}/status", body, APPLY_PATCH, **query)


def condition(kind: str, status: str = "True") -> crds.Json:
    """Return a condition."""
    moment = "2026-11-23T08:00:00Z"
    return {"type": kind, "status": status, "reason": "R", "message": "m", "lastTransitionTime": moment}


def types(reply: Reply) -> dict[str, str]:
    """Return the status of each condition."""
    assert reply.status == 200, reply
    return {item["type"]: item["status"] for item in reply.body["status"]["conditions"]}


@pytest.fixture
def status(api: Rest, namespace: str) -> Status:
    """The status of a new ModelDeployment."""
    return Status(api, namespace)


def test_the_first_status_replaces_the_default(status: Status) -> None:
    """The default has no manager, and a condition of the same type takes its place."""
    assert [item["reason"] for item in status.created.body["status"]["conditions"]] == ["Pending"]
    applied = status.apply({"conditions": [condition("Ready"), condition("EvidenceAccepted")]})
    assert types(applied) == {"Ready": "True", "EvidenceAccepted": "True"}


def test_a_condition_that_is_no_longer_applied_goes(status: Status) -> None:
    """Reconciling and Stalled come and go so."""
    status.apply({"conditions": [condition("Ready", "False"), condition("Stalled")]})
    assert types(status.apply({"conditions": [condition("Ready")]})) == {"Ready": "True"}


def test_conditions_of_others_stay(status: Status) -> None:
    """Force takes what is stated, and nothing else."""
    status.apply({"conditions": [condition("Theirs")]}, "other")
    status.apply({"conditions": [condition("Ready")]})
    assert types(status.apply({"conditions": [condition("Ready", "False")]})) == {
        "Theirs": "True",
        "Ready": "False",
    }
    assert types(status.apply({"conditions": []}, "other")) == {"Ready": "False"}


def test_other_fields_of_the_status_stay(status: Status) -> None:
    """What a merge patch wrote is not the applier's to remove, forced or not."""
    status.api(
        "PATCH", f"{status.path}/status", {"status": {"replicas": 3}}, MERGE_PATCH, fieldManager="hand"
    )
    applied = status.apply({"url": "http://m", "conditions": [condition("Ready")]})
    assert (applied.body["status"]["replicas"], applied.body["status"]["url"]) == (3, "http://m")
    assert applied.body["spec"] == status.created.body["spec"]


def test_the_same_status_writes_nothing(status: Status) -> None:
    """The revision stays."""
    stated = {"observedGeneration": 1, "conditions": [condition("Ready")]}
    first, second = status.apply(stated), status.apply(stated)
    assert first.body["metadata"]["resourceVersion"] == second.body["metadata"]["resourceVersion"]
    assert first.body["metadata"]["generation"] == 1


def test_another_value_without_force_is_a_conflict(status: Status) -> None:
    """The condition is named by its type."""
    status.apply({"conditions": [condition("Ready")]}, "other")
    reply = status.apply({"conditions": [condition("Ready", "False")]}, force="false")
    assert (reply.status, reply.body["reason"]) == (409, "Conflict")
    assert '.status.conditions[type="Ready"].status' in reply.message


def test_a_type_is_there_once(status: Status) -> None:
    """Twice cannot be merged."""
    assert status.apply({"conditions": [condition("Ready"), condition("Ready")]}).status == 500


def test_a_status_of_a_condition_is_one_of_three(status: Status) -> None:
    """The schema says which."""
    reply = status.apply({"conditions": [condition("Ready", "Perhaps")]})
    assert reply.status == 422
    assert "status.conditions[0].status" in reply.message
