"""Starts one of both engines: the stand-in or the real API server."""

from __future__ import annotations

from collections.abc import Collection

from actgate_sandbox.envtest import EnvTest, missing_binaries
from actgate_sandbox.errors import SandboxError
from actgate_sandbox.nodes import Nodes
from actgate_sandbox.plane import ControlPlane, EngineName
from actgate_sandbox.stand_in import StandIn

__all__ = ["ENGINES", "ControlPlane", "start"]

ENGINES: tuple[EngineName, ...] = ("stand-in", "envtest")


def start(
    engine: str = "auto", *, workloads: bool = False, regions: Collection[str] | None = None
) -> ControlPlane:
    """Start a control plane; `auto` takes the real API server where its binaries are.

    Args:
        engine: `auto`, `stand-in` or `envtest`.
        workloads: Whether Deployments roll out, as in a cluster with nodes; else they stay as written.
        regions: With workloads, the regions that have nodes; None means all. A pod that must run in
            other ones stays pending, as Unschedulable.

    Raises:
        SandboxError: The engine is unknown, its binaries are missing, or it does not come up.
    """
    nodes = Nodes(regions) if workloads else None
    if engine == "auto":
        engine = "stand-in" if missing_binaries(workloads=workloads) else "envtest"
    if engine not in ENGINES:
        raise SandboxError(f"unknown engine {engine!r}: take one of auto, {', '.join(ENGINES)}")
    plane: ControlPlane = EnvTest(nodes) if engine == "envtest" else StandIn(nodes=nodes)
    try:
        plane.start()
    except BaseException:
        plane.stop()
        raise
    return plane
