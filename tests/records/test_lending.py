"""What owners lend to a decision is in its line, from which the decision follows again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actgate.api.durations import parse_duration
from actgate.api.inference_log import LogMode, MaxPayload, RequiredDurability
from actgate.api.times import timestamp
from actgate.decision import Link, Subject
from actgate.decision.logged import Logged
from actgate.decision.manifest import ModelIdentity, Region
from actgate.decision.policies import BASELINE
from actgate.decision.problem import Problem
from actgate.decision.subject import Added, Lent, Owner
from actgate.manifests import read_policy
from actgate.records.lending import lending_fields, with_lending
from actgate.records.record import audit_annotations, log_fields, span_attributes, strongest
from actgate.records.replay import Kept, Result, replay
from tests.decision.build import NOW, judge
from tests.decision.test_grace import BEFORE, EXPIRED
from tests.decision.test_lending import LENT, POD
from tests.records.build import recorded
from tests.records.deciding import HOUSE, Json, decided
from tests.webhook.build import MANIFEST, manifest_object, workload

HOUR = timedelta(hours=1)
OLD = manifest_object(validity={"notAfter": timestamp(NOW - HOUR)})
UNLINKED: Json = workload("Pod", annotations={})


def lent(subject: Subject) -> Subject:
    """Return a pod with the link of its owner."""
    return replace(
        subject, lent=replace(LENT, links=(Link(MANIFEST),), model=ModelIdentity("CreditRiskScorer"))
    )


def since(moment: datetime | None) -> Any:  # noqa: ANN401 - a function
    return lambda subject: replace(lent(subject), template_since=moment)


def test_a_decision_on_what_an_owner_lent_follows_again() -> None:
    """Nothing of the owner is kept besides: the line is the only witness."""
    line = decided(manifest_object(), obj=UNLINKED, lending=lent)
    assert (line["outcome"], line["owner"]["name"], line["owner"]["template_since"]) == (
        "Pass",
        "scorer",
        None,
    )
    kept = Kept([UNLINKED, manifest_object()])
    assert replay(line, kept).result is Result.REPRODUCED
    assert replay({**line, "owner": None}, kept).result is Result.DIFFERS
    assert replay({**line, "owner": {"name": "scorer"}}, kept).result is Result.NOT_REPLAYED
    alone = decided(manifest_object(), obj=UNLINKED, lending=lambda one: replace(one, alone="it is forged"))
    assert (alone["outcome"], alone["alone"]) == ("Fail", "it is forged")
    assert replay(alone, kept).result is Result.REPRODUCED


def test_a_replacement_under_old_evidence_follows_again() -> None:
    """The line says how old the template was, and until when such pods are admitted."""
    line = decided(OLD, obj=UNLINKED, lending=since(NOW - 2 * HOUR))
    assert line["owner"]["template_since"] == "2026-11-23T10:00:00Z"
    assert (line["outcome"], line["grace_until"]) == ("Warn", "2026-11-30T11:00:00Z")
    kept = Kept([UNLINKED, OLD, HOUSE])
    assert replay(line, kept).result is Result.REPRODUCED
    new = {**line, "owner": {**line["owner"], "template_since": "2026-11-23T11:00:00Z"}}
    assert "the outcome was Warn, and is Fail" in replay(new, kept).reasons
    longer = {**line, "grace_until": "2027-11-30T11:00:00Z"}
    assert replay(longer, kept).result is Result.DIFFERS
    late = decided(OLD, (BASELINE, read_policy(HOUSE)), obj=UNLINKED, lending=since(NOW))
    assert "grace_until" not in late
    assert replay(late, kept).result is Result.REPRODUCED


def test_an_update_that_took_a_mark_away_follows_again() -> None:
    """What stood in the object before is kept nowhere else."""
    bare = workload("Pod", labels={}, annotations={})
    bare["spec"]["containers"][0]["args"] = ["--model", "bank/credit"]
    line = decided(None, obj=bare, lending=lambda subject: replace(subject, was_declared=True))
    assert (line["outcome"], line["was_declared"]) == ("Fail", True)
    kept = Kept([bare])
    assert replay(line, kept).result is Result.REPRODUCED
    del line["was_declared"]
    assert replay(line, kept).result is Result.DIFFERS
    assert "was_declared" not in decided(None, obj=bare)


def test_log_trace_and_audit_log_show_the_period_of_grace() -> None:
    verdict = judge(EXPIRED, BEFORE)
    record = recorded(verdict=verdict, rules=strongest(verdict.findings))
    until = "2026-11-30T11:00:00Z"
    assert audit_annotations(record)["grace-until"] == until
    assert log_fields(record, 0.1)["grace_until"] == until
    assert span_attributes(record)["actgate.grace_until"] == until
    plain = recorded(verdict=judge())
    assert not {"grace-until"} & set(audit_annotations(plain))
    assert "grace_until" not in log_fields(plain, 0.1)
    assert "actgate.grace_until" not in span_attributes(plain)


words = st.text(max_size=3)
models = st.none() | st.builds(ModelIdentity, words, st.none() | words, st.none() | words)
moments = st.none() | st.datetimes(timezones=st.just(UTC))
logs = st.builds(
    lambda stated, **known: Logged(
        **known, retention=parse_duration(stated) if stated else None, stated_retention=stated
    ),
    stated=st.sampled_from(["", "1h", "4416h", "90m"]),
    mode=st.sampled_from(LogMode),
    path=words,
    durability=st.sampled_from(RequiredDurability),
    payload=st.sampled_from(MaxPayload),
    region=st.none() | st.builds(Region, words, st.none() | words),
    stays_with_pods=st.booleans(),
    problem=st.none() | st.builds(Problem, words, words, words),
)
lents = st.none() | st.builds(
    Lent,
    st.builds(Owner, words, words, words),
    st.lists(st.builds(Link, words, st.none() | words), max_size=2).map(tuple),
    models,
    st.booleans(),
    words,
    words,
    st.lists(st.builds(Added, words, words, words), max_size=2).map(tuple),
    st.booleans(),
    st.booleans(),
    st.none() | logs,
    words,
)


@given(lents, words, moments)
@settings(max_examples=50)
def test_what_a_line_says_of_owners_is_all_that_they_lent(
    given_lent: Lent | None, alone: str, moment: datetime | None
) -> None:
    subject = replace(
        POD, declared=False, lent=None if alone else given_lent, alone=alone, template_since=None
    )
    if subject.lent is not None:
        subject = replace(subject, template_since=moment, declared=subject.lent.declared)
    read = replace(subject, lent=None, alone="", template_since=None, declared=False)
    assert with_lending(read, lending_fields(subject)) == subject
