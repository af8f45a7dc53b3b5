"""Validating webhooks, called as kube-apiserver calls them.

`check_configuration` says what is wrong with a ValidatingWebhookConfiguration; `Webhooks.review` asks
every webhook that a request concerns and returns one `Decision`.
"""

from __future__ import annotations

from actgate_sandbox.admission.attributes import Attributes, Decision, Endpoint
from actgate_sandbox.admission.registration import check_configuration
from actgate_sandbox.admission.review import Webhooks

__all__ = [
    "Attributes",
    "Decision",
    "Endpoint",
    "Webhooks",
    "check_configuration",
]
