"""The arguments of ``actgate plan`` and ``audit``, and what their help says."""

import argparse
from typing import Final, TypeVar

from actgate.cli import commands

P = TypeVar("P", bound=argparse.ArgumentParser)
_PLAN: Final = """\
Fixes what will be measured, and with which limits, before the model is evaluated (AI Act
Art. 9(8)): reads the plan, refuses what is wrong in it, and prints the digest by which
measurements name it (planDigest). That is the digest of the signed plan's payload, which
is about the bytes of the model: name the model under model: in the plan, or with --model.
"""
_PLAN_END: Final = """\
a plan:
  model: {name: CreditRiskScorer, version: "2"}
  bias:
  - {attribute: sex, metric: demographic_parity_difference, threshold: 0.05}
  - {attribute: "sex,race", metric: demographic_parity_ratio, threshold: 0.8}
  confidence: 0.95
  minGroupCount: 100
  datasets: [{name: test, digest: "sha256:..."}]
  seeds: {split: 7}

examples:
  actgate plan -f plan.yaml --model model/ --run-dir run/
  actgate plan -f plan.yaml --model model/ --run-dir run/ --key model-risk.pem
"""


def add(subparsers: "argparse._SubParsersAction[P]") -> None:
    """Add the two commands."""
    _add_plan(subparsers)


def _add_plan(subparsers: "argparse._SubParsersAction[P]") -> None:
    plan = subparsers.add_parser(
        "plan",
        help="fix metrics and limits before the evaluation",
        description=_PLAN,
        epilog=_PLAN_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    plan.add_argument("-f", "--filename", required=True, metavar="FILE", help="the plan, or - for stdin")
    plan.add_argument("--model", metavar="PATH", help="the model that will be evaluated")
    plan.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="NAME",
        help="path in the model's directory that is not part of it; may be given several times",
    )
    plan.add_argument("--key", metavar="FILE", help="private key to sign the plan with")
    plan.add_argument("--chain", metavar="FILE", help="certificates in PEM that speak for the key")
    _add_places(plan, "plan.json, and with --key plan.dsse.json", "the plan, or with --key its envelope")
    plan.set_defaults(run=commands.plan)


def _add_places(parser: argparse.ArgumentParser, kept: str, written: str) -> None:
    parser.add_argument("--run-dir", metavar="DIR", help=f"folder of the run, which takes {kept}")
    parser.add_argument(
        "-o",
        "--output",
        choices=("text", "json"),
        default="text",
        help="text for people, json for machines (default: text)",
    )
    parser.add_argument("--output-file", metavar="FILE", help=f"write {written} there, whole or not at all")
