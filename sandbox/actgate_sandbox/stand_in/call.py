"""One request, taken apart: whom it is about, who asks, and with which options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from actgate_sandbox.stand_in.managers import owner_name
from actgate_sandbox.stand_in.resources import Resource
from actgate_sandbox.stand_in.store import Key
from actgate_sandbox.status import ApiError, Cause, invalid_option, not_found

User = Mapping[str, Any]
"""`authentication.k8s.io/v1 UserInfo`, as webhooks see it."""

Validation = Literal["Ignore", "Warn", "Strict"]


@dataclass(frozen=True, slots=True)
class Options:
    """The query parameters that every write takes."""

    dry_run: bool = False
    manager: str = "unknown"
    manager_given: bool = False
    validation: Validation = "Warn"
    validation_given: bool = False
    force: bool = False
    policy: str = ""
    """The propagation policy of a deletion."""

    @classmethod
    def read(cls, kind: str, query: Mapping[str, str], user_agent: str) -> Options:
        """Read the options of a write, which together are called `kind` (`CreateOptions`).

        Raises:
            ApiError: 422 where one has a value that does not exist.
        """
        dry_run, validation = query.get("dryRun", ""), query.get("fieldValidation") or "Warn"
        for option, value, values in (
            ("dryRun", dry_run, ("", "All")),
            ("fieldValidation", validation, ("Ignore", "Strict", "Warn")),
        ):
            if value not in values:
                why = f'Unsupported value: "{value}": supported values: {", ".join(values)}'
                raise invalid_option(kind, Cause("FieldValueNotSupported", option, why))
        given = query.get("fieldManager")
        return cls(
            dry_run=dry_run == "All",
            manager=owner_name(given, user_agent),
            manager_given=bool(given),
            validation=validation,  # type: ignore[arg-type]
            validation_given="fieldValidation" in query,
            force=query.get("force") in ("true", "1"),
        )


@dataclass(slots=True)
class Call:
    """One request to one resource."""

    resource: Resource
    namespace: str
    name: str
    user: User
    subresource: str = ""
    options: Options = field(default_factory=Options)
    warnings: list[str] = field(default_factory=list)

    @property
    def key(self) -> Key:
        """Return the key of the object that the path names."""
        return Key(self.namespace, self.name)

    def missing(self) -> ApiError:
        """Return the 404 for the object that the path names."""
        return not_found(self.resource.plural, self.resource.group, self.name)

    def about(self, name: str) -> Call:
        """Return the same call about another object, with the same list of warnings."""
        return replace(self, name=name)
