"""``actgate card``: a manifest as a model card, an ML-BOM, lineage, or technical documentation.

Signatures are verified as ``actgate verify`` verifies them; a document says under which policies, or that it
was not done. A manifest that cannot be read gives no document.
"""

import hashlib
from argparse import Namespace
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from actgate.cli import evidence, sources, streams, verify
from actgate.cli.evidence import GivenManifest
from actgate.cli.exits import UnusableError
from actgate.documents import write_whole
from actgate.manifests.errors import UnreadableError
from actgate.pipeline import card
from actgate.pipeline.card import annex_points, calibration, owners
from actgate.pipeline.card.calibration import Curve
from actgate.pipeline.card.evidence import Evidence, Verification
from actgate.pipeline.card.owners import Owners

_MANIFEST: Final = "manifest.yaml"
_EVALUATION: Final = "evaluation.json"
_STEPS: Final = frozenset({"audit.json", _EVALUATION, "plan.json", "training.json"})
_ENVELOPE: Final = ".dsse.json"
_FOLDER: Final = "card"
_NAMES: Final[Mapping[card.Format, str]] = {
    card.Format.HF: "README.md",
    card.Format.HTML: "model-card.html",
    card.Format.CYCLONEDX: "bom.cdx.json",
    card.Format.OPENLINEAGE: "openlineage.json",
    card.Format.ANNEX_IV: "annex-iv.md",
}
"""Name of each document in the folder of a run."""
_HTML: Final = (".html", ".htm")


def target(options: Namespace) -> Path | None:
    """Return where the document is written; None for standard output."""
    if options.output_file is not None:
        return Path(options.output_file)
    if options.run_dir is not None:
        return Path(options.run_dir, _FOLDER, _NAMES[card.Format(options.format)])
    return None


def made(options: Namespace, place: Path | None) -> str:
    """Return the document that the options ask for.

    Raises:
        UnusableError: Something of the input cannot be used.
        ModuleNotFoundError: It is HTML, and jinja2 is missing.
    """
    given = evidence.manifest(_manifest(options))
    found = _read(given)
    found = Evidence(found.spec, found.manifest, found.value, _verification(given, options))
    previous = None if options.previous is None else _read(evidence.manifest(options.previous))
    curves, files = _curves(options.run_dir), _files(options.run_dir)
    request = card.Request(found, _owners(options.owners), previous, curves, files)
    is_html = place is not None and place.suffix.lower() in _HTML
    try:
        return card.render(request, card.Format(options.format), html=is_html)
    except UnreadableError as error:
        raise UnusableError(*_lines(given.document.place(), error)) from None


def write(text: str, place: Path) -> None:
    """Write a document, whole or not at all.

    Raises:
        UnusableError: It cannot be written.
    """
    try:
        if place.parent.name == _FOLDER:
            place.parent.mkdir(exist_ok=True)
        write_whole(place, text)
    except OSError as error:
        raise UnusableError(f"{place} cannot be written: {streams.reason(error)}") from None


def _manifest(options: Namespace) -> str:
    if options.manifest is not None:
        return str(options.manifest)
    if options.run_dir is None:
        raise UnusableError("name the manifest, or with --run-dir the folder that has it")
    return str(Path(options.run_dir, _MANIFEST))


def _read(given: GivenManifest) -> Evidence:
    try:
        return card.read(given.value)
    except UnreadableError as error:
        raise UnusableError(*_lines(given.document.place(), error)) from None


def _verification(given: GivenManifest, options: Namespace) -> Verification:
    now = options.at or datetime.now(UTC)
    found = verify.verified(given, sources.read(options.policy), options.namespace, now, None, ())
    assert found.report is not None  # noqa: S101 - a manifest is always judged
    (judged,) = found.report.judged
    return Verification(
        policies=found.policies if options.policy else (),
        trusting=found.trusting,
        at=options.at if options.policy else None,
        level=found.level if found.trusting else None,
        attestations=tuple(assessment for _, assessment in found.attestations),
        findings=judged.verdict.findings,
    )


def _owners(name: str | None) -> Owners:
    if name is None:
        return owners.DEFAULT
    document = sources.read_one(name)
    try:
        return owners.read(document.value, annex_points.NUMBERS)
    except UnreadableError as error:
        raise UnusableError(*_lines(document.place(), error)) from None


def _curves(folder: str | None) -> tuple[Curve, ...]:
    """Return the calibration of a run, none where it was not evaluated."""
    if folder is None or not Path(folder, _EVALUATION).exists():
        return ()
    document = sources.read_one(str(Path(folder, _EVALUATION)))
    try:
        return calibration.read(document.value)
    except UnreadableError as error:
        raise UnusableError(*_lines(document.place(), error)) from None


def _files(folder: str | None) -> tuple[tuple[str, str], ...]:
    """Return name and SHA-256 of what the steps of a pipeline left in the folder of a run."""
    if folder is None:
        return ()
    found = []
    try:
        for path in sorted(Path(folder).iterdir()):
            if (path.name in _STEPS or path.name.endswith(_ENVELOPE)) and path.is_file():
                found.append((path.name, f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"))
    except OSError as error:
        raise UnusableError(f"{folder} cannot be read: {streams.reason(error)}") from None
    return tuple(found)


def _lines(place: str, error: UnreadableError) -> list[str]:
    return [f"{place}: {line}" for line in str(error).splitlines()]
