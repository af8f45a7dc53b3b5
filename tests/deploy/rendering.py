"""What kustomize makes of the folders of `deploy/`, and short words for parts of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from actgate_sandbox.envtest import find_kubectl

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
COMPONENTS: Final = sorted(path.name for path in (DEPLOY / "components").iterdir())
OVERLAYS: Final = sorted(path.name for path in (DEPLOY / "overlays").iterdir())
NAMESPACE: Final = "actgate-system"
SERVICES: Final = ("actgate-operator", "actgate-webhook")

Json = dict[str, Any]


@cache
def render(folder: Path) -> Sequence[Json]:
    """Return the objects that `kubectl kustomize FOLDER` prints, in its order.

    Raises:
        AssertionError: kustomize refuses the folder, or warns.
    """
    kubectl = find_kubectl()
    assert kubectl is not None, "a test that renders must be marked needs_kubectl"
    done = subprocess.run(  # noqa: S603 - a folder of ours
        [kubectl, "kustomize", str(folder)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), f"{folder}: {done.stderr}"
    return tuple(yaml.safe_load_all(done.stdout))


def compose(folder: Path, components: Iterable[str] = COMPONENTS) -> Path:
    """Write an overlay of the base and some components into an empty folder, and return the folder."""
    at = os.path.relpath(DEPLOY, folder.resolve())
    content = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"{at}/base"],
        "components": [f"{at}/components/{name}" for name in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder


def named(objects: Iterable[Json], kind: str, name: str) -> Json:
    """Return the one object of a kind and a name."""
    (found,) = (item for item in of_kind(objects, kind) if item["metadata"]["name"] == name)
    return found


def of_kind(objects: Iterable[Json], kind: str) -> Iterator[Json]:
    """Yield the objects of a kind."""
    return (item for item in objects if item["kind"] == kind)


def pod_of(objects: Iterable[Json], service: str) -> Json:
    """Return the spec of the pods of a service."""
    pod: Json = named(objects, "Deployment", service)["spec"]["template"]["spec"]
    return pod


def container_of(objects: Iterable[Json], service: str) -> Json:
    """Return the only container of a service."""
    (container,) = pod_of(objects, service)["containers"]
    found: Json = container
    return found


def environment_of(container: Json) -> dict[str, str]:
    """Return what a container sets in its environment, all of it in plain text."""
    return {item["name"]: item["value"] for item in container.get("env", [])}
