import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.attestations import pki
from tests.cli.packing import AT, files_of, packed, with_files
from tests.cli.signing import three_parties, unsigned
from tests.cli.support import Json, actgate, policy, write
from tests.cli.test_verify import _OFFLINE
from tests.support.attested import Party, ed25519_key, p384, rsa_pss, signed, trusting

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an unchanged pack."""
    return packed(tmp_path_factory.mktemp("pack"))


def verified(file: Path, *arguments: str) -> tuple[int, Json]:
    """Verify a pack, and return the exit code and the JSON report."""
    done = actgate("verify", str(file), "-o", "json", *arguments)
    return done.returncode, json.loads(done.stdout)


def named(file: Path) -> set[str]:
    """Return the files that a pack is broken in; it has to be."""
    code, found = verified(file)
    assert (code, found["intact"]) == (1, False)
    return {fault["file"] for fault in found["faults"]}


def test_a_pack_as_it_was_written_is_intact(pack: Path) -> None:
    """And the verdict is the recorded one, derived again as of the recorded moment."""
    code, found = verified(pack)
    assert (code, found["intact"], found["faults"], found["remarks"]) == (0, True, [], [])
    assert found["verified"] == json.loads(files_of(pack)["verdict.json"])
    assert found["verified"]["level"] == "Attested"
    lines = actgate("verify", str(pack)).stdout.splitlines()
    assert lines[0] == f"{pack} {found['digest']}"
    assert lines[1].startswith("INTACT: 15 files")


def test_each_file_that_is_changed_is_named(pack: Path) -> None:
    """One byte of it, with everything else as it was; the last byte too.

    A digit in SHA256SUMS that changed is reported for both: which of the two it was is unknown.
    """
    files = files_of(pack)
    for name, content in files.items():
        for place in (0, len(content) - 1):
            changed = bytearray(content)
            changed[place] ^= 1
            faults = verified(with_files(pack, {**files, name: bytes(changed)}))[1]["faults"]
            assert any(name in (one["file"], *one["message"].split()) for one in faults), name


def test_each_file_that_follows_from_others_is_named_even_with_new_digests(pack: Path) -> None:
    """Who can write SHA256SUMS again cannot make an envelope, a key, the README or a verdict follow."""
    files = files_of(pack)
    for name in files:
        if name.startswith(("envelopes/", "keys/")) or name in {"README.md", "verdict.json"}:
            changed = {**files, name: files[name] + b" "}
            assert named(with_files(pack, changed, sums=True)) == {name}
    changed = {**files, "pack.json": files["pack.json"].replace(b"11-23", b"11-24")}
    assert "verdict.json" in named(with_files(pack, changed, sums=True))


def test_a_verdict_that_is_not_the_one_is_compared_finding_by_finding(pack: Path) -> None:
    """A finding that was taken out, one that was put in, a field, and what is no report at all."""
    files = files_of(pack)
    kept = json.loads(files["verdict.json"])
    findings = kept["check"]["verdicts"][0]["findings"]

    def said(change: Callable[[Json], object]) -> str:
        report = json.loads(files["verdict.json"])
        change(report)
        changed = {**files, "verdict.json": json.dumps(report, indent=2).encode() + b"\n"}
        return actgate("verify", str(with_files(pack, changed, sums=True))).stdout

    first = f"{findings[0]['effect']} {findings[0]['rule']} {findings[0]['path']}"
    removed = said(lambda report: report["check"]["verdicts"][0]["findings"].pop(0))
    assert f"verdict.json: finding {first}: found and not recorded" in removed
    added = {**findings[0], "rule": "bias/limit"}
    put_in = said(lambda report: report["check"]["verdicts"][0]["findings"].append(added))
    assert "bias/limit spec.humanOversight: recorded and not found again" in put_in
    assert 'level: recorded "Declared", derived "Attested"' in said(
        lambda report: report.update(level="Declared")
    )
    assert "is not a report of actgate verify" in said(lambda report: report.pop("check"))


def test_files_that_are_added_removed_or_renamed_are_named(pack: Path) -> None:
    """With the digests as they were; and an added file with new ones."""
    files = files_of(pack)
    without = {name: content for name, content in files.items() if name != "run/audit.json"}
    assert named(with_files(pack, without)) == {"run/audit.json"}
    assert named(with_files(pack, {**files, "run/more.json": b"{}"})) == {"run/more.json"}
    renamed = {**without, "run/other.json": files["run/audit.json"]}
    assert named(with_files(pack, renamed)) == {"run/audit.json", "run/other.json"}
    assert named(with_files(pack, {**files, "envelopes/x.dsse.json": b"{}"}, sums=True)) == {
        "envelopes/x.dsse.json"
    }
    alone = {name: content for name, content in files.items() if name != "SHA256SUMS"}
    assert "SHA256SUMS" in named(with_files(pack, alone))


def test_digests_that_are_listed_twice_or_in_another_form_are_named(pack: Path) -> None:
    """Other readers of the list may take another line."""
    files = files_of(pack)
    first = files["SHA256SUMS"].splitlines(keepends=True)[0]
    for sums in (first + files["SHA256SUMS"], b"# x\n" + files["SHA256SUMS"], files["SHA256SUMS"].upper()):
        assert "SHA256SUMS" in named(with_files(pack, {**files, "SHA256SUMS": sums}))


def test_changes_of_the_archive_itself_are_named(pack: Path, tmp_path: Path) -> None:
    """Bytes behind it and before it, a comment, a file that is there twice, compression, another tool."""
    whole = pack.read_bytes()
    target = tmp_path / "changed.zip"
    for data in (whole + b"\n", b"\n" + whole, whole.replace(b"run/plan.json", b"run/audit.jso")):
        target.write_bytes(data)
        assert named(target)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(target, "w", method) as file:
            for name, content in files_of(pack).items():
                file.writestr(name, content)
        assert "README.md" in named(target)


def test_a_changed_byte_anywhere_is_found(pack: Path, tmp_path: Path) -> None:
    """Every 499th byte, and the last hundred; only the mark of the end record makes it no pack at all."""
    whole = pack.read_bytes()
    target = tmp_path / "changed.zip"
    for place in [*range(0, len(whole), 499), *range(len(whole) - 100, len(whole), 7)]:
        data = bytearray(whole)
        data[place] ^= 0x20
        target.write_bytes(data)
        done = actgate("verify", str(target))
        mark = len(whole) - 22 <= place < len(whole) - 18
        assert (done.returncode, "BROKEN" in done.stdout) == ((2, False) if mark else (1, True)), place


def test_a_pack_is_judged_under_other_policies_and_at_another_moment_when_asked(
    pack: Path, tmp_path: Path
) -> None:
    """A verifier trusts its own keys, not those in the pack; the pack is still compared under its own."""
    stranger = policy("mine", evidence=trusting(Party("stranger")))
    code, found = verified(pack, "--policy", str(write(tmp_path / "p.yaml", stranger)))
    (verdict,) = found["verified"]["check"]["verdicts"]
    assert (code, found["intact"], verdict["policies"]) == (1, True, ["mine"])
    assert "evidence/authority" in {one["rule"] for one in verdict["findings"]}
    own = write(tmp_path / "own.yaml", three_parties())
    assert verified(pack, "--policy", str(own))[0] == 0
    late = verified(pack, "--at", "2036-01-01T00:00:00Z")[1]
    assert (late["intact"], late["verified"]["verifiedAt"]) == (True, "2036-01-01T00:00:00Z")
    done = actgate("verify", str(pack), "--model", str(tmp_path))
    assert (done.returncode, "spec.model.digest: Invalid value" in done.stdout) == (1, True)


def test_a_verdict_by_other_rules_is_reported_and_not_compared(pack: Path) -> None:
    """A pack outlives the release that wrote it: the verdict of today stands, and a warning says so."""
    files = files_of(pack)
    described = json.loads(files["pack.json"])
    older = {**described, "ruleset": "2020-01-01", "actgate": "0.0.1"}
    changed = {
        **files,
        "pack.json": json.dumps(older, indent=2).encode() + b"\n",
        "README.md": b"older words\n",
        "verdict.json": b"{}\n",
    }
    done = actgate("verify", str(with_files(pack, changed, sums=True)))
    assert done.returncode == 0
    assert 'was made by the rules "2020-01-01"' in done.stderr


@pytest.mark.parametrize("name", ["pack.json", "manifest.yaml", "policies/high-risk.yaml"])
@pytest.mark.parametrize("content", [b"", b"[", b"7\n", b"a: 1\n---\nb: 2\n", b"\xff"])
def test_a_source_that_cannot_be_read_is_a_fault_and_no_traceback(
    pack: Path, name: str, content: bytes
) -> None:
    """Nothing can be judged then, and the pack is not what was written."""
    changed = with_files(pack, {**files_of(pack), name: content}, sums=True)
    code, found = verified(changed)
    assert (code, found["intact"]) == (1, False)
    assert any("cannot be derived" in fault["message"] for fault in found["faults"])


def test_what_is_no_pack_is_one_sentence(pack: Path, tmp_path: Path) -> None:
    """Cut off, empty, and absent."""
    for content in (b"", pack.read_bytes()[:-1]):
        (tmp_path / "p.zip").write_bytes(content)
        done = actgate("verify", str(tmp_path / "p.zip"))
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert "has no end record" in done.stderr
    assert "does not exist" in actgate("verify", str(tmp_path / "absent.zip")).stderr


@pytest.mark.system
def test_verifying_a_pack_needs_no_network(pack: Path) -> None:
    """In a process in which any use of a socket is an error."""
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-W", "error", "-c", _OFFLINE, "verify", str(pack)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def by_readme(pack: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Unzip a pack and run the commands of its README, as an auditor without actgate does."""
    shutil.unpack_archive(pack, folder)
    blocks = re.findall(
        r"^```sh\n(.*?)^```$", (folder / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    return subprocess.run(  # noqa: S603 - the commands are what is tested
        ["/bin/sh", "-eu", "-c", "".join(blocks)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


needs_openssl = pytest.mark.skipif(
    not (shutil.which("openssl") and shutil.which("sha256sum")),
    reason="openssl or sha256sum is not installed",
)


@needs_openssl
@pytest.mark.system
def test_the_readme_checks_every_kind_of_signature_with_openssl(tmp_path: Path) -> None:
    """P-256, P-384, Ed25519, RSA-PSS, and a certificate: each is verified, none is passed over."""
    parties = [Party("p256"), Party("p384", p384()), Party("ed25519", ed25519_key()), Party("rsa", rsa_pss())]
    root = pki.root()
    member, leaf = pki.signer(root)
    spec = signed(unsigned()["spec"], *parties, name="keys")
    spec = signed(spec, member, name="chain")
    spec["attestations"][-1]["chain"] = pki.chain(leaf)
    file = write(tmp_path / "m.yaml", {**unsigned(), "spec": spec})
    rules = policy("p", evidence=trusting(*parties, pki.trusting_roots(root), require=[]))
    target = tmp_path / "p.zip"
    arguments = ("--policy", str(write(tmp_path / "p.yaml", rules)), "--at", AT, "--output-file", str(target))
    assert actgate("pack", str(file), *arguments).returncode == 0
    done = by_readme(target, tmp_path / "x")
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"Verified OK|Signature Verified Successfully", done.stdout)) == 5
    readme = (tmp_path / "x/README.md").read_text("utf-8")
    (console,) = re.findall(r"^```console\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    shown = subprocess.run(  # noqa: S603 - as above
        ["/bin/sh", "-eu", "-c", console], cwd=tmp_path / "x", capture_output=True, text=True, check=False
    )
    assert (shown.returncode, pki.SPIFFE in shown.stdout) == (0, True), shown.stderr
    assert "chain.pem: OK" in shown.stdout


@needs_openssl
@pytest.mark.system
def test_the_readme_finds_each_change_without_actgate(pack: Path, tmp_path: Path) -> None:
    """By its digests, and with new digests by the signatures and the fingerprints of the keys."""
    files = files_of(pack)
    assert by_readme(pack, tmp_path / "same").returncode == 0
    for number, name in enumerate(sorted(files)):
        changed = with_files(pack, {**files, name: files[name] + b"\n"})
        assert by_readme(changed, tmp_path / str(number)).returncode != 0, name
    envelope = json.loads(files["envelopes/bias-audit.dsse.json"])
    other = json.loads(files["envelopes/approval.dsse.json"])
    for field, value in (("payload", other["payload"]), ("signatures", other["signatures"])):
        forged = json.dumps({**envelope, field: value}, indent=2).encode() + b"\n"
        changed = with_files(pack, {**files, "envelopes/bias-audit.dsse.json": forged}, sums=True)
        assert by_readme(changed, tmp_path / field).returncode != 0
    key = {**files, "keys/high-risk.risk.pem": files["keys/high-risk.office.pem"]}
    assert by_readme(with_files(pack, key, sums=True), tmp_path / "key").returncode != 0
    more = with_files(pack, {**files, "run/more.json": b"{}"})
    assert by_readme(more, tmp_path / "more").returncode != 0
