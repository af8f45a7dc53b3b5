"""What 100,000 manifests cost in memory: until they are listed, at the peak, and for each.

The reflector runs in a process of its own, ``python -m bench.memory KUBECONFIG COUNT``, which prints what
it measured as one JSON object.
"""

import asyncio
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import yaml

from actgate.kube.client import Cluster
from actgate.kube.reflector import Reflector
from actgate.kube.resources import COMPLIANCE_MANIFESTS
from actgate.manifests import read_manifest
from bench.report import ROOT, Section
from demo.service import free_port

COUNT: Final = 100_000
GOAL: Final = 4096
"""Bytes for each manifest in memory."""


def run() -> Section:
    """Sync a reflector against a server on loopback that has that many manifests."""
    port = free_port()
    command = [sys.executable, "-m", "bench.big_list", str(port), str(COUNT)]
    server = subprocess.Popen(command, cwd=ROOT)  # noqa: S603 - our own command
    try:
        with tempfile.TemporaryDirectory() as folder:
            kubeconfig = Path(folder) / "kubeconfig"
            kubeconfig.write_text(yaml.safe_dump(_kubeconfig(port)), encoding="utf-8")
            measuring = [sys.executable, "-m", "bench.memory", str(kubeconfig), str(COUNT)]
            done = subprocess.run(measuring, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    finally:
        server.kill()
        server.wait()
    found = json.loads(done.stdout)
    each = (found["after"] - found["before"]) / COUNT
    return Section(
        "Manifests in memory",
        f"A reflector lists {COUNT:,} manifests of about 1.6 KB of JSON, page by page, reads each and keeps "
        f"what decisions need. Goal: {GOAL / 1024:.0f} KiB for each.",
        ("manifests", "seconds to sync", "bytes each", "before, MiB", "after, MiB", "peak, MiB"),
        [
            (
                f"{COUNT:,}",
                f"{found['seconds']:.1f}",
                f"{each:,.0f}",
                *(f"{found[name] / 2**20:.0f}" for name in ("before", "after", "peak")),
            )
        ],
        f"{each / GOAL:.2f} of the goal; the peak is {found['peak'] / found['after']:.2f} times what stays.",
    )


def _kubeconfig(port: int) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "bench",
        "clusters": [{"name": "bench", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "bench", "user": {}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
    }


async def _sync(kubeconfig: Path, count: int) -> dict[str, float]:
    async with Cluster.from_environment(kubeconfig) as cluster:
        reflector = Reflector(cluster, COMPLIANCE_MANIFESTS, read_manifest)
        before, start = _resident(), time.perf_counter()
        running = asyncio.create_task(reflector.run())
        await reflector.synced.wait()
        seconds = time.perf_counter() - start
        assert len(reflector) == count
        running.cancel()
        gc.collect()
        return {
            "seconds": seconds,
            "before": before,
            "after": _resident(),
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }


def _resident() -> float:
    """Return the resident memory of this process in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_sync(Path(sys.argv[1]), int(sys.argv[2])))))
