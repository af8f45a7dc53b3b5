"""ComplianceManifests in either version, and their canonical digest.

- ``read``: a ComplianceManifest object (v1) to the values that the rules judge;
- ``v0``, ``v0_keys``, ``convert``: the pipeline's JSON (v0) in v1's terms, and keys of it that are refused;
- ``attested``: a manifest's attestations and the verifier of some policies;
- ``digests``: the digest by RFC 8785, and what has none;
- ``model_deployments``: what the API server would refuse of a ModelDeployment, and of any frame;
- ``policies``: a CompliancePolicy object to the policy that the rules apply;
- ``exemptions``: an Exemption object to the exemption that decisions apply.

What is wrong with evidence is never an exception while it is judged: it is a problem of the manifest,
and the rule ``manifest/invalid`` speaks of it. Converting raises an ``EvidenceError``.
"""

from actgate.manifests.attested import verifier_for
from actgate.manifests.convert import Conversion, convert, origins, read_document
from actgate.manifests.digests import digest
from actgate.manifests.errors import DigestError, EvidenceError, UnreadableError
from actgate.manifests.exemptions import exemption_if_readable, read_exemption
from actgate.manifests.model_deployments import (
    model_deployment_problems,
    model_spec_problems,
    resource_problems,
)
from actgate.manifests.policies import policy_or_strictest, read_policy
from actgate.manifests.read import read_manifest
from actgate.manifests.v0 import Weakness, is_v0, origin
from actgate.manifests.v0_keys import unnamed

__all__ = [
    "Conversion",
    "DigestError",
    "EvidenceError",
    "UnreadableError",
    "Weakness",
    "convert",
    "digest",
    "exemption_if_readable",
    "is_v0",
    "model_deployment_problems",
    "model_spec_problems",
    "origin",
    "origins",
    "policy_or_strictest",
    "read_document",
    "read_exemption",
    "read_manifest",
    "read_policy",
    "resource_problems",
    "unnamed",
    "verifier_for",
]
