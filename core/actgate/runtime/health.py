"""Whether a service lives, and whether it may be asked; told check by check, as the API server does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

Troubles = Callable[[], Mapping[str, str | None]]
"""Returns for each check why it fails, None where it holds."""

PASSED: Final = 200
FAILED: Final = 503


@dataclass(slots=True)
class Health:
    """Checks by name, asked anew for every probe."""

    endpoint: str
    """What is probed: ``livez`` or ``readyz``."""
    sources: list[Troubles] = field(default_factory=list)

    def troubles(self) -> dict[str, str | None]:
        """Return every check with why it fails, None where it holds."""
        return {name: trouble for source in self.sources for name, trouble in source().items()}

    def page(self, *, verbose: bool) -> tuple[int, str]:
        """Return HTTP status and text; failing checks are always named."""
        troubles = self.troubles()
        failed = any(troubles.values())
        if not failed and not verbose:
            return PASSED, "ok"
        lines = [_line(name, trouble) for name, trouble in troubles.items()]
        lines.append(f"{self.endpoint} check {'failed' if failed else 'passed'}\n")
        return (FAILED if failed else PASSED), "\n".join(lines)


def _line(name: str, trouble: str | None) -> str:
    return f"[+]{name} ok" if trouble is None else f"[-]{name} failed: {trouble}"
