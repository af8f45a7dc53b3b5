"""Through the API server: what a webhook costs a create, dry run, against none and a bare one."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from statistics import median
from time import perf_counter
from typing import Any, Final

from actgate_sandbox.envtest import missing_binaries
from actgate_sandbox.rest import Rest
from bench.load import Target
from bench.manifests import model_deployment
from bench.report import ROOT, Section
from bench.running import baseline, cluster, ours
from demo import registration

CLIENTS: Final = 8
ROUNDS: Final = 5
SECONDS: Final = 2.0
PATH: Final = "/apis/actgate.dev/v1alpha1/namespaces/team-0/modeldeployments"


def run() -> Section:
    """Create the same ModelDeployment by dry run, with each registration in turn."""
    engine = "stand-in" if missing_binaries() else "envtest"
    with ExitStack() as stack:
        plane, rest = stack.enter_context(cluster(engine))
        written = registration.read(ROOT / "deploy" / "base" / "webhook-registration.yaml")
        targets: dict[str, Target | None] = {
            "none": None,
            "bare": stack.enter_context(baseline("bare")),
            "ours": stack.enter_context(ours(plane)),
        }
        measured: dict[str, list[float]] = {name: [] for name in targets}
        clients = [plane.rest() for _ in range(CLIENTS)]
        for _ in range(ROUNDS):
            for name, target in targets.items():
                _register(rest, written, target)
                measured[name].append(_creates(clients))
        for client in clients:
            client.close()
    rows = [
        (name, f"{median(rates):,.0f}", f"{median(map(_ratio, rates, measured['none'])):.2f}")
        for name, rates in measured.items()
    ]
    share = median(map(_ratio, measured["ours"], measured["bare"]))
    return Section(
        "Through the API server",
        f"Dry-run creates of a ModelDeployment per second with {CLIENTS} clients ({engine}): without a "
        f"webhook, with a bare one, and with ours. Medians of {ROUNDS} interleaved rounds; the clients, the "
        "API server and the webhook share the machine.",
        ("webhook", "creates /s", "relative to none"),
        rows,
        f"Ours reaches {share:.2f} of the bare webhook's rate.",
    )


def _ratio(one: float, other: float) -> float:
    return one / other


def _register(rest: Rest, written: dict[str, Any], target: Target | None) -> None:
    registration.uninstall(rest, written)
    if target is not None:
        registration.install(rest, registration.on_loopback(written, target.port, target.ca))
    # The API server heeds a registration a moment after it is stored; what it does until then is not
    # what is measured.
    start = perf_counter()
    while perf_counter() - start < 1.5:
        rest("POST", PATH, model_deployment(0), dryRun="All")


def _creates(clients: list[Rest]) -> float:
    body = json.loads(json.dumps(model_deployment(0)))
    end = perf_counter() + SECONDS

    def keep_creating(client: Rest) -> int:
        done = 0
        while perf_counter() < end:
            reply = client("POST", PATH, body, dryRun="All")
            assert reply.status == 201, reply
            done += 1
        return done

    start = perf_counter()
    with ThreadPoolExecutor(len(clients)) as pool:
        total = sum(pool.map(keep_creating, clients))
    return total / (perf_counter() - start)
