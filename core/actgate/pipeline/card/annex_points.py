"""The nine points of Annex IV of Regulation (EU) 2024/1689, and the evidence that answers each.

What the law asks stands here in our short words; the law's own text is authentic. A manifest states numbers,
digests and roles, and no prose about design or use: what it cannot state is an open item with an owner, and
is never left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from actgate.api.predicates import PLAN, TEST_RESULT
from actgate.pipeline.card import bias_blocks, statements
from actgate.pipeline.card.content import Block, Paragraph, Table, Words, number
from actgate.pipeline.card.evidence import Evidence

Builder = Callable[[Evidence], tuple[Block, ...]]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a point: what is asked, what evidence answers it, and what no manifest can."""

    point: str
    asks: str
    role: str
    """Who closes its open items, a key of ``owners.ROLES``."""
    open: tuple[str, ...] = ()
    """What stays open however much a manifest states."""
    builders: tuple[Builder, ...] = ()
    fields: tuple[str, ...] = ()
    """Fields of ``spec`` on which the evidence rests."""
    absent: str = ""
    """The open item where there is no evidence at all."""


@dataclass(frozen=True, slots=True)
class Point:
    """One of the nine points."""

    number: int
    title: str
    parts: tuple[Part, ...]


_ATTESTS: Final = {PLAN: "a plan", TEST_RESULT: "the result of a test"}


def _plans(found: Evidence) -> tuple[Block, ...]:
    """Return whether limits were fixed before the run, and what stands for it."""
    digests = dict.fromkeys(
        one.plan_digest
        for one in (*(found.spec.bias or ()), *(found.spec.evaluations or ()))
        if one.plan_digest is not None
    )
    signed = [one for one in found.verification.attestations if one.predicate_type in _ATTESTS]
    blocks = [
        Paragraph((Words("Results name the plan that fixed them before the run: "), digest))
        for digest in digests
    ]
    blocks += [
        Paragraph(
            (
                Words("Attestation "),
                one.name,
                Words(f" attests {_ATTESTS[str(one.predicate_type)]}: "),
                Words(f"{one.result.value.lower() if found.verification.trusting else 'not verified'}."),
            )
        )
        for one in signed
    ]
    return tuple(blocks)


def _limits(found: Evidence) -> tuple[Block, ...]:
    """Return each metric with its limit."""
    rows = [
        (
            Words(one.metric.value),
            one.attribute or statements.NOT_STATED,
            statements.NOT_STATED if one.threshold is None else number(one.threshold),
            statements.where(found.source(f"bias[{index}].threshold")),
        )
        for index, one in enumerate(found.spec.bias or ())
    ]
    header = ("Metric", "Attribute", "Limit in the manifest")
    titles = (*map(Words, header), statements.SOURCE)
    return (Table(titles, tuple(rows), frozenset({2})),) if rows else ()


def _security(found: Evidence) -> tuple[Block, ...]:
    return statements.evaluations(found, "cybersecurity", "security")


POINTS: Final = (
    Point(
        1,
        "General description of the AI system",
        (
            Part(
                "1(a)",
                "Intended purpose, name of the provider, version and its relation to previous versions",
                "product",
                ("State the intended purpose.", "State the name and address of the provider."),
                (statements.model, statements.classification),
                ("model", "riskCategory", "classification"),
            ),
            Part(
                "1(b)",
                "Interaction with hardware, software and other AI systems",
                "engineering",
                absent="Describe with what the system interacts.",
            ),
            Part(
                "1(c)",
                "Versions of software and firmware, and requirements of updates",
                "engineering",
                ("List the versions of the software around the model, and what an update requires.",),
                (statements.forms,),
                ("model.images",),
            ),
            Part(
                "1(d)",
                "Forms in which the system is placed on the market or put into service",
                "product",
                ("State every form, such as package, download or API.",),
                (statements.forms,),
                ("model.images",),
            ),
            Part("1(e)", "Hardware on which it is to run", "engineering", absent="Describe the hardware."),
            Part(
                "1(f)",
                "Photographs of the product of which it is a component",
                "product",
                absent="Say whether it is a component of a product; if so, add photographs and marking.",
            ),
            Part(
                "1(g)",
                "User interface that the deployer gets",
                "product",
                absent="Describe the user interface.",
            ),
            Part(
                "1(h)",
                "Instructions for use for the deployer",
                "product",
                absent="Attach the instructions for use (Art. 13).",
            ),
        ),
    ),
    Point(
        2,
        "Elements of the system and the process of its development",
        (
            Part(
                "2(a)",
                "Methods and steps of development, pre-trained systems and third-party tools",
                "engineering",
                ("Describe the methods, and how parts of third parties were used or modified.",),
                (statements.development,),
                ("lineage", "training"),
            ),
            Part(
                "2(b)",
                "Design specifications: logic, key choices, assumptions, what it optimises for, trade-offs",
                "engineering",
                absent="Describe the design, its assumptions about persons and groups, and its trade-offs.",
            ),
            Part(
                "2(c)",
                "Architecture, and computational resources of development, training and testing",
                "engineering",
                absent="Describe the architecture, and the computational resources that were used.",
            ),
            Part(
                "2(d)",
                "Data: provenance, scope, how it was obtained, selected, labelled and cleaned",
                "data",
                ("Attach the datasheets: origin, selection, labelling and cleaning of the data.",),
                (statements.datasets, statements.data_quality),
                ("datasets", "dataQuality"),
            ),
            Part(
                "2(e)",
                "Assessment of the human oversight measures (Art. 14), and aids to interpret outputs",
                "oversight",
                ("Assess the measures, and describe how deployers interpret the outputs (Art. 13(3)(d)).",),
                (statements.oversight,),
                ("humanOversight",),
            ),
            Part(
                "2(f)",
                "Pre-determined changes of the system and its performance",
                "engineering",
                absent="State the pre-determined changes, or that there are none.",
            ),
            Part(
                "2(g)",
                "Validation and testing: data, metrics, potentially discriminatory impacts, signed reports",
                "risk",
                ("Attach the test logs and reports, dated and signed by the responsible persons.",),
                (bias_blocks.summary, statements.evaluations, _plans),
                ("bias", "evaluations"),
            ),
            Part(
                "2(h)",
                "Cybersecurity measures",
                "security",
                ("Describe the cybersecurity measures (Art. 15(5)).",),
                (_security,),
                ("evaluations",),
            ),
        ),
    ),
    Point(
        3,
        "Monitoring, functioning and control",
        (
            Part(
                "3(a)",
                "Capabilities and limitations, accuracy for specific groups of persons and overall",
                "risk",
                ("State the capabilities and limitations, and the expected level of accuracy.",),
                (bias_blocks.of_groups,),
                ("bias",),
            ),
            Part(
                "3(b)",
                "Foreseeable unintended outcomes, sources of risks to health, safety and fundamental rights",
                "risk",
                absent="State the foreseeable unintended outcomes and the sources of risks.",
            ),
            Part(
                "3(c)",
                "Human oversight measures, and how outputs are interpreted",
                "oversight",
                ("State the technical measures by which deployers interpret the outputs.",),
                (statements.controls,),
                ("humanOversight",),
            ),
            Part("3(d)", "Specifications of input data", "data", absent="Specify the input data."),
        ),
    ),
    Point(
        4,
        "Appropriateness of the performance metrics",
        (
            Part(
                "4",
                "Why the metrics are appropriate for this system",
                "risk",
                ("Say why these metrics and limits are appropriate for this system.",),
                (_limits,),
                ("bias",),
            ),
        ),
    ),
    Point(
        5,
        "Risk management system (Art. 9)",
        (
            Part(
                "5",
                "The risk management system in detail",
                "risk",
                ("Attach the risk management file.",),
                (statements.classification, _plans),
                ("riskCategory", "classification"),
            ),
        ),
    ),
    Point(
        6,
        "Changes through the lifecycle",
        (Part("6", "Relevant changes that the provider made", "compliance"),),
    ),
    Point(
        7,
        "Harmonised standards, or the solutions adopted",
        (
            Part(
                "7",
                "Harmonised standards applied; else the solutions adopted and other specifications",
                "compliance",
                absent="List the harmonised standards that are applied, or describe the solutions adopted.",
            ),
        ),
    ),
    Point(
        8,
        "EU declaration of conformity (Art. 47)",
        (
            Part(
                "8",
                "A copy of the declaration",
                "provider",
                absent="Attach the copy of the EU declaration of conformity.",
            ),
        ),
    ),
    Point(
        9,
        "Post-market monitoring (Art. 72)",
        (
            Part(
                "9",
                "The system that evaluates performance after the market, and the plan of Art. 72(3)",
                "operations",
                absent="Attach the post-market monitoring plan.",
            ),
        ),
    ),
)
NUMBERS: Final = frozenset(part.point for point in POINTS for part in point.parts)
MEASURABLE: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "1(a)": (
        ("riskCategory", "State the risk category."),
        ("classification", "Record why it is in that category."),
    ),
    "2(a)": (
        ("lineage", "Record commit, training run and base models."),
        ("training", "Record the training run."),
    ),
    "2(d)": (
        ("datasets", "Name the data sets by digest: no data set is stated."),
        ("dataQuality", "Check the data sets: data quality was not measured."),
    ),
    "2(e)": (("humanOversight", "Record who oversees the system, and how."),),
    "2(g)": (
        ("bias", "Measure bias: potentially discriminatory impacts were not measured."),
        ("evaluations", "Evaluate accuracy and robustness: neither was measured."),
    ),
    "3(c)": (("humanOversight", "Record how a person disregards an output, and stops the system."),),
}
"""By point what a manifest could state, by its field of ``spec``, and what is open where it does not."""
