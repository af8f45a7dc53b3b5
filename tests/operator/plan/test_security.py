from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.operator.plan.build import Json, overlaid, pod, server, serving
from tests.operator.plan.restricted import violations

SIDECARS = overlaid(
    containers=[{"name": "proxy", "image": "proxy:1"}],
    initContainers=[{"name": "fetch", "image": "fetch:1"}],
    volumes=[{"name": "tmp", "emptyDir": {}}],
)


@pytest.mark.parametrize("overlay", [{}, SIDECARS])
def test_the_restricted_standard_accepts_what_the_user_leaves_open(overlay: Json) -> None:
    """Server, sidecars and init containers."""
    assert violations(pod(podTemplate=overlay)) == []


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "runAsUser": st.just(1000),
            "readOnlyRootFilesystem": st.booleans(),
            "seccompProfile": st.just({"type": "Localhost", "localhostProfile": "x"}),
            "capabilities": st.just({"add": ["NET_BIND_SERVICE"]}),
        },
    ),
    st.fixed_dictionaries({}, optional={"runAsUser": st.just(1000), "fsGroup": st.just(2000)}),
)
def test_defaults_fill_what_is_left_open_field_by_field(container: Json, own: Json) -> None:
    """A context that states one field still gets the others, and keeps its own."""
    planned = pod(server=serving(securityContext=container), podTemplate=overlaid(securityContext=own))
    assert violations(planned) == []
    assert planned["securityContext"].items() >= own.items()
    kept = container | {"capabilities": {"drop": ["ALL"], **container.get("capabilities", {})}}
    assert planned["containers"][0]["securityContext"].items() >= kept.items()


@pytest.mark.parametrize(
    "stated",
    [
        {"runAsNonRoot": False},
        {"seccompProfile": {"type": "Unconfined"}},
        {"runAsNonRoot": False, "seccompProfile": {"type": "Unconfined"}, "runAsUser": 0},
    ],
)
def test_what_the_user_says_of_the_pod_stays(stated: Json) -> None:
    """The cluster's own admission may refuse it; that is not ours to decide."""
    context = pod(podTemplate=overlaid(securityContext=stated))["securityContext"]
    assert context.items() >= stated.items()


@pytest.mark.parametrize(
    "stated",
    [
        {"allowPrivilegeEscalation": True},
        {"capabilities": {"drop": ["NET_RAW"]}},
        {"capabilities": {"drop": []}},
        {"runAsNonRoot": False},
    ],
)
def test_what_the_user_says_of_a_container_stays(stated: Json) -> None:
    """In spec.server as in the overlay."""
    assert server(server=serving(securityContext=stated))["securityContext"].items() >= stated.items()


def test_a_privileged_container_gets_no_default_that_contradicts_it() -> None:
    """The API server refuses "privileged" without escalation."""
    assert server(server=serving(securityContext={"privileged": True}))["securityContext"] == {
        "privileged": True
    }
    explicit = server(server=serving(securityContext={"privileged": False}))["securityContext"]
    assert explicit["allowPrivilegeEscalation"] is False


def test_the_capability_that_implies_escalation_gets_no_default_that_contradicts_it() -> None:
    """The API server refuses CAP_SYS_ADMIN without escalation."""
    context = server(server=serving(securityContext={"capabilities": {"add": ["CAP_SYS_ADMIN"]}}))
    assert context["securityContext"] == {"capabilities": {"drop": ["ALL"], "add": ["CAP_SYS_ADMIN"]}}


def test_a_pod_that_runs_as_root_is_not_forbidden_to() -> None:
    """The kubelet would never start it."""
    assert (
        "runAsNonRoot" not in pod(podTemplate=overlaid(securityContext={"runAsUser": 0}))["securityContext"]
    )


def test_a_container_that_runs_as_root_is_freed_from_our_default_alone() -> None:
    """The other containers stay bound, and a user's own demand for the pod is not taken back."""
    root = serving(securityContext={"runAsUser": 0})
    planned = pod(server=root, podTemplate=SIDECARS)
    assert planned["containers"][0]["securityContext"]["runAsNonRoot"] is False
    assert violations(planned) == ["running as non-root: server", "running as root: server"]
    demanded = pod(server=root, podTemplate=overlaid(securityContext={"runAsNonRoot": True}))
    assert "runAsNonRoot" not in demanded["containers"][0]["securityContext"]


def test_windows_pods_get_only_what_windows_has() -> None:
    """The API server refuses seccomp, capabilities and escalation there."""
    planned = pod(podTemplate=overlaid(os={"name": "windows"}))
    assert planned["securityContext"] == {"runAsNonRoot": True}
    assert "securityContext" not in planned["containers"][0]


def test_the_checks_of_this_test_can_fail() -> None:
    """A bare pod breaks what it leaves open, and a hostile one breaks the rest."""
    bare: Json = {"containers": [{"name": "x"}]}
    assert violations(bare) == [
        "privilege escalation: x",
        "capabilities dropped: x",
        "running as non-root: x",
        "seccomp: x",
    ]
    hostile: Json = {
        "hostNetwork": True,
        "volumes": [{"name": "root", "hostPath": {"path": "/"}}],
        "securityContext": {
            "runAsUser": 0,
            "sysctls": [{"name": "kernel.msgmax", "value": "1"}],
            "appArmorProfile": {"type": "Unconfined"},
            "seLinuxOptions": {"type": "spc_t"},
        },
        "containers": [
            {
                "name": "x",
                "ports": [{"containerPort": 80, "hostPort": 80}],
                "securityContext": {
                    "privileged": True,
                    "procMount": "Unmasked",
                    "capabilities": {"add": ["SYS_ADMIN"]},
                },
            }
        ],
    }
    assert len(violations(hostile)) == 6 + 7 + 1
