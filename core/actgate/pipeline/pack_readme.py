"""The README of a pack: what an auditor checks with openssl and sha256sum, without actgate.

It names files, fingerprints and digests only. No text of the evidence stands in it, so that none can give
instructions to its reader.
"""

from collections.abc import Iterator
from typing import Final

from actgate.pipeline.pack_signatures import Check, Key, Signatures, Signed

_HEAD: Final = """\
# Evidence of a model

This archive holds what a verdict on a model rests on: the compliance manifest, the signed statements in it,
the policies with the keys that they trust, the reports of the pipeline, and the verdict itself. It can be
checked without a network, and without actgate: with `sh`, `sed`, `base64`, `sha256sum` and `openssl` 1.1.1
or newer. Unzip it into an empty folder, and run the commands below there (`sh -eu`): each one fails where
something is wrong.

| file | what it is |
|---|---|
| `{manifest}` | the compliance manifest |
| `envelopes/` | the signed statements of the manifest, DSSE envelopes; certificates beside them |
| `keys/` | the public keys and root certificates of the policies |
| `policies/`, `namespaces/`, `exemptions/` | what the manifest was judged under |
| `objects/` | the object that was judged on it, where that was not the manifest by itself |
| `run/` | the files of the pipeline's run: plan, reports, cards |
| `verdict.json` | the verdict, with every finding |
| `pack.json` | as of when, and by which release of actgate, it was judged |
| `SHA256SUMS` | the digest of every other file |

## 1. The files are the ones that were packed

```sh
sha256sum --check --strict --quiet SHA256SUMS
found=$(find . -type f ! -path ./SHA256SUMS | cut -c3- | LC_ALL=C sort)
test "$found" = "$(cut -c67- SHA256SUMS | LC_ALL=C sort)"
```

Who changes a file can write a new `SHA256SUMS` too. What they cannot make again are the signatures below, and
the digest of the whole archive that `actgate pack` printed: compare it with `sha256sum` of the archive, by a
copy of it that reached you another way.
"""
_KEYS: Final = """\

## 2. The keys are those of the parties

The policies trust these keys. Ask each party for the fingerprint of its key another way than by this archive.
"""
_NO_KEYS: Final = """\

## 2. The keys are those of the parties

The policies in this archive name no public key.
"""
_SIGNATURES: Final = """\

## 3. The signatures are theirs

What is signed is the pre-authentication encoding of an envelope
(https://github.com/secure-systems-lab/dsse/blob/master/protocol.md): the word `DSSEv1`, then length and
bytes of the payload type, then length and bytes of the payload. These functions write it, the payload and a
signature:

```sh
payload() { sed -n 's/^  "payload": "\\(.*\\)",*$/\\1/p' "$1" | base64 -d; }
signature() { sed -n 's/^ *"sig": "\\(.*\\)",*$/\\1/p' "$1" | sed -n "$2p" | base64 -d; }
pae() {
  type=$(sed -n 's/^  "payloadType": "\\(.*\\)",*$/\\1/p' "$1")
  printf 'DSSEv1 %d %s %d ' "${#type}" "$type" "$(payload "$1" | wc -c)"
  payload "$1"
}
work=$(mktemp -d)
```
"""
_NONE: Final = """\

## 3. The signatures are theirs

The manifest has no signed statement that can be read: nothing in it is more than a claim.
"""
_TAIL: Final = """\

## {number}. What was signed is what was judged

`payload FILE` shows what a party signed: an in-toto statement, whose `subject` is the model by its digest,
and whose `predicate` is the manifest's `spec` or a part of it. Compare it with `{manifest}`, and the
`subject` with the digest of the model that runs.

## {next}. The verdict

`verdict.json` has it, with the rules that were applied. `actgate verify pack.zip` (any machine, no network)
derives it again from the files of this archive, and compares it finding by finding.

## What this does not show

The archive shows that what is in it belongs together and who signed it. It does not show that what they
signed is true, nor that nothing else was measured. The verdict says which evidence is present, missing or
contradictory; it is no statement of conformity with the AI Act.
"""


def text(manifest: str, found: Signatures) -> str:
    """Return the README for a manifest's file and the signatures that are in it."""
    parts = [_HEAD.replace("{manifest}", manifest)]
    parts += [_KEYS, *_keys(found.keys)] if found.keys else [_NO_KEYS]
    parts += (
        [_SIGNATURES, *(line for one in found.signed for line in _signed(one))] if found.signed else [_NONE]
    )
    for name in found.unreadable:
        parts.append(f"\nThe attestation `{name}` is not an envelope that can be read.\n")
    if found.signed:
        parts.append('\n```sh\nrm -r "$work"\n```\n')
    parts.append(_TAIL.replace("{manifest}", manifest).replace("{number}", "4").replace("{next}", "5"))
    return "".join(parts)


def _keys(keys: list[Key]) -> Iterator[str]:
    yield "\n```sh\n"
    for key in keys:
        digest = key.fingerprint.removeprefix("sha256:")
        yield f"# {key.file}, {key.kind}\n"
        yield f"openssl pkey -pubin -in {key.file} -outform DER | sha256sum | grep -q {digest}\n"
    yield "```\n"


def _signed(signed: Signed) -> Iterator[str]:
    yield f"\n### {signed.file}\n\nDigest of the payload: `{signed.payload_digest}`.\n\n```sh\n"
    yield f"payload {signed.file} | sha256sum | grep -q {signed.payload_digest.removeprefix('sha256:')}\n"
    yield f'pae {signed.file} > "$work/pae"\n'
    for check in signed.checks:
        yield from _commands(signed.file, check)
    yield "```\n"
    for check in signed.checks:
        if check.key is None:
            yield f"\nSignature {check.number} is by no key of the policies: it proves nothing here.\n"
        elif check.chain is not None:
            yield from _certificate(check)


def _commands(file: str, check: Check) -> Iterator[str]:
    if check.key is None:
        return
    key = check.key.file
    yield f'signature {file} {check.number} > "$work/sig"\n'
    if check.chain is not None:
        key = '"$work/key"'
        yield f"openssl x509 -in {check.chain} -noout -pubkey > {key}\n"
    if check.key.kind == "Ed25519":
        yield f'openssl pkeyutl -verify -pubin -inkey {key} -rawin -in "$work/pae" -sigfile "$work/sig"\n'
        return
    digest = "-sha384" if check.key.kind == "ECDSA P-384" else "-sha256"
    pss = " -sigopt rsa_padding_mode:pss" if check.key.kind.startswith("RSA") else ""
    yield f'openssl dgst {digest}{pss} -verify {key} -signature "$work/sig" "$work/pae"\n'


def _certificate(check: Check) -> Iterator[str]:
    yield "\nThe signature is by a certificate. These show its names, and verify it under the roots:\n"
    yield "\n```console\n"
    yield f"openssl x509 -in {check.chain} -noout -subject -dates -ext subjectAltName,extendedKeyUsage\n"
    for root in check.roots:
        yield f"openssl verify -no_check_time -CAfile {root} -untrusted {check.chain} {check.chain}\n"
    yield "```\n"
