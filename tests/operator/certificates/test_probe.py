"""The webhook is called down where the API server would call it down, and nowhere else."""

from __future__ import annotations

import base64

import pytest
from prometheus_client import CollectorRegistry

from actgate_operator.certificates.metrics import CertificateMetrics
from actgate_operator.certificates.probe import Probe
from tests.support.certificates import LESS_THAN_RFC_5280, REFUSED, Chain, Shape, chain, make_strict
from tests.support.webhook_server import serving


@pytest.fixture(autouse=True)
def strict_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Python 3.13 made the default."""
    make_strict(monkeypatch)


async def problem(made: Chain, trusted: bytes) -> str | None:
    """Serve a webhook, ask it by its registration, and return why it does not answer."""
    probe = Probe(CertificateMetrics(CollectorRegistry()))
    with serving(made.server) as webhook:
        config = {"url": webhook.url, "caBundle": base64.b64encode(trusted).decode()}
        await probe.ask({"webhooks": [{"name": "models.actgate.dev", "clientConfig": config}]})
    return probe.problem


@pytest.mark.parametrize("shape", LESS_THAN_RFC_5280.values(), ids=LESS_THAN_RFC_5280)
async def test_a_webhook_that_the_api_server_trusts_answers(shape: Shape) -> None:
    """An authority of one's own (`--certificates External`) may carry less than RFC 5280 asks."""
    made = chain(shape)
    assert await problem(made, made.trusted) is None


@pytest.mark.parametrize(("shape", "words"), REFUSED.values(), ids=REFUSED)
async def test_a_webhook_that_the_api_server_refuses_does_not_answer(shape: Shape, words: str) -> None:
    """The API server verifies host and dates, too."""
    made = chain(shape)
    reported = await problem(made, made.trusted)
    assert reported is not None
    assert any(word in reported for word in words.split("|")), reported


async def test_a_webhook_of_an_unknown_authority_does_not_answer() -> None:
    """The caBundle is what the API server goes by."""
    assert "certificate" in (await problem(chain(Shape()), chain(Shape()).trusted) or "")
