"""Who has to close an open item: roles by default, persons or desks where a file names them.

The file is YAML or JSON: ``roles`` names a role, ``items`` the owner of one point of Annex IV::

    roles: {security: Security desk, risk: model-risk@bank.example}
    items: {"2(b)": J. Doe}
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, ValidationError

from actgate.api.base import Model, Name
from actgate.api.paths import dotted
from actgate.api.quoting import quoted
from actgate.decision.problem import Problem
from actgate.manifests.errors import UnreadableError
from actgate.manifests.shape import problem

ROLES: Final[Mapping[str, str]] = {
    "provider": "Provider (authorised signatory)",
    "product": "Product owner",
    "engineering": "Lead engineer",
    "data": "Data owner",
    "risk": "Risk manager",
    "oversight": "Head of human oversight",
    "security": "Security officer",
    "compliance": "Compliance officer",
    "operations": "Operations lead",
}
"""Each role by its key, with the name that stands in a document."""


class OwnersError(UnreadableError):
    """A file of owners that cannot be used; a line for each problem."""


class _File(Model):
    roles: dict[str, Name] = Field(default_factory=dict)
    items: Annotated[dict[str, Name], Field(max_length=64)] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Owners:
    """Names of roles, and of the owners of single points."""

    roles: Mapping[str, str]
    items: Mapping[str, str]

    def of(self, point: str, role: str) -> str:
        """Return the owner of a point of Annex IV, which is a role's where the file names no other."""
        return self.items.get(point) or self.roles[role]


DEFAULT: Final = Owners(ROLES, {})


def read(value: object, points: frozenset[str]) -> Owners:
    """Read a file of owners.

    Args:
        value: The document in the file.
        points: Points of Annex IV that there are.

    Raises:
        OwnersError: It is none, or names a role or a point that there is not.
    """
    try:
        found = _File.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as error:
        raise OwnersError(problem(item, item["loc"]) for item in error.errors(include_url=False)) from None
    wrong = [
        _unknown(field, name, known)
        for field, names, known in (("roles", found.roles, {*ROLES}), ("items", found.items, points))
        for name in names
        if name not in known
    ]
    if wrong:
        raise OwnersError(wrong)
    return Owners({**ROLES, **found.roles}, found.items)


def _unknown(field: str, name: str, known: Collection[str]) -> Problem:
    supported = ", ".join(sorted(known))
    message = f"Unsupported value: {quoted(name)}: supported values: {supported}"
    return Problem(dotted((field, name)), message, "write one of the supported values")
