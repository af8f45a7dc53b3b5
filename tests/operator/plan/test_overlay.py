from __future__ import annotations

import pytest

from tests.operator.plan.build import Json, overlaid, pod, server, serving, template


def named(items: list[Json], name: str) -> list[Json]:
    """Return the items of this name."""
    return [item for item in items if item.get("name") == name]


def test_every_field_of_the_server_reaches_its_container() -> None:
    """Also those that the schema of a ModelDeployment does not know."""
    stated = serving(
        command=["serve"],
        args=["--port", "9000"],
        resources={"limits": {"cpu": "2"}},
        readinessProbe={"httpGet": {"path": "/ready", "port": 9000}},
        lifecycle={"preStop": {"sleep": {"seconds": 5}}},
        volumeMounts=[{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - of a container
        workingDir="/srv",
    )
    assert server(server=stated).items() >= stated.items()


def test_the_server_is_called_server() -> None:
    """Whatever its author called it: the overlay reaches it by this name."""
    assert server(server=serving(name="other"))["image"] == "registry.example/server:1"


def test_a_container_of_the_overlay_stands_beside_the_server() -> None:
    """After it, so that logs and exec mean the server."""
    extra = {"name": "proxy", "image": "proxy:1"}
    containers = pod(podTemplate=overlaid(containers=[extra]))["containers"]
    assert [container["name"] for container in containers] == ["server", "proxy"]
    assert containers[1].items() >= extra.items()


def test_a_container_called_server_is_laid_over_the_server() -> None:
    """The overlay wins: it was stated on purpose, and both images are judged."""
    below = serving(command=["serve"], resources={"limits": {"cpu": "1", "memory": "1Gi"}})
    above = {"name": "server", "image": "other:2", "resources": {"limits": {"cpu": "2"}}}
    merged = server(server=below, podTemplate=overlaid(containers=[above]))
    assert (merged["image"], merged["command"]) == ("other:2", ["serve"])
    assert merged["resources"] == {"limits": {"cpu": "2", "memory": "1Gi"}}


def test_variables_ports_and_mounts_merge_by_their_keys() -> None:
    """A thing of the same key is one thing; anything else is added, and lists without keys are replaced."""
    below = serving(
        args=["a"],
        env=[{"name": "A", "value": "1"}, {"name": "B", "value": "1"}],
        ports=[{"containerPort": 80, "name": "http"}, {"containerPort": 90}],
        volumeMounts=[{"mountPath": "/a", "name": "a"}],
    )
    above = {
        "name": "server",
        "args": ["b"],
        "env": [{"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}, {"name": "C", "value": "3"}],
        "ports": [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 80, "protocol": "UDP"}],
        "volumeMounts": [{"mountPath": "/a", "name": "a", "readOnly": True}],
    }
    merged = server(server=below, podTemplate=overlaid(containers=[above]))
    assert merged["args"] == ["b"]
    assert merged["env"][-3:] == [{"name": "A", "value": "1"}, above["env"][0], above["env"][1]]
    assert merged["ports"] == [
        {"containerPort": 80, "name": "http", "protocol": "TCP"},
        {"containerPort": 90},
        {"containerPort": 80, "protocol": "UDP"},
    ]
    assert merged["volumeMounts"] == [{"mountPath": "/a", "name": "a", "readOnly": True}]


@pytest.mark.parametrize(
    "field",
    [
        {"volumes": [{"name": "tmp", "emptyDir": {}}]},
        {"tolerations": [{"key": "gpu", "operator": "Exists"}]},
        {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone"}]},
        {"imagePullSecrets": [{"name": "registry"}]},
        {"nodeSelector": {"disk": "ssd"}},
        {"serviceAccountName": "scorer", "terminationGracePeriodSeconds": 60},
        {"fieldOfAnotherRelease": {"nested": [1, "x", {}]}},
    ],
)
def test_what_the_plan_does_not_touch_is_passed_on(field: Json) -> None:
    """Empty objects included: an emptyDir is one."""
    assert pod(podTemplate=overlaid(**field)).items() >= field.items()


def test_annotations_and_labels_of_the_overlay_go_on_the_pods() -> None:
    """And so does any other metadata."""
    stated = {"labels": {"team": "credit"}, "annotations": {"note": "x"}, "finalizers": ["a.example/b"]}
    metadata = template(podTemplate={"metadata": stated})["metadata"]
    assert metadata["labels"]["team"] == "credit"
    assert metadata["annotations"]["note"] == "x"
    assert metadata["finalizers"] == ["a.example/b"]


def test_a_key_that_stands_twice_stays_there_twice() -> None:
    """The API server refuses it in its own words; one of both would have been lost here."""
    twice = [{"name": "server", "image": "a:1"}, {"name": "server", "image": "b:1"}]
    containers = pod(podTemplate=overlaid(containers=twice))["containers"]
    assert [item["image"] for item in named(containers, "server")] == ["a:1", "b:1"]
    sidecars = [{"name": "x", "image": "a:1"}, {"name": "x", "image": "b:1"}]
    containers = pod(podTemplate=overlaid(containers=sidecars))["containers"]
    assert [item["image"] for item in named(containers, "x")] == ["a:1", "b:1"]


@pytest.mark.parametrize(
    "empty",
    [
        None,
        {},
        {"spec": None},
        {"metadata": None},
        {"spec": {"containers": None}},
        {"spec": {"containers": []}},
    ],
)
def test_an_overlay_that_says_nothing_changes_nothing(empty: Json | None) -> None:
    """Null says nothing: people leave keys without a value in YAML."""
    assert template(podTemplate=empty) == template()


def test_nulls_are_nowhere_in_a_plan() -> None:
    """In a server-side apply a null would be a value of ours."""
    stated = template(
        server=serving(command=None, lifecycle={"preStop": None}),
        podTemplate={
            "metadata": {"labels": {"a": None}},
            "spec": {"volumes": [{"name": "x", "emptyDir": None}]},
        },
    )
    assert "None" not in repr(stated)
