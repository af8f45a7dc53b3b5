from actgate.cli.check import Report
from actgate.cli.report import plain
from tests.cli.report.conftest import line_of_the_bad_value


def test_the_report_is_stable_and_can_be_searched_line_by_line(report: Report) -> None:
    """Outcome, subject, place, evidence and policies on one line; rule, field and message on another."""
    lines = [line.partition("sha256:")[0] for line in plain.render(report).splitlines()]
    value = f"my models/all.yaml:{line_of_the_bad_value()}"
    assert lines[:2] == [
        "PASS ModelDeployment default/credit (my models/all.yaml:34), "
        "manifest credit-v2 (my models/all.yaml:1) ",
        "FAIL ModelDeployment default/bad (more.yaml:1), manifest bad (my models/all.yaml:51) ",
    ]
    assert lines[2:4] == [
        f"  Deny bias/limit {value} spec.bias[0].value: Invalid value: 0.2: must be <= 0.05 "
        '(policy house) for demographic_parity_difference of "gender"',
        "    fix: mitigate the disparity, measure again and write a new manifest; basis: house policy",
    ]
    assert lines[-1] == "4 judged: 2 failed, 1 passed with warnings, 1 passed"


def test_the_pipelines_own_field_names_are_said(report: Report) -> None:
    """A finding about a v0 file names the file's field beside the manifest's."""
    assert "v0.json:5 spec.humanOversight (human_oversight_enabled): " in plain.render(report)


def test_missing_evidence_is_said(report: Report) -> None:
    """A subject without evidence says so in its line."""
    assert "FAIL ModelDeployment default/none (none.yaml:1), no manifest, policies" in plain.render(report)


def test_names_cannot_steer_a_terminal_or_forge_lines(hostile: Report) -> None:
    """Control characters of names are escaped, so that each line is one of ours."""
    lines = plain.render(hostile).splitlines()
    assert all(line.isprintable() for line in lines)
    assert all(line.startswith(("FAIL ", "  Deny ", "    fix: ", "1 judged")) for line in lines)
