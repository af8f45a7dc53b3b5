"""Run every measurement and write ``docs/performance.md``: ``python -m bench [NAME ...]``."""

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

from bench import (
    api_server,
    attestations,
    audit,
    check_directory,
    decide,
    disturbances,
    memory,
    model_digest,
    operating,
    prefilter,
    recomputation,
    refusals,
    scan,
    signals,
    steady,
    webhook,
    withdrawals,
)
from bench.recorder import costs, kills, outage, streams
from bench.report import ROOT, Section, page

BENCHES: Final[dict[str, Callable[[], Section]]] = {
    "decide": decide.run,
    "recomputation": recomputation.run,
    "signals": signals.run,
    "webhook": webhook.run,
    "refusals": refusals.run,
    "api-server": api_server.run,
    "prefilter": prefilter.run,
    "memory": memory.run,
    "attestations": attestations.run,
    "check": check_directory.run,
    "model-digest": model_digest.run,
    "audit": audit.run,
    "operator": operating.run,
    "withdrawals": withdrawals.run,
    "steady": steady.run,
    "disturbances": disturbances.run,
    "scan": scan.run,
    "recorder": costs.run,
    "recorder-kills": kills.run,
    "recorder-streams": streams.run,
    "recorder-outage": outage.run,
}


def main() -> int:
    """Measure what was named, or everything; only a whole run replaces the page."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHES)}; all by default"
    )
    names = parser.parse_args().names
    if unknown := set(names) - set(BENCHES):
        parser.error(f"there is no measurement {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    sections = []
    # Each in a process of its own: Linux counts what a process had at most as what its children had.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes:
        for name in names or BENCHES:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            sections.append(processes.submit(BENCHES[name]).result())
            print(sections[-1].markdown(), flush=True)
    if not names:
        (ROOT / "docs" / "performance.md").write_text(page(sections), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
