"""Documents made of evidence: model cards, an ML-BOM, lineage, and the technical documentation of Annex IV.

- ``evidence``, ``proof``: a manifest, what verifying it found, and what each value is worth;
- ``measurements``, ``calibration``, ``changes``: numbers as documents show them; computed in ``decision``;
- ``statements``, ``bias_blocks``, ``model_card``, ``annex_iv``: what stands where, as ``content``;
- ``markdown``, ``html``, ``huggingface``, ``cyclonedx``, ``openlineage``: how it is written;
- ``escape``, ``svg``: the only places where text of the evidence meets Markdown, HTML and SVG.

The border: values in, text out; no file, no network, no clock. The same input gives the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from actgate.pipeline.card.calibration import Curve
from actgate.pipeline.card.evidence import Evidence, Verification, read
from actgate.pipeline.card.owners import DEFAULT, Owners

__all__ = ["Format", "Request", "Verification", "read", "render"]


class Format(StrEnum):
    """What a document is written as."""

    HF = "hf"
    """Model card for the Hugging Face hub: Markdown with metadata in YAML."""
    HTML = "html"
    """Model card as one HTML file."""
    CYCLONEDX = "cyclonedx"
    """ML-BOM, CycloneDX 1.6 in JSON."""
    OPENLINEAGE = "openlineage"
    """RunEvent of OpenLineage in JSON."""
    ANNEX_IV = "annex-iv"
    """Technical documentation by Annex IV of the AI Act, in Markdown or HTML."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a document is made of."""

    evidence: Evidence
    owners: Owners = field(default_factory=lambda: DEFAULT)
    previous: Evidence | None = None
    """The evidence of the previous version."""
    curves: Sequence[Curve] = ()
    """Calibration of the run."""
    files: Sequence[tuple[str, str]] = ()
    """Name and SHA-256 of each file of the run that a document names."""


def render(request: Request, wanted: Format, *, html: bool = False) -> str:
    """Return a document.

    Args:
        request: What it is made of.
        wanted: Which document.
        html: Whether ``annex-iv`` is written as HTML and not as Markdown.

    Raises:
        UnreadableError: The evidence lacks what the format needs.
        ModuleNotFoundError: HTML without jinja2 (extra ``pipeline``).
    """
    from actgate import documents
    from actgate.pipeline.card import (
        annex_iv,
        cyclonedx,
        huggingface,
        markdown,
        model_card,
        openlineage,
    )
    from actgate.pipeline.card import html as page

    found, owners, previous = request.evidence, request.owners, request.previous
    match wanted:
        case Format.HF:
            card = model_card.page(found, owners, previous, request.curves, request.files)
            return huggingface.render(card, found)
        case Format.HTML:
            return page.render(model_card.page(found, owners, previous, request.curves, request.files))
        case Format.CYCLONEDX:
            return documents.to_json(cyclonedx.document(found, owners))
        case Format.OPENLINEAGE:
            return documents.to_json(openlineage.event(found))
        case Format.ANNEX_IV:
            technical = annex_iv.page(found, owners, previous, request.files)
            return page.render(technical) if html else markdown.render(technical)
