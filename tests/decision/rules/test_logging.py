"""Rules about the log of a model's use: what is law, what is house policy, and when nothing is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from actgate.api.compliance_manifest import RiskCategory
from actgate.api.inference_log import LogMode, MaxPayload, RequiredDurability
from actgate.decision import Policy, Subject
from actgate.decision.logged import Logged
from actgate.decision.manifest import Region
from tests.decision.build import LONDON, PARIS, PASSING, judge, manifest, policy, refused_for, subject
from tests.decision.signing import sha

LOG = Logged(
    LogMode.RECORDER,
    "spec.logging",
    RequiredDurability.PROCESS,
    MaxPayload.NONE,
    timedelta(days=365),
    "8760h",
    PARIS,
)
RECORDER = f"registry.example/recorder@{sha('recorder')}"


def asking(**logging: Any) -> Policy:  # noqa: ANN401 - fields of a policy's logging
    """Return a policy that requires a log of high-risk systems."""
    return policy(logging={"requiredFor": ["HighRisk"], **logging})


def logged(**changes: Any) -> Subject:  # noqa: ANN401 - fields of Logged
    """Return the asking subject with a log."""
    return subject(logging=replace(LOG, **changes))


def test_the_baseline_asks_for_no_log() -> None:
    """What passed before passes still, and a poor log is as good as none where no policy asks for one."""
    assert judge().allowed
    assert judge(PASSING, logged(mode=LogMode.NONE, retention=None, region=None)).allowed


@pytest.mark.parametrize("log", [None, replace(LOG, mode=LogMode.NONE)])
def test_logging_enabled_is_required_by_article_12(log: Logged | None) -> None:
    """`logging/enabled`: a high-risk system without a log is refused, by the Act's words alone."""
    finding = refused_for(judge(PASSING, subject(logging=log), asking()), "logging/enabled")
    assert finding.basis == "AI Act Art. 12"
    assert judge(PASSING, logged(), asking()).allowed


def test_a_manifest_by_itself_needs_no_log() -> None:
    """It is evidence, and serves nothing."""
    assert judge(PASSING, Subject.of_manifest(PASSING), asking()).allowed


def test_other_tiers_need_no_log() -> None:
    """`logging.requiredFor` decides per tier."""
    minimal = manifest(risk_category=RiskCategory.MINIMAL_RISK, classification=None)
    assert judge(minimal, subject(), policy(logging={"requiredFor": ["LimitedRisk"]})).allowed


@pytest.mark.parametrize(
    ("hours", "least", "basis"),
    [
        (4415, "4416h", "AI Act Art. 19(1), 26(6)"),
        (4416, "4416h", None),
        (4416, "8760h", "house policy"),
        (8760, "8760h", None),
    ],
)
def test_logging_retention_keeps_law_and_house_policy_apart(
    hours: int, least: str, basis: str | None
) -> None:
    """`logging/retention`: under 184 days the Act is the basis, above it the policy."""
    asked = logged(retention=timedelta(hours=hours), stated_retention=f"{hours}h")
    verdict = judge(PASSING, asked, asking(minRetention=least))
    assert verdict.allowed is (basis is None)
    if basis is not None:
        assert refused_for(verdict, "logging/retention").basis == basis


def test_logging_region_is_that_of_the_storage() -> None:
    """`logging/region`: stated, known and allowed; of a volume it is where the pods run."""
    eu = asking(countries=["EU"])
    assert judge(PASSING, logged(), eu).allowed
    for region in (None, LONDON, Region("eu-west-1"), Region("nowhere")):
        assert (
            refused_for(judge(PASSING, logged(region=region), eu), "logging/region").basis == "house policy"
        )
    volume = logged(region=None, stays_with_pods=True)
    assert judge(PASSING, volume, eu).allowed
    refused_for(judge(PASSING, replace(volume, placement=None), eu), "logging/region")


def test_logging_durability_of_what_sends_records_after_the_answer_is_at_most_once() -> None:
    """`logging/durability`: a gateway or KServe's logger is a log, and a weak one."""
    external = logged(mode=LogMode.EXTERNAL, durability=RequiredDurability.AT_MOST_ONCE)
    assert judge(PASSING, external, asking()).allowed
    refused_for(judge(PASSING, external, asking(durability="Process")), "logging/durability")
    refused_for(judge(PASSING, logged(), asking(durability="Node")), "logging/durability")


def test_logging_payload_is_no_more_than_the_policy_allows() -> None:
    """`logging/payload`: whole payloads, digests, nothing."""
    ranks = list(MaxPayload)
    for kept in ranks:
        for most in ranks:
            verdict = judge(PASSING, logged(payload=kept), asking(maxPayload=most.value))
            assert verdict.allowed is (ranks.index(kept) <= ranks.index(most)), (kept, most)


def test_pods_that_state_a_recorder_have_one() -> None:
    """A word on a pod proves nothing: the sidecar is there, and of an image that the policy names."""
    pods = subject(kind="Deployment", logging=LOG)
    trusting = asking(recorderImages=[RECORDER])
    refused_for(judge(PASSING, pods, asking()), "logging/enabled")
    for recorder, allowed in ((RECORDER, True), (f"other@{sha('other')}", False)):
        verdict = judge(PASSING, replace(pods, recorders=(("init", recorder),)), trusting)
        assert verdict.allowed is allowed, recorder


def test_a_trusted_recorder_runs_beside_the_images_that_a_manifest_binds() -> None:
    """ADR 1 would refuse it: it was not assessed with the model. As anything but a sidecar it is refused."""
    server = f"registry.example/server@{sha('server')}"
    bound = manifest(images=(server,))
    pods = subject(
        kind="Deployment",
        images=(("server", server), ("init", RECORDER)),
        recorders=(("init", RECORDER),),
    )
    assert judge(bound, pods, policy(logging={"recorderImages": [RECORDER]})).allowed
    refused_for(judge(bound, pods), "link/model")
    refused_for(
        judge(bound, replace(pods, recorders=()), policy(logging={"recorderImages": [RECORDER]})),
        "link/model",
    )


LOGS = st.builds(
    Logged,
    mode=st.sampled_from(LogMode),
    path=st.just("spec.logging"),
    durability=st.sampled_from(RequiredDurability),
    payload=st.sampled_from(MaxPayload),
    retention=st.none() | st.sampled_from([4415, 4416, 8759, 8760]).map(lambda hours: timedelta(hours=hours)),
    region=st.sampled_from([None, PARIS, LONDON]),
)
ASKED = st.fixed_dictionaries(
    {
        "requiredFor": st.sampled_from([[], ["HighRisk"]]),
        "minRetention": st.sampled_from(["4416h", "8760h"]),
        "countries": st.sampled_from([[], ["EU"], ["FR"]]),
        "durability": st.sampled_from([value.value for value in RequiredDurability]),
        "maxPayload": st.sampled_from([value.value for value in MaxPayload]),
    }
)


@given(st.none() | LOGS, ASKED)
def test_a_naive_reading_of_the_logging_rules_agrees(log: Logged | None, asked: dict[str, Any]) -> None:
    """Written twice, by rules and by one expression, the answer is the same."""
    verdict = judge(PASSING, subject(logging=log), policy(logging=asked))
    least = 8760 if asked["minRetention"] == "8760h" else 4416
    passes = not asked["requiredFor"] or (
        log is not None
        and log.mode != "None"
        and log.retention is not None
        and log.retention >= timedelta(hours=least)
        and (not asked["countries"] or log.region == PARIS)
        and "AtMostOnce Process Node".find(log.durability)
        >= "AtMostOnce Process Node".find(asked["durability"])
        and "None Digest Full".find(log.payload) <= "None Digest Full".find(asked["maxPayload"])
    )
    event(f"allowed: {verdict.allowed}")
    assert verdict.allowed is passes, verdict.findings


@given(LOGS)
def test_no_log_passes_where_a_better_one_is_refused(log: Logged) -> None:
    """A weaker durability, more payload, a shorter time or no place never help."""
    house = asking(countries=["EU"], durability="Process", maxPayload="Digest", minRetention="8760h")
    if judge(PASSING, subject(logging=log), house).allowed:
        return
    for change in (
        {"durability": RequiredDurability.AT_MOST_ONCE},
        {"payload": MaxPayload.FULL},
        {"retention": None},
        {"region": None},
        {"mode": LogMode.NONE},
    ):
        fields: dict[str, Any] = change
        assert not judge(PASSING, subject(logging=replace(log, **fields)), house).allowed, change
