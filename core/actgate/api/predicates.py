"""Types of statements: what an in-toto Statement v1 says of its subjects, by its predicate type."""

from typing import Final

STATEMENT: Final = "https://in-toto.io/Statement/v1"
"""``_type`` of an in-toto Statement v1 (https://github.com/in-toto/attestation/blob/main/spec/v1)."""
STATEMENT_V0_1: Final = "https://in-toto.io/Statement/v0.1"
"""``_type`` of its predecessor, whose fields that are read here are the same: cosign 3 still writes it."""
STATEMENT_MEDIA_TYPE: Final = "application/vnd.in-toto+json"
"""Payload type of an envelope that holds one."""

_OURS: Final = "https://actgate.dev/attestation/{}/v1alpha1"

COMPLIANCE_MANIFEST: Final = _OURS.format("compliance-manifest")
"""The predicate is the whole ``spec`` of a manifest, without ``attestations``."""
BIAS_AUDIT: Final = _OURS.format("bias-audit")
"""The predicate is ``{"bias": [...]}``, as in ``spec``."""
EVALUATION: Final = _OURS.format("evaluation")
"""The predicate is ``{"evaluations": [...]}``, as in ``spec``."""
DATA_QUALITY: Final = _OURS.format("data-quality")
"""The predicate is ``{"dataQuality": [...]}``, as in ``spec``."""
PLAN: Final = _OURS.format("plan")
"""What was fixed before the run: ``{"bias": [{"attribute", "metric", "threshold"}, ...]}``."""
APPROVAL: Final = _OURS.format("approval")
"""A decision on another payload: ``{"approves": {"digest": "sha256:..."}, "role", "by", "at"}``."""

PROVENANCE: Final = "https://slsa.dev/provenance/v1"
TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
MODEL_SIGNATURE: Final = "https://model_signing/signature/v1.0"

OWN_TYPES: Final = {
    "compliance-manifest": COMPLIANCE_MANIFEST,
    "bias-audit": BIAS_AUDIT,
    "evaluation": EVALUATION,
    "data-quality": DATA_QUALITY,
    "plan": PLAN,
    "approval": APPROVAL,
}
"""The types of ours by their short names, as the command line takes them."""

PARTIAL: Final = {
    BIAS_AUDIT: frozenset({"bias"}),
    EVALUATION: frozenset({"evaluations"}),
    DATA_QUALITY: frozenset({"dataQuality"}),
}
"""Types whose predicate has these fields of ``spec``, all of them, and no others."""

KNOWN_TYPES: Final = frozenset({*OWN_TYPES.values(), PROVENANCE, TEST_RESULT, MODEL_SIGNATURE})
"""The types that are held against the manifest; any other one counts only where a policy asks for it."""


def covers(predicate_type: str | None, field: str) -> bool:
    """Return whether statements of a type say what stands in a field of ``spec``."""
    return predicate_type == COMPLIANCE_MANIFEST or field in PARTIAL.get(predicate_type or "", ())


_SHORT_NAMES: Final = {uri: name for name, uri in OWN_TYPES.items()}


def short_name(predicate_type: str) -> str:
    """Return what people call a type: the short name of one of ours, else its URI."""
    return _SHORT_NAMES.get(predicate_type, predicate_type)
