"""The FastAPI application: routes, and a lifespan that opens and closes everything they rely on."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse

from actgate.lookup.added_kinds import AddedKinds
from actgate.lookup.evidence import EvidenceSource
from actgate.lookup.judge import SubjectJudge
from actgate.runtime.background import Background
from actgate.runtime.health import Health, HealthCheck
from actgate.runtime.tracing import Tracing
from actgate.version import VERSION
from actgate_webhook.bodies import Bodies
from actgate_webhook.decision_log import DecisionLog
from actgate_webhook.judge import Judge, Owners
from actgate_webhook.metrics import Metrics
from actgate_webhook.openapi import describe
from actgate_webhook.validate import Validate

Resource = AbstractAsyncContextManager[Any]
Work = Mapping[str, Callable[[], Coroutine[Any, Any, None]]]


def create_app(
    source: EvidenceSource,
    metrics: Metrics,
    *,
    resources: Sequence[Resource] = (),
    work: Work | None = None,
    checks: Sequence[HealthCheck] = (),
    decisions: DecisionLog | None = None,
    traces: Tracing | None = None,
    bodies: Bodies | None = None,
    owners: Owners | None = None,
    added: AddedKinds | None = None,
) -> Validate:
    """Build the webhook.

    Args:
        source: Where evidence comes from.
        metrics: What is counted.
        resources: Opened before the first request, in this order, and closed after the last one.
        work: What goes on beside the requests, by name; it may use the resources.
        checks: What must hold, beside the source's own checks, before the webhook is ready.
        decisions: Where decisions are recorded; opened and closed with the resources.
        traces: What traces reviews, if anything does.
        bodies: How much of bodies is held at a time.
        owners: Chains of owners; without them each object stands alone.
        added: The kinds that are judged beside those of the package.
    """
    live, ready = Health("livez"), Health("readyz", [source.failing_checks, *checks])
    ongoing = dict(work or {})
    if added is not None:
        ongoing["serving kinds"] = added.run
        ready.checks.append(added.failing_checks)
        ready.notes.append(added.notes)
    if decisions is not None:
        resources = [*resources, decisions]
        ongoing["decision log"] = decisions.follow
        ready.checks.append(decisions.failing_checks)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for resource in resources:
                await stack.enter_async_context(resource)
            background = Background({name: begin() for name, begin in ongoing.items()})
            live.checks.append((await stack.enter_async_context(background)).failing_checks)
            yield

    app = FastAPI(
        title="actgate webhook",
        summary="Judges AI models and inference workloads on their compliance evidence.",
        version=VERSION,
        lifespan=lifespan,
    )
    app.openapi = partial(describe, app.openapi)  # type: ignore[method-assign] # as FastAPI documents it
    _add_probes(app, live, ready)
    _add_metrics(app, metrics)
    return Validate(app, Judge(SubjectJudge(source), owners, added), metrics, decisions, traces, bodies)


def _add_probes(app: FastAPI, live: Health, ready: Health) -> None:
    @app.get("/livez", response_class=PlainTextResponse, tags=["health"])
    async def livez(verbose: str | None = None) -> PlainTextResponse:
        """Tell whether the process does its work; with ``?verbose``, check by check."""
        return _page(live, verbose)

    @app.get("/readyz", response_class=PlainTextResponse, tags=["health"], responses={503: {}})
    async def readyz(verbose: str | None = None) -> PlainTextResponse:
        """Tell whether reviews should be sent here; with ``?verbose``, check by check."""
        return _page(ready, verbose)


def _page(health: Health, verbose: str | None) -> PlainTextResponse:
    status, text = health.page(verbose=verbose is not None)
    return PlainTextResponse(text, status)


def _add_metrics(app: FastAPI, metrics: Metrics) -> None:
    @app.get("/metrics", response_class=PlainTextResponse, tags=["metrics"])
    async def exposition(request: Request) -> Response:
        """Return what is counted, in the format of Prometheus or OpenMetrics."""
        content, content_type = metrics.exposition(request.headers.get("accept", ""))
        return Response(content, media_type=content_type)
