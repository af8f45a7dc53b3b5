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
  actgate trace verify proof.zip
"""
_QUERY: Final = """\
Finds records of inference logs. The logs are verified, and copied into a Parquet file that
is deleted with the command. Needs pip install 'actgate[trace]'.
"""
_QUERY_END: Final = """\
exit codes:
  0  found, and the logs verify
  1  found, and a log is altered or incomplete: see actgate trace verify
  2  the input or the command cannot be used
  3  no record is like that

The table records has the columns log, seq, time, event, id, decision, method, route, status,
error, dur_us, in_bytes, out_bytes, subject, fields, action, actor, trace_id and record; fields
and record are JSON.

examples:
  actgate trace query --id 019ac3e2-7c1b-7f3e-9a51-0d9c8b1f2a3c /var/log/actgate
  actgate trace query --subject A-17 --keys-dir keys /var/log/actgate
  actgate trace query --where "CAST(fields->>'$.score' AS DOUBLE) > 0.9" /var/log/actgate
  actgate trace query --sql "SELECT status, count(*) FROM records GROUP BY 1" /var/log/actgate
"""
_EXPORT: Final = """\
Writes the proof of one decision: its records and the events about it, the hashes from each
to the root of its log, and the signed checkpoint. `actgate trace verify` verifies it, and so
does the program in it, without actgate and without a network. Or writes all records to a
Parquet file.
"""
_EXPORT_END: Final = """\
exit codes:
  0  written
  1  the log is altered or incomplete: see actgate trace verify
  2  the input or the command cannot be used, or the records cannot be proven
  3  no record has that id

examples:
  actgate trace export --id 019ac3e2-7c1b-7f3e-9a51-0d9c8b1f2a3c --manifest credit-3.yaml /var/log/actgate
  actgate trace export --parquet records.parquet /var/log/actgate
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
    verify.add_argument(
        "paths",
        nargs="+",
        metavar="DIR|FILE",
        help="directories of logs, searched as a whole, or files of `actgate trace export --id`",
    )
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
    _add_query(verbs)
    _add_export(verbs)


def _add_query(verbs: "argparse._SubParsersAction[P]") -> None:
    query = verbs.add_parser(
        "query",
        help="find records, also with SQL",
        description=_QUERY,
        epilog=_QUERY_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    query.add_argument("paths", nargs="+", metavar="DIR", help="directories of logs, searched as a whole")
    query.add_argument("--id", metavar="ID", help="a decision, and the events about it")
    query.add_argument(
        "--event", action="append", metavar="EVENT", help="inference, oversight, ...; several times"
    )
    query.add_argument("--since", type=argument_types.moment, metavar="TIME", help="from this moment on")
    query.add_argument("--until", type=argument_types.moment, metavar="TIME", help="before this moment")
    query.add_argument("--subject", metavar="ID", help="decisions about a person; needs --keys-dir")
    query.add_argument("--keys-dir", metavar="DIR", help="the keys of digests, as the recorder has them")
    query.add_argument("--where", metavar="SQL", help="a further condition on the table records")
    query.add_argument("--limit", type=argument_types.positive, metavar="N", help="at most so many records")
    query.add_argument("--sql", metavar="SQL", help="a question of its own to the table records")
    query.add_argument(
        "-o",
        "--output",
        choices=("text", "json", "csv"),
        default="text",
        help="json has a line for each record",
    )
    query.set_defaults(run=commands.trace_query)


def _add_export(verbs: "argparse._SubParsersAction[P]") -> None:
    export = verbs.add_parser(
        "export",
        help="prove one decision in a file, or write records for tools",
        description=_EXPORT,
        epilog=_EXPORT_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    export.add_argument("paths", nargs="+", metavar="DIR", help="directories of logs, searched as a whole")
    what = export.add_mutually_exclusive_group(required=True)
    what.add_argument("--id", metavar="ID", help="the decision to prove: Actgate-Record-Id of its answer")
    what.add_argument("--parquet", metavar="FILE", help="write all records to this file, for tools")
    export.add_argument(
        "--manifest", metavar="FILE", help="pack the manifest under which the model was admitted"
    )
    export.add_argument(
        "--output-file", metavar="FILE", default="proof.zip", help="of the proof (default: proof.zip)"
    )
    export.set_defaults(run=commands.trace_export)
