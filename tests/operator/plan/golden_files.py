"""Pairs of a ModelDeployment and what is planned for it, kept as files.

A difference here restarts every such model of every cluster when the operator is upgraded. Where that is
meant, rewrite the planned halves with ``python -m tests.operator.plan.golden_files``, and read the diff.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import yaml

from actgate_operator.plan import plan
from tests.operator.plan.build import EVIDENCE

FOLDER: Final = Path(__file__).with_name("golden")
_PLANNED: Final = ".planned.yaml"


def cases() -> list[str]:
    """Return the names of the kept ModelDeployments."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml") if not path.name.endswith(_PLANNED))


def asked(case: str) -> dict[str, Any]:
    """Return a kept ModelDeployment, as the API server would send it."""
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / f"{case}.yaml").read_text("utf-8"))
    return loaded


def planned_text(case: str) -> str:
    """Return what is planned for a kept ModelDeployment now."""
    sent = json.loads(json.dumps(plan(asked(case), EVIDENCE).children))
    return yaml.safe_dump_all(sent, width=200)


def kept(case: str) -> Path:
    """Return the file of what was planned for it."""
    return FOLDER / f"{case}{_PLANNED}"


if __name__ == "__main__":
    for name in cases():
        kept(name).write_text(planned_text(name), "utf-8")
