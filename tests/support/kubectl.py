"""Run the kubectl that is on this machine against a control plane under test."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from actgate_sandbox.envtest import find_kubectl


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one kubectl run said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever kubectl printed
        """Standard output, decoded; for runs with `-o json`."""
        return json.loads(self.out)


class Kubectl:
    """kubectl, bound to one kubeconfig and one namespace."""

    def __init__(self, kubeconfig: Path, cache_directory: Path, namespace: str) -> None:
        self._kubeconfig = kubeconfig
        self._cache_directory = cache_directory
        self._namespace = namespace

    def __call__(self, *arguments: str, stdin: str | None = None) -> Outcome:
        """Run kubectl and return its outcome, whatever the exit code."""
        binary = find_kubectl()
        if binary is None:
            raise AssertionError("a test that runs kubectl must be marked needs_kubectl")
        finished = subprocess.run(  # noqa: S603 - arguments come from tests
            [
                binary,
                f"--kubeconfig={self._kubeconfig}",
                # kubectl caches discovery by host and port; a port lives on in another test run.
                f"--cache-dir={self._cache_directory}",
                f"--namespace={self._namespace}",
                *arguments,
            ],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=330,  # Above any --timeout that a test gives kubectl itself.
            check=False,
            env={key: value for key, value in os.environ.items() if key != "KUBECONFIG"},
        )
        return Outcome(finished.returncode, finished.stdout, finished.stderr)

    def apply(self, *documents: dict[str, Any], flags: tuple[str, ...] = ()) -> Outcome:
        """Run `kubectl apply -f -` with the documents on standard input."""
        return self("apply", "-f", "-", *flags, stdin=yaml.safe_dump_all(documents))
