"""Whom a policy trusts: the anchors of its authorities, and what keeps one of them from signing.

An authority that cannot be read stays in the policy and can sign nothing, and a name that leads nowhere is
no signer's: so a policy with such a fault asks for no less than it was meant to.
"""

from collections import Counter
from collections.abc import Iterator

from actgate.api.compliance_policy import Authority, CertificateIdentity, CompliancePolicySpec, EvidencePolicy
from actgate.api.quoting import quoted
from actgate.attestations import AttestationError, authority_anchors
from actgate.decision import authorities
from actgate.decision.problem import Problem

_PEM = "write the public key or the certificates in PEM, as openssl and cosign do"


def anchors_of(spec: CompliancePolicySpec) -> tuple[dict[str, frozenset[str]], list[Problem]]:
    """Return by what the signers of each authority are known, and what is wrong with authorities.

    An authority that has a problem of its own has no anchors.
    """
    anchors, problems = {}, []
    stated = Counter(authority.name for authority in spec.evidence.authorities)
    for index, authority in enumerate(spec.evidence.authorities):
        path = f"spec.evidence.authorities[{index}]"
        found = [*_form_problems(authority, path, stated[authority.name])]
        try:
            known = authority_anchors(authority)
        except AttestationError as error:
            field, _, message = str(error).partition(": ")
            found.append(Problem(f"{path}.{field}", message, _PEM))
        if found:
            problems += found
        else:
            anchors[authority.name] = known
    return anchors, [*problems, *_nameless(spec.evidence)]


def _form_problems(authority: Authority, path: str, count: int) -> Iterator[Problem]:
    """Yield what the API server refuses, and expressions that are none."""
    if count > 1:
        message = f"Duplicate value: {quoted(authority.name)}"
        yield Problem(f"{path}.name", message, "give each authority a name of its own")
    if (authority.key is None) == (authority.certificate is None):
        message = "Invalid value: must have either a key or a certificate"
        yield Problem(path, message, "write an authority for each key, and one for certificates")
    for place, identity in enumerate(authority.certificate.identities if authority.certificate else ()):
        where = f"{path}.certificate.identities[{place}]"
        fields = identity.model_dump(by_alias=True, exclude_none=True)
        if len(fields) != 1:
            message = "Invalid value: must have exactly one of " + ", ".join(_identity_fields())
            yield Problem(where, message, "write an identity for each name")
        for field, text in fields.items():
            if field.endswith("RegExp") and not authorities.is_pattern(text):
                message = f"Invalid value: {quoted(text)}: must be a regular expression"
                yield Problem(f"{where}.{field}", message, "correct the expression, or state the name itself")


def _identity_fields() -> Iterator[str]:
    return (field.alias or name for name, field in CertificateIdentity.model_fields.items())


def _nameless(evidence: EvidencePolicy) -> Iterator[Problem]:
    """Yield the names of authorities that the policy does not have."""
    names = {authority.name for authority in evidence.authorities}
    for index, requirement in enumerate(evidence.require):
        path = f"spec.evidence.require[{index}]"
        named = {"authorities": requirement.authorities, "distinctFrom": requirement.distinct_from}
        for field, listed in named.items():
            for place, name in enumerate(listed):
                if name not in names:
                    message = f"Invalid value: {quoted(name)}: must be the name of an authority in the policy"
                    yield Problem(
                        f"{path}.{field}[{place}]", message, "add the authority, or correct its name"
                    )
