from __future__ import annotations

import pytest

from actgate_webhook.app import create_app
from actgate_webhook.metrics import Metrics
from actgate_webhook.serving import Drain
from tests.lookup.fakes import FakeEvidence
from tests.support.waiting import eventually
from tests.webhook.fakes import InProcess, lifespan


def test_a_drain_is_a_reason_not_to_be_ready() -> None:
    """From the signal on, endpoints are to go elsewhere."""
    drain = Drain()
    assert drain.failing_checks() == {"shutdown": None}
    drain.begun = True
    assert drain.failing_checks() == {"shutdown": "shutting down"}


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_probes_answer_in_plain_text(path: str) -> None:
    """A kubelet reads the status, a person the text; ``?verbose`` needs no value."""
    ask = InProcess(FakeEvidence())
    reply = await ask.send("GET", path)
    assert (reply.status, reply.body) == (200, b"ok")
    assert (await ask.send("GET", path, query="verbose")).body.endswith(b"check passed\n")


async def test_work_that_ends_is_a_reason_to_restart(caplog: pytest.LogCaptureFixture) -> None:
    """A defect in the background does not go unseen: ``/livez`` fails, and the log says why."""

    async def fail() -> None:
        raise ValueError("a defect")

    app = create_app(FakeEvidence(), Metrics(), work={"evidence": fail})
    ask = InProcess(FakeEvidence())
    ask.app = app

    async def failing_livez() -> bytes:
        reply = await ask.send("GET", "/livez")
        return reply.body if reply.status == 503 else b""

    async with lifespan(app):
        page = await eventually(failing_livez)
    assert page == b"[-]evidence failed: ended, the log has the cause\nlivez check failed\n"
    assert "a defect" in caplog.text
