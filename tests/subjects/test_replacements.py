"""Since when an owner makes pods of a template: only by what the API server and controllers write."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any, Final

from actgate.decision import Subject
from actgate.subjects.owners import owned
from actgate.subjects.reading import package_table, reading
from actgate.subjects.replacements import replacing, revision_of
from actgate.subjects.running import revision
from tests.lookup.owned import LINK, SERVER, controlled_by, deployment, pod, replica_set, template
from tests.lookup.owned import owned as object_of
from tests.subjects.test_owners import chain_of

Json = dict[str, Any]
TABLE: Final = package_table()
MADE, PROGRESSED = "2026-11-01T10:00:00Z", "2026-11-01T10:05:00Z"
SINCE: Final = datetime.fromisoformat(PROGRESSED)


def rolled_out(of: str = "scorer-1", reason: str = "NewReplicaSetAvailable", message: str = "") -> Json:
    """Return the status of a Deployment that has completed its rollout."""
    said = message or f'ReplicaSet "{of}" has successfully progressed.'
    progress = {"type": "Progressing", "reason": reason, "message": said, "lastUpdateTime": PROGRESSED}
    return {"conditions": [{"type": "Available", "lastUpdateTime": MADE}, progress]}


def running(**status: object) -> tuple[Json, Json]:
    """Return a Deployment that runs, and its ReplicaSet with such a status."""
    top = deployment(pods=template(**LINK)) | {"status": rolled_out()}
    below = replica_set(top, creationTimestamp=MADE) | {"status": status or {"replicas": 2}}
    return top, below


def since(child: Json, *cluster: Json, of: Json | None = None) -> datetime | None:
    """Return since when the owner of a pod makes such pods; ``of`` is a ControllerRevision."""
    return read(child, *cluster, of=of).template_since


def read(child: Json, *cluster: Json, of: Json | None = None) -> Subject:
    row, found = TABLE.row_of(child), reading(child)
    assert row is not None
    assert found is not None
    chain = chain_of(child, cluster)
    if of is not None and revision_of(chain, child) == of["metadata"]["name"]:
        chain = type(chain)(chain.owners, chain.broken, revision(of))
    return replacing(owned(found.subject(), chain, child, row), chain)


def test_a_pod_of_a_running_replica_set_is_as_old_as_the_last_progress_of_its_deployment() -> None:
    top, below = running()
    assert since(pod(below), top, below) == SINCE
    assert since(below, top) is None, "a ReplicaSet is no replacement"


def test_a_replica_set_without_pods_makes_new_ones() -> None:
    """Scaled up from zero after the expiry, it starts a model, and keeps none running."""
    for status, runs in (
        ({"replicas": 0}, False),
        ({"replicas": 0, "terminatingReplicas": 1}, True),
        ({"replicas": "2"}, False),
        ({"readyReplicas": 2}, False),
    ):
        top, below = running(**status)
        assert (since(pod(below), top, below) is not None) is runs, status


def test_a_replica_set_that_was_rolled_back_to_is_not_unchanged() -> None:
    """It is older than the expiry, and may have pods: any that match its selector are adopted by it."""
    top, below = running()
    for status in (
        rolled_out("scorer-2"),
        rolled_out(message='ReplicaSet "scorer-12" is progressing.'),
        rolled_out(message="Deployment does not have minimum availability."),
        rolled_out(reason="ReplicaSetCreateError", message='x ReplicaSet "scorer-1"'),
        {},
        {"conditions": "none"},
        {"conditions": [{"type": "Progressing", "message": 'ReplicaSet "scorer-1" is progressing.'}]},
    ):
        assert since(pod(below), top | {"status": status}, below) is None, status
    assert since(
        pod(below), top | {"status": rolled_out(message='ReplicaSet "scorer-1" is progressing.')}, below
    )
    paused = rolled_out(reason="DeploymentPaused", message="Deployment is paused")
    assert since(pod(below), top | {"status": paused}, below) == SINCE


def test_a_template_that_its_deployment_has_no_more_is_changed() -> None:
    """Any field counts here, also one that no rule reads."""
    top, below = running()
    child = pod(below)
    edited = copy.deepcopy(top)
    edited["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 5
    assert since(child, edited, below) is None
    annotated = copy.deepcopy(top)
    annotated["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = MADE
    assert since(child, annotated, below) is None
    stored = copy.deepcopy(top)
    stored["spec"]["template"]["metadata"]["creationTimestamp"] = None
    assert since(child, stored, below) == SINCE, "the API server writes that"


def test_a_pod_that_is_not_what_its_template_states_replaces_none() -> None:
    """Who may create pods may hang one under any ReplicaSet."""
    top, below = running()
    for what, metadata, container in (
        ("another link", {"annotations": LINK | {"actgate.dev/compliance-manifest": "other"}}, {}),
        ("another model", {"annotations": LINK | {"actgate.dev/model": "Other"}}, {}),
        ("another command", {}, {"command": ["sh"]}),
        ("another image", {}, {"image": "other"}),
        ("another container", {}, {"name": "other"}),
        ("another owner", {"ownerReferences": controlled_by(below, uid="0")}, {}),
    ):
        child = pod(below)
        child["metadata"] |= metadata
        child["spec"]["containers"][0] |= container
        assert since(child, top, below) is None, what


def test_a_replica_set_that_stands_alone_or_under_anything_else_says_nothing() -> None:
    """Its template can be edited in place, and nothing says when that was."""
    _, below = running()
    alone = copy.deepcopy(below)
    del alone["metadata"]["ownerReferences"]
    assert since(pod(alone), alone) is None
    rollout = object_of("argoproj.io/v1alpha1", "Rollout", "scorer", spec={"template": template(**LINK)})
    under = replica_set(rollout, creationTimestamp=MADE) | {"status": {"replicas": 1}}
    assert since(pod(under), rollout | {"status": rolled_out()}, under) is None


def test_nothing_that_users_write_makes_a_template_older() -> None:
    """Labels, annotations and managed fields state times, too."""
    top, below = running()
    lie = {"creationTimestamp": "2020-01-01T00:00:00Z"}
    stated = {"deployment.kubernetes.io/revision": "1", "actgate.dev/x": MADE}
    fields = [{"manager": "kube-controller-manager", "operation": "Update", "time": "2020-01-01T00:00:00Z"}]
    for one in (top, below):
        one["metadata"] |= {"annotations": stated, "managedFields": fields}
    child = pod(below)
    child["metadata"] |= {**lie, "managedFields": fields}
    assert since(child, top, below) == SINCE
    young = copy.deepcopy(below)
    young["metadata"]["creationTimestamp"] = "2026-11-20T00:00:00Z"
    assert since(pod(young), top, young) == datetime.fromisoformat("2026-11-20T00:00:00Z")
    del young["metadata"]["creationTimestamp"]
    assert since(pod(young), top, young) is None


def stateful(kind: str, status: Json, name: str = "scorer-7") -> tuple[Json, Json]:
    """Return an owner of a kind whose templates ControllerRevisions hold, and the one of its template."""
    spec = {"template": template(**LINK)}
    top = object_of("apps/v1", kind, "scorer", spec=spec, generation=3) | {"status": status}
    held = copy.deepcopy(spec["template"]) | {"$patch": "replace"}
    held["metadata"]["creationTimestamp"] = None
    kept = object_of("apps/v1", "ControllerRevision", name, top, creationTimestamp=MADE)
    return top, kept | {"data": {"spec": {"template": held}}}


ROLLED_OUT: Final = {"currentRevision": "scorer-7", "updateRevision": "scorer-7", "replicas": 1}
SEEN: Final = {"observedGeneration": 3, "updatedNumberScheduled": 1}


def test_the_pods_of_stateful_and_daemon_sets_are_as_old_as_the_revision_of_their_template() -> None:
    for kind, status in (("StatefulSet", ROLLED_OUT), ("DaemonSet", SEEN)):
        top, kept = stateful(kind, status)
        child = pod(top)
        child["metadata"]["labels"]["controller-revision-hash"] = "7"
        assert since(child, top, of=kept) == datetime.fromisoformat(MADE), kind
        assert since(child, top) is None, "without its revision nothing is certain"
        other = copy.deepcopy(kept)
        other["metadata"]["ownerReferences"] = controlled_by(top, uid="0")
        assert since(child, top, of=other) is None
        changed = copy.deepcopy(top)
        changed["spec"]["template"]["spec"]["containers"] = [{**SERVER, "env": [{"name": "X", "value": "1"}]}]
        assert since(child, changed, of=kept) is None


def test_a_revision_that_was_rolled_back_to_is_not_unchanged() -> None:
    """It is the old object again, with the old time; pods of it were there before only if status says so."""
    for kind, status in (
        ("StatefulSet", ROLLED_OUT | {"currentRevision": "scorer-8"}),
        ("StatefulSet", ROLLED_OUT | {"updateRevision": "scorer-8"}),
        ("StatefulSet", ROLLED_OUT | {"replicas": 0}),
        ("StatefulSet", {"replicas": 1}),
        ("DaemonSet", SEEN | {"observedGeneration": 2}),
        ("DaemonSet", SEEN | {"updatedNumberScheduled": 0}),
        ("DaemonSet", {}),
    ):
        top, kept = stateful(kind, status)
        child = pod(top)
        child["metadata"]["labels"]["controller-revision-hash"] = "7"
        assert since(child, top, of=kept) is None, (kind, status)


def test_a_job_that_began_before_goes_on() -> None:
    """Its template never changes; one that was suspended begins anew when it is resumed."""
    for status, expected in (
        ({"startTime": PROGRESSED, "active": 1}, SINCE),
        ({"startTime": PROGRESSED, "failed": 1}, SINCE),
        ({"startTime": PROGRESSED}, None),
        ({"active": 1}, None),
    ):
        job = object_of(
            "batch/v1", "Job", "scorer", spec={"template": template(**LINK)}, creationTimestamp=MADE
        )
        job |= {"status": status}
        assert since(pod(job), job) == expected, status
