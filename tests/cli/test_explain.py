from pathlib import Path

import pytest

from actgate.cli.exits import UnusableError
from actgate.cli.explain import explanation
from actgate.decision import rules
from tests.cli.support import actgate
from tools import rule_reference

REFERENCE = Path(__file__).parents[2] / "docs" / "rules.md"


def test_all_rules_are_listed_in_their_order() -> None:
    """Without a rule, every rule has its line."""
    done = actgate("explain")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [rule.id for rule in rules.ALL]


@pytest.mark.parametrize("rule", rules.ALL, ids=lambda rule: rule.id)
def test_a_rule_is_explained_in_its_own_words(rule: rules.Rule) -> None:
    """A rule's requirement, rationale and remediation are printed with its basis."""
    words = " ".join(explanation(rule.id).split())
    assert words.startswith(f"{rule.id} ({rule.basis}) Requirement: ")
    assert all(text in words for text in (rule.requirement, rule.rationale, rule.remediation))


@pytest.mark.parametrize(
    ("wrong", "hint"), [("bias-limit", "did you mean bias/limit?"), ("x" * 40, "actgate explain lists them")]
)
def test_an_unknown_rule_gets_a_suggestion(wrong: str, hint: str) -> None:
    """A rule that does not exist is unusable input, and the nearest one is named."""
    with pytest.raises(UnusableError, match=hint.replace("?", r"\?")):
        explanation(wrong)


def test_the_rule_reference_is_not_stale() -> None:
    """docs/rules.md is what `make docs` writes."""
    assert REFERENCE.read_text(encoding="utf-8") == rule_reference.reference()


def test_the_rule_reference_links_to_its_sections() -> None:
    """Each rule of the table has a section of its own under the anchor that it links to."""
    page = rule_reference.reference()
    headings = {line[4:] for line in page.splitlines() if line.startswith("### ")}
    assert headings == set(rules.BY_ID)
    assert all(f"](#{rule.id.replace('/', '')})" in page for rule in rules.ALL)
