"""What users read of an exemption: warnings with its end, and a refusal where it does not reach."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from actgate.api.times import timestamp
from actgate.decision import Manifest
from actgate.decision.exemptions import Exemption
from actgate.manifests import read_exemption
from tests.lookup.fakes import FakeEvidence, known
from tests.support.exemptions import exemption_object
from tests.webhook.build import failing, model_deployment, passing, review
from tests.webhook.fakes import InProcess, Reply

TODAY = datetime.now(UTC).replace(microsecond=0)
UNSUPERVISED = passing(humanOversight={"enabled": False})


def exemption(*rules: str, name: str = "until-the-officer-starts", around: datetime = TODAY) -> Exemption:
    """Return an exemption of the model."""
    return read_exemption(exemption_object(name, *rules, around=around))


async def asked(manifest: Manifest, *exemptions: Exemption) -> Reply:
    """Return the answer about the model, on such evidence and under such exemptions."""
    source = FakeEvidence(known(manifest), exemptions=exemptions)
    return await InProcess(source)(review(model_deployment()))


async def test_a_user_is_warned_by_what_and_until_when_a_rule_is_exempted() -> None:
    reply = await asked(UNSUPERVISED, exemption())
    end = timestamp(TODAY + timedelta(days=5))
    assert reply.allowed
    words = f"exempted by until-the-officer-starts until {end}: oversight/missing"
    assert reply.response["warnings"].count(words) == 1
    audit = reply.response["auditAnnotations"]
    assert audit["exemptions"] == f"until-the-officer-starts until {end}"
    assert "oversight/missing=Exempted" in audit["rules"]


async def test_the_warning_about_a_long_name_still_has_end_and_rule() -> None:
    """Kubectl shows at most 120 characters."""
    reply = await asked(UNSUPERVISED, exemption(name="a" * 253))
    (warning,) = [text for text in reply.response["warnings"] if text.startswith("exempted by aaa")]
    assert len(warning) == 120
    assert warning.endswith(f"... until {timestamp(TODAY + timedelta(days=5))}: oversight/missing")


async def test_an_expired_exemption_and_one_of_other_rules_change_nothing() -> None:
    plain = await asked(UNSUPERVISED)
    for other in (exemption(around=TODAY - timedelta(days=6)), exemption("bias/limit")):
        reply = await asked(UNSUPERVISED, other)
        assert (reply.allowed, reply.response) == (False, plain.response)


async def test_what_else_denies_is_still_refused_beside_the_warning() -> None:
    """A user learns from one answer what is accepted and what is not."""
    unsupervised = replace(failing(), oversight=None)
    reply = await asked(unsupervised, exemption())
    assert not reply.allowed
    assert "oversight/missing" not in reply.message
    assert any(text.endswith(": oversight/missing") for text in reply.response["warnings"])
