"""The arguments of ``actgate evaluate``, and what its help says."""

import argparse
from typing import Final, TypeVar

from actgate.cli import argument_types, commands

P = TypeVar("P", bound=argparse.ArgumentParser)
CHECKS: Final = ("noise", "missing", "groups", "calibration", "drift", "counterfactual")
FORMATS: Final = ("fairlearn", "great-expectations", "lm-eval", "pointblank")
"""Both here so that help loads no model; a test holds them against what they name."""
_TEXT: Final = """\
Measures what a model does: accuracy, robustness against noise and missing values, the
worst group of persons, calibration, drift, and whether predictions change with the
protected attribute. Thresholds are those of the plan, fixed before the run (AI Act
Art. 9(8)). Reports of other libraries are taken by extract and digest with --import.
"""
_END: Final = """\
exit codes:
  0  every threshold is met, and everything that was planned or asked for was measured
  1  a threshold is missed, a planned check was not measured, or it is not what was planned
  2  model, data, report or command cannot be used; nothing was written

MODEL is a joblib, pickle or skops file, an MLflow model directory, or module:function.
A pickle is code: joblib and pickle files are loaded only with --trust-pickle.

examples:
  actgate evaluate model.joblib test.parquet --label y --by sex --trust-pickle
  actgate evaluate model.skops test.csv --label y --plan plan.json --run-dir run/
  actgate evaluate scorer:predict test.csv --label y --checks noise,groups --by sex,race
  actgate evaluate --import results.json --format lm-eval --run-dir run/
"""


def add(subparsers: "argparse._SubParsersAction[P]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure robustness, groups and calibration of a model, or take reports of others",
        description=_TEXT,
        epilog=_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help="the model")
    parser.add_argument(
        "data", nargs="*", metavar="DATA", help="Parquet, CSV or JSON files, folders or globs"
    )
    parser.add_argument("--label", metavar="COLUMN", help="column of the right class")
    parser.add_argument("--plan", metavar="FILE", help="plan or signed plan (default: that of --run-dir)")
    parser.add_argument(
        "--checks",
        type=_checks,
        metavar="NAME[,NAME]",
        help=f"what is measured beside accuracy: {', '.join(CHECKS)}; what is named has to be measured "
        "(default: all that can be)",
    )
    parser.add_argument(
        "--by",
        action="append",
        default=[],
        metavar="COLUMN[,COLUMN]",
        help="protected attribute, or an intersection; may be given several times (default: the plan's)",
    )
    parser.add_argument(
        "--features",
        type=_columns,
        metavar="COLUMN[,COLUMN]",
        help="columns that the model takes, in order (default: what it names, else all but the label)",
    )
    parser.add_argument("--positive", default="1", metavar="VALUE", help="favourable class (default: 1)")
    parser.add_argument(
        "--baseline",
        metavar="FILE",
        help="training data or an earlier evaluation.json, to measure drift from",
    )
    parser.add_argument(
        "--min-count",
        type=argument_types.positive,
        metavar="N",
        help="smallest group that can be the worst one (default: the plan's, else 100)",
    )
    parser.add_argument("--dataset", metavar="NAME", help="name of the data set (default: that of the file)")
    parser.add_argument(
        "--trust-pickle", action="store_true", help="load pickles, which runs the code in them"
    )
    parser.add_argument(
        "--seed",
        type=argument_types.whole,
        metavar="N",
        help="seed of all noise (default: the plan's, else 0)",
    )
    parser.add_argument("--memory", metavar="SIZE", help="memory for DuckDB (default: 256MB)")
    parser.add_argument(
        "--import", dest="report", metavar="REPORT", help="report of another library to take an extract of"
    )
    parser.add_argument("--format", choices=FORMATS, help="what wrote the report")
    parser.add_argument(
        "--run-dir",
        metavar="DIR",
        help="folder of the run, which takes evaluation.json, and may have plan.json",
    )
    parser.add_argument(
        "-o",
        "--output",
        choices=("text", "json"),
        help="text for people, json for machines (default: text, or as the name of --output-file says)",
    )
    parser.add_argument("--output-file", metavar="FILE", help="write the result there, whole or not at all")
    parser.set_defaults(run=commands.evaluate)


def _checks(text: str) -> list[str]:
    found = text.split(",")
    for one in found:
        if one not in CHECKS:
            raise argparse.ArgumentTypeError(f"{one!r} must be one of {', '.join(CHECKS)}")
    return [*dict.fromkeys(found)]


def _columns(text: str) -> list[str]:
    found = text.split(",")
    if not all(found) or len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"{text!r} must be names of columns, each once")
    return found
