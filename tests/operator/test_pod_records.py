"""What pods run, held against their Deployment: edits, pods that others made, and what is none of it."""

from __future__ import annotations

from typing import Any

import pytest

from actgate.kube.objects import Object
from actgate.kube.store import Change, Unreadable
from actgate_operator.pod_records import (
    Drift,
    PodCache,
    PodRecord,
    difference,
    drift,
    images_of,
    read_pod,
    running,
)
from tests.operator.fakes import unreachable

DIGEST, OTHER = f"@sha256:{'a' * 64}", f"@sha256:{'b' * 64}"
SERVER = "registry.example/server:1"
EVIL = "evil.example/server:1"
TEMPLATE = (("server", SERVER), ("proxy", "registry.example/proxy:1"), ("fetch", "registry.example/fetch:1"))


def pod(
    name: str = "scorer-abc-1",
    *,
    owner: tuple[str, str] | None = ("ReplicaSet", "scorer-abc"),
    images: dict[str, str] | None = None,
    ephemeral: dict[str, str] | None = None,
    phase: str = "Running",
    **metadata: Any,  # noqa: ANN401 - fields of metadata
) -> Object:
    """Return a pod of the template, with other images for some containers."""
    run, added = {**dict(TEMPLATE), **(images or {})}, ephemeral or {}
    owners = [{"kind": owner[0], "name": owner[1], "controller": True, "uid": "rs"}] if owner else []
    return {
        "metadata": {
            "name": name, "namespace": "credit", "resourceVersion": "1", "uid": f"uid-{name}",
            "labels": {"app.kubernetes.io/instance": "scorer", "pod-template-hash": "abc"},
            "ownerReferences": owners,
            **metadata,
        },
        "spec": {
            "containers": [{"name": key, "image": run[key]} for key in run if key != "fetch"],
            "initContainers": [{"name": "fetch", "image": run["fetch"]}],
            "ephemeralContainers": [{"name": key, "image": image} for key, image in added.items()],
        },
        "status": {"phase": phase},
    }  # fmt: skip


def found(*pods: Object, images: tuple[tuple[str, str], ...] | None = TEMPLATE) -> Drift:
    """Return what differs among some pods."""
    return drift({item["metadata"]["name"]: read_pod(item) for item in pods}, images)


def test_a_pod_of_the_template_does_not_differ() -> None:
    """Nor does one that a service mesh put a container into, or that a user debugs."""
    assert not found(
        pod(), pod("b", images={"istio-proxy": "mesh:1"}), pod("c", ephemeral={"debug": "busybox"})
    )


@pytest.mark.parametrize("container", ["server", "proxy", "fetch"])
def test_an_edited_image_is_found_in_whatever_container(container: str) -> None:
    """Init containers of a running pod can be edited as well, and a native side-car runs on."""
    assert found(pod(images={container: EVIL}, generation=2)).edited == {
        "scorer-abc-1": f"container {container} runs {EVIL} instead of {dict(TEMPLATE)[container]}"
    }


@pytest.mark.parametrize(("generation", "edited"), [(1, False), (2, True), (7, True), (None, True)])
def test_a_pod_that_was_created_so_was_not_edited(generation: int | None, edited: bool) -> None:
    """An admission webhook that rewrites images does it each time; older API servers count no changes."""
    metadata: dict[str, Any] = {} if generation is None else {"generation": generation}
    differing = found(pod(images={"server": EVIL}, **metadata))
    assert (bool(differing.edited), bool(differing.created)) == (edited, not edited)


@pytest.mark.parametrize(
    "owner",
    [
        None,
        ("ReplicaSet", "scorer-evil-abc"),
        ("ReplicaSet", "scorer-xyz"),
        ("Job", "scorer-abc"),
        ("StatefulSet", "scorer"),
        ("Deployment", "evil"),
    ],
)
def test_a_pod_that_another_client_made_is_foreign(owner: tuple[str, str] | None) -> None:
    """The Service sends it requests all the same, since it goes by labels."""
    assert found(pod(owner=owner), images=None).foreign == ["scorer-abc-1"]


def test_an_owner_that_does_not_control_is_none() -> None:
    """Any user may write another owner reference."""
    owners = [{"kind": "ReplicaSet", "name": "scorer-abc", "uid": "rs"}]
    assert found(pod(ownerReferences=owners)).foreign == ["scorer-abc-1"]


def test_an_adopted_pod_without_the_servers_container_is_found() -> None:
    """A ReplicaSet adopts what carries its labels."""
    adopted = pod()
    adopted["spec"]["containers"] = [{"name": "evil", "image": EVIL}]
    assert "container server runs nothing instead of" in found(adopted).edited["scorer-abc-1"]


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_runs_nothing(phase: str) -> None:
    """Whatever created it."""
    ended = pod(owner=None, images={"server": EVIL}, phase=phase)
    assert not found(ended)
    assert running({"a": read_pod(ended)}).serving == 0


def test_a_pod_that_is_being_deleted_is_not_deleted_again() -> None:
    """It is counted until it is gone."""
    ending = pod(owner=None, images={"server": EVIL}, deletionTimestamp="2026-11-23T12:00:00Z")
    assert not found(ending)
    counted = running({"a": read_pod(ending), "b": read_pod(pod())})
    assert (counted.serving, counted.terminating) == (1, 1)


def test_images_are_compared_only_with_a_template_that_all_pods_are_of() -> None:
    """While a rollout is under way, pods of the former template run what that one named."""
    assert not found(pod(images={"server": EVIL}), images=None)


@pytest.mark.parametrize(
    ("image", "expected", "same"),
    [
        (f"a.example/x{DIGEST}", f"a.example/x{DIGEST}", True),
        (f"mirror.example/a/x{DIGEST}", f"a.example/x{DIGEST}", True),
        (f"a.example/x:1{DIGEST}", f"a.example/x{DIGEST}", True),
        (f"a.example/x{OTHER}", f"a.example/x{DIGEST}", False),
        ("a.example/x:1", f"a.example/x{DIGEST}", False),
        ("mirror.example/x:1", "a.example/x:1", False),
        ("a.example/x", "a.example/x:latest", False),
    ],
)
def test_one_digest_is_one_image(image: str, expected: str, same: bool) -> None:
    """Where it was pulled from says nothing of its bytes; of a tag, everything."""
    assert (difference((("server", image),), (("server", expected),)) == "") is same


def test_ephemeral_containers_are_named() -> None:
    """Some of them, and how many more."""
    pods = {f"p{number}": read_pod(pod(f"p{number}", ephemeral={"debug": "busybox"})) for number in range(5)}
    words = running(pods).ephemeral
    assert words is not None
    assert words.startswith("pod p0 has the ephemeral container debug (busybox); pod p1")
    assert words.endswith("and 2 more")


def test_images_of_a_template_and_of_its_pods_are_read_alike() -> None:
    """Or each pod would differ."""
    spec = pod()["spec"]
    assert images_of(spec) == read_pod(pod()).images == TEMPLATE


class Observer:
    """A cache that observes changes, and what it passes on."""

    def __init__(self) -> None:
        self.keys: list[tuple[str, str]] = []
        self.cache = PodCache(unreachable(), self.keys.append, "")
        self._known: dict[str, PodRecord | Unreadable] = {}

    def observe(self, name: str, new: Object | Unreadable | None) -> None:
        """Observe a change of a pod as from a reflector."""
        record = read_pod(new) if isinstance(new, dict) else new
        change = Change(("credit", name), self._known.pop(name, None), record)
        self.cache._observe(change)
        if record is not None:
            self._known[name] = record


def test_what_a_kubelet_writes_over_and_over_is_no_news() -> None:
    """Only a record that changed brings its model onto the queue."""
    observer = Observer()
    for version in ("1", "2", "3"):
        observer.observe("a", pod("a", resourceVersion=version))
    assert observer.keys == [("credit", "scorer")]
    observer.observe("a", pod("a", deletionTimestamp="2026-11-23T12:00:00Z"))
    observer.observe("a", None)
    assert observer.keys == [("credit", "scorer")] * 3
    assert observer.cache.of(("credit", "scorer")) == {}


def test_a_pod_whose_label_was_changed_is_news_of_both_models() -> None:
    """One lost it, the other got it."""
    observer = Observer()
    observer.observe("a", pod("a"))
    observer.observe("a", pod("a", labels={"app.kubernetes.io/instance": "other"}))
    assert sorted(observer.keys[1:]) == [("credit", "other"), ("credit", "scorer")]
    assert observer.cache.of(("credit", "scorer")) == {}
    assert set(observer.cache.of(("credit", "other"))) == {"a"}


def test_a_pod_that_cannot_be_read_is_left_out() -> None:
    """And back when it can."""
    observer = Observer()
    observer.observe("a", pod("a"))
    observer.observe("a", Unreadable("KeyError", "uid", "2"))
    assert observer.cache.of(("credit", "scorer")) == {}
    observer.observe("a", pod("a"))
    assert set(observer.cache.of(("credit", "scorer"))) == {"a"}
