"""Words: code, tests and docs use the terms of Kubernetes and Python, so that a search finds the place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

INSTEAD: Final = {
    "picture": "cache, informer cache",
    "recalled": "from_cache()",
    "mend(s|ed|ing)?": "fix, remediation",
    "troubles?": "failing check, error, failure",
    "told|tells|telling": "reported, logged, configured; says",
    "deeds?": "changes",
    "look(s|ed)? at": "observe, reconcile, read, judge",
    "settled?": "in sync, idle",
    "absorb(s|ed)?": "adopt",
    "hand(s|ed)? over": "pass on",
    "unproven": "recommendations",
    "timely": "validity",
    "turning[ _]points?": "transition times",
    "nobody|anybody|everybody|somebody|whoever": "the user, the caller, another field manager, no process",
    "undone|foreign[ _]edits?": "reverted, drift",
    "(stands?|stood) twice": "duplicate",
    "is no (YAML|JSON)": "is not valid YAML, is not JSON",
    "not[ _]now": "unavailable",
    "take stock|break glass|first light": "review, emergency disable, quick start",
}
"""Words that are not used, as regular expressions, and what is used for them."""

FOLDERS: Final = (
    "bench",
    "core",
    "demo",
    "deploy",
    "docs",
    "examples",
    "operator",
    "recorder",
    "sandbox",
    "tests",
    "tools",
    "webhook",
)
SUFFIXES: Final = frozenset({".css", ".in", ".lua", ".md", ".py", ".sh", ".toml", ".yaml", ".yml"})
LEFT_OUT: Final = frozenset(
    {
        "CHANGELOG.md",  # names what was renamed
        "tests/tools/test_words.py",
    }
)

_ANY: Final = re.compile(rf"(?<![A-Za-z])({'|'.join(INSTEAD)})(?![a-z])", re.IGNORECASE)


def files() -> Iterator[Path]:
    """Yield every text that people of this project write."""
    below = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    for path in (*ROOT.iterdir(), *below):
        name = path.relative_to(ROOT).as_posix()
        if path.suffix in SUFFIXES and name not in LEFT_OUT:
            yield path


def findings(text: str) -> list[str]:
    """Return the lines of a text that use a word of the list, with their numbers."""
    return [
        f"{number}: {line.strip()}" for number, line in enumerate(text.splitlines(), 1) if _ANY.search(line)
    ]


def test_code_tests_and_docs_use_standard_words() -> None:
    """The message names the place; `INSTEAD` has the word to use."""
    found = [
        f"{path.relative_to(ROOT)}:{line}" for path in files() for line in findings(path.read_text("utf-8"))
    ]
    assert found == []


def test_identifiers_are_searched_as_well() -> None:
    """Parts of names count, parts of words do not."""
    assert findings("def test_it_is_told_so(): ...\nself._trouble = None\nNobody\nturning_points\n") != []
    assert findings("a recommendation, amended, untold, NotNowhere, picturesque") == []
