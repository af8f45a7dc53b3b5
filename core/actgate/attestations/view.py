"""``spec`` as a view of the payload: read the predicate, and find the first field in which they differ.

The comparison is that of canonical JSON (RFC 8785): key order, spelling of text and numbers, and nulls of
objects do not count, since an API server changes all of them; ``1`` is ``1.0`` and is not ``true``.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from actgate.api import predicates
from actgate.api.compliance_manifest import Comparator
from actgate.api.paths import Location, dotted
from actgate.api.quoting import got, invalid, quoted
from actgate.attestations.coverage import covered
from actgate.attestations.errors import UnreadableError
from actgate.attestations.statement import Statement
from actgate.decision.attestation import PlannedMeasurement, PlannedTest
from actgate.decision.problem import Problem

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_SIGN: Final = "sign the statement again, as `actgate attest` writes it"
_SAME: Final = "restore the field as it was signed, or have the new value signed"
_MOST_PLANNED: Final = 64
_COMPARATORS: Final = frozenset(one.value for one in Comparator)


def difference(statement: Statement, spec: Mapping[str, Any], path: str) -> Problem | None:
    """Return the first field in which a spec differs from what was signed; None where it is the same.

    Args:
        statement: The statement; of a type that covers no field nothing is compared.
        spec: The manifest's spec without nulls, as ``manifests.digests.without_nulls`` returns it.
        path: Where the payload stands within the attestation, for messages.

    Raises:
        UnreadableError: The predicate is no object, or has fields that its type does not cover, or lacks one.
    """
    fields = covered(statement.predicate_type)
    if not fields:
        return None
    predicate = _predicate(statement, path)
    foreign = sorted(predicate.keys() - fields)
    if foreign:
        message = f"predicate: Unsupported value: {quoted(foreign[0])}: must have {_listed(fields)} only"
        raise UnreadableError(path, message, _SIGN)
    whole = statement.predicate_type == predicates.COMPLIANCE_MANIFEST
    if not whole and fields - predicate.keys():
        message = f"predicate: Required value: must have {_listed(fields)}"
        raise UnreadableError(path, message, _SIGN)
    shown = {key: spec[key] for key in sorted(spec.keys() & fields)} if whole else _part(spec, fields)
    return _first(predicate, shown)


def plan(statement: Statement, path: str) -> tuple[PlannedMeasurement, ...] | None:
    """Return what a plan fixes, None for any other statement; raises like ``difference``."""
    if statement.predicate_type != predicates.PLAN:
        return None
    listed = _predicate(statement, path).get("bias")
    if not isinstance(listed, list) or len(listed) > _MOST_PLANNED:
        message = f"predicate.bias: {invalid(listed, f'a list of at most {_MOST_PLANNED} measurements')}"
        raise UnreadableError(path, message, _SIGN)
    return tuple(_planned(item, f"predicate.bias[{index}]", path) for index, item in enumerate(listed))


def planned_tests(statement: Statement, path: str) -> tuple[PlannedTest, ...]:
    """Return the tests that a plan fixes, none for any other statement; raises like ``difference``."""
    if statement.predicate_type != predicates.PLAN:
        return ()
    listed = _predicate(statement, path).get("evaluations")
    if listed is None:
        return ()
    if not isinstance(listed, list) or len(listed) > _MOST_PLANNED:
        message = f"predicate.evaluations: {invalid(listed, f'a list of at most {_MOST_PLANNED} tests')}"
        raise UnreadableError(path, message, _SIGN)
    return tuple(_test(item, f"predicate.evaluations[{index}]", path) for index, item in enumerate(listed))


def approved(statement: Statement, path: str) -> str | None:
    """Return the payload digest that an approval is about, None for any other; raises like ``difference``."""
    if statement.predicate_type != predicates.APPROVAL:
        return None
    approves = _predicate(statement, path).get("approves")
    digest = approves.get("digest") if isinstance(approves, Mapping) else None
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        message = f"predicate.approves.digest: {invalid(digest, 'sha256: and 64 hexadecimal digits')}"
        raise UnreadableError(path, message, _SIGN)
    return digest


def _predicate(statement: Statement, path: str) -> dict[str, Any]:
    if not isinstance(statement.predicate, dict):
        message = f"predicate: {invalid(statement.predicate, 'an object')}"
        raise UnreadableError(path, message, _SIGN)
    return statement.predicate


def _planned(value: object, at: str, path: str) -> PlannedMeasurement:
    fields = _object(value, at, path)
    metric = fields.get("metric")
    if not isinstance(metric, str):
        raise UnreadableError(path, f"{at}.metric: {invalid(metric, 'the name of a metric')}", _SIGN)
    return PlannedMeasurement(
        _text(fields, "attribute", at, path), metric, _number(fields, "threshold", at, path)
    )


def _test(value: object, at: str, path: str) -> PlannedTest:
    fields = _object(value, at, path)
    kind, comparator = fields.get("kind"), fields.get("comparator")
    if not isinstance(kind, str):
        raise UnreadableError(path, f"{at}.kind: {invalid(kind, 'what is tested')}", _SIGN)
    if comparator is not None and not (isinstance(comparator, str) and comparator in _COMPARATORS):
        raise UnreadableError(path, f"{at}.comparator: {invalid(comparator, _listed(_COMPARATORS))}", _SIGN)
    metric, threshold = _text(fields, "metric", at, path), _number(fields, "threshold", at, path)
    return PlannedTest(kind, metric, comparator, threshold)


def _object(value: object, at: str, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UnreadableError(path, f"{at}: {invalid(value, 'an object')}", _SIGN)
    return value


def _text(fields: Mapping[str, Any], key: str, at: str, path: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise UnreadableError(path, f"{at}.{key}: {invalid(value, 'text')}", _SIGN)
    return value


def _number(fields: Mapping[str, Any], key: str, at: str, path: str) -> float | None:
    value = fields.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableError(path, f"{at}.{key}: {invalid(value, 'a number')}", _SIGN)
    return float(value)


def _part(spec: Mapping[str, Any], fields: frozenset[str]) -> dict[str, Any]:
    return {key: spec[key] for key in sorted(fields) if key in spec}


def _listed(fields: frozenset[str]) -> str:
    return ", ".join(sorted(fields))


def _first(signed: object, shown: object) -> Problem | None:
    if (text := _written(signed)) is not None and text == _written(shown):
        return None
    return next(_differences(_tidy(signed), shown, ("spec",)), None)


def _written(value: object) -> bytes | None:
    """Return a text that two values share only if they are the same; None where it may be no such text."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)
    except TypeError:  # orjson.JSONEncodeError: a number, a type or nesting that it does not write
        return None
    return None if b"null" in text else text  # it writes NaN as null


def _differences(signed: object, shown: object, location: Location) -> Iterator[Problem]:
    if isinstance(signed, dict) and isinstance(shown, Mapping):
        for key in sorted({*signed, *shown}, key=str):
            at = (*location, key)
            if key not in shown:
                yield _problem(at, f"Required value: the signed payload has {got(signed[key])}")
            elif key not in signed:
                yield _problem(at, f"Invalid value: {got(shown[key])}: the signed payload does not have it")
            else:
                yield from _differences(signed[key], shown[key], at)
    elif isinstance(signed, list) and isinstance(shown, list):
        for index, (one, other) in enumerate(zip(signed, shown, strict=False)):
            yield from _differences(one, other, (*location, index))
        if len(signed) != len(shown):
            yield _problem(location, f"Invalid value: {got(shown)}: the signed payload has {got(signed)}")
    elif isinstance(signed, bool) != isinstance(shown, bool) or signed != shown:
        yield _problem(location, f"Invalid value: {got(shown)}: the signed payload has {got(signed)}")


def _problem(location: Location, message: str) -> Problem:
    return Problem(dotted(location), message, _SAME)


def _tidy(value: object) -> object:
    """Return a copy without the nulls of objects, as the API server reads it."""
    if isinstance(value, dict):
        return {key: _tidy(item) for key, item in value.items() if item is not None}
    return [_tidy(item) for item in value] if isinstance(value, list) else value
