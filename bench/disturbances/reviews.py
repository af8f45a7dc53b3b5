"""The load: writes of ModelDeployments by dry run at a constant rate, each of which has one right answer.

Open loop: a request is due at a fixed moment, and its latency counts from there, so that a webhook that
stalls is charged for every request that had to wait. Half of them have evidence that passes, half have
evidence that fails; half are creates, half are updates. None lacks evidence: a dry run is let through with a
warning then, for who looks before applying both has not applied either.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import aiohttp

from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import JSON, MERGE_PATCH, Rest
from bench.disturbances.waiting import until
from tests.support.crds import API_VERSION, collection, create, deployment_spec, manifest_spec

GOOD: Final = "fair"
BAD: Final = "unfair"
_MODEL: Final = "deployed"
_AGE: Final = timedelta(days=800)
_MAX_AGE: Final = "87600h"
_UNFAIR: Final = [{"attribute": "gender", "metric": "demographic_parity_difference", "value": 0.9}]


@dataclass(frozen=True, slots=True)
class Ask:
    """A write, and what has to become of it."""

    method: str
    path: str
    content_type: str
    body: dict[str, Any]
    allowed: bool


class Outcome(StrEnum):
    """What became of a request."""

    RIGHT = "right"
    WRONG = "wrong"
    """It was decided, and the other way."""
    FAILED = "failed"
    """It was not decided, though the API server was there."""
    UNSERVED = "unserved"
    """The API server itself was gone meanwhile."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One request that is over; moments are seconds on a steady clock."""

    due: float
    taken: float
    outcome: Outcome
    message: str = ""
    """The answer of the API server, where it is wrong."""


def evidence(rest: Rest, namespace: str, name: str, *, fair: bool = True) -> None:
    """Create a ComplianceManifest of the model, so old that a clock a year back or ahead changes nothing."""
    finished = (datetime.now(UTC) - _AGE).strftime("%Y-%m-%dT%H:%M:%SZ")
    training = {"finishedAt": finished, "regions": [{"provider": "aws", "region": "eu-west-3"}]}
    spec = manifest_spec(training=training, **({} if fair else {"bias": _UNFAIR}))
    reply = create(rest, "ComplianceManifest", name, spec, namespace)
    assert reply.status == 201, reply


@contextmanager
def prepared(rest: Rest, namespace: str) -> Iterator[None]:
    """Create the evidence, a policy that takes it, and the model that updates change; no webhook need be."""
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    policy = {"namespaceSelector": selector, "evidence": {"maxAge": _MAX_AGE}}
    reply = create(rest, "CompliancePolicy", namespace, policy)
    assert reply.status == 201, reply
    try:
        evidence(rest, namespace, GOOD)
        evidence(rest, namespace, BAD, fair=False)
        reply = create(rest, "ModelDeployment", _MODEL, _spec(GOOD), namespace)
        assert reply.status == 201, reply
        yield
    finally:
        rest("DELETE", f"{collection('CompliancePolicy')}/{namespace}")


def creating(namespace: str, manifest: str, *, allowed: bool) -> Ask:
    """Return the create of a model that refers to a manifest."""
    body = {"apiVersion": API_VERSION, "kind": "ModelDeployment", "metadata": {"name": "created"}}
    path = collection("ModelDeployment", namespace)
    return Ask("POST", path, JSON, {**body, "spec": _spec(manifest)}, allowed)


def _updating(namespace: str, manifest: str, *, allowed: bool) -> Ask:
    path = f"{collection('ModelDeployment', namespace)}/{_MODEL}"
    changed = {"complianceManifestRef": {"name": manifest}, "server": {"image": "registry.example/server:2"}}
    return Ask("PATCH", path, MERGE_PATCH, {"spec": changed}, allowed)


def _spec(manifest: str) -> dict[str, Any]:
    return deployment_spec(complianceManifestRef={"name": manifest})


@dataclass
class Load:
    """Requests at a constant rate, and what became of them."""

    plane: ControlPlane
    namespace: str
    rate: float
    """Requests per second."""
    answers: list[Answer] = field(default_factory=list)
    begun: float = 0.0
    """When the disturbance began."""

    def __post_init__(self) -> None:
        self.asks = [
            creating(self.namespace, GOOD, allowed=True),
            creating(self.namespace, BAD, allowed=False),
            _updating(self.namespace, GOOD, allowed=True),
            _updating(self.namespace, BAD, allowed=False),
        ]
        self._stopped = False
        self._gone = False
        self._back_at = 0.0

    async def more(self, count: int) -> None:
        """Return when so many more requests are over."""
        enough = len(self.answers) + count
        await until(lambda: len(self.answers) >= enough)

    def all_that(self, outcome: Outcome) -> list[Answer]:
        """Return the requests with an outcome."""
        return [answer for answer in self.answers if answer.outcome is outcome]

    @contextmanager
    def without_api_server(self) -> Iterator[None]:
        """Hold nothing against the webhook that an API server does not do when it is away."""
        self._gone = True
        try:
            yield
        finally:
            self._gone = False
            self._back_at = time.perf_counter()

    def stop(self) -> None:
        """Ask nothing more."""
        self._stopped = True

    async def run(self) -> None:
        """Ask until stopped, and wait for every answer."""
        context = ssl.create_default_context(cadata=self.plane.ca.decode())
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        headers = {"Authorization": f"Bearer {self.plane.token}"}
        timeout = aiohttp.ClientTimeout(total=60)
        async with (
            aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout) as session,
            asyncio.TaskGroup() as under_way,
        ):
            start, number = time.perf_counter(), 0
            while not self._stopped:
                due = start + number / self.rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                under_way.create_task(self._ask(session, self.asks[number % len(self.asks)], due))
                number += 1

    async def _ask(self, session: aiohttp.ClientSession, ask: Ask, due: float) -> None:
        headers = {"Content-Type": ask.content_type}
        url = f"{self.plane.url}{ask.path}?dryRun=All"
        try:
            async with session.request(ask.method, url, json=ask.body, headers=headers) as answer:
                outcome, message = _judged(ask, answer.status, await answer.text())
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            outcome, message = Outcome.FAILED, f"{type(error).__name__}: {error}"
        if outcome is Outcome.FAILED and (self._gone or due < self._back_at):
            outcome = Outcome.UNSERVED
        self.answers.append(Answer(due, time.perf_counter() - due, outcome, message))


def _judged(ask: Ask, status: int, body: str) -> tuple[Outcome, str]:
    """Tell a verdict from everything that is none: only a verdict is 403 in the name of the webhook."""
    allowed = status in (200, 201)
    denied = status == 403 and "denied the request" in body
    if not allowed and not denied:
        return Outcome.FAILED, f"{status} {body[:500]}"
    if allowed is not ask.allowed:
        return (
            Outcome.WRONG,
            f"{ask.method} {ask.body['spec']['complianceManifestRef']['name']}: {body[:500]}",
        )
    return Outcome.RIGHT, ""


@asynccontextmanager
async def loading(load: Load) -> AsyncIterator[None]:
    """Let the load go on until the block ends."""
    task = asyncio.create_task(load.run())
    try:
        yield
    finally:
        load.stop()
        await task
