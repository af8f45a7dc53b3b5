"""What hands do to children, what an API server records of it, and that the plan comes back whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import pytest

from actgate.kube.client import Cluster
from actgate.kube.resources import AUTOSCALERS, DEPLOYMENTS, DISRUPTION_BUDGETS, SERVICES, Resource
from actgate_operator.apply import Applier
from actgate_operator.child import Child, read_child
from actgate_operator.children import Children
from actgate_operator.in_sync import is_in_sync
from actgate_operator.names import MANAGER, RESTARTED_ANNOTATION
from actgate_operator.plan import Plan, plan
from actgate_operator.writer import Writer
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import APPLY_PATCH, MERGE_PATCH, Rest
from tests.operator.plan.build import EVIDENCE, PARIS, overlaid
from tests.operator.world import MODEL, World

Json = dict[str, Any]
Edit = Callable[[Json], None]

KINDS: dict[str, Resource] = {
    resource.plural: resource for resource in (DEPLOYMENTS, SERVICES, AUTOSCALERS, DISRUPTION_BUDGETS)
}
RICH: Json = {
    "server": {
        "image": "registry.example/server:1",
        "args": ["--threads", "4"],
        "env": [{"name": "A", "value": "1"}, {"name": "GONE", "value": "2"}],
        "ports": [{"name": "http", "containerPort": 8080}],
        "resources": {"requests": {"cpu": "500m"}, "limits": {"memory": "1Gi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5},
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
    },
    "placement": {"regions": [PARIS]},
    "podTemplate": overlaid(
        containers=[{"name": "proxy", "image": "registry.example/proxy:1"}],
        volumes=[{"name": "scratch", "emptyDir": {}}],
        nodeSelector={"disk": "ssd"},
        terminationGracePeriodSeconds=45,
    ),
}


class Hands:
    """The children of one model as they were applied, and what other clients do to them."""

    def __init__(self, control_plane: ControlPlane, world: World, **spec: object) -> None:
        self.rest: Rest = world.rest
        self._kubeconfig = control_plane.kubeconfig
        self._world = world
        self.model = world.model(**{**RICH, **spec})
        self.wanted: Plan = plan(self.model, EVIDENCE)
        self.planned = {KIND_OF[child["kind"]]: child for child in self.wanted.children}

    def live(self, plural: str = "deployments") -> Json:
        """Return a child as it is."""
        live = self._world.child(plural)
        assert live is not None, plural
        return live

    def child(self, plural: str = "deployments") -> Child:
        """Return a child as the operator sees it."""
        return read_child(self.live(plural))

    def is_in_sync(self, plural: str = "deployments") -> bool:
        """Return whether the operator would leave it alone."""
        return is_in_sync(self.child(plural), self.planned[plural])

    def edit(self, edit: Edit, plural: str = "deployments", manager: str = "kubectl-edit") -> None:
        """Change a child as an editor does: read, change, write back."""
        live = self.live(plural)
        edit(live)
        reply = self.rest("PUT", self._world.path(plural), live, fieldManager=manager)
        assert reply.status == 200, reply

    def forge(self, edit: Edit, plural: str, way: str) -> None:
        """Change a child so that no record of another manager is left."""
        records = self.live(plural)["metadata"]["managedFields"]
        if way == "updated in our name":
            self.edit(edit, plural, MANAGER)
        elif way == "left to no manager":
            self.edit(edit, plural)
            # Where nothing changes but the records, the API server takes them as they are sent.
            self.edit(lambda live: live["metadata"].update(managedFields=records), plural)
        else:
            live = self.live(plural)
            edit(live)
            for name in ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation"):
                live["metadata"].pop(name, None)
            live.pop("status", None)
            query = {"fieldManager": MANAGER, "force": "true"}
            reply = self.rest("PATCH", self._world.path(plural), live, APPLY_PATCH, **query)
            assert reply.status == 200, reply

    def patch(self, body: Json, plural: str = "deployments", subresource: str = "") -> None:
        """Change a child by a merge patch."""
        path = f"{self._world.path(plural)}{subresource}"
        reply = self.rest("PATCH", path, body, MERGE_PATCH, fieldManager="kubectl-patch")
        assert reply.status == 200, reply

    def take(self, spec: Json, plural: str = "deployments") -> None:
        """Apply by force as another manager does."""
        kind = KINDS[plural]
        body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": MODEL}, "spec": spec}
        path = self._world.path(plural)
        reply = self.rest("PATCH", path, body, APPLY_PATCH, fieldManager="helm", force="true")
        assert reply.status == 200, reply

    async def converge(self) -> list[str]:
        """Let the operator make the children what they should be, and return what it reverts."""
        async with Cluster.from_environment(self._kubeconfig) as cluster:
            children = Children(cluster, lambda _: None)
            for plural in self.planned:
                live = self._world.child(plural)
                if live is not None:
                    children.note(KINDS[plural], live)
            applier = Applier(cluster, Writer(cluster, lambda: True), children)
            reverted: list[str] = []
            await applier.converge(self.wanted, self.model["metadata"]["uid"], reverted)
            return reverted

    @asynccontextmanager
    async def unseen(self) -> AsyncIterator[Applier]:
        """An applier that knows of no child."""
        async with Cluster.from_environment(self._kubeconfig) as cluster:
            yield Applier(cluster, Writer(cluster, lambda: True), Children(cluster, lambda _: None))

    async def fix(self) -> list[str]:
        """Converge until nothing is left to do, and return everything that was reverted."""
        repaired: list[str] = []
        for _ in range(3):
            repaired += await self.converge()
            if all(self.is_in_sync(plural) for plural in self.planned):
                return repaired
        raise AssertionError({plural: self.live(plural)["metadata"] for plural in self.planned})

    @contextmanager
    def unwritten(self) -> Iterator[None]:
        """The block writes nothing."""
        before = {plural: self.live(plural)["metadata"]["resourceVersion"] for plural in self.planned}
        yield
        assert before == {plural: self.live(plural)["metadata"]["resourceVersion"] for plural in self.planned}


KIND_OF = {resource.kind: plural for plural, resource in KINDS.items()}
SCALED: Json = {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}}


@pytest.fixture
async def hands(control_plane: ControlPlane, world: World) -> Hands:
    """An autoscaled model with a child of every kind."""
    hands = Hands(control_plane, world, **SCALED)
    await hands.fix()
    assert hands.planned.keys() == KINDS.keys()
    return hands


def pod(live: Json) -> Json:
    """Return the spec of a Deployment's pods."""
    spec: Json = live["spec"]["template"]["spec"]
    return spec


def server(live: Json) -> Json:
    """Return the container that serves."""
    found: Json = next(item for item in pod(live)["containers"] if item["name"] == "server")
    return found


def change_value(live: Json) -> None:
    """Give a variable another value."""
    next(item for item in server(live)["env"] if item["name"] == "A")["value"] = "3"


def remove_variable(live: Json) -> None:
    """Take a variable away."""
    server(live)["env"] = [item for item in server(live)["env"] if item["name"] != "GONE"]


def change_port(live: Json) -> None:
    """Let a Service listen elsewhere."""
    live["spec"]["ports"][0]["port"] = 81


class HandEdit(NamedTuple):
    """An edit, and what is reported of it."""

    edit: Edit
    added: tuple[str, ...]
    """What the operator names as added, or as changed."""
    plural: str = "deployments"


POD = "spec.template.spec"
SERVER = f"{POD}.containers[name=server]"
HAND_EDITS: dict[str, HandEdit] = {
    "image": HandEdit(lambda live: server(live).update(image="evil:1"), (f"{SERVER}.image",)),
    "variable added": HandEdit(
        lambda live: server(live)["env"].append({"name": "B", "value": "1"}), (f"{SERVER}.env[name=B]",)
    ),
    "variable changed": HandEdit(change_value, (f"{SERVER}.env[name=A].value",)),
    "variable removed": HandEdit(remove_variable, ()),
    "container added": HandEdit(
        lambda live: pod(live)["containers"].insert(0, {"name": "shell", "image": "shell:1"}),
        (f"{POD}.containers[name=shell]",),
    ),
    "container removed": HandEdit(lambda live: pod(live)["containers"].pop(), ()),
    "init container added": HandEdit(
        lambda live: pod(live).update(initContainers=[{"name": "fetch", "image": "shell:1"}]),
        (f"{POD}.initContainers",),
    ),
    "toleration": HandEdit(
        lambda live: pod(live).update(tolerations=[{"operator": "Exists"}]), (f"{POD}.tolerations",)
    ),
    "node selector": HandEdit(lambda live: pod(live).pop("nodeSelector"), ()),
    "affinity": HandEdit(lambda live: pod(live).pop("affinity"), ()),
    "host network": HandEdit(lambda live: pod(live).update(hostNetwork=True), (f"{POD}.hostNetwork",)),
    "command": HandEdit(lambda live: server(live).update(command=["sh"]), (f"{SERVER}.command",)),
    "grace period": HandEdit(
        lambda live: pod(live).update(terminationGracePeriodSeconds=1),
        (f"{POD}.terminationGracePeriodSeconds",),
    ),
    "label of pods": HandEdit(
        lambda live: live["spec"]["template"]["metadata"]["labels"].update(team="x"),
        ("spec.template.metadata.labels.team",),
    ),
    "our label": HandEdit(
        lambda live: live["metadata"]["labels"].update({"app.kubernetes.io/component": "x"}), ()
    ),
    "our state": HandEdit(lambda live: live["metadata"]["annotations"].pop("actgate.dev/desired-state"), ()),
    "owner": HandEdit(lambda live: live["metadata"].pop("ownerReferences"), ()),
    "paused": HandEdit(lambda live: live["spec"].update(paused=True), ("spec.paused",)),
    "port": HandEdit(change_port, ("spec.ports",), "services"),
    "service type": HandEdit(lambda live: live["spec"].update(type="NodePort"), ("spec.type",), "services"),
    "most replicas": HandEdit(
        lambda live: live["spec"].update(maxReplicas=100), ("spec.maxReplicas",), "horizontalpodautoscalers"
    ),
    "disruptions": HandEdit(
        lambda live: live["spec"].update(maxUnavailable=2), ("spec.maxUnavailable",), "poddisruptionbudgets"
    ),
}

DEFAULTED = {"spec.externalTrafficPolicy"}
"""What an API server adds to an edit, in the name of the client that edits."""


@pytest.mark.parametrize("name", HAND_EDITS)
async def test_an_edit_is_seen_named_and_reverted(hands: Hands, name: str) -> None:
    """Afterwards the spec is what it was, byte for byte, and there is nothing left to write."""
    hand_edit = HAND_EDITS[name]
    before = hands.live(hand_edit.plural)["spec"]
    hands.edit(hand_edit.edit, hand_edit.plural)
    edited = hands.child(hand_edit.plural)
    assert {path for _, path in edited.additions} - DEFAULTED == set(hand_edit.added)
    assert not hands.is_in_sync(hand_edit.plural)
    repaired = await hands.fix()
    assert hands.live(hand_edit.plural)["spec"] == before
    expected = 0 if name == "our state" else max(len(edited.additions), 1)
    assert len(repaired) == expected, repaired
    for path in hand_edit.added:
        assert any(path in words and "kubectl-edit" in words for words in repaired), repaired
    with hands.unwritten():
        assert await hands.converge() == []


TOLERATED: dict[str, Edit] = {
    "restart": lambda live: live["spec"]["template"]["metadata"]["annotations"].update(
        {RESTARTED_ANNOTATION: "2026-11-23"}
    ),
    "label of others": lambda live: live["metadata"]["labels"].update(team="x"),
    "annotation of others": lambda live: live["metadata"]["annotations"].update(note="x"),
}


@pytest.mark.parametrize("name", TOLERATED)
async def test_what_others_may_do_is_left_as_it_is(hands: Hands, name: str) -> None:
    """No write, and it stays also when something else is repaired."""
    hands.edit(TOLERATED[name], manager="kubectl-rollout")
    assert hands.is_in_sync()
    expected = hands.live()
    with hands.unwritten():
        assert await hands.converge() == []
    hands.edit(HAND_EDITS["container added"].edit)
    await hands.fix()
    live = hands.live()
    assert live["spec"] == expected["spec"]
    for field in ("labels", "annotations"):
        assert live["metadata"][field] == expected["metadata"][field]


async def test_replicas_of_an_autoscaler_stay_also_when_something_is_repaired(hands: Hands) -> None:
    """They are written by ``/scale``, and are no field of the plan."""
    hands.patch({"spec": {"replicas": 3}}, subresource="/scale")
    assert hands.is_in_sync()
    hands.edit(HAND_EDITS["container added"].edit)
    await hands.fix()
    assert hands.live()["spec"]["replicas"] == 3


async def test_replicas_that_are_planned_come_back(control_plane: ControlPlane, world: World) -> None:
    """Who scales the Deployment by hand scales the wrong object."""
    hands = Hands(control_plane, world, replicas=2)
    await hands.fix()
    hands.patch({"spec": {"replicas": 5}}, subresource="/scale")
    assert not hands.is_in_sync()
    assert hands.child().additions == ()
    (words,) = await hands.fix()
    assert "replicas of Deployment" in words
    assert hands.live()["spec"]["replicas"] == 2


async def test_a_manager_that_applies_the_same_value_shares_the_field(hands: Hands) -> None:
    """It is as planned, so there is nothing to do."""
    hands.take({"template": {"spec": {"containers": [{"name": "server", "image": RICH["server"]["image"]}]}}})
    assert hands.is_in_sync()
    with hands.unwritten():
        await hands.converge()


async def test_a_manager_that_applies_another_value_takes_the_field_and_loses_it(hands: Hands) -> None:
    """By force as it took it; what else it added goes too."""
    before = hands.live()["spec"]
    taken = [{"name": "server", "image": "evil:1"}, {"name": "shell", "image": "shell:1"}]
    hands.take({"template": {"spec": {"containers": taken}}})
    assert {path for who, path in hands.child().additions if who == "helm"} == {
        f"{SERVER}.image",
        f"{POD}.containers[name=shell]",
    }
    await hands.fix()
    assert hands.live()["spec"] == before


async def test_records_that_were_wiped_are_made_anew(hands: Hands) -> None:
    """It is not known then who changed what: the plan is put in place of what is there."""
    before = hands.live()["spec"]
    hands.edit(HAND_EDITS["container added"].edit)
    hands.patch({"metadata": {"managedFields": [{}]}})
    assert not hands.live()["metadata"].get("managedFields")
    assert not hands.is_in_sync()
    await hands.fix()
    assert hands.live()["spec"] == before


async def test_an_addition_to_a_child_out_of_our_sight_is_removed(hands: Hands) -> None:
    """With its label cut no watch of the operator reports it: it is found by applying, and compared then."""
    before = hands.live()["spec"]
    hands.edit(HAND_EDITS["container added"].edit)
    hands.patch({"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}})
    async with hands.unseen() as applier:
        await applier.converge(hands.wanted, hands.model["metadata"]["uid"], [])
    assert hands.live()["spec"] == before
    assert hands.is_in_sync()


async def test_what_a_wiped_record_leaves_to_no_manager_is_no_edit(hands: Hands) -> None:
    """The API server records what there was before the first apply, under a name that no client has."""
    hands.patch({"metadata": {"managedFields": [{}]}})
    repaired = await hands.converge()
    assert hands.is_in_sync()
    assert not any("before-first-apply" in words for words in repaired)


FORGERIES = ("applied in our name", "updated in our name", "left to no manager")


@pytest.mark.parametrize("way", FORGERIES)
@pytest.mark.parametrize("name", [name for name in HAND_EDITS if name != "our state"])
async def test_what_is_done_in_our_name_or_in_no_clients_is_reverted(
    hands: Hands, name: str, way: str
) -> None:
    """A writer of an object may write its records: they say how to revert, not whether (redteam H2)."""
    hand_edit = HAND_EDITS[name]
    before = hands.live(hand_edit.plural)
    hands.forge(hand_edit.edit, hand_edit.plural, way)
    assert hands.live(hand_edit.plural)["spec"] != before["spec"] or name in ("owner", "our label")
    repaired = await hands.fix()
    after = hands.live(hand_edit.plural)
    assert after["spec"] == before["spec"]
    for field in ("labels", "ownerReferences"):
        assert after["metadata"][field] == before["metadata"][field]
    assert any(after["kind"] in words for words in repaired), repaired
    with hands.unwritten():
        assert await hands.converge() == []


async def test_an_apply_in_our_name_and_another_version_is_reverted(hands: Hands) -> None:
    """It has a record of its own beside ours, which no apply in our version removes anything from."""
    plural = "horizontalpodautoscalers"
    before = hands.live(plural)["spec"]
    body = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": MODEL},
        "spec": {"maxReplicas": 100, "scaleTargetRef": before["scaleTargetRef"]},
    }
    path = KINDS[plural].item(MODEL, hands.model["metadata"]["namespace"]).replace("/v2/", "/v1/")
    reply = hands.rest("PATCH", path, body, APPLY_PATCH, fieldManager=MANAGER, force="true")
    if reply.status == 404:
        pytest.skip("the stand-in serves one version of each kind")
    assert reply.status == 200, reply
    await hands.fix()
    assert hands.live(plural)["spec"] == before
    with hands.unwritten():
        assert await hands.converge() == []


async def test_what_others_may_do_stays_when_a_forgery_is_reverted(hands: Hands) -> None:
    """The plan is put in place of the object, with what others may have written there."""
    for edit in TOLERATED.values():
        hands.edit(edit, manager="kubectl-rollout")
    hands.patch({"spec": {"replicas": 3}}, subresource="/scale")
    before = hands.live()
    hands.forge(HAND_EDITS["host network"].edit, "deployments", "left to no manager")
    await hands.fix()
    live = hands.live()
    assert live["spec"] == before["spec"]
    for field in ("labels", "annotations"):
        assert live["metadata"][field] == before["metadata"][field]


async def test_what_is_changed_in_our_name_is_reverted(hands: Hands) -> None:
    """A field that is planned is planned, also when the record says that it was us."""
    before = hands.live()["spec"]
    hands.edit(HAND_EDITS["image"].edit, manager=MANAGER)
    assert not hands.is_in_sync()
    await hands.fix()
    assert hands.live()["spec"] == before


async def test_a_child_that_was_deleted_comes_back(hands: Hands) -> None:
    """Each kind."""
    before = {plural: hands.live(plural)["spec"] for plural in hands.planned}
    for plural in hands.planned:
        kind = KINDS[plural]
        reply = hands.rest("DELETE", kind.item(MODEL, hands.model["metadata"]["namespace"]))
        assert reply.status == 200, reply
    await hands.fix()
    for plural, spec in before.items():
        fixed = {"clusterIP", "clusterIPs", "replicas"}
        live = hands.live(plural)["spec"]
        assert {key: live[key] for key in live.keys() - fixed} == {
            key: spec[key] for key in spec.keys() - fixed
        }


async def test_everything_at_once_is_reverted_at_once(hands: Hands) -> None:
    """Edits by several managers, one after another."""
    before = {plural: hands.live(plural)["spec"] for plural in hands.planned}
    for number, hand_edit in enumerate(HAND_EDITS.values()):
        hands.edit(hand_edit.edit, hand_edit.plural, manager=f"editor-{number % 3}")
    await hands.fix()
    assert {plural: hands.live(plural)["spec"] for plural in hands.planned} == before
