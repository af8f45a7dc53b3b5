"""Webhooks as they are registered, one field changed at a time."""

from __future__ import annotations

import base64
from typing import Any

from tests.support.webhook_server import WebhookServer

NAME = "check.webhook.test"


def webhook(server: WebhookServer, **changes: object) -> dict[str, Any]:
    """Return a webhook that is asked about every config map; None removes a field."""
    made: dict[str, Any] = {
        "name": NAME,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 10,
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "clientConfig": client_config(server),
        "rules": [rule("configmaps")],
    }
    return {key: value for key, value in (made | changes).items() if value is not None}


def client_config(server: WebhookServer, url: str | None = None) -> dict[str, str]:
    """Return where the server is, and which authority it is trusted by."""
    return {"url": url or server.url, "caBundle": base64.b64encode(server.ca).decode()}


def rule(*resources: str, **changes: object) -> dict[str, Any]:
    """Return a rule for every operation on these resources of every group and version."""
    return {
        "operations": ["*"],
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "resources": list(resources),
        "scope": "*",
        **changes,
    }


def configuration(*webhooks: dict[str, Any], name: str = "webhook-test") -> dict[str, Any]:
    """Return a ValidatingWebhookConfiguration."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": list(webhooks),
    }
