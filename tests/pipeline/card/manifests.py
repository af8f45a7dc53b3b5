"""Manifests for the tests of documents: one that states everything, one that states little, a hostile one."""

from typing import Any, Final

from actgate.api.names import API_VERSION
from actgate.pipeline import card
from actgate.pipeline.card.evidence import Evidence, Verification

Json = dict[str, Any]
MODEL: Final = f"sha256:{'a' * 64}"
DATA: Final = f"sha256:{'b' * 64}"

HOSTILE: Final = (
    "[click](https://evil.example)",
    "<script>alert(1)</script>",
    "</style></script><img src=x onerror=alert(1)>",
    "</svg><script>alert(2)</script>",
    "\u202etxt.exe \u200f\u2066",
    "`code` ``more``",
    r"| cell \| cell |",
    "**bold** _it_ ~~no~~ $x$ # heading",
    "@user #12 www.evil.example http://evil.example a@evil.example",
    "\"quotes' &amp; &lt; <!-- -->",
    "{{ 7 * 7 }} {% raw %}",
    "![img](http://evil.example/x.png)",
    "--- \t\n- item\n\n# heading",
    "\u05d0\u05d1\u05d2 \u0627\u0644",
)
"""Texts that a renderer could take for something else."""


def groups(count: int = 2, names: tuple[str, ...] = ("female", "male")) -> list[Json]:
    """Return groups with all counts."""
    return [
        {
            "name": names[index] if index < len(names) else f"group {index}",
            "count": 5000 + index,
            "selected": 2050 + 100 * (index % 2),
            "positives": 2500,
            "truePositives": 1900,
            "falsePositives": 150 + 100 * (index % 2),
        }
        for index in range(count)
    ]


def document(**changed: Any) -> Json:  # noqa: ANN401 - fields of a spec
    """Return a manifest that states everything."""
    spec = {
        "model": {
            "name": "CreditRiskScorer",
            "version": "2",
            "digest": MODEL,
            "digestDomain": "oms-v1",
            "images": [f"registry.example/credit@{MODEL}"],
        },
        "riskCategory": "HighRisk",
        "classification": {
            "basis": "III.5.b",
            "profiling": True,
            "rationale": "Creditworthiness of natural persons.",
            "assessedBy": "Model risk officer",
            "assessedAt": "2026-11-02T09:00:00Z",
        },
        "training": {
            "finishedAt": "2026-11-01T10:00:00Z",
            "regions": [{"provider": "aws", "region": "eu-west-3"}],
        },
        "bias": [
            {
                "attribute": "sex",
                "metric": "demographic_parity_difference",
                "value": 0.0199,
                "threshold": 0.05,
                "groups": groups(),
                "dataset": {"digest": DATA},
            },
        ],
        "humanOversight": {
            "enabled": True,
            "role": "Credit officer",
            "contact": "Credit desk",
            "override": "Overrule in the case file",
            "stop": "Switch off in the case system",
        },
        "evaluations": [
            {
                "kind": "robustness",
                "metric": "accuracy under noise",
                "value": 0.87,
                "comparator": ">=",
                "threshold": 0.85,
                "samples": 4000,
                "reportDigest": DATA,
            }
        ],
        "datasets": [{"name": "loans", "version": "7", "digest": DATA, "license": "LicenseRef-internal"}],
        "dataQuality": [
            {
                "dataset": "loans",
                "check": "duplicates",
                "definition": "surplus rows",
                "checked": 10000,
                "failed": 24,
                "threshold": 0.01,
            }
        ],
        "lineage": {"codeCommit": "4b825dc642cb6eb9", "runId": "run 42", "baseModels": []},
        "validity": {"notBefore": "2026-11-02T12:00:00Z", "notAfter": "2027-10-31T00:00:00Z"},
        "approvals": [{"role": "Model risk officer", "by": "Model risk", "at": "2026-11-02T11:30:00Z"}],
        **changed,
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "ComplianceManifest",
        "metadata": {"name": "credit-v2"},
        "spec": {key: value for key, value in spec.items() if value is not None},
    }


def little() -> Json:
    """Return a manifest that states its model and nothing else."""
    everything = document()["spec"]
    return document(**{**dict.fromkeys(everything), "model": {"name": "CreditRiskScorer"}})


def hostile(persons: int = 64) -> Json:
    """Return a manifest whose every text is hostile, with as many groups as there may be."""
    texts = [text.strip() for text in HOSTILE]

    def named(index: int) -> str:
        return f"{texts[index % len(texts)]} {index}"[:253]

    names = tuple(named(index) for index in range(persons))
    bias = [
        {"attribute": text, "metric": metric, "value": 0.02, "groups": groups(persons, names)}
        for text, metric in zip(
            texts, ("demographic_parity_difference", "equalized_odds_ratio"), strict=False
        )
    ]
    return document(
        model={"name": texts[0] + texts[1], "version": texts[2], "digest": MODEL},
        classification={
            "basis": "III.5.b",
            "rationale": (" ".join(HOSTILE) + "x" * 4096)[:4096],
            "assessedBy": texts[4],
        },
        training={"finishedAt": "2026-11-01T10:00:00Z", "regions": [{"region": text} for text in texts]},
        bias=bias,
        humanOversight={
            "enabled": True,
            **dict(zip(("role", "contact", "override", "stop"), texts[5:], strict=False)),
        },
        evaluations=[
            {"kind": text, "metric": text, "value": 0.5, "comparator": "<=", "threshold": 0.6}
            for text in texts
        ],
        datasets=[{"name": text, "version": "1", "digest": DATA, "license": text} for text in texts],
        dataQuality=[
            {"dataset": text, "check": text, "definition": text, "checked": 10, "failed": 1, "threshold": 0.2}
            for text in texts
        ],
        lineage={"codeCommit": texts[0], "runId": texts[8], "baseModels": texts},
        approvals=[{"role": text, "by": text, "at": "2026-11-02T11:30:00Z"} for text in texts],
    )


def evidence(value: Json | None = None, verification: Verification | None = None) -> Evidence:
    """Return a manifest as documents are made of it."""
    return card.read(document() if value is None else value, verification)


def rendered(value: Json, wanted: card.Format, *, html: bool = False) -> str:
    """Return a document of a manifest."""
    return card.render(card.Request(evidence(value)), wanted, html=html)
