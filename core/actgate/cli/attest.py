"""``actgate attest`` and ``actgate approve``: evidence signed, and added to its manifest.

What is written is read first as the gate reads it: a manifest that contradicts a statement, the new one or
one that it has already, is refused here and not in the cluster.
"""

import getpass
import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from actgate import documents, manifests
from actgate.api import predicates
from actgate.api.canonical import sha256
from actgate.api.quoting import quoted
from actgate.attestations import Verifier
from actgate.cli import evidence, streams
from actgate.cli.evidence import GivenEnvelope, GivenManifest
from actgate.cli.exits import UnusableError
from actgate.cli.sources import read_one
from actgate.decision import BASELINE
from actgate.decision.attestation import Attestation
from actgate.decision.rules import contradiction
from actgate.decision.rules.plan import PLAN
from actgate.documents import write_whole
from actgate.pipeline import private_keys, signing
from actgate.pipeline.signing import Signer

Json = dict[str, Any]
WHOLE: Final = "compliance-manifest"
"""Type that is signed by default."""
TYPES: Final = {**predicates.OWN_TYPES, "provenance": predicates.PROVENANCE}
"""What can be signed: types of ours, and SLSA provenance."""
_PREDICATES: Final = {"plan": "what is planned under bias", "provenance": "what actgate manifest build wrote"}
_FOLDER: Final = ".actgate"
"""End of the name of the folder beside a model that keeps its envelopes."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a command writes, and what it says beside it."""

    document: Json
    """A manifest, or an envelope."""
    payload_digest: str | None = None
    authority: Json | None = None
    """The item of a policy that trusts the signer."""
    warnings: tuple[str, ...] = ()


def require_usage(options: Namespace) -> None:
    """Refuse arguments that do not go together.

    Raises:
        UnusableError: They do not.
    """
    of_keys = {
        "--type": options.type,
        "--predicate": options.predicate,
        "--envelope-only": options.envelope_only,
    }
    if options.envelope is not None and any(of_keys.values()):
        beside = next(name for name, given in of_keys.items() if given)
        raise UnusableError(f"{beside} goes with --key: what is in an envelope was signed already")
    if options.type in _PREDICATES and options.predicate is None:
        raise UnusableError(f"--type {options.type} needs --predicate FILE, with {_PREDICATES[options.type]}")


def signer(key: str, chain: str | None) -> Signer:
    """Return what signs, by the names of its files.

    Raises:
        UnusableError: One of them cannot be used.
    """
    try:
        return signing.signer_of_files(key, chain, lambda: _password(key))
    except signing.SigningError as error:
        raise UnusableError(str(error)) from None
    except OSError as error:
        name = getattr(error, "filename", None) or key
        raise UnusableError(f"{name} cannot be read: {streams.reason(error)}") from None


def signed(
    given: GivenManifest,
    who: Signer,
    short_type: str,
    name: str | None,
    predicate_file: str | None,
    *,
    alone: bool,
) -> Signed:
    """Sign what a type covers of a manifest, and return the manifest with it, or with ``alone`` the envelope.

    Raises:
        UnusableError: There is nothing to sign, or what was signed does not agree with the manifest.
    """
    predicate_type, named = TYPES[short_type], name or short_type
    predicate = None if predicate_file is None else _predicate(predicate_file, predicate_type, given)
    _require_sound(given.value, given, but=PLAN.id)
    try:
        document, payload = signing.attested(given.value, who, named, predicate_type, predicate)
    except signing.SigningError as error:
        raise UnusableError(f"{given.document.place()}: {error}") from None
    _require_sound(document, given)
    shown = document["spec"]["attestations"][-1]["envelope"] if alone else document
    return Signed(
        shown, sha256(payload), who.authority(who.called or named, predicate_type), given.weaknesses
    )


def with_envelope(given: GivenManifest, file: str, chain: str | None, name: str | None) -> Signed:
    """Return a manifest with an envelope or a bundle that was signed elsewhere.

    Raises:
        UnusableError: It cannot be read, or does not agree with the manifest.
    """
    envelope = evidence.envelope(file)
    stem = Path(envelope.document.source).name.partition(".")[0]
    item = {"name": name or stem, **envelope.item}
    if chain is not None:
        item["chain"] = evidence.content(chain).decode("utf-8", "replace")
    _require_sound(given.value, given, but=PLAN.id)
    (fact,) = Verifier().read([item], {})
    if (problem := fact.unreadable) is not None:
        raise UnusableError(f"{file}: {problem.path}: {problem.message}")
    return Signed(_appended(given, item), fact.payload_digest, warnings=given.weaknesses)


def approved(
    given: GivenManifest | GivenEnvelope, who: Signer, role: str, by: str, of: str | None, name: str
) -> Signed:
    """Sign an approval of an attestation of a manifest, or of an envelope by itself.

    Raises:
        UnusableError: There is no such attestation, or it cannot be read.
    """
    place = given.document.place()
    if isinstance(given, GivenEnvelope):
        found = _to_approve(Verifier().read([given.item], {}), of, place)
        about = [("model", digest) for digest in sorted(found.subjects)]
    else:
        _require_sound(given.value, given)
        spec = given.value["spec"]
        found = _to_approve(Verifier().read(spec.get("attestations") or [], spec), of, place)
        about = signing.subjects(spec)
    predicate = signing.approval(str(found.payload_digest), role, by)
    payload = signing.payload(about, predicates.APPROVAL, predicate)
    authority = who.authority(who.called or name, predicates.APPROVAL)
    if isinstance(given, GivenEnvelope):
        return Signed(who.envelope(payload), sha256(payload), authority)
    document = _appended(given, who.attestation(name, payload))
    return Signed(document, sha256(payload), authority, given.weaknesses)


def write(found: Signed, output_format: str | None, output_file: str | None) -> None:
    """Write the document to a file or to standard output, and the rest to standard error.

    Raises:
        UnusableError: It cannot be written.
    """
    name = (output_file or "").lower()
    default = "json" if name.endswith(".json") or "payloadType" in found.document else "yaml"
    is_json = (output_format or default) == "json"
    text = documents.to_json(found.document) if is_json else documents.to_yaml(found.document)
    if output_file is None:
        streams.write(lambda: sys.stdout.write(text))
    else:
        _write_file(Path(output_file), text)
    streams.note(found.warnings)
    streams.add(_words(found))


def _words(found: Signed) -> str:
    words = f"payload {found.payload_digest}\n" if found.payload_digest else ""
    if found.authority is not None:
        words += "\nA CompliancePolicy trusts this signer with:\n\n"
        words += documents.to_yaml({"evidence": {"authorities": [found.authority]}})
    return words


def _write_file(path: Path, text: str) -> None:
    try:
        if path.parent.name.endswith(_FOLDER):
            path.parent.mkdir(exist_ok=True)
        write_whole(path, text)
    except OSError as error:
        raise UnusableError(f"{path} cannot be written: {streams.reason(error)}") from None


def _appended(given: GivenManifest, item: Mapping[str, Any]) -> Json:
    try:
        document = signing.appended(given.value, item)
    except signing.SigningError as error:
        raise UnusableError(f"{given.document.place()}: {error}") from None
    _require_sound(document, given)
    return document


def _require_sound(value: Json, given: GivenManifest, but: str | None = None) -> None:
    """Refuse a manifest that the gate could not read, that contradicts a statement, or is too large.

    With ``but`` it may contradict for that rule: a plan that is not attached yet may be what is added.
    """
    manifest, place = manifests.read_document(value), given.document.place
    wrong = [(found.path, found.message) for found in manifest.problems]
    for found in contradiction.findings(manifest, BASELINE):
        if found.rule != but:
            fix = f"; {found.remediation}" if found.rule == PLAN.id else ""
            wrong.append((found.path, found.message + fix))
    if wrong:
        raise UnusableError(*(f"{place(path)}: {path}: {message}" for path, message in wrong))


def _to_approve(found: tuple[Attestation, ...], of: str | None, place: str) -> Attestation:
    candidates = [
        fact
        for fact in found
        if (fact.predicate_type != predicates.APPROVAL if of is None else fact.name == of)
    ]
    if len(candidates) != 1:
        names = ", ".join(quoted(fact.name) for fact in found) or "none"
        wanted = "exactly one that is not an approval" if of is None else f"one named {quoted(of)}"
        raise UnusableError(
            f"{place}: spec.attestations: has {names}, and {wanted} is expected; choose with --of"
        )
    (fact,) = candidates
    if fact.unreadable is not None:
        raise UnusableError(f"{place}: {fact.unreadable.path}: {fact.unreadable.message}")
    return fact


def _predicate(name: str, predicate_type: str, given: GivenManifest) -> Json:
    """Return the predicate in a file, or in the statement there, which has to be about the same model."""
    document = read_one(name)
    value: object = document.value
    if not isinstance(value, dict):
        raise UnusableError(f"{document.place()}: expected an object, the predicate to sign")
    if value.get("_type") != predicates.STATEMENT:
        return value
    if value.get("predicateType") != predicate_type or not isinstance(value.get("predicate"), dict):
        raise UnusableError(f"{document.place()}: expected a statement of the type {predicate_type}")
    try:
        about = [
            {"name": one, "digest": {"sha256": digest.removeprefix("sha256:")}}
            for one, digest in signing.subjects(given.value["spec"])
        ]
    except signing.SigningError as error:
        raise UnusableError(f"{given.document.place()}: {error}") from None
    digests = [one.get("digest") for one in value.get("subject") or () if isinstance(one, dict)]
    if not any(one["digest"] in digests for one in about):
        raise UnusableError(
            f"{document.place()}: subject: must be the model of {given.document.source}: build both again"
        )
    found: Json = value["predicate"]
    return found


def _password(key: str) -> bytes:
    if private_keys.PASSWORD in os.environ or sys.stdin is None or not sys.stdin.isatty():
        return private_keys.password_from(os.environ)
    try:
        return getpass.getpass(f"Password of {key}: ").encode()
    except EOFError:
        raise UnusableError(f"{key} is encrypted, and no password was given") from None
