"""Which fields of ``spec`` a predicate type covers: what its signature is about.

A field that is covered has to be in ``spec`` exactly as it is in the payload (``view``). ``evidence/level``
asks which fields are covered by a signer who may attest the type.
"""

from functools import lru_cache

from actgate.api import predicates
from actgate.api.compliance_manifest import ComplianceManifestSpec


def covered(predicate_type: str) -> frozenset[str]:
    """Return the fields of ``spec`` that statements of this type are about; none for an unknown type."""
    if predicate_type == predicates.COMPLIANCE_MANIFEST:
        return whole_spec()
    return predicates.PARTIAL.get(predicate_type, frozenset())


@lru_cache(maxsize=1)
def whole_spec() -> frozenset[str]:
    """Return the fields of ``spec``, but for ``attestations``, which cannot sign themselves."""
    fields = ComplianceManifestSpec.model_fields.items()
    return frozenset(field.alias or name for name, field in fields) - {"attestations"}
