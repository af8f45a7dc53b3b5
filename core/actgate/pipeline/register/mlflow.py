"""The model registry of an MLflow server, over REST: evidence as artifacts of a run, tags that point to it.

MLflow numbers versions by itself, so that the version that a manifest states is a tag of one of them. It has
no transactions either: each step is one that can be repeated, what makes a version found is written when it
is created, and of two that were made at once the older one stays. Tags and aliases can be changed by everyone
who may write: they are pointers, and ``verify`` holds them against the evidence.
"""

import json
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from functools import partial
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from actgate.api.names import GROUP
from actgate.api.quoting import printable, quoted
from actgate.manifests.errors import EvidenceError
from actgate.pipeline.register import mlflow_faults
from actgate.pipeline.register.mlflow_faults import ALIAS, REGISTERED, aliases_of
from actgate.pipeline.register.registry import (
    DIGEST,
    EVIDENCE,
    PAYLOADS,
    VERSION,
    Entry,
    Record,
    Registered,
    RegistryError,
    entry_of,
    manifest_bytes,
    refusal,
)
from actgate.pipeline.remote.mlflow import Mlflow, tags_of
from actgate.pipeline.remote.rest import RemoteError

EXPERIMENT: Final = "actgate"
"""Where runs are made that hold nothing but evidence."""
OURS: Final = f"{GROUP}/created"
"""Tag of versions and runs that were created here, and so may be deleted as duplicates."""
Json = dict[str, Any]
P = ParamSpec("P")
R = TypeVar("R")


def _translated(
    method: "Callable[Concatenate[MlflowRegistry, P], R]",
) -> "Callable[Concatenate[MlflowRegistry, P], R]":
    def call(self: "MlflowRegistry", /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except RemoteError as error:
            raise RegistryError(printable(f"MLflow at {self.url}: {error}")) from None
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # An answer of another shape than the documented one.
            words = f"MLflow at {self.url}: an answer cannot be read: {error!r}"
            raise RegistryError(printable(words)) from None

    return call


class MlflowRegistry:
    """A registry on an MLflow server.

    Args:
        server: The server.
        run: Run whose artifacts take the evidence; by default that of the version, else a new one.
        number: MLflow's number of the version that the evidence is of; by default the one that has its tags,
            that of the run, or a new one.
    """

    def __init__(self, server: Mlflow, run: str | None = None, number: str | None = None) -> None:
        self._server = server
        self._run = run
        self._number = number
        self.url = server.url

    @_translated
    def register(self, entry: Entry, alias: str | None, now: datetime) -> Registered:
        """Upload the evidence, tag the version, set the alias; each where it is not so yet."""
        changes: list[str] = []
        milliseconds = int(now.timestamp() * 1000)
        if self._server.model(entry.name) is None:
            self._server.create_model(entry.name)
            changes.append("model")
        found = self._version(entry)
        run = self._run_of(entry, found, milliseconds, changes)
        remarks = list(self._upload(entry, run, changes))
        if found is None:
            found = self._created(entry, run, changes)
        self._tag(entry, found, run, changes)
        self._note(entry.name, f"{REGISTERED}{found['version']}", entry.evidence, changes)
        if OURS in tags_of(run.get("data") or {}) and run["info"].get("status") == "RUNNING":
            self._server.finish_run(run["info"]["run_id"], milliseconds)
        if alias is not None:
            self._alias(entry, alias, found["version"], changes)
        self._check(entry, alias)
        place = f"models:/{entry.name}/{found['version']}"
        return Registered(bool(changes), place, None, tuple(remarks))

    @_translated
    def records(self) -> list[Record]:
        """Return all versions that have evidence."""
        return [
            self._record(model, version)
            for model in self._server.models()
            for version in self._server.versions(model["name"])
            if EVIDENCE in tags_of(version)
        ]

    @_translated
    def show(self, name: str, version: str | None) -> list[Record]:
        """Return versions of a model with the manifests among their artifacts."""
        model = self._server.model(name)
        return [
            self._record(model, one, self._manifest(one))
            for one in (self._server.versions(name) if model is not None else [])
            if model is not None and EVIDENCE in tags_of(one) and version in (None, tags_of(one).get(VERSION))
        ]

    @_translated
    def verify(self, heads: Collection[str]) -> tuple[int, list[str]]:
        """Hold tags and aliases against the evidence."""
        if heads:
            raise RegistryError("--head goes with a database: MLflow keeps no chain of hashes")
        count, faults = 0, list[str]()
        for model in self._server.models():
            versions = self._server.versions(model["name"])
            tagged = [version for version in versions if EVIDENCE in tags_of(version)]
            count += len(tagged)
            for version in tagged:
                faults += mlflow_faults.of_version(version, partial(self._manifest, version))
            faults += mlflow_faults.of_missing(model, versions)
            faults += mlflow_faults.of_aliases(model, versions)
            faults += mlflow_faults.of_stated_versions(model["name"], tagged)
        return count, faults

    def _version(self, entry: Entry) -> Json | None:
        """Return the version that the evidence is of, with duplicates of ours removed; None for a new one."""
        versions = self._server.versions(entry.name)
        same = [
            one for one in versions if tags_of(one).get(VERSION) == entry.version and EVIDENCE in tags_of(one)
        ]
        for later in same[1:]:  # One with other evidence is for its own pipeline to take back.
            if OURS in tags_of(later) and tags_of(later)[EVIDENCE] == entry.evidence:
                self._server.delete_version(entry.name, later["version"])
        if same and (there := tags_of(same[0])[EVIDENCE]) != entry.evidence:
            raise refusal(entry, there, f"MLflow at {self.url}")
        if same:
            if self._number not in (None, str(same[0]["version"])):
                raise RegistryError(
                    f"MLflow at {self.url}: this evidence is registered at version {same[0]['version']} of "
                    f"{quoted(entry.name)}, and not {self._number}"
                )
            return same[0]
        wanted = [
            one
            for one in versions
            if (
                str(one["version"]) == self._number
                if self._number is not None
                else one.get("run_id") == self._run
                if self._run is not None
                else tags_of(one).get(DIGEST) == entry.model_digest is not None
                and EVIDENCE not in tags_of(one)
            )
        ]
        if self._number is not None and not wanted:
            raise RegistryError(f"MLflow at {self.url}: {quoted(entry.name)} has no version {self._number}")
        for one in wanted:
            if (other := tags_of(one).get(EVIDENCE)) is not None:
                raise RegistryError(
                    f"MLflow at {self.url}: version {one['version']} of {quoted(entry.name)} has other "
                    f"evidence already: {other}; register this one at another version"
                )
        return wanted[-1] if wanted else None

    def _run_of(self, entry: Entry, version: Json | None, now: int, changes: list[str]) -> Json:
        named = self._run or (version or {}).get("run_id")
        if named:
            found = self._server.run(named)
            if found is None:
                raise RegistryError(f"MLflow at {self.url}: there is no run {quoted(named)}")
            return found
        experiment = self._server.experiment(EXPERIMENT)
        if not self._server.runs(experiment, EVIDENCE, entry.evidence):
            tags = {EVIDENCE: entry.evidence, OURS: "true"}
            self._server.create_run(experiment, f"{entry.name} {entry.version}", now, tags)
            changes.append("run")
        first, *others = self._server.runs(experiment, EVIDENCE, entry.evidence)
        for other in others:
            if OURS in tags_of(other["data"]):
                self._server.delete_run(other["info"]["run_id"])
        return first

    def _upload(self, entry: Entry, run: Json, changes: list[str]) -> Iterator[str]:
        """Write what is missing among the artifacts of a run; return what a user has to know."""
        if not self._server.serves_artifacts(run):
            yield (
                f"MLflow at {self.url} serves no artifacts of the run {run['info']['run_id']}: tags were "
                "set, and the evidence itself is not there; start the server with --serve-artifacts"
            )
            return
        folder = _folder(entry.evidence)
        there = _attested(self._server.artifact(run, f"{folder}/manifest.json"))
        if there - {digest for _, digest, _ in entry.attestations}:
            raise RegistryError(
                f"MLflow at {self.url}: {quoted(entry.name)} version {quoted(entry.version)} has "
                "attestations that this manifest lacks: register the manifest that has all of them"
            )
        for name, content in _artifacts(entry).items():
            if self._server.artifact(run, f"{folder}/{name}") != content:
                self._server.put_artifact(run, f"{folder}/{name}", content)
                changes.append(name)

    def _created(self, entry: Entry, run: Json, changes: list[str]) -> Json:
        uri = str(run["info"].get("artifact_uri", ""))
        stated = entry.manifest["spec"]["model"].get("uris") or []
        source = str(stated[0]) if stated else f"{uri.rstrip('/')}/{_folder(entry.evidence)}"
        self._server.create_version(entry.name, source, run["info"]["run_id"], {**entry.tags, OURS: "true"})
        changes.append("version")
        found = self._version(entry)  # Another pipeline may have made one in the meantime.
        if found is None:
            raise RegistryError(f"MLflow at {self.url}: the version was created and cannot be found")
        return found

    def _tag(self, entry: Entry, version: Json, run: Json, changes: list[str]) -> None:
        present = tags_of(version)
        for key, value in entry.tags.items():
            if present.get(key) != value:
                self._server.tag_version(entry.name, version["version"], key, value)
                changes.append(key)
        present = tags_of(run.get("data") or {})
        back = {EVIDENCE: entry.evidence, f"{GROUP}/model": f"models:/{entry.name}/{version['version']}"}
        for key, value in back.items():
            if present.get(key) != value:
                self._server.tag_run(run["info"]["run_id"], key, value)
                changes.append(key)

    def _alias(self, entry: Entry, alias: str, number: str, changes: list[str]) -> None:
        """Say first what the alias is to be: what happens between the two steps, ``verify`` reports."""
        self._note(entry.name, ALIAS + alias, f"{number} {entry.evidence}", changes)
        if aliases_of(self._server.model(entry.name) or {}).get(alias) != str(number):
            self._server.set_alias(entry.name, alias, number)
            changes.append(alias)

    def _note(self, name: str, key: str, value: str, changes: list[str]) -> None:
        """Set a tag of the registered model, which says what its versions and aliases are to be."""
        if tags_of(self._server.model(name) or {}).get(key) != value:
            self._server.tag_model(name, key, value)
            changes.append(key)

    def _check(self, entry: Entry, alias: str | None) -> None:
        """Read back what was written; nothing is reported as registered before that."""
        found = self._version(entry)
        model = self._server.model(entry.name) or {}
        wrong = found is None or any(tags_of(found).get(key) != value for key, value in entry.tags.items())
        if wrong or (alias is not None and found and aliases_of(model).get(alias) != str(found["version"])):
            raise RegistryError(
                f"MLflow at {self.url}: {quoted(entry.name)} was changed by another client meanwhile: run "
                "the command again"
            )

    def _record(self, model: Json, version: Json, manifest: Json | None = None) -> Record:
        tags, number = tags_of(version), str(version["version"])
        return Record(
            name=model["name"],
            version=tags.get(VERSION, ""),
            model_digest=tags.get(DIGEST),
            evidence=tags[EVIDENCE],
            place=f"models:/{model['name']}/{number}",
            aliases=tuple(sorted(alias for alias, named in aliases_of(model).items() if named == number)),
            payloads=tuple(tags[PAYLOADS].split(",")) if tags.get(PAYLOADS) else (),
            manifest=manifest,
        )

    def _manifest(self, version: Json) -> Json | None:
        """Return the manifest among the artifacts; None where the server does not have it."""
        run = self._server.run(version["run_id"]) if version.get("run_id") else None
        if run is None or not self._server.serves_artifacts(run):
            return None
        content = self._server.artifact(run, f"{_folder(tags_of(version)[EVIDENCE])}/manifest.json")
        found = None if content is None else json.loads(content)
        return found if isinstance(found, dict) else None


def _folder(evidence: str) -> str:
    """Return where the files of some evidence are: another one is elsewhere, so nothing is overwritten."""
    return f"actgate/{evidence.removeprefix('sha256:')}"


def _artifacts(entry: Entry) -> dict[str, bytes]:
    files = {f"run/{name}": content for name, content in entry.files.items()}
    return {**files, "manifest.json": manifest_bytes(entry.manifest)}


def _attested(content: bytes | None) -> set[str]:
    """Return the digests of what is signed in a manifest; none where it cannot be read."""
    try:
        found = entry_of(json.loads(content or b"null"), {})
    except (EvidenceError, LookupError, TypeError, ValueError):
        return set()
    return {digest for _, digest, _ in found.attestations}
