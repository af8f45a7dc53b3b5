from __future__ import annotations

import pytest

from actgate.decision import Policy
from actgate.records.record import Outcome
from actgate_webhook.answer import answer
from actgate_webhook.review import Response, Status
from tests.decision.build import ASKING, judge, measured, policy
from tests.lookup.fakes import FakeEvidence
from tests.records.build import recorded
from tests.webhook.build import model_deployment, review
from tests.webhook.fakes import InProcess

UNFAIR = measured(value=-0.2)


def answer_of(*policies: Policy, outcome: Outcome = Outcome.FAIL) -> Response:
    """Return the answer about an unfair model."""
    return answer(recorded(outcome, verdict=judge(UNFAIR, ASKING, *policies), manifests=(UNFAIR,)))


def test_a_refusal_is_a_403_with_the_rules_and_the_remediation_in_its_first_line() -> None:
    """GitOps tools show about 200 characters, and only Forbidden is safe from their repairs."""
    refusal = answer_of().status
    assert refusal is not None
    assert (refusal.code, refusal.reason) == (403, "Forbidden")
    headline, *lines = refusal.message.split("\n")
    assert headline.startswith("bias/limit, bias/claim: ")
    assert len(headline) <= 200
    assert [line.split("]")[0] for line in lines] == ["[bias/limit", "[bias/claim"]


def test_findings_that_only_warn_become_warnings() -> None:
    """Under a Warn policy the same findings are warnings of at most 120 ASCII characters."""
    answered = answer_of(policy(enforcement="Warn"), outcome=Outcome.WARN)
    assert answered.status is None
    assert any(text.startswith("bias/limit: ") for text in answered.warnings)
    assert all(len(text) <= 120 and text.isascii() for text in answered.warnings)


def test_findings_that_are_only_audited_are_recorded_and_not_shown() -> None:
    """An Audit policy warns no user, and its findings stand in the audit annotations."""
    answered = answer_of(policy(enforcement="Audit"), outcome=Outcome.WARN)
    assert answered.status is None
    assert not any("bias/limit" in text for text in answered.warnings)
    assert "bias/limit=Audit" in answered.audit_annotations["rules"]


def test_what_is_not_judged_is_allowed_without_a_word() -> None:
    """Neither warnings nor annotations on what is not ours."""
    assert answer(recorded(Outcome.NOT_JUDGED)) == Response("u", allowed=True)


@pytest.mark.parametrize("outcome", [Outcome.UNAVAILABLE, Outcome.ERROR])
def test_unavailable_is_a_503_and_no_verdict(outcome: Outcome) -> None:
    """An outage differs from a refusal by its code and its reason."""
    answered = answer(recorded(outcome, reason="evidence is temporarily unavailable, retry: refused"))
    words = "evidence is temporarily unavailable, retry: refused"
    assert answered.status == Status(503, "ServiceUnavailable", words)


def test_a_malformed_object_is_a_403_that_says_where() -> None:
    """The sentence about the shape stands in the refusal."""
    answered = answer(recorded(Outcome.MALFORMED, reason="spec must be an object"))
    assert answered.status == Status(403, "Forbidden", "the object is invalid: spec must be an object")


def test_foreign_words_are_cut_and_escaped() -> None:
    """The answer of another server reaches the user in one short ASCII line."""
    answered = answer(recorded(Outcome.UNAVAILABLE, reason="né\n" * 5000))
    assert answered.status is not None
    assert len(answered.status.message) < 1100
    assert answered.status.message.isascii()
    assert answered.status.message.isprintable()


async def test_foreign_names_reach_a_message_only_short_and_escaped() -> None:
    """A reference of ten thousand odd characters does not flood the terminal of who reads it."""
    odd = model_deployment(complianceManifestRef={"name": "\x1b[31m" + "é" * 10_000})
    message = (await InProcess(FakeEvidence())(review(odd))).message
    assert len(message) < 1000
    assert message.replace("\n", "").isprintable()
    assert message.isascii()


def test_passing_evidence_is_allowed() -> None:
    """No refusal and no warning where nothing was found."""
    answered = answer(recorded(Outcome.PASS, verdict=judge()))
    assert (answered.status, answered.warnings) == (None, ())
