"""Entries for the tests of registries."""

from datetime import UTC, datetime
from typing import Any

from actgate.pipeline.register.registry import Entry, entry_of
from tests.cli.signing import party, unsigned
from tests.support.attested import Party, signed

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def entry(
    *parties: Party,
    files: dict[str, bytes] | None = None,
    name: str = "CreditRiskScorer",
    **spec: Any,  # noqa: ANN401 - fields of a spec
) -> Entry:
    """Return an entry, signed by some parties (by training alone where none is named)."""
    manifest = unsigned(**spec)
    manifest["spec"]["model"] = {**manifest["spec"]["model"], "name": name}
    for number, one in enumerate(parties or (party("training"),)):
        manifest["spec"] = signed(manifest["spec"], one, name=f"signed-{number}")
    return entry_of(manifest, files or {})


def unsigned_entry(name: str = "CreditRiskScorer", **spec: Any) -> Entry:  # noqa: ANN401
    """Return an entry without signatures."""
    manifest = unsigned(**spec)
    manifest["spec"]["model"] = {**manifest["spec"]["model"], "name": name}
    return entry_of(manifest, {})
