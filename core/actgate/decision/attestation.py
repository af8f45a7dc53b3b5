"""Attestations as the decision sees them: what a statement says, and who verifiably signed it.

No cryptography happens here. ``actgate.attestations`` reads envelopes and verifies each (envelope, key) pair
once; what it found are facts, and the rules judge whether a policy trusts the signers for this, and when.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from actgate.decision.problem import Problem


@dataclass(frozen=True, slots=True)
class Signer:
    """A key or certificate whose signature over an envelope was verified."""

    anchor: str
    """What has to be trusted: ``sha256:<hex>`` of the DER of the public key (SubjectPublicKeyInfo), or of the
    root certificate under which the signer's chain was verified."""
    party: str
    """By what distinct signers are counted: the anchor of a key; of a certificate the SHA-256 over root and
    subject alternative names. Never a key id."""
    name: str
    """For people: the key's fingerprint, or the subject alternative name."""
    identities: tuple[tuple[str, str], ...] = ()
    """Subject alternative names of a certificate: (``uri``, ``email`` or ``dns``; value). Empty for a key."""
    not_before: datetime | None = None
    """From when on every certificate of the chain is valid; None for a key."""
    not_after: datetime | None = None
    """Until when, included, every certificate of the chain is valid; None for a key."""


@dataclass(frozen=True, slots=True)
class PlannedMeasurement:
    """One measurement that a plan fixed before the run."""

    attribute: str | None
    metric: str
    threshold: float | None


@dataclass(frozen=True, slots=True)
class PlannedTest:
    """One test of accuracy, robustness or cybersecurity that a plan fixed before the run."""

    kind: str
    metric: str | None = None
    """None where any metric of the kind is meant."""
    comparator: str | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Attestation:
    """One item of ``spec.attestations``."""

    name: str
    predicate_type: str | None = None
    """URI of what it attests; None where the statement cannot be read."""
    payload_digest: str | None = None
    """``sha256:<hex>`` of the signed bytes; None where there are none."""
    subjects: frozenset[str] = frozenset()
    """Digests of the artefacts that the statement is about, ``sha256:<hex>``."""
    signers: tuple[Signer, ...] = ()
    """Each verified signer once, of those that the known policies trust for anything."""
    unverified: tuple[str, ...] = ()
    """For each signature that none of the trusted keys verifies, in a few words what it claims to be by."""
    invalid: str | None = None
    """Why a signature that names a trusted key, or a certificate, is wrong; None where none is."""
    unreadable: Problem | None = None
    """Why envelope, bundle or statement are not understood; its path begins within the attestation."""
    mismatch: Problem | None = None
    """The first field in which ``spec`` differs from the payload; its path begins at ``spec``."""
    planned: tuple[PlannedMeasurement, ...] | None = None
    """Measurements that a plan fixes; None for any other statement."""
    approves: str | None = None
    """Payload digest that an approval is about; None for any other statement."""
    signed_by: datetime | None = None
    """A moment before which it was signed, proven by a timestamp in its bundle; None without one, and always
    None today."""
    planned_tests: tuple[PlannedTest, ...] = ()
    """Tests that a plan fixes; none for any other statement."""


class Result(StrEnum):
    """What a policy makes of an attestation."""

    ACCEPTED = "Accepted"
    REFUSED = "Refused"
    IGNORED = "Ignored"
    """No policy asks for it, and nothing in it contradicts the manifest."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """One attestation under the policies that apply: for status, records and the command line."""

    name: str
    predicate_type: str | None
    payload_digest: str | None
    result: Result
    authority: str | None = None
    """Name of the authority whose signature was accepted."""
    signer: str | None = None
    """The key or identity that signed, for people."""
    signed_no_later_than: datetime | None = None
    """The moment from which on the signature is known to exist; None where none is known."""
    reason: str | None = None
    """Why it was refused."""
