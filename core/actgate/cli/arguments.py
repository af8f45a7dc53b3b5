"""The arguments of ``actgate``, and what its help says."""

import argparse
import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Final, NoReturn

from actgate.cli import (
    argument_types,
    audit_arguments,
    card_arguments,
    commands,
    evaluate_arguments,
    pack_arguments,
    register_arguments,
    scan_arguments,
    signing_arguments,
    streams,
    trace_arguments,
    training_arguments,
)
from actgate.cli.exits import Exit
from actgate.version import VERSION

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

PROGRAM: Final = "actgate"
KUBECTL_PLUGIN: Final = "kubectl actgate"
"""What a user types, where kubectl starts the program."""

_CALLED: Final = re.compile(r"(^ *|\| |`)actgate(?= [a-z])", re.MULTILINE)
"""Where a help text calls the program: in an example, behind a pipe, or between backquotes."""
_ACTGATE: Final = """\
Checks whether an AI model may run: its compliance manifest must show a bias check
that passes, training and serving in allowed regions, and human oversight. The same
rules decide in the cluster.
"""
_CHECK: Final = """\
Judges every ModelDeployment, every object of a serving system, and every workload that
is marked as inference or looks like it, by the ComplianceManifests in the same files. A
manifest that nothing in the files refers to, such as the JSON file that a training
pipeline writes, is judged by itself. No cluster is needed; nothing is sent anywhere.
"""
_CHECK_END: Final = """\
exit codes:
  0  everything passed (warnings may remain)
  1  at least one finding denies
  2  the input or the command cannot be used; nothing was judged
  3  there was nothing to judge

The report of -o json keeps to check.schema.json in the package actgate.cli.report.

examples:
  actgate check -f model_compliance_manifest.json
  actgate check -f deploy/ --policy policies/ -o sarif > actgate.sarif
  kustomize build overlays/prod | actgate check -f -
"""
_INSPECT: Final = """\
Shows what is read of each object: why it is judged or not, its signals, the models and
images that it states, where it may run, and the evidence that it links. Nothing is
judged, and nothing is sent anywhere.
"""
_INSPECT_END: Final = """\
exit codes:
  0  something of the input is judged
  2  the input or the command cannot be used
  3  nothing of the input is judged

The report of -o json keeps to inspect.schema.json in the package actgate.cli.report.

examples:
  actgate inspect -f service.yaml
  kubectl get inferenceservice,deployment -o yaml | actgate inspect -f - -o json
"""
_CONVERT: Final = """\
Writes the JSON file of a training pipeline as a ComplianceManifest, ready for kubectl
apply. What the file cannot prove is listed on standard error.
"""
_DIGEST: Final = """\
Prints the SHA-256 of what a manifest states, in canonical form (RFC 8785): the same
for the pipeline's file, the ComplianceManifest made of it, and the object in the
cluster. Attestations are not part of it: a signature changes no evidence.
"""
_MODEL_DIGEST: Final = """\
Prints the SHA-256 of a model, for spec.model.digest of its manifest:
  oms-v1     of a directory, the digest that OpenSSF Model Signing 1.0 signs
  file       of the bytes of one file
  oci-image  of an image manifest, in an OCI image layout or by itself
What Git keeps in the directory (.git, .gitattributes, .github, .gitignore) does not count.
"""
_MODEL_DIGEST_END: Final = """\
The digest oms-v1 covers no names. -o json adds resourcesDigest, which does, for
spec.model.resourcesDigest.

examples:
  actgate model digest model/
  actgate model digest model/ -o json --ignore registered_model_meta
  actgate model digest model.onnx --list
"""
_VERIFY: Final = """\
Proves that decision logs are what the webhook wrote: every chain complete from its
start, no line changed, dropped, doubled or moved. Lines of several replicas may be
mixed, and lines that are not of a decision log are skipped. Name the files in the order
in which they were written.
"""
_VERIFY_END: Final = """\
exit codes:
  0  proven
  1  broken; each fault is reported with its file and line
  2  the input or the command cannot be used; nothing was proven

A log alone cannot show whether its end was cut off, or whether all of it was written
again. Keep hashes elsewhere (the webhook logs them at every checkpoint) and give
them with --head. Decisions of callers that were not authenticated are counted apart:
any pod may have asked for them.

With --replay each decision is derived again, finding by finding, from what DIR kept:
the object, its manifests and the policies, each found by the digest that the line
states. One that differs is exit code 1. One that cannot be replayed, since DIR lacks
something or another version of the rules decided, is reported, and exit code 1 with
--strict alone; where none can be, it is exit code 2.

examples:
  actgate log verify decisions.log
  actgate log verify decisions.log --replay evidence/
  kubectl logs -n actgate-system deploy/actgate-webhook | actgate log verify -
  actgate log verify --strict --head sha256:2c26... decisions.log.1 decisions.log
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the whole usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(Exit.UNUSABLE, f"error: {message}; see {self.prog} --help\n")

    def format_help(self) -> str:
        """Return the help, in which the program is called as the user called it."""
        text = super().format_help()
        return _CALLED.sub(rf"\1{KUBECTL_PLUGIN}", text) if self.prog.startswith(KUBECTL_PLUGIN) else text

    def _print_message(self, message: str, file: "SupportsWrite[str] | None" = None) -> None:
        """Write help and versions like any result; argparse itself ignores that they cannot be written."""
        if file is None or file is not sys.stdout:
            super()._print_message(message, file)
        else:
            streams.write(lambda: file.write(message))


@cache
def parser(program: str = PROGRAM) -> argparse.ArgumentParser:
    """Return the parser, made once; what it parses has ``run``, the handler of the command."""
    root = _Parser(prog=program, description=_ACTGATE)
    root.add_argument("--version", action="version", version=f"actgate {VERSION}")
    subparsers = root.add_subparsers(metavar="COMMAND", required=True)
    _add_check(subparsers)
    _add_inspect(subparsers)
    scan_arguments.add(subparsers)
    _add_explain(subparsers)
    _add_manifest(subparsers)
    _add_model(subparsers)
    training_arguments.add(subparsers)
    audit_arguments.add(subparsers)
    evaluate_arguments.add(subparsers)
    signing_arguments.add(subparsers)
    pack_arguments.add(subparsers)
    card_arguments.add(subparsers)
    register_arguments.add(subparsers)
    _add_log(subparsers)
    trace_arguments.add(subparsers)
    return root


_Subparsers = argparse._SubParsersAction


def _add_check(subparsers: "_Subparsers[_Parser]") -> None:
    check = subparsers.add_parser(
        "check",
        help="judge files before they reach a cluster",
        description=_CHECK,
        epilog=_CHECK_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    argument_types.add_files(check)
    check.add_argument(
        "--policy",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="files with CompliancePolicies; without any policy the built-in baseline applies",
    )
    argument_types.add_namespace(check, "objects that state none")
    argument_types.add_moment(check, "--now", "judge")
    check.add_argument(
        "-o",
        "--output",
        choices=("text", "json", "junit", "sarif"),
        default="text",
        help="text for people; json, junit and sarif for machines (default: text)",
    )
    argument_types.add_kinds(check)
    check.set_defaults(run=commands.check)


def _add_inspect(subparsers: "_Subparsers[_Parser]") -> None:
    inspect = subparsers.add_parser(
        "inspect",
        help="show what is read of each object, and why it is judged",
        description=_INSPECT,
        epilog=_INSPECT_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    argument_types.add_files(inspect)
    argument_types.add_kinds(inspect)
    argument_types.add_namespace(inspect, "objects that state none")
    inspect.add_argument(
        "-o",
        "--output",
        choices=("text", "json"),
        default="text",
        help="text for people, json for machines (default: text)",
    )
    inspect.set_defaults(run=commands.inspect)


def _add_explain(subparsers: "_Subparsers[_Parser]") -> None:
    explain = subparsers.add_parser(
        "explain",
        help="show what a rule requires, or who has to sign what under a policy",
        description="Shows what a rule requires, why, and how to fix what fails it. Without a rule, lists "
        "all of them. With --policy, prints who would have to sign what: for each tier its assurance level, "
        "the required attestations, and by which keys and certificates an authority is recognised.",
    )
    explain.add_argument("rule", nargs="?", metavar="RULE", help="such as bias/limit")
    explain.add_argument(
        "--policy",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="files with CompliancePolicies",
    )
    explain.set_defaults(run=commands.explain)


def _add_manifest(subparsers: "_Subparsers[_Parser]") -> None:
    manifest = subparsers.add_parser(
        "manifest",
        help="build a manifest of a run, convert a pipeline's file, or print a digest",
        description="Works on one compliance manifest.",
    )
    verbs = manifest.add_subparsers(metavar="VERB", required=True)
    convert = verbs.add_parser(
        "convert", help="write a pipeline's file as a ComplianceManifest", description=_CONVERT
    )
    convert.add_argument("file", metavar="FILE", help="the pipeline's JSON file, or - for standard input")
    convert.add_argument("-o", "--output", choices=("yaml", "json"), default="yaml", help="(default: yaml)")
    convert.add_argument(
        "-n", "--namespace", type=argument_types.namespace, metavar="NS", help="namespace of the manifest"
    )
    convert.add_argument("--name", metavar="NAME", help="name of the manifest (default: after the model)")
    convert.set_defaults(run=commands.convert)
    training_arguments.add_build(verbs)
    digest = verbs.add_parser("digest", help="print the canonical SHA-256", description=_DIGEST)
    digest.add_argument("file", metavar="FILE", help="a manifest of either form, or - for standard input")
    digest.set_defaults(run=commands.digest)


def _add_model(subparsers: "_Subparsers[_Parser]") -> None:
    model = subparsers.add_parser(
        "model", help="print the digest of a model's bytes", description="Works on the model itself."
    )
    verbs = model.add_subparsers(metavar="VERB", required=True)
    digest = verbs.add_parser(
        "digest",
        help="print the digest that evidence and signatures name",
        description=_MODEL_DIGEST,
        epilog=_MODEL_DIGEST_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    digest.add_argument("path", metavar="PATH", help="the model: a directory or a file")
    digest.add_argument(
        "--domain",
        choices=("oms-v1", "file", "oci-image"),
        help="what the digest is taken over (default: file for a file, oms-v1 for a directory)",
    )
    digest.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="NAME",
        help="path in the directory that is not part of the model, such as registered_model_meta, which "
        "MLflow adds; may be given several times (oms-v1)",
    )
    digest.add_argument("--list", action="store_true", help="list what the digest is made of")
    digest.add_argument("-o", "--output", choices=("text", "json"), default="text", help="(default: text)")
    digest.set_defaults(run=commands.model_digest)


def _add_log(subparsers: "_Subparsers[_Parser]") -> None:
    log = subparsers.add_parser(
        "log", help="prove that a decision log is what was written", description="Works on decision logs."
    )
    verbs = log.add_subparsers(metavar="VERB", required=True)
    verify = verbs.add_parser(
        "verify",
        help="prove that nothing was changed, dropped or reordered",
        description=_VERIFY,
        epilog=_VERIFY_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verify.add_argument("files", nargs="+", metavar="FILE", help="decision logs, or - for standard input")
    verify.add_argument(
        "--head",
        type=argument_types.line_hash,
        action="append",
        default=[],
        metavar="HASH",
        help="hash of a line, kept elsewhere, that must be in the log; may be given several times",
    )
    verify.add_argument(
        "--strict",
        action="store_true",
        help="count other lines, lost decisions and a missing stop as faults; with --replay, decisions that "
        "could not be replayed as well",
    )
    verify.add_argument(
        "--replay",
        metavar="DIR",
        help="derive every decision again from the objects, manifests and policies in DIR (YAML or JSON)",
    )
    verify.add_argument(
        "-o",
        "--output",
        choices=("text", "json"),
        default="text",
        help="text for people, json for machines (default: text)",
    )
    verify.set_defaults(run=commands.verify_log)
