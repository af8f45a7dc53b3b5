"""Each row of the table of serving kinds, as a policy judges one object of it: accepted, and refused."""

from __future__ import annotations

import copy
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from actgate.api.compliance_policy import Enforcement
from actgate.api.names import MANIFEST_ANNOTATION, MODEL_ANNOTATION
from actgate.decision import Finding, Outcome, Verdict, decide
from actgate.subjects.patterns import Pattern
from actgate.subjects.reading import package_table, reading
from actgate.subjects.serving import ServingObject
from actgate.subjects.serving_kinds import ServingKind
from tests.decision.build import MODEL, NOW, PASSING, manifest, rules_of
from tests.subjects.test_serving import SAMPLES, bodies, images

LINK: Final = {MANIFEST_ANNOTATION: PASSING.name, MODEL_ANNOTATION: MODEL.name}
ADDED: Final = """\
format: actgate.serving-kinds/1
kinds:
- {group: models.example.com, kind: Scorer, plural: scorers, judged: always, links: [metadata, spec]}
"""


def an_object(sample: dict[str, Any]) -> dict[str, Any]:
    """Return the object of a sample, without a link."""
    version, _, kind = sample["kind"].partition(" ")
    metadata = {"name": "m", "namespace": PASSING.namespace}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **copy.deepcopy(sample["body"])}


def judged(obj: dict[str, Any], *uris: str) -> Verdict:
    """Judge an object under the baseline on a manifest that lists these URIs."""
    found = reading(obj)
    assert found is not None
    return decide(found.subject(), (manifest(uris=uris),), (), NOW)


def denying(verdict: Verdict) -> list[Finding]:
    """Return the findings that deny."""
    return [finding for finding in verdict.findings if finding.effect is Enforcement.DENY]


def linked_at(obj: dict[str, Any], pattern: Pattern) -> list[dict[str, Any]]:
    """Return a copy of an object with the link at each place that a pattern of its row names."""
    made = []
    for path, _ in [*pattern.found(obj)]:
        other = copy.deepcopy(obj)
        place = next(value for at, value in pattern.found(other) if at == path)
        place.setdefault("annotations", {}).update(LINK)
        made.append(other)
    return made


def test_an_object_of_each_row_is_accepted_with_its_evidence_and_refused_without() -> None:
    """At every place at which its row takes a link; a URI that the evidence does not list is refused."""
    for sample in SAMPLES:
        obj, loads = an_object(sample), sample.get("loads", ())
        row = package_table().row_of(obj)
        assert isinstance(row, ServingKind)
        bare = reading(obj)
        assert bare is not None
        if row.judged == "always":
            verdict = judged(obj, *loads)
            assert verdict.outcome is Outcome.FAIL, sample["kind"]
            assert "link/manifest" in rules_of(denying(verdict)), sample["kind"]
            assert row.links[0].text in str(denying(verdict)), sample["kind"]
        places = [made for pattern in row.links for made in linked_at(obj, pattern)]
        assert places, sample["kind"]
        for linked in places:
            verdict = judged(linked, *loads)
            assert verdict.allowed, (sample["kind"], linked, denying(verdict))
            if loads:
                verdict = judged(linked, "s3://another/model")
                assert rules_of(denying(verdict)) == {"link/model"}, (sample["kind"], verdict.findings)
            absent = copy.deepcopy(linked)
            absent["metadata"]["namespace"] = "elsewhere"
            assert rules_of(denying(judged(absent, *loads))) == {"link/manifest"}, sample["kind"]


ROWS: Final = [
    row
    for row in package_table().extended(ADDED).rows.values()
    if isinstance(row, ServingKind) and row.judged != "never"
]
ROOTS: Final = st.sampled_from(["spec", "inference", "resource", "tuning", "anything"])


@settings(max_examples=50)
@given(st.sampled_from(ROWS), st.dictionaries(ROOTS, bodies(), max_size=3), st.sampled_from(SAMPLES))
def test_an_object_of_no_row_shows_fewer_images_than_a_naive_search_finds(
    row: ServingKind, body: dict[str, Any], sample: dict[str, Any]
) -> None:
    """Of the rows of an administrator, too, and in whatever body: a row says nothing about images."""
    whole = {**copy.deepcopy(sample["body"]), **body}
    found = ServingObject({"kind": row.kind, "metadata": {"name": "m"}, **whole}, row)
    read = [image for _, image in found.images]
    naive = [*images(whole)]
    assert sorted(naive) == sorted(image for image in read if image in {*naive})
    assert len(read) >= len(naive)
    assert set(sample["images"]) <= {*read} or body
