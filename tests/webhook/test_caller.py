"""What is recorded of who asked: the certificate that was shown, and never what a review says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from actgate_sandbox.pki import KeyPair
from tests.lookup.fakes import FakeEvidence, known
from tests.records.build import prove, sentences
from tests.webhook.build import changed, model_deployment, passing, review
from tests.webhook.test_clients import NAME, TRUSTED, guarding
from tests.webhook.test_decision_log import FakeSink, Recorded

CHIEF = {"username": "chief-compliance-officer", "groups": ["system:masters"]}


def decision(sink: FakeSink) -> dict[str, Any]:
    """Return the last decision of a log."""
    lines = [json.loads(line) for line in sink.lines]
    found: dict[str, Any] = [line for line in lines if line["kind"] == "Decision"][-1]
    return found


@pytest.mark.parametrize(
    "question",
    [
        review(model_deployment(), userInfo=CHIEF),
        review(model_deployment(), uid="11111111-6393-11e8-b7cc-42010a800002", userInfo=CHIEF),
        review(model_deployment(), userInfo=CHIEF, caller={"authenticated": True, "name": NAME}),
        review(changed(model_deployment(), "metadata.annotations", {"authenticated": "true"})),
    ],
    ids=["user", "uid", "caller", "object"],
)
async def test_a_review_of_anyone_is_marked_whatever_it_says(question: dict[str, Any]) -> None:
    """A pod that posts `userInfo: chief-compliance-officer` writes a line, and the line says what it is."""
    ask = Recorded()
    async with ask.log:
        assert (await ask(question)).allowed
        assert decision(ask.sink)["caller"] == {"authenticated": False, "name": None}
        headers = [(b"content-type", b"application/json"), (b"x-client-cert", b"CN=kube-apiserver")]
        await ask.send("POST", "/validate", [json.dumps(question).encode()], headers=headers)
        assert decision(ask.sink)["caller"] == {"authenticated": False, "name": None}
    proof = prove(ask.sink.lines, strict=True)
    assert (sentences(proof), proof.decisions, proof.unauthenticated) == ("", 2, 2)


async def test_reviews_of_anyone_are_counted() -> None:
    """An alert can be made of it where every caller ought to show a certificate."""
    ask = Recorded(FakeEvidence(known(passing())))
    async with ask.log:
        await ask(review(model_deployment()))
        await ask(review(model_deployment()))
    sample = ask.metrics.registry.get_sample_value("actgate_webhook_unauthenticated_reviews_total")
    assert sample == 2.0


@pytest.mark.parametrize(
    ("pair", "name"),
    [(TRUSTED.client(NAME), NAME), (TRUSTED.client("front-proxy"), "front-proxy")],
    ids=["API server", "front proxy"],
)
async def test_the_certificate_s_name_is_recorded(tmp_path: Path, pair: KeyPair, name: str) -> None:
    """Every client that the authority signed, over TLS as the API server calls."""
    sink = FakeSink()
    async with guarding(tmp_path, "front-proxy", NAME, sink=sink) as webhook:
        assert (await webhook.ask(pair))[0] == 200
        assert decision(sink)["caller"] == {"authenticated": True, "name": name}
        assert (await webhook.ask(None))[0] == 403
        assert webhook.metrics.registry.get_sample_value("actgate_webhook_unauthenticated_reviews_total") == 0
    proof = prove(sink.lines, strict=True)
    assert (sentences(proof), proof.decisions, proof.unauthenticated) == ("", 1, 0)
