"""The arguments of ``actgate plan`` and ``audit``, and what their help says."""

import argparse
from typing import Final, TypeVar

from actgate.cli import argument_types, commands

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
_AUDIT: Final = """\
Counts persons, selections and errors for each group in one pass over the data, measures
bias with intervals, checks the quality of the data, and writes evidence: counts, never a
row. Predictions are judged against the limits of the plan, or of the built-in baseline.
"""
_AUDIT_END: Final = """\
exit codes:
  0  every measurement passes with the confidence that is asked for, and every check holds
  1  one fails or is inconclusive, or it is not what was planned
  2  the data or the command cannot be used; nothing was written

Label and prediction hold 0 and 1, false and true, or --positive names the favourable
value. Rows without a value are refused with their number, or left out with --nulls drop.

examples:
  actgate audit test.parquet --label y --prediction yhat --by sex --by sex,race
  actgate audit scored/ --label repaid --prediction granted --plan plan.json --run-dir run/
  actgate audit credit.scores --label y --prediction yhat --by sex --print-sql
  actgate audit --counts paris.json milan.csv --label y --prediction yhat --by sex
"""
METRICS: Final = (
    "demographic_parity_difference",
    "equalized_odds_difference",
    "equal_opportunity_difference",
    "statistical_parity_difference",
    "average_odds_difference",
    "demographic_parity_ratio",
    "equalized_odds_ratio",
    "disparate_impact",
)
"""Names of metrics, here so that help needs no model; a test holds them against ``Metric``."""


def add(subparsers: "argparse._SubParsersAction[P]") -> None:
    """Add the two commands."""
    _add_plan(subparsers)
    _add_audit(subparsers)


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


def _add_audit(subparsers: "argparse._SubParsersAction[P]") -> None:
    audit = subparsers.add_parser(
        "audit",
        help="count groups, measure bias and check data",
        description=_AUDIT,
        epilog=_AUDIT_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    audit.add_argument(
        "data",
        nargs="*",
        metavar="DATA",
        help="Parquet, CSV or JSON files, folders, globs or addresses; with --print-sql ansi a table",
    )
    audit.add_argument("--label", required=True, metavar="COLUMN", help="column of the right result")
    audit.add_argument("--prediction", required=True, metavar="COLUMN", help="column of the model's result")
    audit.add_argument(
        "--by",
        action="append",
        default=[],
        metavar="COLUMN[,COLUMN]",
        help="protected attribute, or an intersection; may be given several times (default: the plan's)",
    )
    audit.add_argument("--positive", metavar="VALUE", help="favourable value, where it is not 1 or true")
    audit.add_argument(
        "--nulls",
        choices=("refuse", "drop"),
        default="refuse",
        help="what becomes of rows without label, prediction or group (default: refuse)",
    )
    _add_judgement(audit)
    audit.add_argument("--dataset", metavar="NAME", help="name of the data set (default: that of the file)")
    audit.add_argument("--quality", metavar="FILE", help="rules of data quality")
    audit.add_argument(
        "--train", nargs="+", default=[], metavar="DATA", help="training data, of which no row may be in DATA"
    )
    audit.add_argument(
        "--print-sql",
        nargs="?",
        const="ansi",
        choices=("ansi", "duckdb"),
        help="print the query, for data in another engine, and count nothing (default: ansi)",
    )
    audit.add_argument(
        "--counts", nargs="+", default=[], metavar="FILE", help="results of the printed query, which add up"
    )
    audit.add_argument("--memory", metavar="SIZE", help="memory for DuckDB (default: 256MB)")
    audit.add_argument("--threads", type=argument_types.positive, metavar="N", help="(default: at most 4)")
    _add_places(audit, "audit.json, and may have plan.json", "the result")
    audit.set_defaults(run=commands.audit)


def _add_judgement(audit: argparse.ArgumentParser) -> None:
    audit.add_argument("--plan", metavar="FILE", help="plan or signed plan (default: that of --run-dir)")
    audit.add_argument(
        "--metric",
        action="append",
        default=[],
        choices=(*METRICS, "all"),
        metavar="NAME",
        help="metric to judge, or all; may be given several times (default: the plan's, else "
        "demographic_parity_difference)",
    )
    audit.add_argument(
        "--reference",
        action="append",
        default=[],
        metavar="ATTRIBUTE=GROUP",
        help="group that directional metrics compare the others with",
    )
    limits = {
        "--max-difference": "largest difference (default: the plan's, else 0.05)",
        "--min-ratio": "smallest ratio (default: the plan's, else 0.8)",
        "--confidence": "confidence with which limits have to hold; 0 asks for the value alone (default: the "
        "plan's, else 0.95)",
    }
    for flag, words in limits.items():
        audit.add_argument(flag, type=argument_types.share, metavar="X", help=words)
    audit.add_argument(
        "--min-count",
        type=argument_types.whole,
        metavar="N",
        help="smallest group that counts: with a smaller one a pass is inconclusive (default: the plan's)",
    )
    audit.add_argument(
        "--bootstrap",
        type=argument_types.whole,
        default=1000,
        metavar="N",
        help="replicates of the bootstrap intervals, for information; 0 for none (default: 1000)",
    )
    audit.add_argument("--seed", type=argument_types.whole, metavar="N", help="seed of the bootstrap")


def _add_places(parser: argparse.ArgumentParser, kept: str, written: str) -> None:
    parser.add_argument("--run-dir", metavar="DIR", help=f"folder of the run, which takes {kept}")
    parser.add_argument(
        "-o",
        "--output",
        choices=("text", "json"),
        help="text for people, json for machines (default: text, or as the name of --output-file says)",
    )
    parser.add_argument("--output-file", metavar="FILE", help=f"write {written} there, whole or not at all")
