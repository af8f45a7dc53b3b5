"""The part of ``link/model`` that is about what an object loads: URIs, arguments and variables.

Hardly any serving kind has a field for a version, so what a model is loaded from is part of its identity:
other weights under the same name are another model.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from actgate.api.compliance_policy import Enforcement
from actgate.api.quoting import quoted
from actgate.decision.manifest import Manifest
from actgate.decision.policies import Policy
from actgate.decision.rules.link import MODEL
from actgate.decision.subject import Subject
from actgate.decision.verdict import Finding

_HUB: Final = re.compile(r"hf://|https://(?:huggingface|hf)\.co/")
"""A repository of the Hugging Face hub is written in all of these ways, and without any."""


def findings(subject: Subject, linked: Mapping[str, Manifest], policy: Policy) -> Iterator[Finding]:
    """Yield what an object loads that no linked manifest is about, and what cannot be known of it.

    A manifest without ``uris`` binds a name alone: a recommendation, unless the policy requires them.

    Args:
        subject: What is asked about.
        linked: The manifests that it links and that exist, by name.
        policy: One that applies.
    """
    for path in subject.unstated:
        yield MODEL.finding(
            Enforcement.AUDIT,
            path,
            "is not stated here: another object holds the value, and can change without being judged",
            "state the value in this object",
        )
    if not linked:
        return
    required, effect = policy.spec.evidence.require_uris, policy.spec.enforcement
    if required:
        for manifest in linked.values():
            if not manifest.uris:
                yield MODEL.finding(
                    effect,
                    "spec.model.uris",
                    "Required value: must list what the model is loaded from, as the policy requires it",
                    "list the model's URIs in spec.model.uris of a new manifest",
                ).about_manifest(manifest.name)
    lists = any(manifest.uris for manifest in linked.values())
    who = "the manifest lists" if len(linked) == 1 else "the linked manifests list"
    for reference in subject.references:
        if any(speaks_of(manifest, reference.value) for manifest in linked.values()):
            continue
        if lists or required:
            yield MODEL.finding(
                effect,
                reference.path,
                f"Invalid value: {quoted(reference.value, 100)}: must be one of the URIs that {who}",
                "load the model that was assessed, or list this URI in the manifest's spec.model.uris and "
                "assess it",
            )
        else:
            yield MODEL.finding(
                Enforcement.WARN,
                reference.path,
                f"{quoted(reference.value, 60)} should be in spec.model.uris: a name alone binds no weights",
                "list what the model is loaded from in the manifest's spec.model.uris",
            )


def speaks_of(manifest: Manifest, value: str) -> bool:
    """Return whether a manifest is about what is loaded from a URI, or by the name of a model."""
    if manifest.model is not None and value == manifest.model.name:
        return True
    plain = _plain(value)
    return any(_covers(_plain(uri), plain) for uri in manifest.uris)


def _plain(uri: str) -> str:
    """Return a repository of the hub as owner/name, whichever of its files is asked for."""
    web = _HUB.match(uri)
    if web is None:
        return uri
    rest = uri[web.end() :]
    if web[0] == "hf://":
        return rest
    return "/".join(rest.split("/")[:2]) if _resolved(rest) else uri


def _covers(uri: str, value: str) -> bool:
    """Return whether a URI is the same, or one that ends in / is above it.

    A path is not resolved: one with a step to its parent, or an encoded character, is below nothing.
    """
    if uri == value:
        return True
    if not uri.endswith("/") or not value.startswith(uri):
        return False
    return _resolved(value[len(uri) :])


def _resolved(path: str) -> bool:
    """Return whether a path means what it says: no step to its parent, and no encoded character."""
    return "%" not in path and "\\" not in path and not {"..", "."} & set(path.split("/"))
