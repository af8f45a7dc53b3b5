"""Exemption: findings that are accepted for some objects, by name, with a reason and an end.

It relaxes nothing by itself: findings stay in every verdict, report and log, with the effect ``Exempted``.
Who may create one is a matter of RBAC, and that right is the approval. House policy: the AI Act knows no
such exemption, and nothing can exempt from its Article 5.
"""

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field

from actgate.api.base import Counter, Model, Name, Resource, ShortText, Text, Timestamp
from actgate.api.model_deployment import Condition
from actgate.api.names import LABEL, SUBDOMAIN

LONGEST_DAYS: Final = 90
"""Days from the beginning of an exemption to its end, at most."""
ANY_NAME: Final = "*"
"""As the name of a subject: every object of that kind in that namespace."""

NEVER_EXEMPT: Final = ("risk/prohibited", "manifest/invalid")
"""Rules that no exemption may name: Article 5, and evidence that cannot be read."""


class ExemptSubject(Model):
    """Objects of one kind in one namespace."""

    api_group: Annotated[str, Field(pattern=r"^[a-z0-9.-]*$", max_length=253)] = ""
    """API group of the kind; empty for the core group."""
    kind: Annotated[str, Field(pattern=r"^[A-Z][a-zA-Z]*$", max_length=63)]
    """Kind of the object, such as Deployment."""
    namespace: Annotated[str, Field(pattern=f"^{LABEL}$", max_length=63)]
    """Its namespace."""
    name: Annotated[str, Field(pattern=rf"^(\*|{SUBDOMAIN})$", min_length=1, max_length=253)]
    """Its name; * for every object of that kind in that namespace."""


class ExemptionSpec(Model):
    """What is accepted, for which objects, why, and until when; it never changes."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": f"!self.rules.exists(r, r in {list(NEVER_EXEMPT)})",
                    "message": f"must not name {' or '.join(NEVER_EXEMPT)}",
                    "fieldPath": ".rules",
                },
                {"rule": "self == oldSelf", "message": "is immutable: create another Exemption"},
                {
                    "rule": "self.notAfter > self.notBefore && "
                    f"self.notAfter - self.notBefore <= duration('{LONGEST_DAYS * 24}h')",
                    "message": f"must be after notBefore, by at most {LONGEST_DAYS} days",
                    "fieldPath": ".notAfter",
                },
                {
                    "rule": "self.approvedBy != self.requestedBy",
                    "message": "must be another person than requestedBy",
                    "fieldPath": ".approvedBy",
                },
            ]
        }
    )

    subjects: Annotated[list[ExemptSubject], Field(min_length=1, max_length=50)]
    """The objects that it is about; what they own is judged through them."""
    rules: Annotated[
        list[Annotated[str, Field(pattern="^[a-z]+/[a-z]+$", max_length=63)]],
        Field(min_length=1, max_length=64),
    ]
    """Ids of the rules whose findings are accepted; never risk/prohibited or manifest/invalid."""
    reason: Annotated[str, Field(min_length=20, max_length=4096)]
    """Why the risk is accepted, in a sentence at least."""
    reference: ShortText
    """Ticket or document in which it was decided."""
    requested_by: Name
    """Who asked for it."""
    approved_by: Name
    """Who approved it; another person."""
    not_before: Timestamp
    """It counts from this moment on."""
    not_after: Timestamp
    """It counts before this moment."""
    mitigations: Annotated[list[Text], Field(max_length=16)] = []
    """What is done meanwhile to contain the risk."""


class ExemptionStatus(Model):
    """What became of it, written by the operator; never an input of a decision."""

    observed_generation: Counter | None = None
    """Generation of the spec that the status is about."""
    conditions: Annotated[
        list[Condition],
        Field(
            max_length=16,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = []
    """Active and Expired, by its period; Unused where no object has a finding that it covers."""
    matched: Counter | None = None
    """Objects with a finding that it covers."""
    last_used_at: Timestamp | None = None
    """When a decision last depended on it, to the hour."""


class Exemption(Resource):
    """Findings that are accepted for some objects, with a reason and an end."""

    kind: Literal["Exemption"]
    spec: ExemptionSpec
    status: ExemptionStatus | None = None
