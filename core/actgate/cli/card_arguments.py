"""The arguments of ``actgate card``, and what its help says."""

import argparse
from typing import Final, TypeVar

from actgate.cli import argument_types, commands

P = TypeVar("P", bound=argparse.ArgumentParser)
FORMATS: Final = ("hf", "html", "cyclonedx", "openlineage", "annex-iv")
_CARD: Final = """\
Writes a document that is made of a manifest alone: each number with its field, how far
it proves itself and who signed it; what no evidence states is an open item with an
owner. Without --policy no signature is verified, and the document says so.
"""
_CARD_END: Final = """\
formats:
  hf           model card for the Hugging Face hub: Markdown with metadata
  html         model card as one HTML file, for a browser and for printing
  cyclonedx    ML-BOM, CycloneDX 1.6 in JSON, with declarations
  openlineage  RunEvent of OpenLineage in JSON
  annex-iv     technical documentation by Annex IV of Regulation (EU) 2024/1689, nine
               points: HTML where --output-file ends in .html, else Markdown

--owners FILE (YAML or JSON) names who closes open items:
  roles: {security: Security desk, risk: model-risk@bank.example}
  items: {"2(b)": J. Doe}

With --run-dir the manifest is DIR/manifest.yaml, a calibration is taken from
DIR/evaluation.json, and the document is written into DIR/card/. The same input gives the
same bytes; with --policy state the moment by --at.

exit codes:
  0  the document was written, whatever the evidence says
  2  the input or the command cannot be used; nothing was written

examples:
  actgate card manifest.yaml --format html --output-file card.html
  actgate card signed.yaml --policy policies/ --at 2026-11-27T00:00:00Z --format annex-iv
  actgate card --run-dir run/ --format cyclonedx
"""


def add(subparsers: "argparse._SubParsersAction[P]") -> None:
    """Add the command."""
    card = subparsers.add_parser(
        "card",
        help="write a model card, an ML-BOM, lineage or Annex IV documentation",
        description=_CARD,
        epilog=_CARD_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    card.add_argument(
        "manifest",
        nargs="?",
        metavar="MANIFEST",
        help="a manifest of either form, or - for standard input (default: manifest.yaml of --run-dir)",
    )
    card.add_argument("--format", choices=FORMATS, required=True, help="what is written")
    card.add_argument("--run-dir", metavar="DIR", help="folder that the steps of a pipeline fill")
    card.add_argument(
        "--policy",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="files with CompliancePolicies, by which signatures are verified and limits are judged",
    )
    argument_types.add_namespace(card, "a manifest that states none")
    argument_types.add_moment(card, "--at", "verify")
    card.add_argument("--previous", metavar="MANIFEST", help="manifest of the previous version")
    card.add_argument("--owners", metavar="FILE", help="who closes open items")
    card.add_argument(
        "--output-file",
        metavar="FILE",
        help="write there, whole or not at all (default: standard output, or into --run-dir)",
    )
    card.set_defaults(run=commands.card)
