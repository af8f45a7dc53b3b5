"""What is wrong with a key, a certificate, an authority or an envelope: one sentence each."""

from actgate.decision.problem import Problem


class AttestationError(ValueError):
    """A key or certificate that cannot be used: why, in one sentence."""


class UnreadableError(AttestationError):
    """An envelope, bundle or statement that is not understood."""

    def __init__(self, path: str, message: str, remediation: str) -> None:
        super().__init__(f"{path}: {message}")
        self.problem = Problem(path, message, remediation)
        """Where, within the attestation, and what is wrong there."""
