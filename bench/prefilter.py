"""What the match conditions keep from the webhook, and what they cost in the API server."""

import copy
import time
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any, Final

from actgate.subjects.reading import reading
from actgate_sandbox.errors import SandboxError
from actgate_sandbox.rest import Reply, Rest
from bench.manifests import model_deployment
from bench.report import ROOT, Section
from bench.running import cluster
from demo import registration
from tests.webhook import corpus, largest

ROUNDS: Final = 10
CREATES: Final = 100
BUDGET: Final = 2_500_000
"""CEL units that the API server allows the conditions of one webhook together."""
_PADS: Final = 3
"""Conditions that use up what is left; each may cost 1,000,000 alone."""
_LONGEST_PAD: Final = 200_000
_STEP: Final = 50
"""Characters to which its length is found."""
_SETTLING: Final = 2.0
"""Seconds in which the API server observes a registration."""
_PAD: Final = "object.metadata.annotations['pad'].matches('" + "b" * 400 + "')"


def run() -> Section:
    """Measure share, cost and latency; only on a real API server, since the stand-in counts no cost."""
    with cluster("envtest") as (_, rest):
        rest("POST", "/api/v1/namespaces/team-0/serviceaccounts", {"metadata": {"name": "default"}})
        written = registration.read(ROOT / "deploy" / "base" / "webhook-registration.yaml")
        # Nothing answers there: an object that is asked about is refused.
        dead = registration.on_loopback(written, 9, b"")
        for item in dead["webhooks"]:
            item["failurePolicy"] = "Fail"
        rows = [_share(rest, dead), *_latencies(rest, dead), *_costs(rest, dead)]
    return Section(
        "What never reaches the webhook",
        "Creates by dry run on the real API server. Ordinary: the workloads of the tests' corpus that "
        f"show no signal. Latency: one client, {CREATES} creates of a Deployment with and without the "
        f"registration, in {ROUNDS} interleaved rounds; their median, with the second lowest and highest. "
        f"Cost: of an object as large as the conditions read it, in CEL units, of {BUDGET:,}.",
        ("what", "measured"),
        rows,
        "What is larger than that is asked about unread, and costs less.",
    )


def _share(rest: Rest, dead: dict[str, Any]) -> tuple[str, str]:
    silent = [obj for obj in corpus.workloads() if (found := reading(obj)) is not None and not found.judged]
    _install(rest, dead)
    asked = sum(_create(rest, obj).status != 201 for obj in silent)
    registration.uninstall(rest, dead)
    return f"of {len(silent)} ordinary workloads are not asked about", f"{1 - asked / len(silent):.1%}"


def _latencies(rest: Rest, dead: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the added latency of an ordinary Deployment, and of a large one that is read."""
    found = []
    plain = corpus.container(image="nginx:1")
    objects = {
        "an ordinary Deployment": corpus.of_kind("Deployment", corpus.pod_of([plain])),
        "the largest Deployment that is read": corpus.of_kind("Deployment", largest.just_bounded()),
    }
    added: dict[str, list[float]] = {name: [] for name in objects}
    for _ in range(ROUNDS):
        registration.uninstall(rest, dead)
        time.sleep(_SETTLING)
        without = {name: _seconds(rest, obj) for name, obj in objects.items()}
        _install(rest, dead)
        for name, obj in objects.items():
            added[name].append((_seconds(rest, obj) - without[name]) * 1000)
    registration.uninstall(rest, dead)
    for name, values in added.items():
        low, *_, high = sorted(values)[1:-1]
        found.append((f"added to a create of {name}", f"{median(values):.2f} ms ({low:.2f} to {high:.2f})"))
    return found


def _seconds(rest: Rest, obj: dict[str, Any]) -> float:
    """Return the median time of a create."""
    times = []
    for _ in range(CREATES):
        start = perf_counter()
        reply = _create(rest, obj)
        times.append(perf_counter() - start)
        assert reply.status == 201, reply.message[:300]
    return median(times)


def _costs(rest: Rest, dead: dict[str, Any]) -> list[tuple[str, str]]:
    bounded = largest.just_bounded()
    objects = {
        "serving.actgate.dev": model_deployment(0),
        "declared.actgate.dev": corpus.of_kind("CronJob", bounded),
        "detected.actgate.dev": corpus.of_kind("CronJob", bounded),
    }
    rows = []
    for webhook in dead["webhooks"]:
        obj = objects[webhook["name"]]
        bare = _longest_pad(rest, webhook, [], obj)
        left = _longest_pad(rest, webhook, [one["expression"] for one in webhook["matchConditions"]], obj)
        cost, least = BUDGET * (1 - left / bare), BUDGET * _STEP / bare
        shown = f"{cost:,.0f} units" if cost > least else f"below {least:,.0f} units"
        rows.append((f"cost of `{webhook['name']}`, {obj['kind']}", shown))
    return rows


def _longest_pad(rest: Rest, webhook: dict[str, Any], expressions: list[str], obj: dict[str, Any]) -> int:
    """Return how long a text the conditions can still be given; what they cost leaves less of it."""
    measured = {**copy.deepcopy(webhook), "matchConditions": [
        *({"name": f"c{index}", "expression": f"({text}) || true"} for index, text in enumerate(expressions)),
        *({"name": f"pad{index}", "expression": f"{_PAD} || true"} for index in range(_PADS - 1)),
        {"name": "last", "expression": f"{_PAD} && false"},
    ]}  # fmt: skip
    config = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "actgate"},
        "webhooks": [measured],
    }
    _install(rest, config)
    longest = _bisect(lambda length: _fits(_create(rest, _padded(obj, length))))
    registration.uninstall(rest, config)
    return longest


def _padded(obj: dict[str, Any], length: int) -> dict[str, Any]:
    found = copy.deepcopy(obj)
    found["metadata"].setdefault("annotations", {})["pad"] = "a" * length
    return found


def _fits(reply: Reply) -> bool:
    if reply.status == 201:
        return True
    assert "cost" in reply.message or "budget" in reply.message, reply.message[:300]
    return False


def _bisect(fits: Callable[[int], bool]) -> int:
    low, high = 0, _LONGEST_PAD
    while high - low > _STEP:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _install(rest: Rest, config: dict[str, Any]) -> None:
    registration.uninstall(rest, config)
    registration.install(rest, config)
    time.sleep(_SETTLING)


def _create(rest: Rest, obj: dict[str, Any]) -> Reply:
    group, _, version = obj["apiVersion"].rpartition("/")
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    sent = copy.deepcopy(obj)
    sent["metadata"] = {
        key: value for key, value in sent["metadata"].items() if key not in ("uid", "resourceVersion")
    } | {"namespace": "team-0"}
    path = f"{root}/namespaces/team-0/{obj['kind'].lower()}s"
    reply = rest("POST", path, sent, dryRun="All")
    if reply.status in (404, 422):
        raise SandboxError(f"{path}: {reply.message[:300]}")
    return reply
