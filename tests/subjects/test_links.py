"""What the annotation ``actgate.dev/compliance-manifest`` links, and what of it is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actgate.decision import Link, Subject
from actgate.subjects.workload import Workload
from tests.decision.build import judge, manifest
from tests.subjects.objects import LINK, TEMPLATE_PATHS, linked, workload

SCORER, FRAUD = Link("credit-risk-scorer-v2", "CreditRiskScorer"), Link("fraud", "Fraud")


def linking(text: str, kind: str = "Deployment") -> Subject:
    """Return a workload whose pods carry a link."""
    metadata = linked(compliance_manifest=text)
    return Workload(workload(kind, own=metadata if kind == "Pod" else None, template=metadata)).subject()


@pytest.mark.parametrize("kind", sorted(TEMPLATE_PATHS))
@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("credit-risk-scorer-v2", (Link("credit-risk-scorer-v2"),)),
        ("CreditRiskScorer=credit-risk-scorer-v2", (SCORER,)),
        ("CreditRiskScorer=credit-risk-scorer-v2,Fraud=fraud", (SCORER, FRAUD)),
        (" Fraud = fraud ,\n CreditRiskScorer=credit-risk-scorer-v2", (FRAUD, SCORER)),
        ("a=b=fraud", (Link("fraud", "a=b"),)),
        ("Fraud=fraud,Other=fraud", (FRAUD, Link("fraud", "Other"))),
        (
            ",".join(f"m{number}=fraud" for number in range(16)),
            tuple(Link("fraud", f"m{n}") for n in range(16)),
        ),
    ],
)
def test_one_name_alone_links_one_and_a_list_links_a_manifest_for_each_model(
    kind: str, text: str, links: tuple[Link, ...]
) -> None:
    """In every kind; a model's name may have an equals sign in it, a manifest's cannot."""
    asking = linking(text, kind)
    assert (asking.links, asking.problems) == (links, ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Fraud=", 'Invalid value: "Fraud=": must be model=manifest'),
        ("=fraud", 'Invalid value: "=fraud": must be model=manifest'),
        (" = ", 'Invalid value: " = ": must be model=manifest'),
        (",", 'Invalid value: "": must be model=manifest'),
        ("Fraud=fraud,", 'Invalid value: "": must be model=manifest'),
        ("scorer,fraud", 'Invalid value: "scorer": must be model=manifest'),
        ("Fraud=fraud,scorer", 'Invalid value: "scorer": must be model=manifest'),
        ("Fraud=fraud,Fraud=other", 'Duplicate value: "Fraud": link each model once'),
        ("Fraud=fraud, Fraud=fraud", 'Duplicate value: "Fraud": link each model once'),
        (",".join(f"m{number}=fraud" for number in range(17)), "Too many: 17: must have at most 16 items"),
        ('Fraud="\x1b[31m",', r'Invalid value: "": must be model=manifest'),
    ],
)
def test_a_list_that_cannot_be_meant_links_nothing_and_is_refused(text: str, words: str) -> None:
    """A part of it alone would judge less than the user believes; the answer quotes the part."""
    asking = linking(text)
    (problem,) = asking.problems
    assert asking.links == ()
    assert (problem.rule, problem.path) == ("link/manifest", f"spec.template.metadata.annotations[{LINK}]")
    assert problem.message == words
    assert judge(manifest(), asking).failed_rules == ("link/manifest",)


def test_a_change_of_one_link_of_several_is_governed() -> None:
    """Another manifest for one model is another question."""
    before, after = (
        workload("Deployment", template=linked(compliance_manifest=text))
        for text in ("Scorer=a,Fraud=b", "Scorer=a,Fraud=c")
    )
    assert Workload(after).judged
    assert Workload(before).governed_fields() != Workload(after).governed_fields()


@given(st.text(alphabet=st.sampled_from("ab=, "), max_size=12))
def test_whatever_is_written_links_something_or_is_a_problem(text: str) -> None:
    """No text passes as a link to nothing, but the empty one, which refers to none."""
    asking = linking(text)
    assert bool(asking.links) is (not asking.problems and text != "")
    assert all(link.manifest for link in asking.links)
