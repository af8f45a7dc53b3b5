"""One decision: how long it takes, and whether it stays the same among many manifests."""

import gc
import random
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Final

from actgate.decision import Manifest, decide
from actgate.decision.decide import Appraisals
from actgate.manifests import read_manifest
from actgate.subjects.workload import Workload
from bench.manifests import manifests, model_deployment
from bench.report import Section, percentile

COUNTS: Final = (10, 1_000, 100_000)
SAMPLES: Final = 20_000
NOW: Final = datetime(2026, 11, 23, tzinfo=UTC)


def run() -> Section:
    """Judge randomly chosen subjects whose manifests were judged before."""
    store = [read_manifest(obj) for obj in manifests(max(COUNTS))]
    medians: dict[int, float] = {}
    rows = []
    for count in COUNTS:
        times = _times(store[:count])
        medians[count] = percentile(times, 0.5)
        ratio = medians[count] / medians[COUNTS[0]]
        rows.append((f"{count:,}", f"{medians[count]:.1f}", f"{percentile(times, 0.99):.1f}", f"{ratio:.2f}"))
    flat = medians[COUNTS[-1]] / medians[COUNTS[0]]
    return Section(
        "One decision",
        "`decide` for a ModelDeployment whose manifest was judged before, under the baseline; subjects are "
        "chosen at random. Goal: the median among 100,000 manifests at most 1.2 times that among 10.",
        ("manifests", "p50, us", "p99, us", "p50 relative to 10"),
        rows,
        f"Ratio {flat:.2f}: {'held' if flat <= 1.2 else 'not held'}.",
    )


def _times(store: list[Manifest]) -> list[float]:
    """Return microseconds per decision; the subject is built outside of the timed part."""
    chooser = random.Random(7)  # noqa: S311 - the same subjects in every run
    numbers = [chooser.randrange(len(store)) for _ in range(SAMPLES)]
    appraise = Appraisals().appraise
    for number in numbers:
        decide(Workload(model_deployment(number)).subject(), (store[number],), (), NOW, appraise)
    times = []
    gc.disable()
    for number in numbers:
        subject, linked = Workload(model_deployment(number)).subject(), (store[number],)
        start = perf_counter_ns()
        decide(subject, linked, (), NOW, appraise)
        times.append((perf_counter_ns() - start) / 1000)
    gc.enable()
    return times
