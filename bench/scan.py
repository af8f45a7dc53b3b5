"""The background scan over a hundred thousand workloads: how long, how much machine, how many writes."""

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

from actgate.kube.client import Cluster
from actgate.kube.resources import DEPLOYMENTS
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.envtest import missing_binaries
from actgate_sandbox.rest import install_crds
from bench.many_models import together
from bench.operator_process import WRITES, OperatorProcess, operator
from bench.report import Section
from bench.running import cluster

WORKLOADS: Final = int(os.environ.get("BENCH_WORKLOADS", "100000"))
SERVERS: Final = 100
"""One workload in so many serves a model, and links nothing: a finding each."""
NAMESPACES: Final = 50
QUIET_SECONDS: Final = 60.0
GOAL_MIB, GOAL_SECONDS, GOAL_SHARE = 100, 600, 0.20
_PATIENCE: Final = 3600.0
_CHUNK: Final = 2000


@dataclass(slots=True)
class Measured:
    """What a run came to."""

    engine: str
    base: float = 0.0
    """Peak of an operator over nothing, MiB."""
    peak: float = 0.0
    judged: float = 0.0
    """Seconds until everything was judged once."""
    share: float = 0.0
    """Of one core, until then."""
    reports: int = 0
    drained: float = 0.0
    """Seconds until the last report was written."""
    at_rest: int = 0
    """Writes within the quiet seconds."""
    restarted: int = 0
    """Writes of the next leader, until it has judged everything."""


def run() -> Section:
    """Create workloads, start an operator, wait until it is idle, and start another one."""
    engine = "stand-in" if missing_binaries() else "envtest"
    with cluster(engine) as (plane, rest):
        install_crds(rest, definitions())
        for number in range(NAMESPACES):
            rest("POST", "/api/v1/namespaces", {"metadata": {"name": f"house-{number}"}})
        found = Measured(engine)
        with operator(plane.kubeconfig) as first:
            _wait_until_judged(first)
            found.base = first.peak_bytes() / 2**20
        asyncio.run(_create(plane))
        with operator(plane.kubeconfig) as second:
            _measure(second, found)
        with operator(plane.kubeconfig) as third:
            _wait_until_judged(third)
            time.sleep(5.0)
            found.restarted = third.count(WRITES)
    return _section(found)


def _measure(leader: OperatorProcess, found: Measured) -> None:
    leader.wait_until_ready()
    start, cpu = perf_counter(), leader.cpu_seconds()
    _wait_until_judged(leader)
    found.judged = perf_counter() - start
    found.share = (leader.cpu_seconds() - cpu) / found.judged
    quiet = 0
    while quiet < 10:
        time.sleep(1.0)
        quiet = quiet + 1 if leader.metric("actgate_reports_waiting") == 0 else 0
    found.drained = perf_counter() - start - quiet
    found.peak = leader.peak_bytes() / 2**20
    found.reports = int(leader.metric("actgate_reports"))
    # The counts of the cluster are written once a minute at most.
    time.sleep(70.0)
    before = leader.count(WRITES)
    time.sleep(QUIET_SECONDS)
    found.at_rest = leader.count(WRITES) - before


def _wait_until_judged(leader: OperatorProcess) -> None:
    leader.wait_until_ready()
    end = perf_counter() + _PATIENCE
    while leader.metric("actgate_scan_complete") != 1:
        assert perf_counter() < end, "not everything was judged in an hour"
        time.sleep(0.5)


def _section(found: Measured) -> Section:
    rate = found.reports / max(found.drained, 1.0)
    return Section(
        "Background scan",
        f"{WORKLOADS:,} Deployments of about 4 KB in {NAMESPACES} namespaces; one in {SERVERS} serves a "
        f"model without evidence, on {found.engine}. Goals: at most {GOAL_MIB} MiB above an operator over "
        f"nothing, everything judged within {GOAL_SECONDS} s at {GOAL_SHARE:.0%} of one core at most, 5 "
        "writes a second, none at rest and none by the next leader.",
        (
            "MiB above base",
            "seconds until judged",
            "share of one core",
            "reports",
            "seconds until written",
            f"writes in {QUIET_SECONDS:.0f} s at rest",
            "writes of the next leader",
        ),
        [
            (
                f"{found.peak - found.base:.0f}",
                f"{found.judged:.0f}",
                f"{found.share:.1%}",
                f"{found.reports:,}",
                f"{found.drained:.0f}",
                str(found.at_rest),
                str(found.restarted),
            )
        ],
        f"The base is {found.base:.0f} MiB. {rate:.1f} reports a second, the fifty included that are written "
        "at once. A pod or a ReplicaSet is read as a Deployment is, and counts as one.",
    )


async def _create(plane: ControlPlane) -> None:
    async with Cluster.from_environment(plane.kubeconfig) as people:
        for start in range(0, WORKLOADS, _CHUNK):
            numbers = range(start, min(start + _CHUNK, WORKLOADS))
            await together(people.create(DEPLOYMENTS, workload(number)) for number in numbers)


def workload(number: int) -> dict[str, Any]:
    """Return a Deployment as a house has them: most serve no model."""
    serves = number % SERVERS == 0
    selector = {"app.kubernetes.io/name": f"app-{number}"}
    labels = {**selector, "app.kubernetes.io/part-of": "house", "team": "x" * 20}
    container = {
        "name": "main",
        "image": "docker.io/vllm/vllm-openai:v0.11" if serves else f"registry.example/team/app:{number}",
        "args": ["--model", f"bank/model-{number}"] if serves else ["serve", "--port", "8080"],
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": f"SETTING_{index}", "value": "y" * 20} for index in range(12)],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": f"app-{number}",
            "namespace": f"house-{number // SERVERS % NAMESPACES}",
            "labels": labels,
            "annotations": {"deployment.kubernetes.io/revision": "1", "example.com/note": "z" * 200},
        },
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": selector},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def definitions() -> Iterator[dict[str, Any]]:
    """Yield definitions of the two kinds of OpenReports, which let every field through."""
    for plural, kind, scope in (
        ("reports", "Report", "Namespaced"),
        ("clusterreports", "ClusterReport", "Cluster"),
    ):
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.openreports.io"},
            "spec": {
                "group": "openreports.io",
                "scope": scope,
                "names": {
                    "plural": plural,
                    "singular": kind.lower(),
                    "kind": kind,
                    "listKind": f"{kind}List",
                },
                "versions": [
                    {
                        "name": "v1alpha1",
                        "served": True,
                        "storage": True,
                        "schema": {"openAPIV3Schema": schema},
                    }
                ],
            },
        }
