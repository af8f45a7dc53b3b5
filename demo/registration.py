"""Points a webhook registration that is written for a cluster at a process on loopback."""

import base64
import copy
from pathlib import Path
from typing import Any

import yaml

from actgate_sandbox.errors import SandboxError
from actgate_sandbox.rest import APPLY_PATCH, Rest

COLLECTION = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


def read(path: Path) -> dict[str, Any]:
    """Read a ValidatingWebhookConfiguration from a YAML file.

    Raises:
        SandboxError: When the file does not hold one.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise SandboxError(f"the webhook registration {path} cannot be read: {error}") from error
    if not isinstance(document, dict) or document.get("kind") != "ValidatingWebhookConfiguration":
        raise SandboxError(f"{path} holds no ValidatingWebhookConfiguration")
    return document


def on_loopback(registration: dict[str, Any], port: int, ca: bytes) -> dict[str, Any]:
    """Return the registration with a loopback URL in place of the Service, and its authority."""
    pointed = copy.deepcopy(registration)
    for webhook in pointed["webhooks"]:
        path = webhook["clientConfig"]["service"].get("path", "/")
        webhook["clientConfig"] = {
            "url": f"https://127.0.0.1:{port}{path}",
            "caBundle": base64.b64encode(ca).decode(),
        }
    return pointed


def install(rest: Rest, registration: dict[str, Any]) -> None:
    """Apply a registration.

    Raises:
        SandboxError: When the API server refuses it.
    """
    path = f"{COLLECTION}/{registration['metadata']['name']}"
    reply = rest("PATCH", path, registration, APPLY_PATCH, fieldManager="sandbox", force="true")
    if reply.status not in (200, 201):
        raise SandboxError(f"the API server refused the webhook registration: {reply.message}")


def uninstall(rest: Rest, registration: dict[str, Any]) -> None:
    """Delete a registration; one that is not there is fine."""
    rest("DELETE", f"{COLLECTION}/{registration['metadata']['name']}")
