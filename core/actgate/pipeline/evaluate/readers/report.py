"""A report of another library, and what is taken from it.

A report is input of strangers: its size, depth and numbers are bounded, and messages name places, not values.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from actgate.api.canonical import sha256
from actgate.api.compliance_manifest import Comparator, Evaluation
from actgate.api.quoting import cut
from actgate.pipeline.evaluate.errors import EvaluationError

_LARGEST: Final = 64 * 1024 * 1024
MOST: Final = 48
"""Most results of a report; a manifest has 64 evaluations in all."""
_LONGEST: Final = 253


@dataclass(frozen=True, slots=True)
class Report:
    """The bytes of a report."""

    name: str
    form: str
    raw: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        return sha256(self.raw)

    @property
    def text(self) -> str:
        """The report as text; raises EvaluationError where it is none."""
        try:
            return self.raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise self.refused("is not UTF-8") from None

    def json(self) -> Any:  # noqa: ANN401 - JSON holds anything
        """Return the value of the report; NaN and the infinities are null.

        Raises:
            EvaluationError: It is not JSON.
        """
        text = self.text
        try:
            return json.loads(text, parse_constant=lambda _: None, object_pairs_hook=_unique)
        except json.JSONDecodeError as error:
            raise self.refused(f"is not valid JSON: line {error.lineno}") from None
        except _TwiceError:
            raise self.refused("has a key twice, which readers take differently") from None
        except (RecursionError, ValueError):
            raise self.refused(
                "cannot be read as JSON: it is nested too deeply or has a huge number"
            ) from None

    def refused(self, why: str) -> EvaluationError:
        """Return the error about a report that cannot be used."""
        return EvaluationError(f"{self.name}: {why}: name a report of {self.form}, as that writes it")

    def fields(self, value: object, path: str) -> Mapping[str, Any]:
        """Return an object, or refuse the report."""
        if not isinstance(value, dict):
            raise self.refused(f"{path}: {_not(value, 'an object')}")
        return value

    def items(self, value: object, path: str) -> Sequence[Any]:
        """Return a list, or refuse the report."""
        if not isinstance(value, list):
            raise self.refused(f"{path}: {_not(value, 'a list')}")
        return value

    def number(self, value: object, path: str) -> float:
        """Return a finite number, or refuse the report."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                if math.isfinite(found := float(value)):
                    return found
            except OverflowError:
                pass
        raise self.refused(f"{path}: {_not(value, 'a finite number')}")

    def count(self, value: object, path: str) -> int:
        """Return a count, or refuse the report."""
        found = self.number(value, path)
        if found < 0 or not found.is_integer() or found > 2**53 - 1:
            raise self.refused(f"{path}: {_not(value, 'a count')}")
        return int(found)

    def evaluation(
        self,
        kind: str,
        metric: str,
        value: float | None,
        n: int | None,
        threshold: float | None = None,
        comparator: Comparator | None = None,
    ) -> Evaluation:
        """Return one result of the report; its name is cut and written in ASCII."""
        try:
            return Evaluation(
                kind=kind,
                metric=cut(metric, _LONGEST),
                value=value,
                samples=n,
                threshold=threshold,
                comparator=comparator,
                report_digest=self.digest,
                report_format=self.form,
            )
        except ValidationError:
            raise self.refused("a metric has no name") from None


@dataclass(frozen=True, slots=True)
class Extract:
    """What is taken from a report."""

    suite: str
    """What was run, as the report names it."""
    version: str | None
    """Version of the library that wrote it, where it says so."""
    results: Sequence[Evaluation]
    report: Report
    left_out: int = 0
    """Results that passed and are in the overall one alone."""

    def document(self) -> dict[str, Any]:
        """Return it as the result has it; the results stand with the others."""
        return {
            "leftOut": self.left_out,
            "name": Path(self.report.name).name,
            "reportDigest": self.report.digest,
            "reportFormat": self.report.form,
            "results": len(self.results),
            "suite": self.suite,
            "version": self.version,
        }


def of_file(path: str, form: str) -> Report:
    """Return the report in a file.

    Raises:
        EvaluationError: It cannot be read, or is too large.
    """
    try:
        with Path(path).open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(raw) > _LARGEST:
        raise EvaluationError(f"{path} is larger than 64 MiB: it is data, not a report")
    return Report(path, form, raw)


def extracted(report: Report, suite: object, version: object, found: Iterable[Evaluation]) -> Extract:
    """Return the extract of a report that has some results, and no more than evidence can hold.

    Raises:
        EvaluationError: It has none, too many, or one name twice.
    """
    results = [*found]
    if not results:
        raise report.refused("holds no result")
    if len(results) > MOST:
        raise report.refused(f"holds {len(results)} results, and at most {MOST} are taken")
    names = [one.metric for one in results]
    if len(set(names)) < len(names):
        raise report.refused("has one result twice")
    return Extract(_short(suite) or report.form, _short(version), results, report)


def checked(
    report: Report, suite: object, version: object, steps: Iterable[tuple[Evaluation, bool]]
) -> Extract:
    """Return the extract of a report of checks: how many were met, and each; of many, those not met.

    Args:
        report: The report.
        suite: Its name.
        version: Version of the library.
        steps: Each check with whether the library says that it was met.

    Raises:
        EvaluationError: As ``extracted`` does, or where numbers contradict the report.
    """
    listed, seen = [], dict[str, int]()
    for one, held in steps:
        if one.met is not held:
            raise report.refused(f"{one.metric}: its numbers contradict whether it was met")
        name = one.metric or ""
        seen[name] = seen.get(name, 0) + 1
        # The same check may be there twice, with other bounds.
        listed.append(one if seen[name] == 1 else _numbered(one, seen[name]))
    if not listed:
        raise report.refused("holds no check")
    share = sum(one.met is True for one in listed) / len(listed)
    overall = report.evaluation("data-quality", "checks_met", share, len(listed), 1.0, Comparator.AT_LEAST)
    shown = listed if len(listed) < MOST else [one for one in listed if one.met is not True]
    found = extracted(report, suite, version, [overall, *shown])
    return Extract(found.suite, found.version, found.results, report, len(listed) - len(shown))


def _numbered(one: Evaluation, number: int) -> Evaluation:
    return one.model_copy(update={"metric": f"{(one.metric or '')[:240]}#{number}"})


class _TwiceError(Exception):
    pass


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _TwiceError
    return found


def _not(value: object, expected: str) -> str:
    """Return the message about a value that is not what it must be; its type alone is named."""
    if value is None:
        return f"Required value: must be {expected}"
    return f"Invalid value: a JSON {type(value).__name__}: must be {expected}"


def _short(value: object) -> str | None:
    return cut(value, _LONGEST) if isinstance(value, str) and value.strip() else None
