"""`actgate check` takes Exemptions among its files, and reports what they accept in every format."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.cli.support import NOW, Json, check, manifest, model, report
from tests.support.exemptions import exemption_object

TODAY = datetime.fromisoformat(NOW)
MODEL = model("scorer", "credit", complianceManifestRef={"name": "credit-v2"})
UNSUPERVISED = manifest("credit-v2", "credit", humanOversight={"enabled": False})
ENDS = "exempted by e until 2026-11-28T12:00:00Z"


def exemption(*rules: str, **changes: Any) -> Json:  # noqa: ANN401 - fields of its spec
    """Return an exemption of the model."""
    return exemption_object("e", *rules, around=TODAY, **changes)


def test_an_exemption_among_the_files_lets_pass_what_it_names(tmp_path: Path) -> None:
    assert check(tmp_path, MODEL, UNSUPERVISED).returncode == 1
    found = report(tmp_path, MODEL, exemption(), UNSUPERVISED)
    (verdict,) = found["verdicts"]
    assert verdict["outcome"] == "Warn"
    assert verdict["exemptions"] == [{"name": "e", "notAfter": "2026-11-28T12:00:00Z"}]
    assert verdict["validUntil"] == "2026-11-28T12:00:00Z"
    accepted = {item["rule"]: (item["effect"], item["exemption"]) for item in verdict["findings"]}
    assert accepted["oversight/missing"] == ("Exempted", "e")
    assert {value for rule, value in accepted.items() if rule != "oversight/missing"} <= {("Warn", None)}


def test_every_format_names_the_exemption_and_its_end(tmp_path: Path) -> None:
    """An exempted finding is no failure, and never invisible."""
    for form in ("text", "junit", "sarif", "json"):
        done = check(tmp_path, MODEL, exemption(), UNSUPERVISED, arguments=("-o", form))
        assert done.returncode == 0, form
        assert "oversight/missing" in done.stdout, form
        if form == "text":
            assert ENDS in done.stdout
            assert "Exempted oversight/missing" in done.stdout
        elif form == "junit":
            suite = ElementTree.fromstring(done.stdout)  # noqa: S314 - written by ourselves
            assert not list(suite.iter("failure"))
            assert ENDS in str(suite.findtext(".//system-out"))
        elif form == "sarif":
            (run,) = json.loads(done.stdout)["runs"]
            (found,) = [one for one in run["results"] if one["ruleId"] == "oversight/missing"]
            assert found["level"] == "note"
            assert found["suppressions"] == [
                {"kind": "external", "status": "accepted", "justification": ENDS}
            ]


def test_an_expired_exemption_changes_nothing(tmp_path: Path) -> None:
    past = exemption_object("e", around=TODAY - timedelta(days=6))
    assert report(tmp_path, MODEL, UNSUPERVISED, past) == report(tmp_path, MODEL, UNSUPERVISED)


def test_an_exemption_that_a_cluster_would_refuse_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """To go on without it would answer another question than the one asked."""
    for one, words in (
        (exemption("risk/prohibited"), 'spec.rules[0]: Invalid value: "risk/prohibited": must not be '),
        (
            exemption(approvedBy="ml-team"),
            'spec.approvedBy: Invalid value: "ml-team": must be another person',
        ),
        (exemption(notAfter=None), "spec.notAfter: Required value"),
        ({**exemption(), "kind": "Exeption"}, "kind: Unsupported value"),
    ):
        done = check(tmp_path, MODEL, UNSUPERVISED, one)
        assert done.returncode == 2
        (sentence,) = done.stderr.splitlines()
        assert words in sentence, sentence
    twice = check(tmp_path, MODEL, UNSUPERVISED, exemption(), exemption())
    assert "Duplicate value" in twice.stderr
