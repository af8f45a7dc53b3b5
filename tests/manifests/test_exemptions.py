"""An Exemption is read whole or not at all, and one that cannot be read exempts from nothing."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actgate.api.times import timestamp
from actgate.decision.exemptions import Exemption
from actgate.manifests import EvidenceError, exemption_if_readable, read_exemption
from tests.decision.build import NOW
from tests.support.exemptions import exemption_object

WHOLE = exemption_object("until-the-officer-starts", around=NOW)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


def test_an_exemption_is_read_with_its_period_rules_and_subjects() -> None:
    read = read_exemption(WHOLE)
    assert (read.name, set(read.rules)) == ("until-the-officer-starts", {"oversight/missing"})
    assert [(one.kind, one.namespace, one.name) for one in read.subjects] == [
        ("ModelDeployment", "credit", "scorer")
    ]
    assert (read.not_before, read.not_after) == (NOW - timedelta(days=5), NOW + timedelta(days=5))
    again = read_exemption({**WHOLE, "status": {"matched": 1}, "metadata": {"name": "another"}})
    assert (again.digest, len(str(read.digest))) == (read.digest, 71)


def test_what_the_schema_refuses_is_refused_with_its_field() -> None:
    """A file must be refused by the command line as its object is by the API server."""
    late = timestamp(NOW + timedelta(days=86))
    for field, value, words in (
        ("rules", ["risk/prohibited"], "spec.rules[0]: Invalid value: "),
        ("rules", ["oversight/missing", "manifest/invalid"], "spec.rules[1]: Invalid value: "),
        ("rules", [], "spec.rules: "),
        ("notAfter", late, "spec.notAfter: Invalid value: "),
        ("notAfter", timestamp(NOW - timedelta(days=5)), "spec.notAfter: Invalid value: "),
        ("notAfter", None, "spec.notAfter: Required value"),
        ("approvedBy", "ml-team", "spec.approvedBy: Invalid value: "),
        ("reason", "because", "spec.reason: Invalid value: "),
        ("subjects", [{"kind": "Pod", "namespace": "*", "name": "*"}], "spec.subjects[0].namespace: "),
        ("forEver", True, "spec.forEver: Invalid value: "),
    ):
        changed: Any = copy.deepcopy(WHOLE)
        changed["spec"][field] = value
        with pytest.raises(EvidenceError) as refused:
            read_exemption(changed)
        assert str(refused.value).startswith(words), (field, value, str(refused.value))
        assert exemption_if_readable(changed) is None


def test_an_exemption_that_cannot_be_read_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """A list brings the same object every ten minutes."""
    broken = {**WHOLE, "metadata": {"name": "reported-once"}, "spec": {"rules": "all"}}
    for _ in range(2):
        assert exemption_if_readable(broken) is None
    (line,) = [text for text in caplog.messages if "reported-once" in text]
    assert line.startswith("Exemption reported-once is invalid, and exempts from nothing: spec.")


@given(st.sampled_from(["metadata", "spec", "subjects", "rules", "notBefore", "notAfter"]), json_values)
@settings(max_examples=50)
def test_nothing_in_an_exemption_raises(field: str, value: object) -> None:
    """An object that is older than its schema may hold anything."""
    changed: Any = copy.deepcopy(WHOLE)
    (changed if field in changed else changed["spec"])[field] = value
    read = exemption_if_readable(changed)
    assert read is None or isinstance(read, Exemption)
