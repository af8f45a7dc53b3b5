"""Installing from `deploy/` as docs/install.md says, and removing all of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.deploy.conftest import Cluster
from tests.deploy.rendering import ROOT, Json


def apply(cluster: Cluster, folder: Path, *flags: str) -> str:
    """Apply a folder as docs/install.md says, and return what kubectl said."""
    done = cluster.kubectl("apply", "-k", str(folder), *flags)
    assert done.code == 0, done.err
    return done.out


def apply_kinds(cluster: Cluster, *flags: str) -> None:
    """Apply our kinds, and return when they are served."""
    apply(cluster, ROOT / "crds", *flags)
    established = cluster.kubectl(
        "wait", "--for=condition=Established", "-f", str(ROOT / "crds"), "--timeout=60s"
    )
    assert established.code == 0, established.err


@contextmanager
def installed(cluster: Cluster, folder: Path, *flags: str) -> Iterator[None]:
    """Install, kinds first, and remove everything in the end."""
    apply_kinds(cluster, *flags)
    try:
        apply(cluster, folder, *flags)
        yield
    finally:
        done = cluster.kubectl("delete", "-k", str(folder), "--ignore-not-found", "--timeout=300s")
        assert done.code == 0, done.err


def written(cluster: Cluster, flag: str, path: Path) -> dict[str, Json]:
    """Return each object of a folder (-k) or file (-f) as installed: without what controllers write."""
    done = cluster.kubectl("get", flag, str(path), "-o", "json", "--show-managed-fields=false")
    assert done.code == 0, done.err
    found = {f"{item['kind']}/{item['metadata']['name']}": item for item in done.json["items"]}
    for item in found.values():
        # Where there is a status, its writers move the version, too.
        if item.pop("status", None) is not None:
            del item["metadata"]["resourceVersion"]
        item["metadata"].get("annotations", {}).pop("deployment.kubernetes.io/revision", None)
    return found
