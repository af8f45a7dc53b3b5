"""A recorded decision derived again: the same rules on what a folder kept of object, manifests and policies.

A line says by digest what it was decided on, so that only the very same input counts: the object, each
manifest, each policy and each exemption that accepts a finding. The line's time is the present, its
policies are those that applied, whatever labels the namespace has now, and its owner lends what it lent
then. Where something is not there, or
rules of another version decided, nothing is claimed.

No I/O: documents are passed in.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final, NamedTuple

from actgate import manifests
from actgate.api.times import parse_timestamp, timestamp
from actgate.attestations import SignatureCache
from actgate.decision import Manifest, Outcome, Policy, Verdict
from actgate.decision.data import RULESET
from actgate.decision.decide import Appraisals, decide_under
from actgate.decision.exemptions import Exemption
from actgate.records.lending import with_lending
from actgate.records.record import digest_of_object, strongest
from actgate.subjects.reading import reading

Json = Mapping[str, Any]

_OUTCOMES: Final = frozenset(outcome.value for outcome in Outcome)


class Result(StrEnum):
    """What became of one line."""

    REPRODUCED = "reproduced"
    DIFFERS = "differs"
    NOT_REPLAYED = "not replayed"
    """Something that it was decided on is not there, or what that was is unknown."""
    NO_VERDICT = "no verdict"
    """The line says why there was none, and claims nothing that could be derived again."""


class Replayed(NamedTuple):
    """What came of deriving a decision again."""

    result: Result
    reasons: tuple[str, ...] = ()
    """The differences, or what is missing."""


class MissingError(Exception):
    """What a line was decided on is not there; one sentence."""


class Kept:
    """What a folder holds, by what decision logs call it."""

    def __init__(self, documents: Iterable[Json]) -> None:
        self._objects: dict[str, Json] = {}
        self._manifests: dict[str, list[tuple[Manifest, Json]]] = {}
        self._policies: dict[str, list[Policy]] = {}
        self._exemptions: dict[tuple[str, object], Exemption] = {}
        self._signatures = SignatureCache()
        self._read: dict[tuple[int, frozenset[str], str], Manifest] = {}
        self.appraise = Appraisals().appraise
        for document in documents:
            if manifests.is_v0(document) or document.get("kind") == "ComplianceManifest":
                manifest = manifests.read_document(document)
                self._manifests.setdefault(manifest.name, []).append((manifest, document))
            elif document.get("kind") == "CompliancePolicy" and _named(document):
                policy = manifests.policy_or_strictest(document)
                self._policies.setdefault(policy.name, []).append(policy)
            elif document.get("kind") == "Exemption" and _named(document):
                exemption = manifests.exemption_if_readable(document)
                if exemption is not None:
                    self._exemptions[exemption.name, exemption.digest] = exemption
            else:
                self._objects |= dict.fromkeys(_digests(document), document)

    def recorded_object(self, stated: Json) -> Json:
        """Return the object of a line."""
        digest = stated.get("digest")
        if not isinstance(digest, str) or stated.get("digest_of") != "canonical":
            raise MissingError("the line has no canonical digest of its object")
        try:
            return self._objects[digest]
        except KeyError:
            called = f"{stated.get('kind')} {stated.get('namespace')}/{stated.get('name')}"
            raise MissingError(f"{called} with digest {digest} is not there") from None

    def policy(self, name: str, digest: str | None, *, stated: bool) -> Policy:
        """Return a policy of a line; ``stated`` is false for lines that state no digests of policies."""
        known = self._policies.get(name, [])
        found = [policy for policy in known if not stated or policy.digest == digest]
        if stated and digest is None:
            return Policy(name)  # The baseline, which no object says.
        if not stated and not known and name == "baseline":
            return Policy(name)
        if not found:
            raise MissingError(f"CompliancePolicy {name}{_of_digest(digest)} is not there")
        if not stated and len({policy.digest for policy in found}) > 1:
            raise MissingError(f"there are several versions of CompliancePolicy {name}: keep the one of then")
        return found[0]

    def exemption(self, stated: Json) -> Exemption:
        """Return an exemption of a line."""
        name, digest = stated["name"], stated["digest"]
        try:
            return self._exemptions[name, digest]
        except KeyError:
            raise MissingError(f"Exemption {name}{_of_digest(digest)} is not there") from None

    def manifest(self, namespace: str, stated: Json, policies: tuple[Policy, ...]) -> Manifest:
        """Return a manifest of a line, verified with the keys of the policies."""
        name, digest, uid = (stated.get(key) for key in ("name", "digest", "uid"))
        found = [
            (manifest, document)
            for manifest, document in self._manifests.get(str(name), [])
            if manifest.digest == digest and _namespace(document) in (None, namespace)
        ]
        if digest is None or not found:
            of = _of_digest(digest) if isinstance(digest, str) else " without a digest"
            raise MissingError(f"ComplianceManifest {namespace}/{name}{of} is not there")
        # One without attestations and the same with them have the same digest.
        found.sort(key=lambda item: item[0].uid != uid)
        manifest, document = found[0]
        created = stated.get("created_at")
        if manifest.attestations:
            manifest = self._verified(document, namespace, policies, created)
        return manifest if manifest.namespace == namespace else replace(manifest, namespace=namespace)

    def _verified(
        self, document: Json, namespace: str, policies: tuple[Policy, ...], created: object
    ) -> Manifest:
        verifier = manifests.verifier_for(policies, self._signatures)
        key = (id(document), verifier.anchors.fingerprints, str(created))
        if key not in self._read:
            moment = None if created is None else parse_timestamp(created)
            read = manifests.read_document(document, namespace=namespace, verifier=verifier)
            self._read[key] = replace(read, created_at=moment)
        return self._read[key]


def replay(line: Json, kept: Kept) -> Replayed:
    """Derive the decision of a line again.

    Args:
        line: The line of a decision log, of kind Decision.
        kept: What it is derived from.
    """
    try:
        if str(line["outcome"]) not in _OUTCOMES or line["reason"]:
            return Replayed(Result.NO_VERDICT)
        found = tuple(_differences(line, _verdict(line, kept)))
    except MissingError as error:
        return Replayed(Result.NOT_REPLAYED, (str(error),))
    except (AttributeError, KeyError, TypeError, ValueError):
        return Replayed(Result.NOT_REPLAYED, ("the line is not as the webhook writes it",))
    return Replayed(Result.DIFFERS, found) if found else Replayed(Result.REPRODUCED)


def _verdict(line: Json, kept: Kept) -> Verdict:
    if line["ruleset"] != RULESET:
        raise MissingError(f"it was decided by ruleset {line['ruleset']}, and this is {RULESET}")
    stated = line["object"]
    obj = kept.recorded_object(stated)
    names, digests = line["policies"], line.get("policy_digests")
    policies = tuple(
        kept.policy(name, digest, stated=digests is not None)
        for name, digest in zip(names, digests or [None] * len(names), strict=True)
    )
    judged = line.get("manifests") or [item for item in (line["manifest"],) if item is not None]
    exemptions = [kept.exemption(item) for item in line.get("exemptions", ())]
    evidence = [kept.manifest(stated["namespace"], item, policies) for item in judged]
    read = reading(obj)
    if read is None:
        raise MissingError(f"{stated['kind']} is of no kind that this version judges")
    subject = read.subject(
        namespace=stated["namespace"], governed_change=line["governed_change"], dry_run=line["dry_run"]
    )
    subject = replace(subject, was_declared=line.get("was_declared", False))
    moment = parse_timestamp(line["time"])
    return decide_under(policies, with_lending(subject, line), evidence, moment, kept.appraise, exemptions)


def _differences(line: Json, verdict: Verdict) -> Iterator[str]:
    if line["outcome"] != verdict.outcome.value:
        yield f"the outcome was {line['outcome']}, and is {verdict.outcome.value}"
    then = {(item["rule"], item["outcome"], item["path"]) for item in line["rules"]}
    now = {(item.rule, item.reported_effect, item.path) for item in strongest(verdict.findings)}
    yield from _between(then, now, lambda item: "{}={} at {}".format(*item))
    grace, until = line.get("grace_until"), verdict.grace_until
    if grace != (timestamp(until, "auto") if until is not None else None):
        yield f"replacement pods were admitted until {grace}, and are until {until}"
    relied = {item["name"] for item in line.get("exemptions", ())}
    yield from _between(relied, {name for name, _ in verdict.exemptions}, "Exemption {}".format)
    stated = line.get("manifests") or [line["manifest"] or {}]
    accepted = {
        (item["name"], found["name"], found["authority"], found["payload_digest"])
        for item in stated
        for found in item.get("attestations", ())
    }
    again = {
        (name, found.name, found.authority, found.payload_digest) for name, found in verdict.attestations
    }
    words = "attestation {1} of {0}, accepted as signed by {2} ({3})"
    yield from _between(accepted, again, lambda item: words.format(*item))


def _between(then: set[Any], now: set[Any], say: Callable[[Any], str]) -> Iterator[str]:
    yield from (f"recorded, and not found now: {say(item)}" for item in sorted(then - now, key=str))
    yield from (f"found now, and not recorded: {say(item)}" for item in sorted(now - then, key=str))


def _digests(document: Json) -> Iterator[str]:
    """Yield by what digests an object may be known: as the webhook received it, or as it is stored."""
    bare = {key: value for key, value in document.items() if key != "status"}
    for one in (document, bare):
        metadata = one.get("metadata")
        yield digest_of_object(b"", one).digest
        if isinstance(metadata, Mapping) and "resourceVersion" in metadata:
            fresh = {key: value for key, value in metadata.items() if key != "resourceVersion"}
            yield digest_of_object(b"", {**one, "metadata": fresh}).digest


def _namespace(document: Json) -> object:
    return _metadata(document).get("namespace")


def _named(document: Json) -> bool:
    return isinstance(_metadata(document).get("name"), str)


def _metadata(document: Json) -> Json:
    metadata = document.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _of_digest(digest: str | None) -> str:
    return f" with digest {digest}" if digest is not None else ""
