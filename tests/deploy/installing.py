"""Installing from `deploy/` as docs/install.md says, and removing all of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.deploy.conftest import Cluster
from tests.deploy.rendering import ROOT


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
        done = cluster.kubectl("delete", "-k", str(folder), "--ignore-not-found", "--timeout=90s")
        assert done.code == 0, done.err
