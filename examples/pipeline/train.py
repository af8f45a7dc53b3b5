"""The last step of a training pipeline: record what was measured, and write it beside the model.

Afterwards: ``actgate check -f model_compliance_manifest.json``.
"""

from actgate import EUAIActGovernanceLogger

logger = EUAIActGovernanceLogger("CreditRiskScorer-v2", "HIGH_RISK")
logger.log_bias_check(0.03)
logger.export_compliance_manifest("model_compliance_manifest.json")
