from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterator
from typing import Any, Final

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.subjects.objects import TEMPLATE_PATHS
from tests.webhook.build import body_of, changed, model_deployment, review, workload
from tests.webhook.fakes import InProcess, Reply
from tests.webhook.oracle import BAD, GOOD, may_be_allowed, world

pytestmark = pytest.mark.system

EXAMPLES: Final = 100 * settings().max_examples
"""5,000 under hypothesis's default profile; a profile for haste or for a long night scales it."""

MODEL: Final = model_deployment()
BASES: Final = (
    review(MODEL),
    review(changed(MODEL, "spec.complianceManifestRef.name", BAD)),
    review(changed(MODEL, "spec.complianceManifestRef.name", "missing"), dry_run=True),
    changed(
        review(changed(MODEL, "metadata.namespace", "other"), dry_run=True), "request.namespace", "other"
    ),
    review(changed(MODEL, "spec.complianceManifestRef.name", BAD), MODEL),
    review(changed(MODEL, "spec.replicas", 5), changed(MODEL, "spec.model.name", "Other")),
    review(None, MODEL, operation="DELETE"),
    review(workload(labels={}, annotations={}), workload()),
    review(
        workload(
            annotations={"actgate.dev/compliance-manifest": BAD, "actgate.dev/model": "CreditRiskScorer"}
        )
    ),
    *(review(workload(kind)) for kind in TEMPLATE_PATHS),
)
VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1.5, "", "x", "true", [], {}, [{}], [None], {"x": "y"}, "é\u0000\n",
    "CREATE", "UPDATE", "DELETE", "CONNECT", "status", "scale", "ephemeralcontainers",
    "ModelDeployment", "Deployment", "Pod", "ConfigMap", "v1", "apps/v1", "actgate.dev/v1alpha1",
    GOOD, BAD, "missing", "credit", "other", "CreditRiskScorer", "eu-west-2", "eu-west-3", "2", "3",
    {"actgate.dev/inference": "true"}, {"actgate.dev/Inference": "yes"},
    {"actgate.dev/compliance-manifest": GOOD},
    {"regions": [{"region": "eu-west-2"}]}, {"spec": {"containers": [{"image": "x"}]}}, MODEL,
)  # fmt: skip
"""What a mutation puts in: wrong types, and right types that mean something else."""


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    """Yield the path of everything within a JSON value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        yield from paths(inner, (*path, step))


PATHS: Final = tuple(tuple(paths(base)) for base in BASES)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return a review with some of its values replaced or taken out, and sometimes its bytes spoilt."""
    number = draw(st.integers(0, len(BASES) - 1))
    document = orjson.loads(body_of(BASES[number]))
    for _ in range(draw(st.integers(1, 3))):
        path = PATHS[number][draw(st.integers(0, len(PATHS[number]) - 1))]
        replace(document, path, draw(st.integers(-1, len(VALUES) - 1)))
    body = body_of(document)
    if draw(st.integers(0, 7)):
        return body
    start = draw(st.integers(0, len(body)))
    return body[:start] + draw(st.binary(max_size=4)) + body[start + draw(st.integers(0, 40)) :]


def replace(document: Any, path: tuple[Any, ...], choice: int) -> None:  # noqa: ANN401 - JSON
    """Replace what is at a path by one of ``VALUES``, or take it out for -1, if the path is still there."""
    *parents, last = path
    try:
        for step in parents:
            document = document[step]
        if choice < 0:
            del document[last]
        elif isinstance(document, dict) is not isinstance(last, str):
            return
        else:
            document[last] = copy.deepcopy(VALUES[choice])
    except (IndexError, KeyError, TypeError):
        return


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """An event loop that outlives the examples."""
    with asyncio.Runner() as loop:
        yield loop


@pytest.fixture(scope="module")
def webhook() -> InProcess:
    """A webhook in the oracle's world."""
    return InProcess(world())


def decoded(body: bytes) -> Any:  # noqa: ANN401 - JSON
    """Return what the body says, by another library than the webhook's; None where it is not JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def check(body: bytes, reply: Reply) -> bool:
    """Check one answer, and return whether it allows."""
    if reply.status != 200:
        assert 400 <= reply.status < 500, reply
        assert set(reply.json) == {"message"}
        return False
    response = reply.response
    document = decoded(body)
    assert response["uid"] == document["request"]["uid"]
    if response["allowed"] is True:
        assert may_be_allowed(document), document
        return True
    assert response["allowed"] is False
    # Nothing is out of reach in this world: a 503 would be a defect that met the last safety net.
    assert response["status"]["code"] == 403, response
    assert response["status"]["message"]
    return False


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=mutated())
def test_mutated_reviews_are_answered_well_and_never_wrongly_allowed(
    body: bytes, webhook: InProcess, runner: asyncio.Runner
) -> None:
    """Every mutation ends in a well-formed answer or a 4xx, and what is allowed may be allowed."""
    check(body, runner.run(webhook.send("POST", "/validate", [body], query="timeout=5s")))


def test_the_reviews_that_are_mutated_cover_both_answers(webhook: InProcess, runner: asyncio.Runner) -> None:
    """Among the originals some are allowed and some refused, and the oracle agrees with each."""
    allowed = [check(body_of(base), runner.run(webhook(base))) for base in BASES]
    assert allowed == [may_be_allowed(base) for base in BASES]
    assert {True, False} <= set(allowed)
