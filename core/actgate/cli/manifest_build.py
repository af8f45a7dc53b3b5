"""``actgate manifest build``: the files of a run as one manifest, and provenance of its model beside it."""

from argparse import Namespace
from pathlib import Path
from typing import Any, Final

from actgate import documents, manifests
from actgate.api.quoting import invalid
from actgate.cli import evidence, streams
from actgate.cli.exits import UnusableError
from actgate.cli.manifest import render
from actgate.cli.plan import save
from actgate.cli.sources import read_one
from actgate.decision import BASELINE
from actgate.decision.rules import contradiction
from actgate.pipeline import building, run_files, signing
from actgate.pipeline.building import Built
from actgate.pipeline.training import provenance

Json = dict[str, Any]
_OVERSIGHT: Final = ("role", "contact", "override", "stop")


def built(options: Namespace) -> Built:
    """Read the folder of a run, and make its manifest.

    Raises:
        UnusableError: Nothing is there, or the parts contradict each other.
    """
    folder = Path(options.run_dir)
    run = {name: _object(str(folder / name)) for name in run_files.FILES if (folder / name).exists()}
    if not run:
        raise UnusableError(f"{folder} holds none of {', '.join(run_files.FILES)}: run the steps first")
    try:
        stated = _stated(options)
        found = building.built(options.name, run, stated, _taken(options, stated))
        value = found.document
        read = manifests.read_document(value)
        wrong = [(one.path, one.message) for one in read.problems]
        wrong += [(one.path, one.message) for one in contradiction.findings(read, BASELINE)]
        if wrong:
            raise UnusableError(*(f"{folder}: {path}: {message}" for path, message in wrong))
        if options.namespace is not None:
            value = {**value, "metadata": {**value["metadata"], "namespace": options.namespace}}
    except manifests.EvidenceError as error:
        raise UnusableError(*(f"{folder}: {line}" for line in str(error).splitlines())) from None
    return Built(value, found.remarks)


def write(found: Built, options: Namespace) -> list[Path]:
    """Write the manifest, and beside it the provenance where the run has any; return where.

    Raises:
        UnusableError: They cannot be written.
    """
    folder = Path(options.run_dir)
    target = Path(options.output_file or folder / f"manifest.{options.output or 'yaml'}")
    chosen = options.output or ("json" if target.suffix.lower() == ".json" else "yaml")
    training, spec = folder / run_files.TRAINING, found.document["spec"]
    written = [target]
    if training.exists() and (spec["model"].get("digest") or spec["model"].get("images")):
        about = provenance.statement(_object(str(training)), signing.subjects(spec))
        written.append(target.parent / provenance.FILE)
        save(written[-1], documents.to_json(about))
    save(target, render(found.document, chosen))
    streams.note(found.remarks)
    return written


def _stated(options: Namespace) -> Json:
    stated = {} if options.spec is None else _object(options.spec)
    run_files.require_stated(stated)
    oversight = {name: value for name in _OVERSIGHT if (value := getattr(options, f"oversight_{name}"))}
    if oversight:
        stated["humanOversight"] = {"enabled": True, **(stated.get("humanOversight") or {}), **oversight}
    if options.risk_category is not None:
        stated["riskCategory"] = options.risk_category
    if options.model_version is not None:
        stated["model"] = {**(stated.get("model") or {}), "version": options.model_version}
    return stated


def _taken(options: Namespace, stated: Json) -> Json:
    if options.model is None:
        return {}
    model = stated.get("model")
    return evidence.model_digest(
        model if isinstance(model, dict) else {}, options.model, options.ignore
    ).stated


def _object(name: str) -> Json:
    document = read_one(name)
    if not isinstance(document.value, dict):
        raise UnusableError(f"{document.place()}: {invalid(document.value, 'an object')}")
    return {**document.value}
