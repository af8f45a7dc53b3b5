"""The operator as a process beside the sandbox."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from actgate_sandbox import control_plane
from actgate_sandbox.errors import SandboxError
from demo.service import operator
from tests.support import crds


def test_an_operator_that_ends_is_reported_with_its_last_words(tmp_path: Path) -> None:
    """What it cannot be started with is said at once, and not after a minute of waiting."""
    with pytest.raises(SandboxError, match=r"^the operator ended: "), operator(tmp_path, "--no-such-flag"):
        pass


def test_an_operator_is_ready_and_ends_on_sigterm() -> None:
    """Its pages are served, its log is read, and a polite end is 0."""
    with control_plane.start("stand-in") as plane:
        rest = plane.rest()
        crds.install(rest)
        with operator(plane.kubeconfig, "--identity", "one") as running:
            assert running.get("/readyz")[0] == 200
            leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
            [lease] = rest("GET", leases).body["items"]
            assert lease["spec"]["holderIdentity"].startswith("one")
            running.process.signal(signal.SIGTERM)
            assert running.process.wait() == 0
            assert "lease default/actgate-operator: released" in running.log.read_text()
        rest.close()
