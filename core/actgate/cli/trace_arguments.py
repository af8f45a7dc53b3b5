"""The arguments of ``actgate trace``, and what its help says."""

import argparse
from typing import Final, TypeVar

from actgate.cli import argument_types, commands

P = TypeVar("P", bound=argparse.ArgumentParser)
_VERIFY: Final = """\
Proves that inference logs are what the recorder wrote: no record changed, dropped,
doubled or moved, no clock set back without a record of it. Each fault is named with its
record. Needs neither the keys of the digests nor a network.
"""
_VERIFY_END: Final = """\
exit codes:
  0  verified
  1  altered, incomplete or forked; each fault is reported with its record
  2  the input or the command cannot be used; nothing was verified
  3  there is no record of an inference log

A log alone cannot show that all of it was written anew, or that its end was cut off with
its last checkpoint. A checkpoint that was kept elsewhere shows both; --expected compares
with a count of another source.

examples:
  actgate trace verify /var/log/actgate
  actgate trace verify --checkpoint kept/checkpoint --expected 120344 /var/log/actgate
"""


def add(subparsers: "argparse._SubParsersAction[P]") -> None:
    """Add the command."""
    trace = subparsers.add_parser(
        "trace", help="verify inference logs, query and export them", description="Works on inference logs."
    )
    verbs = trace.add_subparsers(metavar="VERB", required=True)
    verify = verbs.add_parser(
        "verify",
        help="prove that no record was changed, dropped or moved",
        description=_VERIFY,
        epilog=_VERIFY_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verify.add_argument("paths", nargs="+", metavar="DIR", help="directories of logs, searched as a whole")
    verify.add_argument(
        "--checkpoint",
        action="append",
        default=[],
        metavar="FILE",
        help="a checkpoint that was kept elsewhere; may be given several times",
    )
    verify.add_argument(
        "--key", metavar="KEY", help="NAME+ID+KEY, or a file with it, that has to have signed the log"
    )
    verify.add_argument(
        "--expected", type=argument_types.whole, metavar="N", help="uses of the model by another count"
    )
    verify.add_argument("-o", "--output", choices=("text", "json"), default="text", help="(default: text)")
    verify.set_defaults(run=commands.trace_verify)
