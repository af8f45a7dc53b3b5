"""Which kinds are served: on an API server of the sandbox, and by scripted answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from actgate.kube.client import REQUEST_SECONDS, Cluster
from actgate.kube.discovery import served
from actgate.kube.errors import Unavailable
from actgate.kube.objects import Object
from actgate.kube.resources import DEPLOYMENTS, PODS, Resource
from actgate_sandbox.control_plane import ControlPlane
from tests.kube.fake_leases import no_server


class Answers(Cluster):
    """Answers each path of discovery; a version of an aggregated API that is down raises."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        super().__init__(no_server)
        self._answers = answers

    async def discover(self, path: str, *, within: float = REQUEST_SECONDS) -> Object:
        """Answer."""
        answer: Object = self._answers[path]
        if not answer:
            raise Unavailable("no answer")
        return answer


def group(name: str, preferred: str, *others: str) -> Object:
    """Return a group as `/apis` lists it."""
    versions = [{"version": version} for version in (*others, preferred)]
    return {"name": name, "versions": versions, "preferredVersion": {"version": preferred}}


def resources(*kinds: str, verbs: tuple[str, ...] = ("get", "list", "watch")) -> Object:
    """Return the kinds of a version, each in namespaces and with a status."""
    entries = [
        {"name": f"{kind.lower()}s", "kind": kind, "namespaced": True, "verbs": verbs} for kind in kinds
    ]
    return {"resources": [*entries, *({**entry, "name": f"{entry['name']}/status"} for entry in entries)]}


async def test_the_kinds_of_an_api_server_are_found(control_plane: ControlPlane) -> None:
    """Of built-in groups; one that does not exist is no error."""
    async with Cluster.from_environment(control_plane.kubeconfig) as cluster:
        found = await served(cluster, ("", "apps", "serving.example"))
    assert found.resources["", "Pod"] == PODS
    assert found.resources["apps", "Deployment"] == DEPLOYMENTS
    assert {key[0] for key in found.resources} == {"", "apps"}
    assert found.unknown == frozenset()


async def test_the_version_that_the_api_server_prefers_is_used() -> None:
    """A kind that only another version has is found there."""
    answers = {
        "/apis": {"groups": [group("a.example", "v1", "v1alpha1")]},
        "/apis/a.example/v1": resources("Service"),
        "/apis/a.example/v1alpha1": resources("Service", "Graph"),
    }
    found = await served(Answers(answers), ["a.example"])
    assert found.resources == {
        ("a.example", "Service"): Resource("a.example", "v1", "services", "Service"),
        ("a.example", "Graph"): Resource("a.example", "v1alpha1", "graphs", "Graph"),
    }


async def test_a_group_whose_server_is_down_is_unknown_and_not_absent() -> None:
    answers = {"/apis": {"groups": [group("down.example", "v1")]}, "/apis/down.example/v1": None}
    found = await served(Answers(answers), ["down.example"])
    assert (found.resources, found.unknown) == ({}, frozenset({"down.example"}))


async def test_a_kind_that_cannot_be_watched_is_not_found() -> None:
    """Such as a review, which can only be created."""
    answers = {
        "/apis": {"groups": [group("a.example", "v1")]},
        "/apis/a.example/v1": resources("Review", verbs=("create",)),
    }
    assert (await served(Answers(answers), ["a.example"])).resources == {}


async def test_without_the_list_of_groups_nothing_is_known() -> None:
    with pytest.raises(Unavailable):
        await served(Answers({"/apis": None}), ["a.example"])
