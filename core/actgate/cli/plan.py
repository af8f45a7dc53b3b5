"""``actgate plan``: what will be measured, fixed before the model is evaluated."""

import sys
from argparse import Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actgate import documents
from actgate.api.canonical import sha256
from actgate.api.quoting import printable
from actgate.cli import attest, evidence, streams
from actgate.cli.exits import UnusableError
from actgate.cli.sources import read_one
from actgate.documents import Document
from actgate.pipeline import plan as plans
from actgate.pipeline.plan import Plan, PlanError

_NO_DIGEST: Final = (
    "the plan has no digest yet, since a signed plan is about the bytes of a model: name the model with "
    "--model once it is trained, and before it is evaluated"
)


@dataclass(frozen=True, slots=True)
class Written:
    """A plan, and what measurements name it by."""

    plan: Plan
    digest: str | None
    envelope: dict[str, Any] | None = None


def planned(options: Namespace) -> Written:
    """Read a plan, with the model that ``--model`` names, and sign it where a key is given.

    Raises:
        UnusableError: It cannot be used.
    """
    document = read_one(options.filename)
    plan = _of(document, _with_model(document, options.model, options.ignore))
    if options.key is None:
        return Written(plan, plans.digest(plan))
    who = attest.signer(options.key, options.chain)
    if plans.digest(plan) is None:
        raise UnusableError(
            f"{document.place()}: model.digest: Required value: a signed plan must be about the bytes of a "
            "model: name it with --model"
        )
    payload = plans.payload(plan)
    return Written(plan, sha256(payload), who.envelope(payload))


def write(found: Written, options: Namespace) -> None:
    """Write the plan's files, and the result to standard output.

    Raises:
        UnusableError: They cannot be written.
    """
    fields = plans.predicate(found.plan)
    folder = None if options.run_dir is None else Path(options.run_dir)
    if folder is not None:
        save(folder / plans.FILE, documents.to_json(fields))
        if found.envelope is not None:
            save(folder / plans.ENVELOPE, documents.to_json(found.envelope))
    if options.output_file is not None:
        shown = fields if found.envelope is None else found.envelope
        save(Path(options.output_file), documents.to_json(shown))
    document = {"planDigest": found.digest, "plan": fields}
    text = documents.to_json(document) if options.output == "json" else "".join(_lines(found))
    streams.write(lambda: sys.stdout.write(text))
    if found.digest is None:
        streams.note([_NO_DIGEST])


def from_file(name: str) -> tuple[Plan, str | None]:
    """Read a plan or the envelope of one, and the digest that measurements name.

    Raises:
        UnusableError: It cannot be used.
    """
    document = read_one(name)
    try:
        return plans.read_any(document.value)
    except PlanError as error:
        raise _unusable(document, error) from None


def of_folder(folder: str | None) -> tuple[Plan | None, str | None]:
    """Return the plan in the folder of a run: signed, where it was signed; None where there is none.

    Raises:
        UnusableError: It cannot be used.
    """
    for name in (plans.ENVELOPE, plans.FILE) if folder is not None else ():
        path = Path(folder or "") / name
        if path.exists():
            return from_file(str(path))
    return None, None


def save(path: Path, text: str) -> None:
    """Write a file, whole or not at all, in a folder that is made where it is missing.

    Raises:
        UnusableError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        documents.write_whole(path, text)
    except OSError as error:
        raise UnusableError(f"{path} cannot be written: {streams.reason(error)}") from None


def _with_model(document: Document, path: str | None, ignore: Iterable[str]) -> object:
    if path is None or not isinstance(document.value, dict):
        return document.value
    stated = document.value.get("model")
    model = dict(stated) if isinstance(stated, dict) else {}
    taken = evidence.model_digest(model, path, [*ignore])
    names = taken.stated
    for field, digest in names.items():
        if model.get(field) not in (None, digest):
            raise UnusableError(
                f"{document.place()}: model.{field}: Invalid value: {model[field]}: {path} has {digest}; "
                "name the model that the plan is about"
            )
    return {**document.value, "model": {"name": Path(path).resolve().name, **model, **names}}


def _of(document: Document, value: object) -> Plan:
    try:
        return plans.read(value)
    except PlanError as error:
        raise _unusable(document, error) from None


def _unusable(document: Document, error: PlanError) -> UnusableError:
    place = document.place
    return UnusableError(
        *(f"{place(one.path)}: {one.path}: {one.message}; {one.remediation}" for one in error.problems)
    )


def _lines(found: Written) -> Iterable[str]:
    plan = found.plan
    width = max((len(one.attribute) for one in plan.bias), default=0)
    for one in plan.bias:
        bound = ">=" if one.metric.is_ratio else "<="
        yield f"{printable(one.attribute):{width}}  {one.metric} {bound} {one.threshold:g}\n"
    for test in plan.evaluations or ():
        limit = "" if test.threshold is None else f" {test.comparator or '<='} {test.threshold:g}"
        yield printable(f"{test.kind}: {test.metric or 'no metric'}{limit}") + "\n"
    if found.digest is not None:
        yield f"planDigest {found.digest}\n"
