"""``actgate register`` and ``actgate registry``: evidence to where people and pipelines find it, and back."""

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from actgate import documents
from actgate.api.quoting import got, printable
from actgate.cli import evidence, streams
from actgate.cli.exits import Exit, UnusableError
from actgate.extras import needs
from actgate.manifests.errors import EvidenceError
from actgate.pipeline import pack
from actgate.pipeline.register.registry import Entry, Record, Registered, Registry, RegistryError, entry_of
from actgate.pipeline.remote.rest import RemoteError

SCHEMA: Final = "actgate.dev/registry/v1"
_SUPPORTED: Final = "mlflow:URL, sqlite:FILE, postgresql://USER@HOST/NAME, kubernetes:"


@dataclass(frozen=True, slots=True)
class Target:
    """Where to register, and what goes with it."""

    to: str
    namespace: str | None
    run: str | None = None
    number: str | None = None
    """MLflow's run and number of a version."""
    kubeconfig: Path | None = None
    context: str | None = None

    def registry(self, *, new: bool) -> Registry:
        """Return the registry; ``new`` says whether it may be created.

        Raises:
            UnusableError: It is none.
        """
        kind, _, rest = self.to.partition(":")
        if kind != "mlflow" and (self.run or self.number):
            raise UnusableError("--mlflow-run and --mlflow-version go with --to mlflow:URL")
        if kind != "kubernetes" and (self.kubeconfig or self.context):
            raise UnusableError("--kubeconfig and --context go with --to kubernetes:")
        try:
            if kind == "mlflow":
                return self._mlflow(rest)
            if kind == "sqlite" or kind.partition("+")[0] == "postgresql":
                with needs("actgate", "registry"):
                    from actgate.pipeline.register import database
                return database.from_file(rest, new=new) if kind == "sqlite" else database.from_url(self.to)
            if self.to in ("kubernetes", "kubernetes:"):
                return self._cluster()
        except RegistryError as error:
            raise UnusableError(str(error)) from None
        raise UnusableError(f"--to: Unsupported value: {got(self.to)}: supported values: {_SUPPORTED}")

    def _mlflow(self, url: str) -> Registry:
        from actgate.pipeline.register.mlflow import MlflowRegistry
        from actgate.pipeline.remote.mlflow import Mlflow, credentials
        from actgate.pipeline.remote.rest import Rest

        try:
            return MlflowRegistry(Mlflow(Rest(url, credentials(os.environ))), self.run, self.number)
        except RemoteError as error:
            raise UnusableError(f"--to: Invalid value: {got(self.to)}: mlflow: {error}") from None

    def _cluster(self) -> Registry:
        with needs("actgate", "kube"):
            from actgate.kube import access
            from actgate.kube.client import Cluster
            from actgate.kube.errors import Misconfigured
            from actgate.pipeline.register.cluster import ClusterRegistry
        try:
            namespace = self.namespace or access.namespace(self.kubeconfig, self.context)
        except Misconfigured as error:
            raise RegistryError(printable(f"the cluster: {error}")) from None
        connect = partial(Cluster.from_environment, self.kubeconfig, context=self.context)
        return ClusterRegistry(connect, namespace or "default")


def entry(manifest: str, run_dir: str | None, left_out: list[str]) -> Entry:
    """Return what to register.

    Raises:
        UnusableError: The manifest or a file of the run cannot be used.
    """
    given = evidence.manifest(manifest)
    try:
        files = {} if run_dir is None else pack.run_files(run_dir, (manifest,), left_out)
    except EvidenceError as error:
        raise UnusableError(str(error)) from None
    except OSError as error:
        raise UnusableError(f"{error.filename or run_dir} cannot be read: {streams.reason(error)}") from None
    try:
        return entry_of(given.value, files)
    except EvidenceError as error:
        place = given.document.place()
        raise UnusableError(*(f"{place}: {line}" for line in str(error).splitlines())) from None


def registered(target: Target, what: Entry, alias: str | None, now: datetime) -> Registered:
    """Register an entry.

    Raises:
        UnusableError: The registry refuses, or cannot be used; what it has then, another run completes.
    """
    try:
        return target.registry(new=True).register(what, alias, now)
    except RegistryError as error:
        raise UnusableError(str(error)) from None


def words(found: Registered, what: Entry, alias: str | None) -> str:
    """Return what registering came to, in lines."""
    did = "registered" if found.changed else "already registered"
    named = f", alias {alias}" if alias is not None else ""
    text = f"{did}: {what.name} {what.version}{named} at {found.place}\nevidence {what.evidence}\n"
    text += f"head {found.head}\n" if found.head else ""
    return "".join(f"{printable(line)}\n" for line in text.splitlines())


def records(target: Target, name: str | None, version: str | None) -> list[Record]:
    """Return all versions, or those of a model with their manifests.

    Raises:
        UnusableError: The registry cannot be used.
    """
    try:
        registry = target.registry(new=False)
        return registry.records() if name is None else registry.show(name, version)
    except RegistryError as error:
        raise UnusableError(str(error)) from None


def render(found: Iterable[Record], output_format: str, *, whole: bool) -> str:
    """Return records as ``text`` or ``json``; with ``whole``, manifests as well."""
    if output_format == "json":
        return documents.to_json(
            {"schema": SCHEMA, "versions": [_document(one, whole=whole) for one in found]}
        )
    return "".join(f"{printable(line)}\n" for one in found for line in _lines(one, whole=whole))


def _lines(one: Record, *, whole: bool) -> Iterator[str]:
    aliases = "".join(f" @{alias}" for alias in one.aliases)
    signed = f"{len(one.payloads)} attestation{'' if len(one.payloads) == 1 else 's'}"
    yield f"{one.name} {one.version}{aliases} {one.evidence} {signed} {one.place}"
    if whole:
        yield f"  model {one.model_digest or 'without digest'}"
        if one.recorded_at:
            yield f"  recorded at {one.recorded_at}"
        for digest in one.payloads:
            yield f"  payload {digest}"
        if one.manifest is None:
            yield "  the registry does not keep its manifest"


def _document(one: Record, *, whole: bool) -> dict[str, Any]:
    shown = {
        "name": one.name,
        "version": one.version,
        "aliases": [*one.aliases],
        "modelDigest": one.model_digest,
        "evidence": one.evidence,
        "payloads": [*one.payloads],
        "recordedAt": one.recorded_at,
        "place": one.place,
    }
    return {**shown, "manifest": one.manifest} if whole else shown


def verified(target: Target, heads: Collection[str], output_format: str) -> tuple[str, Exit]:
    """Verify a registry, and return the report and the exit code.

    Raises:
        UnusableError: It cannot be used.
    """
    try:
        count, faults = target.registry(new=False).verify(heads)
    except RegistryError as error:
        raise UnusableError(str(error)) from None
    code = Exit.DENIED if faults else Exit.PASSED if count else Exit.NOTHING
    if output_format == "json":
        return documents.to_json({"schema": SCHEMA, "verified": count, "faults": faults}), code
    number = f"{count} version{'' if count == 1 else 's'}"
    last = "BROKEN: this is not what was registered" if faults else f"VERIFIED: {number}"
    return "".join(f"{printable(line)}\n" for line in [*faults, last]), code
