"""The arguments of ``actgate attest``, ``approve`` and ``verify``, and what their help says."""

import argparse
from typing import Final, TypeVar

from actgate.cli import argument_types, commands

P = TypeVar("P", bound=argparse.ArgumentParser)
_ATTEST: Final = """\
Signs what a manifest states, as a statement about its model, and writes the manifest
with the signed statement (spec.attestations). The file of a training pipeline is
converted first. A statement that was signed elsewhere is added with --envelope.
"""
_ATTEST_END: Final = """\
types, and what of spec they sign:
  compliance-manifest  all of it
  bias-audit           bias
  evaluation           evaluations
  data-quality         dataQuality
  plan                 --predicate FILE: attributes, metrics and thresholds, fixed before
                       the run
  provenance           --predicate FILE: SLSA provenance, as `actgate manifest build` writes
                       it

Keys are files in PEM as openssl writes them, or cosign's: ECDSA P-256 or P-384, Ed25519,
or RSA of 2048 bits or more. The password of an encrypted key is asked for, or taken from
ACTGATE_KEY_PASSWORD. Standard error has the digest of the signed payload, by which a plan
is named (planDigest) and a policy withdraws it, and the part of a CompliancePolicy that
trusts the signer.

Envelopes that are kept as files belong beside the model, never into its directory:
MODEL.actgate/NAME.dsse.json.

examples:
  actgate attest manifest.yaml --key training.pem --model model/ --output-file signed.yaml
  actgate attest signed.yaml --key risk.pem --type bias-audit --output-file signed.yaml
  actgate attest manifest.yaml --key k.pem --envelope-only --output-file model.actgate/a.dsse.json
  actgate attest manifest.yaml --envelope audit.sigstore.json --name audit
"""
_APPROVE: Final = """\
Signs that a role approves what was signed: one attestation of a manifest, by the digest of
its payload. Writes the manifest with the approval, or for an envelope the approval alone.
"""
_APPROVE_END: Final = """\
examples:
  actgate approve signed.yaml --role "Compliance office" --by "J. Doe" --key office.pem \\
    --of bias-audit --output-file signed.yaml
"""
_VERIFY: Final = """\
Verifies who signed a manifest or an envelope, and judges it under the policies. Nothing is
fetched: keys and certificates come from the policies, and the time from --at.

Of a pack (`actgate pack`) every byte is held against its digests, and its verdict is derived
again under the policies and as of the moment in it, and compared finding by finding. With
--policy or --at it is judged under these as well, and that verdict is shown.
"""
_VERIFY_END: Final = """\
exit codes:
  0  it passes (warnings may remain); an envelope: an authority signed what it may attest
  1  a finding denies, or no authority that may attest it signed; the model is another one;
     a pack was changed
  2  the input or the command cannot be used; nothing was verified
  3  there was nothing to judge: an envelope, and no policy

A file proves no time: signatures count as if they were made at the moment of --at.

examples:
  actgate verify signed.yaml --policy policies/ --model model/
  actgate verify model.actgate/audit.dsse.json --policy high-risk.yaml --at 2026-11-01T10:00:00Z
  actgate verify pack.zip
"""
TYPES: Final = ("compliance-manifest", "bias-audit", "evaluation", "data-quality", "plan", "provenance")


def add(subparsers: "argparse._SubParsersAction[P]") -> None:
    """Add the three commands."""
    _add_attest(subparsers)
    _add_approve(subparsers)
    _add_verify(subparsers)


def _add_attest(subparsers: "argparse._SubParsersAction[P]") -> None:
    attest = subparsers.add_parser(
        "attest",
        help="sign evidence, and add it to its manifest",
        description=_ATTEST,
        epilog=_ATTEST_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    attest.add_argument(
        "manifest", metavar="MANIFEST", help="a manifest of either form, or - for standard input"
    )
    source = attest.add_mutually_exclusive_group(required=True)
    source.add_argument("--key", metavar="FILE", help="private key to sign with")
    source.add_argument("--envelope", metavar="FILE", help="DSSE envelope or Sigstore bundle to add")
    _add_chain(attest)
    attest.add_argument("--type", choices=TYPES, help="what to attest (default: compliance-manifest)")
    attest.add_argument(
        "--name", type=argument_types.label, help="name of the attestation (default: its type)"
    )
    attest.add_argument(
        "--predicate", metavar="FILE", help="YAML or JSON to sign in place of the part of spec"
    )
    _add_model(attest, "the model, whose digest the manifest takes")
    attest.add_argument("--envelope-only", action="store_true", help="write the envelope, not the manifest")
    _add_output(attest)
    attest.set_defaults(run=commands.attest)


def _add_approve(subparsers: "argparse._SubParsersAction[P]") -> None:
    approve = subparsers.add_parser(
        "approve",
        help="sign the approval of what was signed",
        description=_APPROVE,
        epilog=_APPROVE_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    approve.add_argument("file", metavar="FILE", help="a manifest or an envelope, or - for standard input")
    approve.add_argument("--role", required=True, help="role in which the person decides")
    approve.add_argument("--by", required=True, help="who decides")
    approve.add_argument("--key", required=True, metavar="FILE", help="private key to sign with")
    _add_chain(approve)
    approve.add_argument(
        "--of",
        type=argument_types.label,
        metavar="NAME",
        help="attestation to approve (default: the only one that is not an approval)",
    )
    approve.add_argument(
        "--name",
        type=argument_types.label,
        default="approval",
        help="name of the approval (default: approval)",
    )
    _add_output(approve)
    approve.set_defaults(run=commands.approve)


def _add_verify(subparsers: "argparse._SubParsersAction[P]") -> None:
    verify = subparsers.add_parser(
        "verify",
        help="verify who signed evidence, and judge it",
        description=_VERIFY,
        epilog=_VERIFY_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verify.add_argument(
        "file", metavar="FILE", help="a manifest, an envelope or a pack, or - for standard input"
    )
    verify.add_argument(
        "--policy",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="files with CompliancePolicies, Namespaces whose labels these select by, and Exemptions; "
        "without any policy the built-in baseline applies, which trusts no signer",
    )
    _add_model(verify, "the model, whose digests the manifest must name")
    argument_types.add_namespace(verify, "a manifest that states none")
    argument_types.add_moment(verify, "--at", "verify")
    verify.add_argument(
        "-o",
        "--output",
        choices=("text", "json"),
        default="text",
        help="text for people, json for machines (default: text)",
    )
    verify.set_defaults(run=commands.verify)


def _add_chain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--chain",
        metavar="FILE",
        help="certificates in PEM that speak for the key: the signer's own first, each issued by the next",
    )


def _add_model(parser: argparse.ArgumentParser, called: str) -> None:
    parser.add_argument("--model", metavar="PATH", help=f"{called}: a directory or a file")
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="NAME",
        help="path in the model's directory that is not part of it; may be given several times",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        choices=("yaml", "json"),
        help="(default: as the name of --output-file says, else yaml)",
    )
    parser.add_argument(
        "--output-file", metavar="FILE", help="write there, whole or not at all (default: standard output)"
    )
