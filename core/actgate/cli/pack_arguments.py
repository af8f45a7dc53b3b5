"""The arguments of ``actgate pack``, and what its help says."""

import argparse
from typing import Final, TypeVar

from actgate.cli import argument_types, commands

P = TypeVar("P", bound=argparse.ArgumentParser)
_PACK: Final = """\
Writes one zip file with everything that a verdict rests on: the manifest, its signed
statements, the policies and their keys, Exemptions, the plan, reports and cards of the
run, and the verdict. A README in it says how to check it with openssl and sha256sum alone.
"""
_PACK_END: Final = """\
exit codes:
  0  packed, and the manifest passes (warnings may remain)
  1  packed, and a finding denies
  2  the input or the command cannot be used; nothing was written

The same input as of the same moment (--at) is the same file, byte for byte. Models and
data are not packed. `actgate verify pack.zip` derives the verdict again, offline.

examples:
  actgate pack signed.yaml --policy policies/ --run-dir run/ --output-file pack.zip
  actgate pack signed.yaml --object service.yaml --policy policies/ exemption.yaml --output-file pack.zip
  actgate verify pack.zip
"""


def add(subparsers: "argparse._SubParsersAction[P]") -> None:
    """Add the command."""
    pack = subparsers.add_parser(
        "pack",
        help="put everything that a verdict rests on in one file",
        description=_PACK,
        epilog=_PACK_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    pack.add_argument(
        "manifest",
        nargs="?",
        metavar="MANIFEST",
        help="a manifest of either form (default: manifest.yaml of --run-dir)",
    )
    pack.add_argument(
        "--run-dir", metavar="DIR", help="folder of the run: its plan, reports and cards are packed"
    )
    pack.add_argument(
        "--policy",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="files with CompliancePolicies, Namespaces whose labels these select by, and Exemptions",
    )
    pack.add_argument(
        "--object",
        metavar="FILE",
        help="the object that is judged on the manifest, which it links; without one the manifest alone is",
    )
    argument_types.add_namespace(pack, "a manifest that states none")
    argument_types.add_moment(pack, "--at", "judge")
    pack.add_argument("--output-file", required=True, metavar="FILE", help="write there, whole or not at all")
    pack.set_defaults(run=commands.pack)
