"""Whatever could be asked: evidence, subjects, policies and moments, good and bad in every mixture.

Most values come from small sets in which good and bad are about as frequent, so that verdicts of all
kinds occur; the rest is whatever hypothesis thinks of, NaN, surrogates and the ends of the calendar
included.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any, Final

from hypothesis import strategies as st

from actgate.api.compliance_manifest import Metric, RiskCategory
from actgate.api.compliance_policy import CompliancePolicySpec
from actgate.api.predicates import APPROVAL, BIAS_AUDIT, COMPLIANCE_MANIFEST, PLAN
from actgate.decision import Link, Manifest, Policy, Subject, metrics, rules
from actgate.decision.attestation import Attestation, PlannedMeasurement, PlannedTest
from actgate.decision.data import ai_act
from actgate.decision.manifest import (
    Classification,
    Evaluated,
    GroupCount,
    Measurement,
    ModelIdentity,
    Oversight,
    Problem,
    Region,
)
from actgate.decision.subject import SubjectProblem
from tests.decision.build import ASKING, LONDON, MODEL, NOW, PARIS, PASSING
from tests.decision.signing import (
    DAY,
    OFFICE,
    RISK,
    STRANGER,
    TRAINING,
    anchors_of,
    authority,
    certificate,
    issued,
    requires,
    sha,
    signed,
    statement,
    trusting,
)

OWNERS: Final = ("training", "model-risk", "risk-office")
"""Authorities that policies know; some of them lose their key."""
TIERS: Final = ["HighRisk", "LimitedRisk", "MinimalRisk"]
ASSESSED: Final = f"registry.example/server@sha256:{'b' * 64}"
OTHER_IMAGE: Final = f"registry.example/server@sha256:{'c' * 64}"

words = st.text(st.characters(), max_size=20)
"""Any text: surrogates, controls and all scripts."""

names = st.sampled_from(["gender", "age", "origin"]) | words
zones = st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))])
moments = st.datetimes(timezones=zones) | st.timedeltas(
    min_value=timedelta(days=-800), max_value=timedelta(days=400)
).map(lambda distance: NOW + distance)
instants = moments | st.sampled_from(
    [NOW, datetime.min, datetime.max, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]  # noqa: DTZ901
)
"""Moments to decide at; naive ones too."""

regions = st.sampled_from(
    [
        *(PARIS, LONDON, Region("eu-west-3"), Region("eu-west-1"), Region("eu-west-1a", "aws")),
        *(Region("norwayeast", "azure"), Region("eu-west-3", "aws", "EU-WEST-3 (Paris/Frankfurt)")),
        *(Region("EU-WEST-3", None, "Paris or Zürich"), Region("nowhere")),
    ]
) | st.builds(Region, words, st.none() | words, st.none() | words)

values = st.sampled_from([0.0, 0.03, -0.03, 0.05, -0.2, 0.85, 1.0, 1.1, 1.5]) | st.floats()
thresholds = st.none() | st.sampled_from([0.01, 0.05, 0.9]) | st.floats()
rates = st.none() | st.sampled_from([0.0, 0.41, 0.44, 0.45, 1.0]) | st.floats()
parts = st.none() | st.sampled_from([0, 20, 40, 50, 60, 100]) | st.integers(-1, 10**18)
sizes = st.sampled_from([100, 4120]) | st.integers(0, 10**18)
groups = st.lists(st.builds(GroupCount, names, sizes, rates, parts, parts, parts, parts), max_size=3).map(
    tuple
)
"""Groups of every kind; what they count mostly contradicts itself."""

cells = st.tuples(*[st.sampled_from([0, 10, 200, 210, 400, 20_000, 40_000])] * 4)
"""True positives, false negatives, false positives and true negatives, often alike in two groups."""

counted_groups = st.lists(cells, min_size=2, max_size=3).map(
    lambda tables: tuple(
        GroupCount(name, sum(cells), None, cells[0] + cells[2], cells[0] + cells[1], cells[0], cells[2])
        for name, cells in zip("abc", tables, strict=False)
    )
)


@st.composite
def _counted(draw: st.DrawFn) -> Measurement:
    """Return a measurement whose counts mostly have its value, printed with some digits."""
    metric = draw(st.sampled_from(Metric))
    stated = draw(counted_groups)
    reference = draw(st.sampled_from([None, "a", "a", "z"]))
    exact = Measurement(metric, 0.03, groups=stated, reference_group=reference)
    computed = metrics.values(exact)
    digits = draw(st.sampled_from([2, 4, 17]))
    return replace(
        exact,
        value=round(draw(st.sampled_from(computed)), digits) if computed else 0.03,
        attribute=draw(st.none() | names),
        threshold=draw(thresholds),
        compliant=draw(st.none() | st.booleans()),
    )


measurements = _counted() | st.builds(
    Measurement,
    st.sampled_from(Metric),
    values,
    attribute=st.none() | names,
    threshold=thresholds,
    compliant=st.none() | st.booleans(),
    groups=groups,
    reference_group=st.none() | names,
)
"""Measurements of every kind; about half of them have counts that are sound."""

bases = st.sampled_from(
    [
        *("none", "I", "III.5.b", "III.9.z"),
        *(entry["id"] for entry in ai_act()["art5_prohibited"]),
    ]
)
identities = st.sampled_from([MODEL, ModelIdentity(MODEL.name)]) | st.builds(
    ModelIdentity, words, st.none() | words, st.none() | words
)
signers = st.sampled_from(
    [
        *(TRAINING, RISK, OFFICE, STRANGER, certificate("uri:spiffe://bank.example/risk")),
        certificate("email:a@bank.example", not_before=NOW - DAY, not_after=NOW + DAY),
    ]
)
tests = (
    st.sampled_from(["accuracy", "robustness"]),
    st.none() | st.sampled_from(["f1", "flips"]),
)
comparators = st.none() | st.sampled_from(["<=", ">="])
evaluations = st.builds(
    Evaluated, *tests, st.booleans(), comparators, thresholds, st.sampled_from([None, sha("audit"), sha("x")])
)
"""Results of tests; some name a plan, which may be there."""
predicate_types = st.sampled_from(
    [COMPLIANCE_MANIFEST, BIAS_AUDIT, APPROVAL, PLAN, "https://any.example/type"]
)
_FAULT: Final = Problem("spec.x", "differs", "sign it again")
attestations = st.builds(
    Attestation,
    st.sampled_from(["training", "audit"]) | words,
    predicate_types | st.none(),
    st.sampled_from([sha("audit"), sha("withdrawn"), sha("x"), None]),
    st.just(frozenset({str(MODEL.digest)})) | st.just(frozenset[str]()),
    st.lists(signers, max_size=3, unique=True).map(tuple),
    st.sampled_from([(), ("no key id",)]),
    st.sampled_from([None, None, "is wrong"]),
    st.sampled_from([None, None, None, _FAULT]),
    st.sampled_from([None, None, None, _FAULT]),
    st.none()
    | st.lists(
        st.builds(PlannedMeasurement, names, st.sampled_from(Metric).map(str), thresholds), max_size=1
    ).map(tuple),
    st.sampled_from([None, None, sha("audit")]),
    st.none() | moments,
    st.lists(st.builds(PlannedTest, *tests, comparators, thresholds), max_size=1).map(tuple),
)
"""Attestations of every kind, signed by anyone."""
sound_attestations = st.builds(
    statement,
    st.sampled_from(["training", "audit", "second"]),
    st.sampled_from([COMPLIANCE_MANIFEST, BIAS_AUDIT]),
    signers,
)
"""Attestations that contradict nothing."""

manifests = st.builds(
    Manifest,
    namespace=st.just(PASSING.namespace),
    name=st.just(PASSING.name) | words,
    model=st.none() | identities,
    digest=st.none() | st.just(PASSING.digest),
    images=st.sampled_from([(), (ASSESSED,)]) | st.lists(words, max_size=2).map(tuple),
    risk_category=st.none() | st.sampled_from(RiskCategory),
    stated_category=st.none() | words,
    classification=st.none()
    | st.builds(Classification, st.none() | bases | words, st.none() | st.booleans(), st.booleans()),
    finished_at=st.none() | moments,
    training_regions=st.lists(regions, max_size=3).map(tuple),
    bias=st.lists(measurements, max_size=3).map(tuple),
    evaluations=st.lists(evaluations, max_size=1).map(tuple),
    oversight=st.none()
    | st.builds(
        Oversight, st.booleans(), st.frozensets(st.sampled_from(["role", "contact", "override", "stop"]))
    ),
    not_before=st.none() | moments,
    not_after=st.none() | moments,
    records=st.lists(st.tuples(words, moments), max_size=2).map(tuple),
    problems=st.lists(st.builds(Problem, words, words, words), max_size=2).map(tuple),
    attestations=st.just(()) | st.lists(attestations, max_size=2).map(tuple),
    created_at=st.none() | moments,
)
"""Evidence of every kind; mostly some of it is wrong."""

near_misses = st.builds(
    lambda other, field: replace(PASSING, **{field: getattr(other, field)}),
    manifests,
    st.sampled_from(
        [
            *("model", "images", "risk_category", "classification", "finished_at", "training_regions"),
            *("bias", "evaluations", "oversight", "not_before", "not_after", "problems", "attestations"),
        ]
    ),
)
"""Evidence that passes but for one field."""

signed_evidence = st.builds(
    lambda items, at: signed(*items, created_at=at),
    st.lists(sound_attestations, max_size=3, unique_by=lambda item: item.name),
    st.none() | moments,
)
"""Evidence with counts that passes, if the policy trusts who signed it."""

labels = st.dictionaries(
    st.sampled_from(["team", "stage"]) | words, st.sampled_from(["credit"]) | words, max_size=3
)
links = st.builds(Link, st.just(PASSING.name) | words, st.none() | st.just(MODEL.name) | words)
subjects = st.builds(
    Subject,
    kind=st.sampled_from(["ModelDeployment", "Deployment", "ComplianceManifest"]) | words,
    namespace=st.just(ASKING.namespace),
    name=words,
    links=st.just(()) | st.just((Link(PASSING.name),)) | st.lists(links, max_size=3).map(tuple),
    model=st.none() | identities,
    images=st.lists(
        st.tuples(words, st.sampled_from([ASSESSED, OTHER_IMAGE, "server:1"]) | words), max_size=3
    ).map(tuple),
    placement=st.none() | st.lists(st.tuples(words, regions), max_size=3).map(tuple),
    namespace_labels=labels,
    problems=st.lists(
        st.builds(SubjectProblem, st.sampled_from([rule.id for rule in rules.ALL]), words, words, words),
        max_size=2,
    ).map(tuple),
    governed_change=st.booleans(),
    dry_run=st.booleans(),
)
"""Subjects of every kind; the reference mostly leads somewhere."""

asking = st.just(ASKING) | subjects.map(lambda subject: _asking(subject))
"""Subjects that refer to the passing manifest and are judged as for real."""

tiers = st.just(TIERS) | st.sampled_from([[], ["HighRisk"], ["HighRisk", "LimitedRisk"]])
"""The tiers that a sane policy names: HighRisk is among them, unless there are none."""

selectors = st.just({}) | st.sampled_from(
    [
        {"matchLabels": {"team": "credit"}},
        {"matchExpressions": [{"key": "stage", "operator": "NotIn", "values": ["credit"]}]},
        {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]},
    ]
)


_REQUIREMENTS: Final = st.lists(
    st.builds(
        requires,
        st.sampled_from([COMPLIANCE_MANIFEST, BIAS_AUDIT]),
        st.sampled_from(["training", "model-risk"]),
        st.sampled_from(["model-risk", "risk-office", "no-such"]),
        minSigners=st.sampled_from([1, 1, 2]),
        distinctFrom=st.sampled_from([[], [], ["training"], ["no-such"]]),
    ),
    max_size=2,
)


def _owner(name: str, changes: dict[str, Any]) -> dict[str, Any]:
    return authority(name, **changes)


def _asking_for(evidence: dict[str, Any]) -> Policy:
    return trusting(
        *evidence["authorities"], **{key: evidence[key] for key in evidence if key != "authorities"}
    )


_CHANGED: Final = st.sampled_from(
    [
        *({}, {}, {"revoked": {"at": "2026-11-01T00:00:00Z", "reason": "Rotated"}}),
        {"validFor": {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"}},
        {"certificate": issued({"uriRegExp": ".*risk"}, {"emailRegExp": ".*"})},
    ]
)
_SIGNED: Final = st.fixed_dictionaries(
    {
        "level": st.dictionaries(
            st.sampled_from(TIERS), st.sampled_from(["Declared", "Recomputable", "Attested"]), max_size=3
        ),
        "authorities": st.tuples(*(_CHANGED.map(partial(_owner, name)) for name in OWNERS)).map(list),
        "require": _REQUIREMENTS,
        "withdrawn": st.sampled_from([[], [sha("withdrawn")], [PASSING.digest]]),
    }
)
signing_policies: st.SearchStrategy[Policy] = _SIGNED.map(_asking_for)
"""Policies that ask for nothing but signatures, from authorities of which some are revoked or short-lived."""


def _signing(evidence: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return what is asked of evidence, in one of three cases with what is asked of its signatures."""
    return st.just(evidence) | st.just(evidence) | _SIGNED.map(lambda more: {**evidence, **more})


def specs(enforcements: list[str], selector: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return specs of policies that enforce in one of these ways."""
    requirement = st.sampled_from(["Require", "IfDeclared", "Ignore"])
    return st.fixed_dictionaries(
        {
            "enforcement": st.sampled_from(enforcements),
            "namespaceSelector": selector,
            "bias": st.fixed_dictionaries(
                {
                    "requiredFor": tiers,
                    "maxDifference": st.sampled_from([0.0, 0.05, 0.2, 1.0]),
                    "minRatio": st.sampled_from([0.0, 0.8, 1.0]),
                    "minGroupCount": st.sampled_from([0, 0, 100]),
                    "confidence": st.sampled_from([0, 0, 0.5, 0.95]),
                    "attributes": st.sampled_from([[], ["gender"], ["gender", "age"]]),
                }
            ),
            "residency": st.fixed_dictionaries(
                {
                    "requiredFor": tiers,
                    "countries": st.sampled_from([["EU"], ["EEA"], ["FR", "NO"], []]),
                    "training": requirement,
                    "serving": requirement,
                }
            ),
            "humanOversight": st.fixed_dictionaries(
                {"requiredFor": tiers, "fields": st.sampled_from([[], ["role"], ["role", "stop"]])}
            ),
            "evidence": st.fixed_dictionaries(
                {
                    "maxAge": st.sampled_from(["8760h", "1h", "9999999h"]),
                    "requireDigest": st.booleans(),
                }
            ).flatmap(_signing),
        }
    )


def policies(*enforcements: str, selector: st.SearchStrategy[Any] = selectors) -> st.SearchStrategy[Policy]:
    """Return policies that enforce in one of these ways; in any where none is given."""
    return st.builds(
        lambda name, spec: Policy(name, spec, anchors_of(spec)),
        st.sampled_from(["a", "b", "c"]),
        specs(list(enforcements) or ["Deny", "Warn", "Audit"], selector).map(
            CompliancePolicySpec.model_validate
        ),
    )


def _asking(subject: Subject) -> Subject:
    return replace(
        subject,
        links=(Link(PASSING.name),),
        images=subject.images or ((".image", ASSESSED),),
        governed_change=True,
        dry_run=False,
    )
