"""Which fields of ``spec`` a predicate type covers: what its signature is about.

A field that is covered has to be in ``spec`` exactly as it is in the payload (``view``). ``evidence/level``
asks which fields are covered by a signer who may attest the type.
"""

from functools import lru_cache
from typing import Final

from actgate.api import predicates
from actgate.api.compliance_manifest import ComplianceManifestSpec

PARTIAL: Final = {
    predicates.BIAS_AUDIT: frozenset({"bias"}),
    predicates.EVALUATION: frozenset({"evaluations"}),
    predicates.DATA_QUALITY: frozenset({"dataQuality"}),
}
"""Types whose predicate has these fields of ``spec``, all of them, and no others."""

KNOWN: Final = frozenset(
    {
        *predicates.OWN_TYPES.values(),
        predicates.PROVENANCE,
        predicates.TEST_RESULT,
        predicates.MODEL_SIGNATURE,
    }
)
"""Types whose statements are understood. Those of others cover nothing, but have to be about this model."""


def covered(predicate_type: str) -> frozenset[str]:
    """Return the fields of ``spec`` that statements of this type are about; none for an unknown type."""
    if predicate_type == predicates.COMPLIANCE_MANIFEST:
        return whole_spec()
    return PARTIAL.get(predicate_type, frozenset())


@lru_cache(maxsize=1)
def whole_spec() -> frozenset[str]:
    """Return the fields of ``spec``, but for ``attestations``, which cannot sign themselves."""
    fields = ComplianceManifestSpec.model_fields.items()
    return frozenset(field.alias or name for name, field in fields) - {"attestations"}
