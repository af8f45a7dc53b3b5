"""``/livez`` and ``/readyz`` of a service, in the form that the API server's own have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

HealthCheck = Callable[[], Mapping[str, str | None]]
"""Returns why each check fails by its name, None for one that passes."""

HealthNotes = Callable[[], Mapping[str, str]]
"""Returns what should be known though nothing fails, by its name."""

PASSED: Final = 200
FAILED: Final = 503


@dataclass(slots=True)
class Health:
    """What one endpoint checks, anew for every probe."""

    endpoint: str
    """``livez`` or ``readyz``."""
    checks: list[HealthCheck] = field(default_factory=list)
    notes: list[HealthNotes] = field(default_factory=list)
    """For readers of the page in full: a note fails nothing."""

    def page(self, *, verbose: bool) -> tuple[int, str]:
        """Return HTTP status and text; every check is named where one fails, or with ``verbose``."""
        results = {name: reason for check in self.checks for name, reason in check().items()}
        failed = any(results.values())
        if not failed and not verbose:
            return PASSED, "ok"
        lines = [_line(name, reason) for name, reason in results.items()]
        lines += [f"[ ]{name}: {text}" for note in self.notes for name, text in note().items()]
        lines.append(f"{self.endpoint} check {'failed' if failed else 'passed'}\n")
        return (FAILED if failed else PASSED), "\n".join(lines)


def _line(name: str, reason: str | None) -> str:
    return f"[+]{name} ok" if reason is None else f"[-]{name} failed: {reason}"
