"""What managedFields say of an object; with records as API servers write them, and planned objects."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate_operator import drift
from actgate_operator.names import MANAGER, SCALE_MANAGER
from actgate_operator.plan import plan
from actgate_sandbox.stand_in import fieldsets
from actgate_sandbox.stand_in.kinds_schema import model_schema
from tests.operator.plan.build import EVIDENCE
from tests.operator.plan.golden_files import asked, cases
from tests.operator.plan.strategies import model_deployments

Json = dict[str, Any]

SCHEMAS = {
    "Deployment": "V1Deployment",
    "Service": "V1Service",
    "HorizontalPodAutoscaler": "V2HorizontalPodAutoscaler",
    "PodDisruptionBudget": "V1PodDisruptionBudget",
    "NetworkPolicy": "V1NetworkPolicy",
}
SERVER = 'k:{"name":"server"}'
OURS: Json = {
    "f:metadata": {"f:labels": {"f:app": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:selector": {},
        "f:template": {
            "f:spec": {
                "f:containers": {
                    SERVER: {
                        ".": {},
                        "f:name": {},
                        "f:image": {},
                        "f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}}},
                        "f:ports": {
                            'k:{"containerPort":8080,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}
                        },
                    }
                },
                "f:nodeSelector": {},
            }
        },
    },
}
PLANNED: Json = {
    "metadata": {"labels": {"app": "scorer"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "scorer"}},
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "server",
                        "image": "server:1",
                        "env": [{"name": "A", "value": "1"}],
                        "ports": [{"containerPort": 8080}],
                    }
                ],
                "nodeSelector": {"disk": "ssd"},
            }
        },
    },
}


def entry(fields: Json, manager: str = MANAGER, operation: str = "Apply", **more: str) -> Json:
    """Return one record."""
    return {
        "manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
        "time": "2026-11-23T12:00:00Z", "fieldsV1": fields, **more,
    }  # fmt: skip


def theirs(fields: Json, manager: str = "kubectl-edit", **more: str) -> Json:
    """Return the record of another field manager that changed an object."""
    return entry(fields, manager, "Update", **more)


def in_pod(fields: Json) -> Json:
    """Return fields of a pod template's spec."""
    return {"f:spec": {"f:template": {"f:spec": fields}}}


def in_server(fields: Json) -> Json:
    """Return fields of the server's container."""
    return in_pod({"f:containers": {SERVER: fields}})


def annotated(fields: Json) -> Json:
    """Return annotations of a pod template."""
    return {"f:spec": {"f:template": {"f:metadata": {"f:annotations": fields}}}}


def fields_of(thing: Json) -> Json:
    """Return the record of a field manager that applies an object, by the schema of its kind."""
    body = {"metadata": _described(thing), "spec": thing["spec"]}
    return fieldsets.encode(fieldsets.paths_of(body, model_schema(SCHEMAS[thing["kind"]])))


def _described(thing: Json) -> Json:
    return {key: value for key, value in thing["metadata"].items() if key not in ("name", "namespace")}


def leaves(thing: Json) -> Json:
    """Return what a record of an object has to name."""
    return {"metadata": _described(thing), "spec": thing["spec"]}


def test_our_record_is_that_of_our_applies() -> None:
    """Not an update in our name, not our status, not the hand-over of replicas; without one, nothing."""
    others = [
        theirs({"f:spec": {}}, MANAGER),
        entry({"f:status": {}}, subresource="status"),
        entry({"f:spec": {"f:replicas": {}}}, SCALE_MANAGER),
    ]
    assert drift.applied_fields([*others, entry(OURS)]) == OURS
    assert drift.applied_fields(others) == {}
    assert drift.applied_fields([]) == {}


@pytest.mark.parametrize("record", [{}, {"manager": MANAGER, "operation": "Apply"}])
def test_a_record_that_was_wiped_is_none(record: Json) -> None:
    """``managedFields: [{}]`` is how people reset them."""
    assert drift.applied_fields([record]) == {}
    assert drift.added_by_others([record]) == {}


def test_a_record_that_names_every_leaf_covers_the_plan() -> None:
    """Atomic maps and lists are one leaf; keys that the API server defaulted are no difference."""
    assert drift.covers(OURS, PLANNED)


@pytest.mark.parametrize(
    "path",
    [
        ("f:metadata", "f:labels"),
        ("f:spec", "f:replicas"),
        ("f:spec", "f:template", "f:spec", "f:nodeSelector"),
        ("f:spec", "f:template", "f:spec", "f:containers", SERVER),
        ("f:spec", "f:template", "f:spec", "f:containers", SERVER, "f:image"),
        ("f:spec", "f:template", "f:spec", "f:containers", SERVER, "f:env", 'k:{"name":"A"}', "f:value"),
        ("f:spec", "f:template", "f:spec", "f:containers", SERVER, "f:ports"),
    ],
)
def test_a_record_without_a_leaf_does_not_cover_the_plan(path: tuple[str, ...]) -> None:
    """Another field manager changed it, or removed it."""
    paths = {other for other in fieldsets.decode(OURS) if other[: len(path)] != path}
    assert not drift.covers(fieldsets.encode(frozenset(paths)), PLANNED)


def test_an_item_of_a_set_is_found_by_its_value() -> None:
    """As finalizers are, or the access modes of a volume."""
    record: Json = {"f:finalizers": {".": {}, 'v:"a"': {}}}
    assert drift.covers(record, {"finalizers": ["a"]})
    assert not drift.covers(record, {"finalizers": ["a", "b"]})


def test_two_ports_of_one_number_differ_by_their_protocol() -> None:
    """One of them gone is not hidden by the other."""
    record: Json = {
        'k:{"containerPort":53,"protocol":"TCP"}': {".": {}, "f:containerPort": {}, "f:protocol": {}},
        'k:{"containerPort":53,"protocol":"UDP"}': {".": {}, "f:containerPort": {}, "f:protocol": {}},
    }
    planned = [{"containerPort": 53, "protocol": protocol} for protocol in ("TCP", "UDP")]
    assert drift.covers({"f:ports": record}, {"ports": planned})
    for lost in record:
        left = {key: fields for key, fields in record.items() if key != lost}
        assert not drift.covers({"f:ports": left}, {"ports": planned})


@pytest.mark.parametrize("case", cases())
def test_the_record_of_an_apply_covers_what_was_applied(case: str) -> None:
    """For every child of the kept plans."""
    for child in plan(asked(case), EVIDENCE).children:
        assert drift.covers(fields_of(child), leaves(child)), child["kind"]


@given(model=model_deployments, data=st.data())
def test_any_leaf_that_is_lost_is_noticed(model: Json, data: st.DataObject) -> None:
    """Whatever is planned: the whole record covers it, and one without any one leaf does not."""
    child = data.draw(st.sampled_from(plan(model, EVIDENCE).children))
    paths = fieldsets.decode(fields_of(child))
    assert drift.covers(fieldsets.encode(paths), leaves(child))
    ends = sorted(path for path in paths if not any(_is_below(other, path) for other in paths))
    lost = data.draw(st.sampled_from(ends))
    kept = _without_empty_items(paths - {lost})
    assert not drift.covers(fieldsets.encode(kept), leaves(child)), lost


def _is_below(path: fieldsets.Path, other: fieldsets.Path) -> bool:
    return len(path) > len(other) and path[: len(other)] == other


def _without_empty_items(paths: fieldsets.Paths) -> fieldsets.Paths:
    """Drop items of which nothing is left: an API server keeps none."""
    return frozenset(
        path
        for path in paths
        if not path[-1].startswith("k:") or any(_is_below(other, path) for other in paths)
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (in_server({"f:image": {}}), []),
        (in_server({"f:command": {}}), ["spec.template.spec.containers[name=server].command"]),
        (
            in_server({"f:env": {'k:{"name":"B"}': {".": {}, "f:name": {}, "f:value": {}}}}),
            ["spec.template.spec.containers[name=server].env[name=B]"],
        ),
        (
            in_pod({"f:containers": {'k:{"name":"shell"}': {".": {}, "f:name": {}, "f:image": {}}}}),
            ["spec.template.spec.containers[name=shell]"],
        ),
        (
            in_pod({"f:hostNetwork": {}, "f:tolerations": {}}),
            ["spec.template.spec.hostNetwork", "spec.template.spec.tolerations"],
        ),
        ({"f:spec": {"f:paused": {}}}, ["spec.paused"]),
        ({"f:metadata": {"f:labels": {"f:team": {}}}, "f:status": {"f:replicas": {}}}, []),
    ],
)
def test_what_others_own_below_spec_and_we_do_not_was_added(fields: Json, words: list[str]) -> None:
    """Each path once, at its top; what both own is the same value, and metadata is free."""
    found = drift.added_by_others([entry(OURS), theirs(fields)])
    assert found == ({"kubectl-edit": words} if words else {})


def test_what_others_took_from_us_counts_as_added() -> None:
    """A changed value is in their record and not in ours any more."""
    ours = deepcopy(OURS)
    del ours["f:spec"]["f:template"]["f:spec"]["f:containers"][SERVER]["f:image"]
    found = drift.added_by_others([entry(ours), theirs(in_server({"f:image": {}}), "kubectl-set")])
    assert found == {"kubectl-set": ["spec.template.spec.containers[name=server].image"]}


TOLERATED: list[Json] = [
    theirs({"f:spec": {"f:replicas": {}}}),
    theirs({"f:spec": {"f:replicas": {}}}, "autoscaler", subresource="scale"),
    theirs(annotated({".": {}, "f:kubectl.kubernetes.io/restartedAt": {}}), "kubectl-rollout"),
    theirs({"f:spec": {"f:paused": {}}}, MANAGER),
]


@pytest.mark.parametrize("record", TOLERATED, ids=["replicas", "scale", "restart", "webhook"])
def test_what_is_tolerated_was_not_added(record: Json) -> None:
    """An autoscaler's replicas, ``kubectl rollout restart``, and what a webhook made of our own apply."""
    ours = deepcopy(OURS)
    del ours["f:spec"]["f:replicas"]
    assert drift.added_by_others([entry(ours), record]) == {}


def test_beside_a_restart_another_annotation_is_an_addition() -> None:
    """Only the one that ``kubectl rollout restart`` writes is tolerated."""
    theirs_too: Json = {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}, "f:sidecar/inject": {}}
    ours, record = annotated({"f:actgate.dev/model": {}}), annotated(theirs_too)
    found = drift.added_by_others([entry(ours), theirs(record)])
    assert found == {"kubectl-edit": ["spec.template.metadata.annotations.sidecar/inject"]}


def test_what_is_adopted_is_ours_alone() -> None:
    """Everything below spec, of all who own some; the rest stays where it was."""
    restart = TOLERATED[2]
    edit = theirs(in_server({"f:command": {}}) | {"f:metadata": {"f:annotations": {".": {}, "f:note": {}}}})
    status = theirs({"f:status": {"f:replicas": {}}}, "kube-controller-manager", subresource="status")
    shell: Json = {'k:{"name":"shell"}': {".": {}, "f:name": {}}}
    other = entry(in_pod({"f:containers": shell}), "helm")
    records = drift.adopted([edit, restart, entry(OURS), status, other], "apps/v1")
    *kept, ours = records
    assert kept == [
        {**edit, "fieldsV1": {"f:metadata": {"f:annotations": {".": {}, "f:note": {}}}}},
        restart,
        status,
    ]
    containers = ours["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert containers[SERVER].keys() == OURS["f:spec"]["f:template"]["f:spec"]["f:containers"][
        SERVER
    ].keys() | {"f:command"}
    assert containers.keys() == {SERVER, *shell}
    assert drift.added_by_others(records) == {}
    assert drift.covers(drift.applied_fields(records), PLANNED)


def test_without_a_record_of_ours_one_is_made() -> None:
    """All that is below spec goes into it."""
    edit = theirs(in_pod({"f:hostNetwork": {}}))
    (record,) = drift.adopted([edit], "apps/v1")
    assert (record["manager"], record["operation"], record["apiVersion"]) == (MANAGER, "Apply", "apps/v1")
    assert record["fieldsV1"] == in_pod({"f:hostNetwork": {}})


def test_nothing_is_changed_in_the_records_that_are_read() -> None:
    """They belong to an object that other code may hold."""
    records = [entry(OURS), theirs(in_pod({"f:hostNetwork": {}})), *TOLERATED]
    before = deepcopy(records)
    drift.adopted(records, "apps/v1")
    drift.added_by_others(records)
    assert records == before


@given(
    st.lists(
        st.tuples(
            st.sampled_from([MANAGER, SCALE_MANAGER, "kubectl-edit", "helm"]),
            st.sampled_from(["Apply", "Update"]),
            st.frozensets(st.sampled_from(sorted(fieldsets.decode(OURS))), min_size=1),
        ),
        max_size=4,
        unique_by=lambda item: item[:2],
    )
)
def test_after_adoption_nothing_is_added_and_no_field_is_lost(
    owners: list[tuple[str, str, fieldsets.Paths]],
) -> None:
    """Whichever manager owned what: every field that had an owner has one."""
    records = [entry(fieldsets.encode(paths), who, how) for who, how, paths in owners]
    adopted = drift.adopted(records, "apps/v1")
    assert drift.added_by_others(adopted) == {}
    assert _ends(adopted) == _ends(records)


def _ends(records: list[Json]) -> set[fieldsets.Path]:
    paths = {path for record in records for path in fieldsets.decode(record["fieldsV1"])}
    return {path for path in paths if not any(_is_below(other, path) for other in paths)}
