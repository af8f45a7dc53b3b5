"""The hooks for pre-commit, tried as another repository has them: installed by pre-commit, on real files."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from tools.release.commands import ReleaseError, run
from tools.release.commit import Commit

FILE: Final = ".pre-commit-hooks.yaml"
CONFIGURATION: Final = """\
repos:
- repo: {root}
  rev: {name}
  hooks:
  - id: actgate-check
    args: [-f, deploy]
  - id: actgate-check-files
"""
ACCEPTED: Final = {
    "deploy/model.yaml": "examples/accepted/model-deployment.yaml",
    "model_compliance_manifest.json": "examples/pipeline/model_compliance_manifest.json",
}
REFUSED: Final = {
    "deploy/model.yaml": "examples/refused/bias-claim.yaml",
    "model_compliance_manifest.json": "examples/pipeline/metric-misspelt.json",
}
"""Each file of the other repository, by the example that it is a copy of."""


def try_out(commit: Commit, work: Path) -> None:
    """Run both hooks over accepted files, and then over refused ones one by one.

    Raises:
        ReleaseError: A hook cannot be installed, fails what is accepted, or passes what is refused.
    """
    other = work / "other-repository"
    (other / "deploy").mkdir(parents=True)
    run(["git", "init", "--quiet"], other)
    run([sys.executable, "-m", "pre_commit", "validate-manifest", commit.root / FILE], work)
    configuration = CONFIGURATION.format(root=commit.root, name=commit.name)
    (other / ".pre-commit-config.yaml").write_text(configuration, encoding="utf-8")
    for file, example in ACCEPTED.items():
        shutil.copy(commit.root / example, other / file)
    _run_hooks(other, work, expected=0)
    for file, example in REFUSED.items():
        shutil.copy(commit.root / example, other / file)
        printed = _run_hooks(other, work, expected=1)
        if file not in printed:
            raise ReleaseError(f"{FILE}: the hook that fails does not name {file}:\n{printed}")
        shutil.copy(commit.root / ACCEPTED[file], other / file)


def _run_hooks(other: Path, work: Path, expected: int) -> str:
    run(["git", "add", "--all"], other)
    environment = {"PRE_COMMIT_HOME": str(work / "pre-commit")}
    return run([sys.executable, "-m", "pre_commit", "run", "--all-files"], other, environment, expected)
