"""What an API server refuses of Exemptions by itself."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from actgate.api.times import timestamp
from actgate_sandbox.rest import MERGE_PATCH, Rest
from tests.api.test_in_a_cluster import refused
from tests.support.crds import collection, create
from tests.support.exemptions import exemption_spec

TODAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
SPEC = exemption_spec(around=TODAY)
BEGINS = TODAY - timedelta(days=5)


def test_a_malformed_exemption_is_refused(api: Rest) -> None:
    """Every exemption ends, names what it is about, and was approved by a second person."""
    for changes, words in (
        ({"rules": ["risk/prohibited"]}, ["spec.rules", "must not name risk/prohibited or manifest/invalid"]),
        ({"rules": ["oversight/missing", "manifest/invalid"]}, ["spec.rules", "must not name"]),
        ({"rules": ["*"]}, ["spec.rules[0]"]),
        (
            {"notAfter": timestamp(BEGINS + timedelta(days=90, seconds=1))},
            ["spec.notAfter", "at most 90 days"],
        ),
        ({"notAfter": timestamp(BEGINS)}, ["spec.notAfter", "must be after notBefore"]),
        ({"notAfter": None}, ["spec.notAfter", "Required"]),
        ({"approvedBy": SPEC["requestedBy"]}, ["spec.approvedBy", "another person than requestedBy"]),
        ({"reason": "because"}, ["spec.reason"]),
        ({"subjects": []}, ["spec.subjects"]),
        ({"subjects": [{**SPEC["subjects"][0], "namespace": "*"}]}, ["spec.subjects[0].namespace"]),
        ({"subjects": [{**SPEC["subjects"][0], "kind": "*"}]}, ["spec.subjects[0].kind"]),
    ):
        refused(create(api, "Exemption", "bad", {**SPEC, **changes}), *words)


def test_an_exemption_lasts_90_days_at_most_and_never_changes(api: Rest) -> None:
    """Renewal is a new object; a status and labels are no change."""
    spec = {**copy.deepcopy(SPEC), "notAfter": timestamp(BEGINS + timedelta(days=90))}
    path = f"{collection('Exemption')}/longest"
    try:
        reply = create(api, "Exemption", "longest", spec)
        assert reply.status == 201, reply
        changes: tuple[dict[str, Any], ...] = (
            {"notAfter": timestamp(TODAY)},
            {"rules": ["oversight/missing", "bias/limit"]},
            {"mitigations": ["Every decision is reviewed by hand."]},
        )
        for change in changes:
            refused(
                api("PATCH", path, {"spec": change}, MERGE_PATCH), "is immutable: create another Exemption"
            )
        assert api("PATCH", path, {"metadata": {"labels": {"a": "b"}}}, MERGE_PATCH).status == 200
        assert api("PATCH", f"{path}/status", {"status": {"matched": 1}}, MERGE_PATCH).status == 200
    finally:
        api("DELETE", path)
