"""The same step, with evidence that stands by itself: a ComplianceManifest instead of the short file.

Afterwards: ``actgate check -f credit-risk-scorer-v2.yaml``.
"""

from actgate import EUAIActGovernanceLogger

logger = EUAIActGovernanceLogger(
    "CreditRiskScorer-v2", "HIGH_RISK", training_regions=[{"provider": "aws", "region": "eu-west-3"}]
)
logger.log_model(digest="sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
logger.log_classification(
    basis="III.5.b", profiling=True, rationale="Evaluates the creditworthiness of natural persons."
)
logger.log_bias_check(
    0.03,
    threshold=0.05,
    attribute="gender",
    groups=[
        {"name": "female", "count": 4120, "selected": 1689},
        {"name": "male", "count": 5010, "selected": 2204},
    ],
    library="fairlearn 0.15.0",
)
logger.log_human_oversight(
    True,
    role="Credit officer",
    contact="credit-desk@bank.example",
    override="The officer can overrule every score in the case file",
    stop="The officer can switch the scorer off in the case system",
)
logger.export_compliance_manifest("credit-risk-scorer-v2.yaml")
