"""The arguments of ``actgate train-run`` and ``actgate manifest build``, and what their help says."""

import argparse
from typing import Final, TypeVar

from actgate.cli import argument_types, commands

P = TypeVar("P", bound=argparse.ArgumentParser)
_TRAIN_RUN: Final = """\
Runs a training command, and records when and where it ran, from which code, data and base
models: DIR/training.json, for `actgate manifest build`. With --model the SLSA provenance of
the model is written too (DIR/provenance.json). When the command fails, nothing is written.
"""
_TRAIN_RUN_END: Final = """\
exit codes:
  0  the command succeeded, and its evidence is written
  2  the command failed, an input cannot be used, or two sources contradict each other;
     nothing was written

Where it ran is taken from --region, the environment (ACTGATE_TRAINING_REGION, AWS_REGION,
ACTGATE_NODE_REGION, ACTGATE_NODE_ZONE, ACTGATE_NODE_PROVIDER_ID), the labels of the pod in
the Kubernetes downward API, all of them declared, and from the cloud's metadata server, which
is observed. The arguments of the command are recorded: hand secrets over in the environment.

examples:
  actgate train-run --run-dir run --dataset data/train.csv --model model/ -- python train.py
  actgate train-run --run-dir run --dataset train=data/2026-*.parquet \\
    --base-model bert@sha256:2c26... --cloud-metadata aws -- torchrun train.py
"""
_BUILD: Final = """\
Puts together what the steps of a run wrote into DIR (plan, audit, evaluation, training
evidence) and what people state, as one manifest. Parts that contradict each other are
refused: another model, other data under one name, another plan. A signed plan becomes an
attestation of the manifest. Writes DIR/manifest.yaml, and the SLSA provenance of the model
beside it (provenance.json), to be signed with `actgate attest --type provenance`.
"""
_BUILD_END: Final = """\
examples:
  actgate manifest build --run-dir run --name CreditRiskScorer --model model/ \\
    --risk-category HighRisk --spec statements.yaml
"""


def add(subparsers: "argparse._SubParsersAction[P]") -> None:
    """Add the command."""
    train = subparsers.add_parser(
        "train-run",
        help="run a training command, and record its evidence",
        usage="%(prog)s --run-dir DIR [options] -- COMMAND ...",
        description=_TRAIN_RUN,
        epilog=_TRAIN_RUN_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    train.add_argument("--run-dir", required=True, metavar="DIR", help="folder of the run")
    train.add_argument(
        "--dataset",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="data sets that it learns from, each a file, a directory or a glob in quotes, or NAME=FILE",
    )
    train.add_argument(
        "--base-model",
        nargs="+",
        action="extend",
        default=[],
        metavar="DIGEST",
        help="models that it starts from, each [NAME@]sha256:HEX or a path",
    )
    train.add_argument("--model", metavar="PATH", help="the model that it makes: a directory or a file")
    train.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="NAME",
        help="path in the model's directory that is not part of it; may be given several times",
    )
    train.add_argument("--lock", metavar="FILE", help="lock file of its libraries (default: found by name)")
    train.add_argument(
        "--region",
        action="append",
        metavar="REGION",
        help="where data is processed, such as 'aws eu-west-3'; may be given several times",
    )
    train.add_argument(
        "--cloud-metadata",
        choices=("auto", "never", "aws", "gcp", "azure"),
        default="auto",
        help="metadata server to ask (default: auto, the one of the cloud that the firmware names)",
    )
    train.add_argument(
        "--podinfo",
        default="/etc/podinfo",
        metavar="DIR",
        help="folder of the Kubernetes downward API (default: /etc/podinfo)",
    )
    train.add_argument("--run-id", metavar="ID", help="identifier of the run in the tracking system")
    train.add_argument("--builder", metavar="URI", help="what runs it (default: as the CI system says)")
    train.add_argument("command", nargs="+", metavar="COMMAND", help="what trains the model, after --")
    train.set_defaults(run=commands.train_run)


def add_build(verbs: "argparse._SubParsersAction[P]") -> None:
    """Add ``build`` to the verbs of ``actgate manifest``."""
    build = verbs.add_parser(
        "build",
        help="put the files of a run together as a ComplianceManifest",
        description=_BUILD,
        epilog=_BUILD_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    build.add_argument("--run-dir", required=True, metavar="DIR", help="folder of the run")
    build.add_argument("--name", required=True, metavar="NAME", help="name of the model")
    build.add_argument("--model-version", metavar="VERSION", help="version of the model")
    build.add_argument("--model", metavar="PATH", help="the model: a directory or a file")
    build.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="NAME",
        help="path in the model's directory that is not part of it; may be given several times",
    )
    build.add_argument(
        "--risk-category",
        choices=("Prohibited", "HighRisk", "LimitedRisk", "MinimalRisk"),
        help="tier of the AI Act",
    )
    for name, words in (
        ("role", "role of the overseeing person"),
        ("contact", "how to reach that role"),
        ("override", "how a person disregards or reverses an output"),
        ("stop", "how a person stops the system"),
    ):
        build.add_argument(f"--oversight-{name}", metavar="TEXT", help=words)
    build.add_argument(
        "--spec", metavar="FILE", help="YAML or JSON with more fields of spec that people state"
    )
    build.add_argument(
        "-n", "--namespace", type=argument_types.namespace, metavar="NS", help="namespace of the manifest"
    )
    build.add_argument(
        "-o",
        "--output",
        choices=("yaml", "json"),
        help="(default: as the name of --output-file says, else yaml)",
    )
    build.add_argument(
        "--output-file",
        metavar="FILE",
        help="write there, whole or not at all (default: DIR/manifest.yaml)",
    )
    build.set_defaults(run=commands.build)
