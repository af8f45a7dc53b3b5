"""The kubeconfig of a sandbox: one cluster, one user, one context."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml


def write_kubeconfig(path: Path, url: str, ca: bytes, token: str) -> None:
    """Write a kubeconfig for `url` trusting `ca` (PEM) and sending `token`, for its owner only."""
    authority = base64.b64encode(ca).decode()
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "sandbox",
        "clusters": [
            {"name": "sandbox", "cluster": {"server": url, "certificate-authority-data": authority}}
        ],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "admin"}}],
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content, sort_keys=False))
