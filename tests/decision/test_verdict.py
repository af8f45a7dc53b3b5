from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from actgate.api.compliance_policy import Enforcement
from actgate.api.quoting import ascii_only, cut, quoted
from actgate.decision import Finding, Outcome, Verdict, rules
from actgate.decision.manifest import ModelIdentity
from actgate.decision.verdict import HEADLINE, MOST_LINES, WARNING, line, refusal, warnings
from tests.decision.build import FAIR, judge, manifest, measured, policy, subject

words = st.text(max_size=300)


def finding(
    rule: str = "bias/limit", message: str = "too much", remediation: str = "fix it", effect: str = "Deny"
) -> Finding:
    """Return a finding with these words."""
    return Finding(rule, "house policy", "spec.x", message, remediation, Enforcement(effect))


def verdict(*findings: Finding) -> Verdict:
    """Return a verdict with these findings."""
    return Verdict(Outcome.FAIL, findings, (), ("baseline",), "test", None)


def test_a_refusal_has_a_headline_and_one_line_per_finding_that_denies() -> None:
    """The headline names the rules and the first remediation; the lines hold path, message and basis."""
    text = refusal(judge(measured(value=-0.2)))
    headline, limit, claim = text.split("\n")
    assert headline == (
        "bias/limit, bias/claim: mitigate the disparity, measure again and write a new manifest"
    )
    assert limit == (
        "[bias/limit] compliancemanifest/credit-risk-scorer-v2 spec.bias[0].value: "
        "Invalid value: -0.2: must be >= -0.05 (policy baseline) "
        'for demographic_parity_difference of "gender" (house policy)'
    )
    assert claim.startswith("[bias/claim] compliancemanifest/credit-risk-scorer-v2 spec.bias[0].compliant: ")


def test_a_refusal_names_the_manifest_of_each_field_that_is_not_the_subjects() -> None:
    """``spec.bias[0].value`` is no field of the Deployment that was refused."""
    text = refusal(judge(manifest(oversight=None), subject(model=ModelIdentity("Other"))))
    about = {line.split("]")[0][1:]: line.split("] ")[1].split(" ")[0] for line in text.split("\n")[1:]}
    assert about == {
        "link/model": "spec.model:",
        "oversight/missing": "compliancemanifest/credit-risk-scorer-v2",
    }


def test_each_remediation_is_said_once() -> None:
    """The headline says the first one, and a line says one that no line before it did."""
    text = refusal(
        verdict(
            finding(remediation="do this"), finding(remediation="do that"), finding(remediation="do that")
        )
    )
    assert (text.count("do this"), text.count("do that")) == (1, 1)


def test_a_remediation_that_the_headline_cuts_is_said_in_full() -> None:
    """Nothing is lost to the 200 characters of a status line."""
    long = "measure " * 40
    assert refusal(verdict(finding(remediation=long))).count(long) == 1


def test_a_refusal_does_not_list_what_only_warns() -> None:
    """Warnings travel by themselves; the refusal holds the reasons for refusing."""
    text = refusal(verdict(finding(), finding("bias/sample", effect="Warn")))
    assert "bias/sample" not in text


def test_the_headline_keeps_room_for_a_fix_when_every_rule_fails() -> None:
    """Tools show 200 characters: as many rule ids as leave room, the number of the others, a remediation."""
    text = refusal(
        verdict(*(finding(rule.id, remediation="start with this remediation") for rule in rules.ALL))
    )
    headline = text.split("\n")[0]
    assert len(headline) <= HEADLINE
    assert headline.startswith("link/manifest, link/model, ")
    assert headline.endswith(" more: start with this remediation")


def test_a_refusal_spells_out_a_bounded_number_of_findings() -> None:
    """Thousands of groups that are too small do not make a message of a megabyte."""
    text = refusal(verdict(*(finding(message=f"group {number}") for number in range(5000))))
    assert len(text.split("\n")) == MOST_LINES + 2
    assert text.endswith(f"and {5000 - MOST_LINES} more findings")


def test_a_hundred_policies_do_not_flood_a_refusal() -> None:
    """Each of them finds 64 measurements beyond a limit of its own; the message says how many it left out."""
    measurements = tuple(
        replace(FAIR, attribute=f"attribute-{number}", value=0.9, threshold=None, compliant=None)
        for number in range(64)
    )
    policies = [policy(f"house-{number}", bias={"maxDifference": number / 1000}) for number in range(100)]
    found = judge(manifest(bias=measurements), subject(), *policies)
    assert len(found.findings) >= 6400
    text = refusal(found)
    assert len(text) < 20_000
    assert text.endswith(f"and {len(found.findings) - MOST_LINES} more findings")


@given(st.lists(st.builds(finding, message=words, remediation=words), min_size=1, max_size=8))
def test_a_refusal_is_printable_ascii_whatever_the_findings_hold(findings: list[Finding]) -> None:
    """Foreign content can neither break lines nor smuggle control characters into a terminal."""
    headline, *lines = refusal(verdict(*findings)).split("\n")
    assert len(headline) <= HEADLINE
    assert len(lines) == len(findings)
    assert all(text.isascii() and text.isprintable() for text in (headline, *lines))


@given(st.lists(st.builds(finding, message=words), max_size=80))
def test_warnings_fit_into_what_the_api_server_passes_on(findings: list[Finding]) -> None:
    """Each warning has at most 120 ASCII characters, and all of them together less than 4096."""
    texts = warnings(findings)
    assert all(len(text) <= WARNING and text.isascii() and text.isprintable() for text in texts)
    assert sum(map(len, texts)) < 4096
    assert len(texts) == min(len(findings), 32)


def test_warnings_beyond_the_limit_are_counted() -> None:
    """Warnings that are left out are announced by their number."""
    assert warnings([finding()] * 40)[-1] == "actgate: 9 more findings"
    assert len(warnings([finding()] * 32)) == 32


def test_text_is_cut_with_three_dots() -> None:
    """What does not fit ends in dots, within the limit."""
    assert cut("a" * 10, 10) == "a" * 10
    assert cut("a" * 11, 10) == "aaaaaaa..."


@given(st.text())
def test_ascii_only_is_printable_ascii_for_any_text(text: str) -> None:
    """Surrogates, controls and line breaks come out escaped."""
    assert ascii_only(text).isascii()
    assert ascii_only(text).isprintable()


def test_a_foreign_value_is_short_escaped_and_cannot_close_its_quotes() -> None:
    """What another author wrote can be distinguished from what actgate says."""
    assert quoted('x" is allowed, "y') == r'"x\" is allowed, \"y"'
    assert quoted("a\nb\u2028\ud800") == r'"a\nb\u2028\ud800"'
    assert quoted("z" * 1000) == f'"{"z" * 61}..."'


def test_a_warning_names_the_field_where_it_fits() -> None:
    """Tools print a warning alone; a field that would cut the message off is left out."""
    short, long = finding(message="must be >= 1"), finding(message="x" * 101)
    assert warnings([short, long]) == ["bias/limit: spec.x: must be >= 1", f"bias/limit: {'x' * 101}"]


def test_a_line_names_rule_field_message_remediation_and_basis() -> None:
    """One line is all that a refused user needs."""
    assert line(finding()) == "[bias/limit] spec.x: too much; fix: fix it (house policy)"


def test_long_names_do_not_flood_a_message() -> None:
    """A model's name of many characters is cut in the findings that quote it."""
    huge = judge(manifest(stated_category="x" * 100_000, risk_category=None))
    assert all(len(item.message) < 400 for item in huge.findings)
