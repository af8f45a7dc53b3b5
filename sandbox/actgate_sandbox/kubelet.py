"""Plays scheduler and kubelet before a real API server: pods run, or stay pending for want of a node.

Pods are not bound to a node: one that is bound waits, when it is deleted, for a kubelet to say that its
containers have ended. A pod that has left the phase Pending is left alone, so that a test can let it crash.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import urllib3

from actgate_sandbox.nodes import Nodes, running, unschedulable
from actgate_sandbox.rest import MERGE_PATCH, Rest

_POLL_SECONDS = 0.1
_log = logging.getLogger(__name__)


class Kubelet:
    """A thread that looks for pending pods, from `start` to `stop`."""

    def __init__(self, rest: Rest, nodes: Nodes) -> None:
        self._rest = rest
        self._nodes = nodes
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="kubelet", daemon=True)

    def start(self) -> None:
        """Begin to look for pods."""
        self._thread.start()

    def stop(self) -> None:
        """Return when the thread has ended; its connections are closed."""
        self._ended.set()
        self._thread.join()
        self._rest.close()

    def _work(self) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            try:
                for pod in self._pending():
                    self._update_status(pod)
            except urllib3.exceptions.HTTPError as error:
                _log.info("the API server does not answer, pods wait: %s", error)

    def _pending(self) -> Iterator[dict[str, Any]]:
        # From the API server's memory: the poll must not be a quorum read ten times a second.
        query = {"fieldSelector": "status.phase=Pending", "resourceVersion": "0"}
        reply = self._rest("GET", "/api/v1/pods", **query)
        for pod in reply.body.get("items", ()) if reply.status == 200 else ():
            if self._ended.is_set():
                return
            yield pod

    def _update_status(self, pod: dict[str, Any]) -> None:
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if self._nodes.place(pod["spec"]):
            status = running(pod["spec"], moment)
        elif "conditions" in pod["status"]:
            return
        else:
            status = unschedulable(moment)
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
        # A pod that has changed since, or is gone, is met again in the next round, or never.
        seen = {"resourceVersion": metadata["resourceVersion"]}
        self._rest("PATCH", path, {"metadata": seen, "status": status}, MERGE_PATCH, fieldManager="kubelet")
