"""An independent opinion on which reviews may be allowed, to hold the webhook against.

It shares no code with the webhook or the policy: it flattens JSON to paths and reads them with
regular expressions. It answers for one world only, that of ``WORLD`` and the baseline policy: the
manifest GOOD passes, BAD fails, both speak of CreditRiskScorer version 2, trained and served at
AWS in Paris.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from tests.lookup.fakes import FakeEvidence, known
from tests.webhook.build import NAMESPACE, failing, manifest_object, passing

GOOD: Final = "credit-risk-scorer-v2"
BAD: Final = "unfair"

Leaves = dict[str, Any]

_JUDGED: Final = re.compile(
    r"actgate\.dev/.*:ModelDeployment|apps/.*:(Deployment|StatefulSet|DaemonSet|ReplicaSet)"
    r"|batch/.*:(Job|CronJob)|v1:(Pod|ReplicationController)"
)
_META: Final = r"/(spec/(podTemplate/|template/|jobTemplate/|jobTemplate/spec/template/))?metadata"
_POD: Final = r"/spec(/(podTemplate|template|jobTemplate/spec/template)/spec)?"
_INFERENCE: Final = re.compile(rf"{_META}/(labels|annotations)/actgate\.dev~1inference(/.*)?")
_MARK: Final = re.compile(
    rf"{_META}/(labels|annotations)/(?!actgate\.dev~1(desired-state|manifest-digest)$)(?i:act[._-]?gate).*"
)
_LINK: Final = re.compile(rf"{_META}/annotations/actgate\.dev~1compliance-manifest(/.*)?")
_MODEL: Final = re.compile(rf"{_META}/annotations/actgate\.dev~1model(-version|-digest)?(/.*)?")
_POD_METADATA: Final = {"Pod": "/metadata", "CronJob": "/spec/jobTemplate/spec/template/metadata"}
_IMAGE: Final = re.compile(
    rf"({_POD}/(initContainers|containers|ephemeralContainers)/\d+/image"
    rf"|{_POD}/volumes/\d+/image/reference|/spec/server/image)(/.*)?"
)
_NODES: Final = re.compile(rf"{_POD}/(nodeSelector|affinity/nodeAffinity)(/.*)?")
_TEMPLATE_ANNOTATION: Final = re.compile(r"/spec/.*emplate/metadata/annotations(/.*)?")
_OWN: Final = re.compile(r"/spec/(model|complianceManifestRef|placement)(/.*)?")
_GOVERNED: Final = (_MARK, _IMAGE, _NODES, _TEMPLATE_ANNOTATION, _OWN)
_PLACES: Final = re.compile(rf"/spec/placement/.*|{_POD}/(nodeSelector|affinity)/.*topology.*")


def world() -> FakeEvidence:
    """Return the evidence that the oracle knows about."""
    bad = failing()
    object.__setattr__(bad, "name", BAD)
    assert manifest_object()["metadata"]["name"] == GOOD
    return FakeEvidence(known(passing(), bad))


def may_be_allowed(document: Any) -> bool:  # noqa: ANN401 - JSON of any shape
    """Return whether an allow for this AdmissionReview would be right."""
    request = document["request"]
    if request.get("operation") in ("DELETE", "CONNECT") or request.get("subResource") in ("status", "scale"):
        return True
    new = flat(request.get("object"))
    old = flat(request.get("oldObject")) if request.get("operation") == "UPDATE" else {}
    if not any(_is_judged(request, leaves) for leaves in (new, old)):
        return True
    if old and _governed(new) == _governed(old):
        return True
    return _evidence_speaks_for(request, new)


def flat(value: Any, path: str = "") -> Leaves:  # noqa: ANN401 - JSON of any shape
    """Return every leaf by its JSON pointer; empty containers are leaves too."""
    return dict(_leaves(value, path))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - JSON of any shape
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    empty = True
    for step, inner in steps:
        empty = False
        yield from _leaves(inner, f"{path}/{str(step).replace('/', '~1')}")
    if empty:
        yield path, value


def _is_judged(request: dict[str, Any], leaves: Leaves) -> bool:
    if not _JUDGED.fullmatch(f"{leaves.get('/apiVersion')}:{leaves.get('/kind')}"):
        return False
    if leaves["/kind"] == "ModelDeployment":
        return True
    return any(
        _MARK.fullmatch(path) and not (_INFERENCE.fullmatch(path) and value == "false")
        for path, value in leaves.items()
    )


def _governed(leaves: Leaves) -> tuple[Leaves, list[str]]:
    fixed = {
        path: value
        for path, value in leaves.items()
        if any(pattern.fullmatch(path) for pattern in _GOVERNED) and not _IMAGE.fullmatch(path)
    }
    # The same image in another container is the same image.
    return fixed, sorted(str(value) for path, value in leaves.items() if _IMAGE.fullmatch(path))


def _evidence_speaks_for(request: dict[str, Any], leaves: Leaves) -> bool:
    if not _lives_where_it_may(leaves):
        return False
    if leaves["/kind"] == "ModelDeployment":
        names = [leaves.get("/spec/complianceManifestRef/name")]
        models = {f"-{part}": leaves.get(f"/spec/model/{part}") for part in ("name", "version", "digest")}
    else:
        names = [value for path, value in leaves.items() if _LINK.fullmatch(path)]
        pods = _POD_METADATA.get(leaves["/kind"], "/spec/template/metadata") + "/annotations/actgate.dev~1"
        links = [path for path in leaves if _LINK.fullmatch(path) or _MODEL.fullmatch(path)]
        if any(f"{pods}{path.partition('actgate.dev~1')[2]}" not in leaves for path in links):
            return False  # Its pods would carry less than it does.
        stated = {path.partition("~1model")[2]: v for path, v in leaves.items() if _MODEL.fullmatch(path)}
        models = {
            "-name": stated.get(""),
            "-version": stated.get("-version"),
            "-digest": stated.get("-digest"),
        }
    if not names or any(name != names[0] or not isinstance(name, str) or not name for name in names):
        return False
    if request.get("namespace") != NAMESPACE or names[0] not in (GOOD, BAD):
        # In a dry run a manifest that is missing there is a warning.
        return request.get("dryRun") is True
    return (
        names[0] == GOOD
        and models["-name"] == "CreditRiskScorer"
        and models["-version"] in (None, "", "2")
        and models["-digest"] in (None, "", f"sha256:{'d' * 64}")
    )


def _lives_where_it_may(leaves: Leaves) -> bool:
    """Every place that is stated is Paris at AWS; a statement in other words is not looked into."""
    for path, value in leaves.items():
        if not _PLACES.fullmatch(path) or path.endswith(("/provider", "/key", "/operator", "/statement")):
            continue
        if (path.endswith("/region") or "topology" in path) and value != "eu-west-3":
            return False
    providers = [
        value
        for path, value in leaves.items()
        if path.startswith("/spec/placement/regions/") and path.endswith("/provider")
    ]
    return all(provider in (None, "aws") for provider in providers)
