"""Signals of a pod: what it takes to look for a model server in it, beside what parsing it takes."""

from typing import Any, Final

import orjson

from actgate.subjects.signals import Observed, observe_pod
from bench.cpu import microseconds
from bench.report import Section

GOAL: Final = 30.0
"""Microseconds for a plain pod: each review of a workload that declares nothing pays them."""
_SCRIPT: Final = 'set -e\nfor i in 1 2 3; do echo "step $i"; done\nexec /bin/app --port 80\n' * 5
_PODS: Final = {
    "plain": ["/bin/app", "--port=8080"],
    "a script of a shell": ["sh", "-c", _SCRIPT],
    "a model server": ["vllm", "serve", "bank/credit"],
}


def run() -> Section:
    """Read pods that show nothing, and one that serves a model."""
    rows, plain = [], 0.0
    for name, command in _PODS.items():
        pod = _pod(command)
        body = orjson.dumps(pod)
        parsed = microseconds(lambda body=body: orjson.loads(body))  # type: ignore[misc]
        read = microseconds(lambda pod=pod: observe_pod(pod, "spec", Observed()))  # type: ignore[misc]
        plain = plain or read
        rows.append((name, f"{parsed:.1f}", f"{read:.1f}", f"{read / parsed:.1f}"))
    return Section(
        "Signals of a pod",
        "CPU time to look for a model server in a PodSpec of one container, beside parsing it. Goal: a plain "
        f"pod in at most {GOAL:.0f} us.",
        ("pod", "parsing, us", "signals, us", "signals relative to parsing"),
        rows,
        f"A plain pod {plain:.0f} us: {'held' if plain <= GOAL else 'not held'}.",
    )


def _pod(command: list[str]) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": "registry.example/app:1.27",
        "command": command,
        "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "PORT", "value": "8080"}],
        "ports": [{"containerPort": 8080}],
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1"}},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
    }
    return {"containers": [container], "volumes": [{"name": "config", "configMap": {"name": "app"}}]}
