"""The operator as a process beside the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from actgate_sandbox.errors import SandboxError
from actgate_sandbox.service import operator


def test_an_operator_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    """What it cannot be started with is said at once, and not after a minute of waiting."""
    with pytest.raises(SandboxError, match=r"^the operator ended: "), operator(tmp_path, "--no-such-flag"):
        pass
