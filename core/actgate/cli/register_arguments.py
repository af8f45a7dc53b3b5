"""The arguments of ``actgate register`` and ``actgate registry``, and what their help says."""

import argparse
from pathlib import Path
from typing import Final, TypeVar

from actgate.cli import argument_types
from actgate.cli import register_commands as commands

P = TypeVar("P", bound=argparse.ArgumentParser)
_TO: Final = "mlflow:URL, sqlite:FILE, postgresql://USER@HOST/NAME, or kubernetes:"
_REGISTER: Final = """\
Keeps the evidence of a model where people and pipelines find it: in the model registry of
an MLflow server, in an append-only database, or in a cluster. The same evidence again
changes nothing, other evidence under the same version is refused, and a run that was
killed is completed by the next one.
"""
_REGISTER_END: Final = """\
registries:
  mlflow:URL    evidence as artifacts of a run; a version of the model with tags that point
                to it. Credentials: MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and
                MLFLOW_TRACKING_PASSWORD
  sqlite:FILE, postgresql://...
                an append-only table, each row with the hash of the one before it; keep the
                head that is printed elsewhere (extra: pipeline)
  kubernetes:   the ComplianceManifest itself, by the kubeconfig (extra: kube)

examples:
  actgate register signed.yaml --to sqlite:registry.db --alias champion
  actgate register signed.yaml --to mlflow:https://mlflow.example --run-dir run/
  actgate register signed.yaml --to kubernetes: -n team-credit
"""
_VERIFY: Final = """\
Holds a registry against what was registered: rows that were changed or deleted, tags,
artifacts and aliases that others moved.
"""
_VERIFY_END: Final = """\
exit codes:
  0  all of it is as it was registered
  1  something is not
  2  the registry cannot be used
  3  nothing is registered

A database that was cut off at its end, or written again as a whole, shows by a head that
was kept elsewhere.

examples:
  actgate registry verify --to sqlite:registry.db --head sha256:2c26...
"""


def add(subparsers: "argparse._SubParsersAction[P]") -> None:
    """Add both commands."""
    register = subparsers.add_parser(
        "register",
        help="keep evidence in MLflow, a database or a cluster",
        description=_REGISTER,
        epilog=_REGISTER_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    register.add_argument(
        "manifest",
        nargs="?",
        metavar="MANIFEST",
        help="a manifest of either form, or - for standard input (default: manifest.yaml of --run-dir)",
    )
    _add_target(register)
    register.add_argument("--alias", type=argument_types.label, help="alias that is to name the version")
    register.add_argument("--run-dir", metavar="DIR", help="folder of the run: reports and cards (mlflow)")
    register.add_argument(
        "--mlflow-run", metavar="ID", help="run whose artifacts take the evidence (default: the version's)"
    )
    register.add_argument(
        "--mlflow-version",
        metavar="N",
        help="version in MLflow that the evidence is of (default: that of the run, or a new one)",
    )
    register.set_defaults(run=commands.register)
    registry = subparsers.add_parser(
        "registry", help="list, show and verify what is registered", description="Works on a registry."
    )
    verbs = registry.add_subparsers(metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="list all versions", description="Lists all versions.")
    show = verbs.add_parser(
        "show",
        help="show versions of a model",
        description="Shows versions of a model, with -o json their evidence.",
    )
    show.add_argument("model", metavar="NAME[:VERSION]", help="the model, by its name in the manifest")
    for parser, run in ((listing, commands.registry_list), (show, commands.registry_show)):
        _add_target(parser)
        _add_output(parser)
        parser.set_defaults(run=run)
    verify = verbs.add_parser(
        "verify",
        help="verify that a registry is what was registered",
        description=_VERIFY,
        epilog=_VERIFY_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_target(verify)
    verify.add_argument(
        "--head",
        type=argument_types.line_hash,
        action="append",
        default=[],
        metavar="HASH",
        help="hash of a row, kept elsewhere, that must be in the database; may be given several times",
    )
    _add_output(verify)
    verify.set_defaults(run=commands.registry_verify)


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", required=True, metavar="REGISTRY", help=_TO)
    parser.add_argument(
        "-n",
        "--namespace",
        type=argument_types.namespace,
        metavar="NS",
        help="namespace in the cluster (default: the manifest's, else the context's, else default)",
    )
    parser.add_argument(
        "--kubeconfig",
        type=Path,
        metavar="FILE",
        help="how to reach the cluster (default: $KUBECONFIG, the pod's service account, ~/.kube/config)",
    )
    parser.add_argument(
        "--context", metavar="NAME", help="context of the kubeconfig (default: its current one)"
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        choices=("text", "json"),
        default="text",
        help="for people or machines (default: text)",
    )
