"""Evidence: reading it in either version, converting it, its digest, and writing it in a pipeline.

- ``documents``: YAML and JSON as Kubernetes reads them;
- ``read``: a ComplianceManifest object (v1) to the values that the rules judge;
- ``v0``, ``v0_keys``, ``convert``: the pipeline's JSON (v0) in v1's terms, and keys of it that are refused;
- ``canonical``: the digest by RFC 8785;
- ``model_deployments``: what the API server would refuse of a ModelDeployment, and of any frame;
- ``policies``: a CompliancePolicy object to the policy that the rules apply;
- ``logger``: writes evidence from a training pipeline.

What is wrong with evidence is never an exception while it is judged: it is a problem of the manifest,
and the rule ``manifest/invalid`` speaks of it. Whoever converts or writes gets an ``EvidenceError``.
"""

from actgate.evidence.canonical import digest
from actgate.evidence.convert import Conversion, convert, origins, read_document
from actgate.evidence.documents import Document, load
from actgate.evidence.errors import DigestError, DocumentError, EvidenceError, UnreadableError
from actgate.evidence.files import to_json, to_yaml
from actgate.evidence.logger import EUAIActGovernanceLogger
from actgate.evidence.model_deployments import model_deployment_problems, resource_problems
from actgate.evidence.policies import policy_or_strictest, read_policy
from actgate.evidence.read import read_manifest
from actgate.evidence.v0 import Weakness, is_v0, origin
from actgate.evidence.v0_keys import unnamed

__all__ = [
    "Conversion",
    "DigestError",
    "Document",
    "DocumentError",
    "EUAIActGovernanceLogger",
    "EvidenceError",
    "UnreadableError",
    "Weakness",
    "convert",
    "digest",
    "is_v0",
    "load",
    "model_deployment_problems",
    "origin",
    "origins",
    "policy_or_strictest",
    "read_document",
    "read_manifest",
    "read_policy",
    "resource_problems",
    "to_json",
    "to_yaml",
    "unnamed",
]
