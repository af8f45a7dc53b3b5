"""The webhook over TLS: what part of a bare application's throughput it reaches, and its latency."""

from contextlib import ExitStack
from statistics import median
from typing import Final

from bench.load import Target, latencies, throughput
from bench.report import Section, percentile
from bench.running import baseline, cluster, ours

CONNECTIONS: Final = (1, 4, 16, 64)
ROUNDS: Final = 5
FLOOR: Final = 0.45
SECONDS: Final = 1.5
OPEN_SECONDS: Final = 8.0


def run() -> Section:
    """Ask three servers in turn, round by round, so that a slow moment of the machine hits all."""
    with ExitStack() as stack:
        plane, _ = stack.enter_context(cluster("stand-in"))
        targets = {
            "bare": stack.enter_context(baseline("bare")),
            "fastapi": stack.enter_context(baseline("fastapi")),
            "ours": stack.enter_context(ours(plane)),
        }
        rows, shares = [], []
        for connections in CONNECTIONS:
            row, share = _compare(targets, connections)
            rows.append(row)
            shares.append(share)
        rate = 0.5 * max(throughput(targets["ours"], 16, SECONDS) for _ in range(ROUNDS))
        taken = latencies(targets["ours"], 64, rate, OPEN_SECONDS)
    return Section(
        "The webhook over TLS",
        f"Keep-alive, one worker, a review of {len(targets['ours'].body):,} bytes that is allowed from the "
        "cache. Against a bare ASGI application that only reads the body, and a FastAPI route that parses it "
        "with pydantic and allows everything, all on the same uvicorn with uvloop and httptools. Medians of "
        f"{ROUNDS} interleaved rounds. Goal: 0.6 of the bare one, at least 0.45; never behind FastAPI's.",
        ("connections", "bare, /s", "FastAPI, /s", "ours, /s", "ours / bare", "ours / FastAPI"),
        rows,
        f"Lowest share of the bare application: {min(shares):.2f}, "
        f"{'above' if min(shares) >= FLOOR else 'below'} the floor. Open loop at half of the highest "
        f"throughput ({rate:.0f}/s, 64 connections, latency from the moment a request was due): p50 "
        f"{percentile(taken, 0.5):.2f} ms and p99 {percentile(taken, 0.99):.2f} ms ({len(taken):,} asked).",
    )


def _compare(targets: dict[str, Target], connections: int) -> tuple[tuple[str, ...], float]:
    measured: dict[str, list[float]] = {name: [] for name in targets}
    for _ in range(ROUNDS):
        for name, target in targets.items():
            measured[name].append(throughput(target, connections, SECONDS))
    share = median(a / b for a, b in zip(measured["ours"], measured["bare"], strict=True))
    against = median(a / b for a, b in zip(measured["ours"], measured["fastapi"], strict=True))
    rates = (f"{median(measured[name]):,.0f}" for name in ("bare", "fastapi", "ours"))
    return (str(connections), *rates, f"{share:.2f}", f"{against:.2f}"), share
