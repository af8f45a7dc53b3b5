"""What Helm makes of the chart in `deploy/chart`."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import pytest
import yaml

from tests.deploy.rendering import DEPLOY, NAMESPACE, Json

CHART: Final = DEPLOY / "chart"
RELEASE: Final = "actgate"
KUBERNETES: Final = "--kube-version=1.36.0"
"""What helm renders for where it asks no API server; a helm of one's own build may have another default."""

_HELM: Final = shutil.which("helm")
needs_helm = pytest.mark.skipif(_HELM is None, reason="there is no helm in PATH")

Values = Mapping[str, Any]

OVERLAY_VALUES: Final[Mapping[str, Values]] = {
    "argocd": {"argocd": {"syncWaves": True}},
    "audit-first": {"baseline": {"enforcement": "Audit"}},
    "cert-manager": {"certificates": {"source": "CertManager"}},
    "client-certificates": {"clientCertificates": {"enabled": True}},
    "opt-in-namespaces": {"registration": {"optInNamespaces": True}},
    "production": {
        "highAvailability": {"enabled": True},
        "monitoring": {"enabled": True},
        "tenantNamespaces": {"enabled": True},
    },
    "strict": {
        "registration": {"detectedFailurePolicy": "Fail"},
        "manifestAuthors": {"enabled": True},
    },
}
"""The values that make of the chart what an overlay of `deploy/overlays` makes of the base."""

EVERYTHING: Final[Values] = {
    key: {name: value for values in OVERLAY_VALUES.values() for name, value in values.get(key, {}).items()}
    for key in dict.fromkeys(key for values in OVERLAY_VALUES.values() for key in values)
}
"""The values that make of the chart what all components together make of the base."""


def helm(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run helm.

    Raises:
        AssertionError: It fails, or warns, and ``check`` is set.
    """
    assert _HELM is not None, "a test that runs helm must be marked needs_helm"
    done = subprocess.run(  # noqa: S603 - a chart of ours
        [_HELM, *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    if check:
        assert (done.returncode, done.stderr) == (0, ""), f"helm {' '.join(arguments)}: {done.stderr}"
    return done


def set_values(values: Values) -> list[str]:
    """Return flags of helm that set values."""
    return [f"--set-json={key}={json.dumps(value)}" for key, value in values.items()]


def rendered(values: Values, *, namespace: str = NAMESPACE) -> Sequence[Json]:
    """Return the objects that `helm template` prints, those of crds included."""
    return _rendered(json.dumps(values), namespace)


@cache
def _rendered(values: str, namespace: str) -> Sequence[Json]:
    done = helm(
        "template",
        RELEASE,
        str(CHART),
        f"--namespace={namespace}",
        "--include-crds",
        KUBERNETES,
        *set_values(json.loads(values)),
    )
    return tuple(item for item in yaml.safe_load_all(done.stdout) if item is not None)
