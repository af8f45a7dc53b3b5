"""Why an audit cannot be made."""

from actgate.manifests.errors import EvidenceError


class AuditError(EvidenceError):
    """Data, counts or arguments that cannot be audited: one sentence per line, never a value of the data."""
