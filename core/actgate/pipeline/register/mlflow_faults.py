"""What of a model on an MLflow server is not as it was registered: artifacts, tags, aliases.

All of them can be changed by everyone who may write to the server, so that each is held against another one.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from actgate.api.names import GROUP
from actgate.api.quoting import printable, quoted
from actgate.manifests.errors import EvidenceError
from actgate.pipeline.register.registry import EVIDENCE, VERSION, entry_of
from actgate.pipeline.remote.mlflow import tags_of

ALIAS: Final = f"{GROUP}/alias."
"""Begin of a tag of a registered model: what an alias was set to, version's number and evidence."""
REGISTERED: Final = f"{GROUP}/registered."
"""Begin of a tag of a registered model: the evidence that a version, by its number, was registered with."""
Json = dict[str, Any]


def aliases_of(model: Json) -> dict[str, str]:
    """Return the number of the version that each alias of a registered model names."""
    return {str(one["alias"]): str(one["version"]) for one in model.get("aliases") or []}


def of_version(version: Json, manifest_of: Callable[[], Json | None]) -> Iterator[str]:
    """Yield in what a version is not what the manifest among its artifacts says.

    Args:
        version: As MLflow has it.
        manifest_of: Returns the manifest, or None where the server does not have it; raises a ValueError
            where it cannot be read.
    """
    tags, what = tags_of(version), printable(f"models:/{version['name']}/{version['version']}")
    try:
        manifest = manifest_of()
        if manifest is None:
            yield f"{what}: {printable(tags[EVIDENCE])} is not among the artifacts of its run"
            return
        stated = entry_of(manifest, {})
    except (EvidenceError, LookupError, TypeError, ValueError):
        yield f"{what}: its manifest cannot be read: the artifact was changed"
        return
    if stated.evidence != tags[EVIDENCE]:
        digests = f"it has the digest {stated.evidence}, not {printable(tags[EVIDENCE])}"
        yield f"{what}: the manifest was changed: {digests}"
    if stated.name != version["name"]:
        yield f"{what}: the manifest is about {quoted(stated.name)}"
    for key, value in stated.tags.items():
        if key != EVIDENCE and tags.get(key) != value:
            says = f"and the manifest says {quoted(value)}"
            yield f"{what}: the tag {key} is {quoted(tags.get(key, ''))}, {says}"


def of_missing(model: Json, versions: list[Json]) -> Iterator[str]:
    """Yield the versions that were registered, and were deleted or have lost or changed their tag since."""
    evidence = {str(one["version"]): tags_of(one).get(EVIDENCE, "") for one in versions}
    for key, value in tags_of(model).items():
        number = key.removeprefix(REGISTERED)
        if key.startswith(REGISTERED) and evidence.get(number) != value:
            what = f"has the evidence {quoted(evidence[number], 80)}" if number in evidence else "is gone"
            yield printable(f"models:/{model['name']}/{number}: {what}, and it was registered with {value}")


def of_aliases(model: Json, versions: list[Json]) -> Iterator[str]:
    """Yield the aliases that do not name what they were set to."""
    evidence = {str(one["version"]): tags_of(one).get(EVIDENCE) for one in versions}
    present = aliases_of(model)
    for key, value in tags_of(model).items():
        if key.startswith(ALIAS):
            alias, (number, _, digest) = key.removeprefix(ALIAS), value.partition(" ")
            what = printable(f"models:/{model['name']}@{alias}")
            if present.get(alias) != number:
                named = f"names version {present[alias]}" if alias in present else "is gone"
                yield printable(f"{what}: {named}, and it was set to version {number} ({digest})")
            elif evidence.get(number) != digest:
                yield printable(f"{what}: version {number} has not the evidence {digest} that it was set for")


def of_stated_versions(name: str, tagged: list[Json]) -> Iterator[str]:
    """Yield the versions that state what an earlier one states already."""
    seen: dict[str, str] = {}
    for one in tagged:
        stated = tags_of(one).get(VERSION, "")
        if stated in seen:
            yield printable(
                f"models:/{name}/{one['version']}: states version {stated}, as {seen[stated]} does"
            )
        seen.setdefault(stated, str(one["version"]))
