"""What a refusal costs under many policies: it is decided on live reads, and all that apply are judged."""

import json
from typing import Final

from bench.load import Target, refusals
from bench.report import Section, percentile
from bench.running import cluster, ours

POLICIES: Final = (1, 1_000, 10_000)
ASKED: Final = 100


def run() -> Section:
    """Ask for a model whose manifest is missing, one call after the other, with so many policies."""
    rows = []
    for count in POLICIES:
        with cluster("stand-in") as (plane, rest):
            for number in range(count):
                policy = {
                    "apiVersion": "actgate.dev/v1alpha1",
                    "kind": "CompliancePolicy",
                    "metadata": {"name": f"policy-{number}"},
                    "spec": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "team-0"}}},
                }
                reply = rest("POST", "/apis/actgate.dev/v1alpha1/compliancepolicies", policy)
                assert reply.status == 201, reply
            with ours(plane) as target:
                taken = refusals(_refused(target), ASKED)
        rows.append((f"{count:,}", f"{percentile(taken, 0.5):.1f}", f"{percentile(taken, 0.99):.1f}"))
    return Section(
        "A refusal under many policies",
        f"A review whose manifest does not exist, {ASKED} times one after the other (stand-in); every policy "
        "selects its namespace, which is the worst case. Goal: 50 ms with 1,000 policies.",
        ("policies", "p50, ms", "p99, ms"),
        rows,
        "The policies come from the cache while it is fresh; namespace and manifest are read live.",
    )


def _refused(target: Target) -> Target:
    review = json.loads(target.body)
    review["request"]["object"]["spec"]["complianceManifestRef"] = {"name": "missing"}
    return Target(target.port, target.ca, target.path, json.dumps(review).encode())
