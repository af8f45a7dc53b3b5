"""The three resources of the group ``actgate.dev``, and the names that everybody else relies on.

The pydantic models here are the source of ``crds/`` (``make crds``) and of every check of shape.
What the values mean is not decided here: that is ``actgate.policy``.
"""

from actgate.api.compliance_manifest import ComplianceManifest, ComplianceManifestSpec
from actgate.api.compliance_policy import CompliancePolicy, CompliancePolicySpec, Enforcement
from actgate.api.model_deployment import ModelDeployment, ModelDeploymentSpec
from actgate.api.names import API_VERSION, GROUP, VERSION

__all__ = [
    "API_VERSION",
    "GROUP",
    "VERSION",
    "ComplianceManifest",
    "ComplianceManifestSpec",
    "CompliancePolicy",
    "CompliancePolicySpec",
    "Enforcement",
    "ModelDeployment",
    "ModelDeploymentSpec",
]
