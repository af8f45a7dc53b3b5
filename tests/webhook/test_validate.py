from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import Message

from actgate.runtime import logs
from actgate_webhook.validate import LARGEST_BODY, LARGEST_PLAIN, reviews
from tests.lookup.fakes import FakeEvidence, known
from tests.webhook.build import body_of, changed, failing, model_deployment, passing, review, workload
from tests.webhook.fakes import JSON_HEADERS, InProcess

CREATE = review(model_deployment())


@pytest.fixture
def ask() -> InProcess:
    """A webhook whose evidence passes."""
    return InProcess(FakeEvidence(known(passing())))


async def test_a_review_is_answered_with_its_uid(ask: InProcess) -> None:
    """The answer is an AdmissionReview about the same uid."""
    reply = await ask(CREATE)
    assert reply.headers["content-type"] == "application/json"
    assert reply.response["uid"] == CREATE["request"]["uid"]
    assert reply.allowed


async def test_a_body_in_many_pieces_is_the_same_body(ask: InProcess) -> None:
    """However the network cut it, the review is read whole."""
    body = body_of(CREATE)
    pieces = [body[index : index + 100] for index in range(0, len(body), 100)]
    assert (await ask.send("POST", "/validate", pieces)).allowed


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_another_method_is_a_405_that_names_the_right_one(ask: InProcess, method: str) -> None:
    """Only POST asks something."""
    reply = await ask.send(method, "/validate")
    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert "only POST" in reply.json["message"]


@pytest.mark.parametrize("content_type", [None, b"text/plain", b"application/yaml", b"application/jsonx"])
async def test_another_content_type_is_a_415(ask: InProcess, content_type: bytes | None) -> None:
    """A body that does not say that it is JSON is not read as JSON."""
    headers = [] if content_type is None else [(b"content-type", content_type)]
    reply = await ask.send("POST", "/validate", [body_of(CREATE)], headers=headers)
    assert reply.status == 415
    assert "application/json" in reply.json["message"]


async def test_a_content_type_may_have_parameters_and_capitals(ask: InProcess) -> None:
    """As HTTP allows."""
    headers = [(b"content-type", b"Application/JSON; charset=utf-8")]
    assert (await ask.send("POST", "/validate", [body_of(CREATE)], headers=headers)).allowed


@pytest.mark.parametrize(
    ("chunks", "status"),
    [
        ([], 400),
        ([body_of(CREATE)[:50]], 400),
        ([b"[" * 100_000], 400),
        ([b"\xff\xfe"], 400),
        ([body_of(CREATE | {"apiVersion": "admission.k8s.io/v1beta1"})], 400),
        ([b" " * (LARGEST_PLAIN + 1)], 413),
        ([b"\\u003c" * (LARGEST_BODY // 6 + 1)], 413),
        ([b" " * 65536] * 128, 413),
        ([b" " * 1024 * 1024] * 64, 413),
    ],
    ids=["empty", "truncated", "nested", "no text", "version", "7 MiB + 1", "20 MiB", "8 MiB", "64 MiB"],
)
async def test_a_bad_body_is_a_4xx_with_one_sentence(
    ask: InProcess, chunks: list[bytes], status: int
) -> None:
    """Never an allow, never a 5xx, never a stack trace."""
    reply = await ask.send("POST", "/validate", chunks)
    assert reply.status == status
    assert set(reply.json) == {"message"}
    assert "\n" not in reply.json["message"]
    assert "Traceback" not in reply.json["message"]


async def test_a_body_of_exactly_the_limit_is_read(ask: InProcess) -> None:
    """7 MiB of JSON with much white space is a review like any other."""
    body = body_of(CREATE)
    assert (await ask.send("POST", "/validate", [body, b" " * (LARGEST_PLAIN - len(body))])).allowed


async def test_two_of_the_largest_objects_are_read_however_they_are_escaped(ask: InProcess) -> None:
    """The API server writes six bytes for ``<``; a review that is too long would be a call that failed."""
    text = "<" * (1536 * 1024 - 4096)
    old, new = (changed(workload(), "spec.template.spec.containers.0.args", [text, part]) for part in "ab")
    body = body_of(review(new, old)).replace(b"<", b"\\u003c")
    assert 18_000_000 < len(body) < LARGEST_BODY
    assert (await ask.send("POST", "/validate", [body])).allowed


async def test_what_follows_an_oversized_body_is_not_taken_for_a_request(ask: InProcess) -> None:
    """The connection ends with the answer."""
    reply = await ask.send("POST", "/validate", [b" " * (LARGEST_BODY + 1)])
    assert reply.headers["connection"] == "close"


@pytest.mark.parametrize(
    "query", ["timeout=", "timeout=soon", "timeout=0s", "timeout=-1s", "timeout=5s&timeout=x"]
)
async def test_an_unreadable_timeout_is_a_400(ask: InProcess, query: str) -> None:
    """Without it there is no deadline to keep."""
    assert (await ask(CREATE, query)).status == 400


@pytest.mark.parametrize("query", ["", "timeout=1500ms", "timeout=30s&x=y"])
async def test_a_timeout_is_optional(ask: InProcess, query: str) -> None:
    """The API server always sends one, a person with curl does not."""
    assert (await ask(CREATE, query)).allowed


async def test_each_review_is_counted_by_kind_operation_and_outcome(ask: InProcess) -> None:
    """A dry run is counted apart."""
    await ask(CREATE)
    await ask(review(model_deployment(), dry_run=True))
    await ask({"kind": "x"})
    page = (await ask.send("GET", "/metrics")).body.decode()
    labels = 'kind="ModelDeployment",operation="CREATE",outcome="Pass"'
    reordered = 'dry_run="{}",kind="ModelDeployment",operation="CREATE",outcome="Pass"'
    assert labels in page
    for dry_run in ("true", "false"):
        assert f"actgate_webhook_reviews_total{{{reordered.format(dry_run)}}} 1.0" in page
    assert 'actgate_webhook_bad_requests_total{status="400"} 1.0' in page
    assert "actgate_webhook_review_duration_seconds_count 2.0" in page


async def test_a_kind_that_is_not_ours_is_counted_as_other(ask: InProcess) -> None:
    """No client can make up labels without end."""
    await ask(review({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}))
    page = (await ask.send("GET", "/metrics")).body.decode()
    assert 'kind="other"' in page
    assert "ConfigMap" not in page


@pytest.fixture
def logged() -> Iterator[None]:
    """Lines of reviews are switched on, as they are in a pod."""
    reviews.setLevel(logging.INFO)
    yield
    logs.flush()
    reviews.setLevel(logging.NOTSET)


@pytest.mark.usefixtures("logged")
async def test_a_review_leaves_one_line_without_the_object(capfd: pytest.CaptureFixture[str]) -> None:
    """Who, what, where, outcome and rules; of the object nothing."""
    ask = InProcess(FakeEvidence(known(failing())))
    secret = model_deployment(server={"image": "x", "env": [{"name": "TOKEN", "value": "s3cr3t"}]})
    await ask(review(secret))
    logs.flush()
    (line,) = capfd.readouterr().err.splitlines()
    fields = json.loads(line)
    assert (fields["level"], fields["message"]) == ("INFO", "reviewed")
    assert fields["uid"] == CREATE["request"]["uid"]
    assert (fields["user"], fields["namespace"], fields["name"]) == ("engineer", "credit", "scorer")
    assert (fields["kind"], fields["operation"], fields["outcome"]) == ("ModelDeployment", "CREATE", "Fail")
    assert "bias/limit=Deny" in fields["rules"]
    assert fields["cache_age_s"] == 0.0
    assert fields["duration_ms"] > 0
    assert "s3cr3t" not in line


@pytest.mark.usefixtures("logged")
async def test_a_dry_run_leaves_no_line(ask: InProcess, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing happened, so nothing is recorded."""
    await ask(review(model_deployment(), dry_run=True))
    logs.flush()
    assert capfd.readouterr().err == ""


async def test_a_body_that_does_not_arrive_is_a_408(ask: InProcess) -> None:
    """A client that sends half a body and waits gets an answer within the timeout that it states."""
    half: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}]
    sent: list[Message] = []

    async def receive() -> Message:
        if half:
            return half.pop()
        await asyncio.Event().wait()
        raise AssertionError("nothing sets this event")

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/validate",
        "headers": list(JSON_HEADERS),
        "query_string": b"timeout=50ms",
    }
    await ask.app(scope, receive, send)
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


@pytest.mark.usefixtures("logged")
async def test_a_log_that_cannot_be_written_fails_no_review(
    ask: InProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The reader of standard error may have gone."""
    closed = (tmp_path / "log").open("w")
    closed.close()
    monkeypatch.setattr("sys.stderr", closed)
    assert (await ask(CREATE)).allowed
    logs.flush()


async def test_a_client_that_left_is_not_answered(ask: InProcess) -> None:
    """A connection that ends within the body ends the work on it."""
    received: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return received.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/validate",
        "headers": list(JSON_HEADERS),
        "query_string": b"",
    }
    await ask.app(scope, receive, send)
    assert sent == []
