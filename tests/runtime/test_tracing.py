from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from actgate.runtime import tracing
from actgate_webhook.app import create_app
from actgate_webhook.metrics import Metrics
from tests.lookup.fakes import FakeEvidence, known
from tests.support.otlp import Receiver, receiving
from tests.webhook.build import MANIFEST, body_of, failing, model_deployment, passing, review
from tests.webhook.fakes import JSON_HEADERS, InProcess

pytestmark = pytest.mark.system

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = (b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver, which the environment names."""
    with receiving() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.endpoint)
        yield running


def tracer() -> tracing.Tracing:
    """Return what traces as the environment says."""
    traces = tracing.from_environment("actgate-webhook", "webhook-1")
    assert traces is not None
    return traces


def asking(source: FakeEvidence, traces: tracing.Tracing) -> InProcess:
    """Return a webhook in process that traces."""
    ask = InProcess(source)
    ask.app = create_app(source, Metrics(), traces=traces)
    return ask


async def test_a_review_is_a_span_of_the_trace_that_the_api_server_began(receiver: Receiver) -> None:
    """The header traceparent is continued, and the span says how it was decided and on what evidence."""
    traces = tracer()
    ask = asking(FakeEvidence(known(failing())), traces)
    body = body_of(review(model_deployment()))
    await ask.send("POST", "/validate", [body], headers=[*JSON_HEADERS, TRACEPARENT])
    traces.close()
    [span] = receiver.spans
    assert receiver.paths == {"/v1/traces"}
    assert (span.name, span.trace, span.parent) == ("review", TRACE, PARENT)
    rules = span.attributes.pop("actgate.rules")
    assert "bias/limit=Deny" in rules
    assert span.attributes == {
        "actgate.review.uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "actgate.caller.authenticated": False,
        "actgate.operation": "CREATE",
        "actgate.kind": "ModelDeployment",
        "actgate.namespace": "credit",
        "actgate.name": "scorer",
        "actgate.dry_run": False,
        "actgate.outcome": "Fail",
        "actgate.allowed": False,
        "actgate.cache_age_seconds": 0.0,
        "actgate.manifest.digest": failing().digest,
    }
    assert (span.resource["service.name"], span.resource["service.instance.id"]) == (
        "actgate-webhook",
        "webhook-1",
    )


async def test_nothing_of_the_object_is_in_a_trace(receiver: Receiver) -> None:
    """Names and the outcome, and no field of a spec."""
    traces = tracer()
    ask = asking(FakeEvidence(known(passing())), traces)
    secret = "a-value-that-no-reader-may-see"
    obj = model_deployment(server={"image": "server:1", "env": [{"name": "KEY", "value": secret}]})
    assert (await ask(review(obj))).allowed
    traces.close()
    [span] = receiver.spans
    assert (span.parent, span.attributes["actgate.outcome"]) == ("", "Pass")
    assert secret not in repr(span)
    assert MANIFEST not in repr(span)


@pytest.mark.parametrize("value", [b"", b"nonsense", b"\xff", b"00-0-0-00"])
async def test_a_broken_traceparent_begins_a_new_trace(receiver: Receiver, value: bytes) -> None:
    """A header is no reason to fail a review."""
    traces = tracer()
    ask = asking(FakeEvidence(known(passing())), traces)
    headers = [*JSON_HEADERS, (b"traceparent", value)]
    body = body_of(review(model_deployment()))
    assert (await ask.send("POST", "/validate", [body], headers=headers)).allowed
    traces.close()
    [span] = receiver.spans
    assert span.parent == ""


def test_the_environment_names_the_service(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_SERVICE_NAME and resource attributes win over ours."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "gate")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=prod")
    traces = tracer()
    with traces.span("review"):
        pass
    traces.close()
    [span] = receiver.spans
    assert (span.resource["service.name"], span.resource["deployment.environment"]) == ("gate", "prod")


@pytest.mark.parametrize(
    "environment",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_SDK_DISABLED": "true"},
        {"OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
)
def test_what_turns_traces_off_is_heeded(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    """As OpenTelemetry's specification has it; a protocol that is not spoken is no reason to end."""
    assert receiver.endpoint
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert tracing.from_environment("actgate-webhook", "webhook-1") is None


def test_without_an_endpoint_nothing_is_imported() -> None:
    """Who does not trace does not pay: not with memory, not with time, not with a dependency."""
    code = (
        "import sys\n"
        "from actgate_webhook import validate\n"
        "from actgate.runtime import tracing\n"
        "assert tracing.from_environment('a', 'b') is None\n"
        "print(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={}, check=True)  # noqa: S603
    assert done.stdout == "False\n"


def test_a_missing_package_is_a_warning(receiver: Receiver) -> None:
    """A service that was installed without the extra runs on; the API alone comes with every service."""
    code = (
        "import sys\n"
        "sys.modules['opentelemetry.sdk'] = sys.modules['opentelemetry.exporter'] = None\n"
        "from actgate.runtime import tracing\n"
        "assert tracing.from_environment('a', 'b') is None"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "install actgate[tracing]" in done.stderr


class _Stuck(SimpleSpanProcessor):
    """Does not end before its exporter is shut down."""

    def __init__(self, exporter: _GivenUp) -> None:
        super().__init__(exporter)
        self._exporter = exporter

    def shutdown(self) -> None:
        """Wait for a collector that does not answer."""
        self._exporter.given_up.wait(600)


class _GivenUp(InMemorySpanExporter):
    """Notes when it is shut down."""

    def __init__(self) -> None:
        super().__init__()
        self.given_up = threading.Event()

    def shutdown(self) -> None:
        """End what is under way."""
        self.given_up.set()


def test_a_collector_that_never_answers_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last spans are given up after a moment; else a pod would be killed while it waits."""
    monkeypatch.setattr(tracing, "CLOSE_SECONDS", 0.01)
    exporter, provider = _GivenUp(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(_Stuck(exporter))
    tracing.Tracing(provider, exporter).close()
    assert exporter.given_up.is_set()
