"""The files of ``examples/``: what each shows, and what must be answered.

An example begins with comments: what it shows, and a line such as ``# Answer: Fail bias/limit, bias/claim``.
Its dates are as of ``WRITTEN``; ``as_of`` moves them, so that an example of last week's evidence stays one.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

WRITTEN: Final = datetime(2026, 11, 23, tzinfo=UTC)
"""The day on which the examples' dates were chosen."""

GROUND: Final = ("Namespace", "CompliancePolicy", "Exemption")
"""Kinds that an administrator applies before users deploy."""

_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z)?")
_ANSWER: Final = re.compile(r"^# Answer: (?P<outcome>Pass|Warn|Fail)(?: (?P<rules>.+))?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """One example file."""

    name: str
    """Its file name without the ending."""
    shows: str
    """What it shows, in a sentence or two."""
    outcome: str
    """Pass, Warn or Fail."""
    rules: tuple[str, ...]
    """The rules that the answer names, in the order of the rule table."""
    text: str
    """The YAML."""

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The objects in it."""
        return [document for document in yaml.load_all(self.text, Loader=yaml.CSafeLoader) if document]

    @property
    def policies(self) -> int:
        """How many CompliancePolicies it brings."""
        return sum(document["kind"] == "CompliancePolicy" for document in self.documents)

    @property
    def exemptions(self) -> int:
        """How many Exemptions it brings."""
        return sum(document["kind"] == "Exemption" for document in self.documents)

    @property
    def ground(self) -> str:
        """What an administrator applies before users deploy, as YAML; see ``GROUND``."""
        return yaml.safe_dump_all(document for document in self.documents if document["kind"] in GROUND)

    @property
    def names_its_namespace(self) -> bool:
        """Whether it brings a namespace of its own, and so cannot be put into another one."""
        return any(document["kind"] == "Namespace" for document in self.documents)

    @property
    def refused_by_schema(self) -> bool:
        """Whether the API server refuses its manifest by the CRD's schema, before any webhook."""
        return "manifest/invalid" in self.rules


def load(path: Path, now: datetime) -> Example:
    """Read an example file, its dates moved to ``now``.

    Raises:
        ValueError: When it does not say which answer it expects.
    """
    text = path.read_text(encoding="utf-8")
    answer = _ANSWER.search(text)
    if answer is None:
        raise ValueError(f"{path}: no line '# Answer: Pass|Warn|Fail [rule, rule]'")
    comments = text[: answer.start()].splitlines()
    return Example(
        name=path.stem,
        shows=" ".join(comment.removeprefix("#").strip() for comment in comments),
        outcome=answer["outcome"],
        rules=tuple((answer["rules"] or "").split(", ")) if answer["rules"] else (),
        text=as_of(text, now),
    )


def load_all(folder: Path, now: datetime) -> list[Example]:
    """Read every example of a folder, in the order of their names."""
    return [load(path, now) for path in sorted(folder.glob("*.yaml"))]


def as_of(text: str, now: datetime) -> str:
    """Move every moment in a text by the whole days between ``WRITTEN`` and ``now``."""
    days = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - WRITTEN

    def moved(found: re.Match[str]) -> str:
        moment = datetime.fromisoformat(found[0]) + days
        form = moment.replace(tzinfo=None).isoformat()
        return f"{form}Z" if found[0].endswith("Z") else form

    return _MOMENT.sub(moved, text)
