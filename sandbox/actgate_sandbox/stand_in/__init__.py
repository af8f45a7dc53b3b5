"""A stand-in for the Kubernetes API server: small, in this process, and only for tests and demos.

It speaks enough of the API for `kubectl`, kopf and the Python client to work unchanged, and refuses
with a clear sentence what it does not do. See `server.StandIn`.
"""

from __future__ import annotations

from actgate_sandbox.stand_in.server import StandIn
from actgate_sandbox.stand_in.store import Store

__all__ = ["StandIn", "Store"]
