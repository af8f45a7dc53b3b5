"""Operators as processes of their own: two replicas of which one leads, what they report, and how they end.

Some tests here take as long as a lease lasts, a third of what it does by default: that no other replica takes
over sooner is what they show.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM
from typing import Any

import pytest
import urllib3

from actgate_sandbox import control_plane as sandbox
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from demo.service import Operator, free_port, operator
from tests.operator.world import MODEL, World
from tests.support.fault_proxy import FaultProxy, Refuse, Seen, proxied
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

Json = dict[str, Any]

DURATION = 5.0
SHORT = (
    "--leader-elect-lease-duration", f"{DURATION:g}s",
    "--leader-elect-renew-deadline", "3s",
    "--leader-elect-retry-period", "1s",
)  # fmt: skip
"""A lease that lasts for a third of the time, in the same proportions."""


READS, WRITES = {"get", "list", "watch"}, {"create", "update", "patch", "delete"}
WATCHED = (
    "compliancemanifests.actgate.dev", "compliancepolicies.actgate.dev", "exemptions.actgate.dev",
    "namespaces", "deployments.apps", "services", "pods", "modeldeployments.actgate.dev",
)  # fmt: skip


@pytest.fixture
def lease(namespace: str) -> str:
    """The name of a Lease of its own, so that replicas of different tests never meet."""
    return f"lease-of-{namespace}"


@pytest.fixture
def proxy(control_plane: ControlPlane, tmp_path: Path) -> Iterator[FaultProxy]:
    """The way of one replica to the API server, which notes what it asks for."""
    with proxied(control_plane, tmp_path) as running:
        yield running


@contextmanager
def pair(first: Path, second: Path, lease: str) -> Iterator[tuple[Operator, Operator]]:
    """Run two replicas, each with a kubeconfig; yields when the first one leads and both are ready."""
    with ExitStack() as stack:
        flags = ("--lease-name", lease, *SHORT)
        one = stack.enter_context(operator(first, *flags, "--identity", "one"))
        wait_until(lambda: leads(one))
        yield one, stack.enter_context(operator(second, *flags, "--identity", "two"))


def leads(replica: Operator) -> bool:
    """Return whether a replica says that it leads."""
    return value(replica, "actgate_operator_leader") == 1.0


def value(replica: Operator, sample: str) -> float | None:
    """Return a sample of a replica's metrics, None where there is none."""
    found = re.search(rf"^{re.escape(sample)} (\S+)$", replica.get("/metrics")[1], re.MULTILINE)
    return float(found[1]) if found else None


def requests(replica: Operator, verbs: set[str]) -> set[str]:
    """Return the resources that a replica asked for by one of these verbs."""
    labels = re.findall(
        r"^actgate_operator_api_requests_total\{(.*)\} ", replica.get("/metrics")[1], re.MULTILINE
    )
    found = [dict(re.findall(r'(\w+)="([^"]*)"', item)) for item in labels]
    return {item["resource"] for item in found if item["verb"] in verbs}


def spec_of(rest: Rest, lease: str) -> Json:
    """Return what stands in a Lease."""
    reply = rest("GET", f"/apis/coordination.k8s.io/v1/namespaces/default/leases/{lease}")
    assert reply.status == 200, reply
    return dict(reply.body["spec"])


def seconds_between(earlier: str, later: str) -> float:
    """Return the seconds between two moments of a Lease; all processes here share a clock."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def deployments(world: World) -> list[str]:
    """Return the names of all Deployments of the namespace."""
    reply = world.rest("GET", world.path("deployments").rpartition("/")[0])
    return [item["metadata"]["name"] for item in reply.body["items"]]


def last_words(replica: Operator) -> str:
    """Return what a replica wrote beside its log."""
    lines = replica.log.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("{"))


def test_one_of_two_leads_and_both_are_ready(
    control_plane: ControlPlane, installed: Rest, world: World, lease: str
) -> None:
    """The other one keeps its caches warm, which is nothing to be unready for, and writes nothing."""
    with pair(control_plane.kubeconfig, control_plane.kubeconfig, lease) as (one, two):
        models_in_cache = f'actgate_operator_cache_objects{{resource="{WATCHED[-1]}"}}'
        assert not leads(two)
        assert one.get("/readyz")[0] == two.get("/readyz")[0] == 200
        assert spec_of(installed, lease)["holderIdentity"].startswith("one_")
        status, page = two.get("/readyz?verbose")
        assert (status, page.splitlines()[0]) == (200, "[+]lease ok")
        assert {f"[+]watch {item} ok" for item in WATCHED} <= set(page.splitlines())
        assert "queue" not in page
        world.manifest()
        world.model()
        world.ready()
        assert "leases" in requests(two, READS)
        # What it asks for itself: as no lease is taken, nothing is written.
        assert requests(two, WRITES) == set()
        wait_until(lambda: value(two, models_in_cache) == value(one, models_in_cache))
        assert (value(two, models_in_cache) or 0) >= 1
        assert value(two, "actgate_operator_reconcile_duration_seconds_count") == 0


def test_a_leader_that_is_signalled_gives_the_lease_back(
    control_plane: ControlPlane, installed: Rest, world: World, lease: str
) -> None:
    """The other one need not wait for it to expire, and finds nothing to write."""
    with pair(control_plane.kubeconfig, control_plane.kubeconfig, lease) as (one, two):
        world.manifest()
        world.model()
        world.ready()
        before = world.deployment()["metadata"]["resourceVersion"]
        one.process.signal(SIGTERM)
        assert one.process.wait() == 0
        assert "released" in one.log.read_text(encoding="utf-8")
        wait_until(lambda: leads(two))
        # From here on the former holder is empty, and its lease lasts a second: see `Lease.release`.
        assert spec_of(installed, lease)["holderIdentity"].startswith("two_")
        assert spec_of(installed, lease)["leaseTransitions"] >= 1
        world.model("another")
        world.ready("another")
        assert world.deployment()["metadata"]["resourceVersion"] == before


def test_the_lease_of_a_killed_leader_has_to_expire(
    control_plane: ControlPlane, installed: Rest, world: World, lease: str
) -> None:
    """Not before it has lasted its time, and then the other one goes on with the work."""
    with pair(control_plane.kubeconfig, control_plane.kubeconfig, lease) as (one, two):
        one.process.signal(SIGKILL)
        assert one.process.wait() == -SIGKILL
        left = spec_of(installed, lease)
        assert left["holderIdentity"].startswith("one_")
        world.manifest()
        world.model()
        wait_until(lambda: leads(two))
        taken = spec_of(installed, lease)
        assert seconds_between(left["renewTime"], taken["acquireTime"]) >= DURATION
        world.ready()


def test_a_leader_that_was_stopped_writes_nothing_when_it_goes_on(
    control_plane: ControlPlane, proxy: FaultProxy, world: World, lease: str
) -> None:
    """The lease has expired meanwhile: woken up, it ends, and what the other one did is done once."""
    with pair(proxy.kubeconfig, control_plane.kubeconfig, lease) as (one, two):
        world.manifest()
        world.model("before")
        world.ready("before")
        one.process.signal(SIGSTOP)
        try:
            world.model()
            world.change({"replicas": 2}, "before")
            wait_until(lambda: leads(two))
            world.ready()
            before = len(proxy.seen)
        finally:
            one.process.signal(SIGCONT)
        assert one.process.wait() == 1
        assert "lease" in last_words(one)
        assert [seen for seen in proxy.seen[before:] if seen.writes] == []
        assert leads(two)
        assert sorted(deployments(world)) == ["before", MODEL]
        assert world.deployment()["metadata"]["generation"] == 1
        assert {event["reportingInstance"] for event in world.events()} <= {"two"}


@pytest.mark.parametrize("how", ["hangs", "refuses"])
def test_a_leader_without_an_api_server_ends_before_another_leads(
    control_plane: ControlPlane, installed: Rest, proxy: FaultProxy, world: World, lease: str, how: str
) -> None:
    """It ends at its deadline, while the other one still waits for the lease to expire."""
    over = threading.Event()

    def broken(_: Seen) -> Refuse:
        if how == "hangs":
            over.wait()  # On the proxy's own loop: nothing is answered any more.
        return Refuse(503, "ServiceUnavailable")

    with pair(proxy.kubeconfig, control_plane.kubeconfig, lease) as (one, two):
        before, began = len(proxy.seen), time.monotonic()
        proxy.fault = broken
        try:
            world.manifest()
            world.model()
            assert one.process.wait() == 1
            assert "not renewed for 3 seconds" in last_words(one)
            assert spec_of(installed, lease)["holderIdentity"].startswith("one_")
            wait_until(lambda: leads(two))
            world.ready()
        finally:
            over.set()
        assert deployments(world) == [MODEL]
        # What it tried while it still led was refused, and it tried nothing once another replica could lead;
        # it had ended by then. What hung is noted when it hangs no more.
        if how == "refuses":
            assert all(seen.at < began + DURATION for seen in proxy.seen[before:] if seen.writes)


def test_the_pages_tell_what_works(control_plane: ControlPlane, world: World, lease: str) -> None:
    """Each check by name; models, requests, queue and leadership as metrics."""
    with operator(control_plane.kubeconfig, "--lease-name", lease) as running:
        world.manifest()
        world.model()
        world.ready()
        assert running.get("/livez") == (200, "ok")
        assert running.get("/readyz") == (200, "ok")
        status, text = running.get("/readyz?verbose")
        assert status == 200
        assert {"[+]lease ok", "[+]queue ok", *(f"[+]watch {item} ok" for item in WATCHED)} <= set(
            text.splitlines()
        )
        # Its status was written before it is counted.
        ready = f'actgate_operator_models{{outcome="{world.status()["verdict"]["outcome"]}",ready="true"}}'
        wait_until(lambda: (value(running, ready) or 0) >= 1)
        assert (value(running, "actgate_operator_reconcile_duration_seconds_count") or 0) >= 2
        assert value(running, "actgate_operator_leader") == 1
        assert (value(running, "actgate_operator_queue_depth"), running.get("/nowhere")[0]) == (0, 404)
        counted = running.get("/metrics")[1]
        for verb, resource in (("patch", "deployments"), ("patch", "modeldeployments/status")):
            assert re.search(rf'requests_total{{code="20[01]",resource="{resource}",verb="{verb}"}}', counted)


@pytest.mark.usefixtures("installed")
def test_a_silent_watch_makes_it_unready_and_no_less_alive(control_plane: ControlPlane, lease: str) -> None:
    """With patience shorter than the minute between bookmarks, any watch is too silent."""
    flags = ("--lease-name", lease, "--unready-after", "1s")
    with operator(control_plane.kubeconfig, *flags) as running:
        wait_until(lambda: running.get("/readyz")[0] == 503)
        text = running.get("/readyz")[1]
        assert re.search(r"^\[-\]watch \S+ failed: (no contact|no answer) for \d+ s", text, re.MULTILINE)
        assert text.endswith("readyz check failed\n")
        assert running.get("/livez") == (200, "ok")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--health-port", "70000"), "--health-port (or ACTGATE_OPERATOR_HEALTH_PORT): "),
        (("--lease-name", "Not A Name"), "--lease-name (or ACTGATE_OPERATOR_LEASE_NAME): "),
        (("--no-such-flag",), "no-such-flag"),
        (("--kubeconfig", "nowhere"), "nowhere"),
    ],
    ids=["a number out of range", "no name for a Lease", "an unknown flag", "no kubeconfig"],
)
def test_settings_that_cannot_be_used_end_it_with_a_sentence(flags: tuple[str, ...], said: str) -> None:
    """Exit code 2, one sentence, no trace."""
    with operator(Path("unused"), *flags, wait=False) as running:
        assert running.process.wait() == 2
        [line] = running.log.read_text(encoding="utf-8").splitlines()
        assert line.startswith("actgate-operator: ")
        assert said in line


@pytest.mark.usefixtures("installed")
def test_an_address_that_is_taken_ends_it_with_a_sentence(control_plane: ControlPlane, lease: str) -> None:
    """Before it has anything to do with the lease."""
    with operator(control_plane.kubeconfig, "--lease-name", lease) as first:
        port = str(first.port)
        with operator(control_plane.kubeconfig, "--health-port", port, wait=False) as second:
            assert second.process.wait() == 1
            [line] = second.log.read_text(encoding="utf-8").splitlines()
    assert line.startswith(f"actgate-operator: cannot listen on 127.0.0.1, port {port}: ")
    assert line.endswith(": Address already in use")


def test_without_the_definitions_it_ends_and_says_so(control_plane: ControlPlane) -> None:
    """Exit code 1 at once, instead of a watch that waits for ever; no lease is taken."""
    with sandbox.start(control_plane.engine) as bare:
        with operator(bare.kubeconfig, wait=False) as running:
            assert running.process.wait() == 1
            words = last_words(running)
            log = running.log.read_text(encoding="utf-8").splitlines()
        rest = bare.rest()
        lease = rest("GET", "/apis/coordination.k8s.io/v1/namespaces/default/leases/actgate-operator")
        rest.close()
    assert len(words.splitlines()) == 1
    assert "install the definitions in crds/" in words
    assert lease.status == 404
    assert all(json.loads(line) for line in log if line.startswith("{"))


def test_kopfs_own_command_runs_it(
    control_plane: ControlPlane, installed: Rest, world: World, lease: str
) -> None:
    """With settings from the environment: it works, answers both liveness pages, and gives the lease back."""
    port, probe = free_port(), free_port()
    settings = {
        "KUBECONFIG": control_plane.kubeconfig, "BIND_ADDRESS": "127.0.0.1", "HEALTH_PORT": port,
        "LEASE_NAMESPACE": "default", "LEASE_NAME": lease, "CERTIFICATES": "External",
    }  # fmt: skip
    command = [sys.executable, "-m", "kopf", "run", "-m", "actgate_operator.handlers", "--quiet"]
    command += ["--standalone", "--all-namespaces", f"--liveness=http://127.0.0.1:{probe}/livez"]
    environment = {f"ACTGATE_OPERATOR_{name}": str(value) for name, value in settings.items()}
    process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True)  # noqa: S603
    try:
        world.manifest()
        world.model()
        world.ready()
        with urllib3.PoolManager(retries=False) as pool:
            assert pool.request("GET", f"http://127.0.0.1:{port}/livez").data == b"ok"
            assert pool.request("GET", f"http://127.0.0.1:{probe}/livez").json() == {"livez": "ok"}
    finally:
        process.send_signal(SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    # Of the operator nothing went wrong; that no webhook is registered is an error of the cluster.
    wrong = [line for line in errors.splitlines() if "ERROR" in line and "registration" not in line]
    assert wrong == [], errors
    assert spec_of(installed, lease)["holderIdentity"] == ""
