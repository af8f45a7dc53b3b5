"""``/livez`` and ``/readyz`` of a service, in the form that the API server's own have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

HealthCheck = Callable[[], Mapping[str, str | None]]
"""Returns why each check fails by its name, None for one that passes."""

PASSED: Final = 200
FAILED: Final = 503


@dataclass(slots=True)
class Health:
    """What one endpoint checks, anew for every probe."""

    endpoint: str
    """``livez`` or ``readyz``."""
    checks: list[HealthCheck] = field(default_factory=list)

    def page(self, *, verbose: bool) -> tuple[int, str]:
        """Return HTTP status and text; every check is named where one fails, or with ``verbose``."""
        results = {name: reason for check in self.checks for name, reason in check().items()}
        failed = any(results.values())
        if not failed and not verbose:
            return PASSED, "ok"
        lines = [_line(name, reason) for name, reason in results.items()]
        lines.append(f"{self.endpoint} check {'failed' if failed else 'passed'}\n")
        return (FAILED if failed else PASSED), "\n".join(lines)


def _line(name: str, reason: str | None) -> str:
    return f"[+]{name} ok" if reason is None else f"[-]{name} failed: {reason}"
