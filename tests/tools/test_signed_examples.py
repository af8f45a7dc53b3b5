"""The script that signs refused examples writes those in the repository, but for keys and signatures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from actgate.cli.main import main
from tools.signed_examples import EXAMPLES, write

ROOT = Path(__file__).parents[2]
_MADE_ANEW = re.compile(
    r"(?<=^          )[A-Za-z0-9+/=]{40,}$|(?<=keyid: \")sha256:[0-9a-f]{64}|(?<=sig: \")[A-Za-z0-9+/=]+",
    re.MULTILINE,
)


@pytest.mark.parametrize("rule", EXAMPLES)
def test_a_file_is_what_the_script_writes(rule: str, tmp_path: Path) -> None:
    """Payloads included: they are signed anew, and say the same."""
    write(tmp_path)
    name = f"{rule.replace('/', '-')}.yaml"
    anew, committed = (
        (folder / name).read_text(encoding="utf-8") for folder in (tmp_path, ROOT / "examples" / "refused")
    )
    assert _MADE_ANEW.sub("", anew) == _MADE_ANEW.sub("", committed)


@pytest.mark.parametrize("rule", EXAMPLES)
def test_what_is_signed_anew_is_refused_by_its_rule(
    rule: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The refusal rests on what the file shows, and not on one pair of keys."""
    write(tmp_path)
    path = tmp_path / f"{rule.replace('/', '-')}.yaml"
    moment = "2026-11-23T12:00:00Z"
    assert main(["check", "-f", str(path), "--now", moment, "-o", "json"]) == 1
    [verdict] = json.loads(capsys.readouterr().out)["verdicts"]
    assert {item["rule"] for item in verdict["findings"]} == {rule}
