"""Validating webhooks, called as kube-apiserver calls them.

`Webhooks.review` asks every webhook that a request concerns and returns one `Decision`.
"""

from __future__ import annotations

from actgate_sandbox.admission.attributes import Attributes, Decision, Endpoint
from actgate_sandbox.admission.matching import compiled
from actgate_sandbox.admission.review import Webhooks

__all__ = ["Attributes", "Decision", "Endpoint", "Webhooks", "compiled"]
