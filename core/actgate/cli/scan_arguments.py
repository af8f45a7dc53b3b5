"""The arguments of ``actgate scan``, and what its help says."""

import argparse
from pathlib import Path
from typing import Final, TypeVar

from actgate.cli import argument_types, commands

P = TypeVar("P", bound=argparse.ArgumentParser)
_SCAN: Final = """\
Says what the gate would answer about everything that serves a model in a cluster: every
ModelDeployment, every object of a serving system, and every workload that is marked as
inference or looks like it. A kubeconfig is enough, with the right to list: nothing of
actgate needs to be installed, and nothing is written to the cluster. The policies,
manifests and exemptions of the cluster count, where it has any; else the built-in
baseline does, or the policies of --policy.
"""
_SCAN_END: Final = """\
exit codes:
  0  everything passed (warnings may remain)
  1  at least one finding denies
  2  the command or the cluster cannot be used, or not everything could be read
  3  there was nothing to judge

The report of -o json keeps to scan.schema.json in the package actgate.cli.report.

examples:
  actgate scan
  actgate scan -n team-credit --policy policies/high-risk.yaml
  actgate scan -o html --output-file scan.html
"""


def add(subparsers: "argparse._SubParsersAction[P]") -> None:
    """Add the command."""
    scan = subparsers.add_parser(
        "scan",
        help="judge what a cluster runs today",
        description=_SCAN,
        epilog=_SCAN_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = scan.add_mutually_exclusive_group()
    where.add_argument(
        "-n", "--namespace", type=argument_types.namespace, metavar="NS", help="scan this namespace alone"
    )
    where.add_argument(
        "-A", "--all-namespaces", action="store_true", help="scan all namespaces (this is the default)"
    )
    scan.add_argument(
        "--policy",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="files with CompliancePolicies, in place of those of the cluster",
    )
    scan.add_argument(
        "-f",
        "--filename",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="files with ComplianceManifests and Exemptions, besides those of the cluster",
    )
    argument_types.add_kinds(scan)
    argument_types.add_moment(scan, "--now", "judge")
    scan.add_argument(
        "--kubeconfig",
        type=Path,
        metavar="FILE",
        help="how to reach the cluster (default: $KUBECONFIG, the pod's service account, ~/.kube/config)",
    )
    scan.add_argument(
        "--context", metavar="NAME", help="context of the kubeconfig (default: its current one)"
    )
    scan.add_argument(
        "-o",
        "--output",
        choices=("table", "json", "junit", "html"),
        default="table",
        help="table and html for people; json and junit for machines (default: table)",
    )
    scan.add_argument(
        "--output-file", metavar="PATH", help="write the report here (default: standard output)"
    )
    scan.set_defaults(run=commands.scan)
