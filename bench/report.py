"""What a measurement reports, and the page that keeps it."""

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
_PACKAGES: Final = ("fastapi", "uvicorn", "uvloop", "httptools", "orjson", "pydantic", "kubernetes")


@dataclass(frozen=True, slots=True)
class Section:
    """One measurement: what was asked, a table, and what the numbers say."""

    title: str
    asked: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    reading: str

    def markdown(self) -> str:
        """Return the section for the page."""
        lines = [f"## {self.title}", "", self.asked, "", _row(self.header), _row("---" for _ in self.header)]
        return "\n".join([*lines, *(_row(row) for row in self.rows), "", self.reading, ""])


def page(sections: Iterable[Section]) -> str:
    """Return the whole page, with the machine and the commit that were measured."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    head = f"""# Performance

Written by `make bench`; not edited by hand. Absolute numbers belong to one machine and one run: compare the
ratios, each of which was taken within this run.

- measured: {datetime.now(UTC):%Y-%m-%d} at commit {_commit()}
- machine: {os.cpu_count()} cores, {platform.machine()}, {platform.system()} {platform.release()}
- Python {platform.python_version()}
- packages: {packages}
"""
    return "\n".join([head, *(section.markdown() for section in sections)])


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` (0 to 1) of the values lie; nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() or "unknown"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
