"""Write the refused examples about signed evidence, each with keys that are thrown away.

    python -m tools.signed_examples

Signatures differ from run to run, and so these files are not among those that `make generate` compares.
Private keys never reach a file. Payloads hold no dates: those of examples are moved to the day on which they
are applied (``demo.examples``), and signed ones cannot be.
"""

import base64
import copy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from actgate.api import predicates
from actgate.api.canonical import sha256
from actgate.attestations import envelope, keys
from actgate.attestations import statement as statements

Json = dict[str, Any]

_FOLDER: Final = Path(__file__).parents[1] / "examples" / "refused"
_MODEL: Final = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_OTHER_MODEL: Final = "sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
_IMAGE: Final = (
    "registry.example/credit@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
)

_MEASURED: Final[Json] = {
    "attribute": "gender",
    "metric": "demographic_parity_difference",
    "value": 0.03,
    "threshold": 0.05,
    "groups": [
        {"name": "female", "count": 41200, "selected": 16892},
        {"name": "male", "count": 50100, "selected": 22044},
    ],
}

_TEMPLATES: Final = Path(__file__).parent
_GROUND: Final = (_TEMPLATES / "signed-example-policy.yaml.in").read_text(encoding="utf-8")
_EVIDENCE: Final = (_TEMPLATES / "signed-example.yaml.in").read_text(encoding="utf-8")


class Party:
    """A party that signs, with a key that ends with this process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def pem(self) -> str:
        """The public key."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def keyid(self) -> str:
        """The fingerprint of the public key, as the gate has it."""
        return keys.fingerprint(self._key.public_key())

    def sign(self, payload: bytes, keyid: str = "") -> Json:
        """Return a signature of an envelope."""
        made = keys.sign(self._key, envelope.pae(predicates.STATEMENT_MEDIA_TYPE, payload))
        return {"keyid": keyid or self.keyid, "sig": base64.b64encode(made).decode()}


@dataclass(frozen=True, slots=True)
class Signed:
    """An item of ``spec.attestations``."""

    name: str
    payload: bytes
    signatures: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """What a file holds beside what is the same in all of them."""

    shows: str
    attestations: tuple[Signed, ...] = ()
    policy: str | None = None
    """The evidence part of a policy of its own, as YAML without indentation; None for the baseline."""


def statement(
    predicate_type: str = predicates.BIAS_AUDIT, predicate: Json | None = None, subject: str = _MODEL
) -> bytes:
    """Return an in-toto Statement v1; by default a bias audit that says what the examples' ``spec`` says."""
    content = {"bias": [_MEASURED]} if predicate is None else predicate
    return statements.build([("CreditRiskScorer", subject)], predicate_type, content)


def level() -> Written:
    """Counts without a signature, where the tier needs one."""
    return Written(
        "The numbers can be computed again, but high-risk systems need a signature here, and there is none.",
        policy="level: {HighRisk: Attested}\n",
    )


def signature() -> Written:
    """Bytes that were changed after the auditor signed them."""
    auditor = Party("model-risk")
    audited = _measured(selected=19800, value=0.05)
    signed_bytes = statement(predicate={"bias": [audited]})
    edited = Signed("model-risk", statement(), (auditor.sign(signed_bytes),))
    return Written(
        "The signed bytes were edited together with the manifest: model risk signed other ones.",
        (edited,),
        authorities(auditor) + require(auditor),
    )


def unreadable() -> Written:
    """A duplicate key: two readers, two values."""
    auditor = Party("model-risk")
    payload = statement().replace(b'"value":0.03', b'"value":0.01,"value":0.03')
    return Written(
        "The signed JSON has the key value twice. Which of the two the auditor meant depends on the reader.",
        (Signed("model-risk", payload, (auditor.sign(payload),)),),
    )


def authority() -> Written:
    """Training signs its own audit."""
    training, auditor = Party("ml-platform"), Party("model-risk")
    payload = statement()
    return Written(
        "Model risk has to sign the audit, and it is signed by the platform that trained the model.",
        (Signed("audit", payload, (training.sign(payload),)),),
        authorities(training, auditor, types={"ml-platform": predicates.COMPLIANCE_MANIFEST})
        + require(auditor),
    )


def signers() -> Written:
    """One office signs twice."""
    auditor, second = Party("model-risk"), Party("internal-audit")
    payload = statement()
    twice = (auditor.sign(payload), auditor.sign(payload, keyid=second.keyid))
    return Written(
        "Two parties have to sign the audit. One signed twice, the second time under the other's key id.",
        (Signed("audit", payload, twice),),
        authorities(auditor, second) + require(auditor, second, min_signers=2),
    )


def mismatch() -> Written:
    """The manifest was edited, the signed bytes were not."""
    auditor = Party("model-risk")
    payload = statement(predicate={"bias": [_measured(selected=18036, value=0.08)]})
    return Written(
        "The auditor signed 0.08. The manifest beside it says 0.03, and has counts that agree with that.",
        (Signed("model-risk", payload, (auditor.sign(payload),)),),
    )


def subject() -> Written:
    """The audit of another model."""
    auditor = Party("model-risk")
    payload = statement(subject=_OTHER_MODEL)
    return Written(
        "The audit is genuine, and about another model: the digest that was signed is not the manifest's.",
        (Signed("model-risk", payload, (auditor.sign(payload),)),),
    )


def withdrawn() -> Written:
    """An audit that its policy lists as withdrawn."""
    auditor = Party("model-risk")
    payload = statement()
    return Written(
        "The audit was withdrawn, by the digest of what was signed, after its data turned out to be wrong.",
        (Signed("model-risk", payload, (auditor.sign(payload),)),),
        f'withdrawn: ["{sha256(payload)}"]\n',
    )


def plan() -> Written:
    """The limit was changed after the result was known."""
    auditor = Party("model-risk")
    fixed = {key: _MEASURED[key] for key in ("attribute", "metric")} | {"threshold": 0.02}
    payload = statement(predicates.PLAN, {"bias": [fixed]})
    return Written(
        "Before the run the plan fixed a limit of 0.02. The measured 0.03 is held against 0.05 instead.",
        (Signed("plan", payload, (auditor.sign(payload),)),),
    )


EXAMPLES: Final[dict[str, Callable[[], Written]]] = {
    "evidence/level": level,
    "evidence/signature": signature,
    "evidence/format": unreadable,
    "evidence/authority": authority,
    "evidence/signers": signers,
    "evidence/mismatch": mismatch,
    "evidence/subject": subject,
    "evidence/withdrawn": withdrawn,
    "evidence/plan": plan,
}
"""What is written for each rule, by the rule that refuses it."""


def authorities(*parties: Party, types: dict[str, str] | None = None) -> str:
    """Return the authorities of a policy, each for bias audits unless ``types`` says otherwise."""
    return "authorities:\n" + "".join(
        f"- name: {party.name}\n"
        f"  mayAttest: [{(types or {}).get(party.name, predicates.BIAS_AUDIT)}]\n"
        "  key:\n    data: |\n" + "".join(f"      {line}\n" for line in party.pem.splitlines())
        for party in parties
    )


def require(*parties: Party, min_signers: int = 1) -> str:
    """Return the requirement that these parties sign the audit."""
    names = ", ".join(party.name for party in parties)
    return (
        "require:\n"
        f"- predicateType: {predicates.BIAS_AUDIT}\n"
        f"  authorities: [{names}]\n"
        f"  minSigners: {min_signers}\n"
    )


def text(rule: str, written: Written) -> str:
    """Return the file that shows a refusal by one rule."""
    home = f"{rule.replace('/', '-')}-example" if written.policy is not None else ""
    comment = "".join(f"# {line}\n" for line in written.shows.splitlines())
    groups = ", ".join(
        f"{{name: {item['name']}, count: {item['count']}, selected: {item['selected']}}}"
        for item in _MEASURED["groups"]
    )
    return (
        f"{comment}# Answer: Fail {rule}\n"
        "# Written by `python -m tools.signed_examples`, with keys that exist no more.\n"
        + (_GROUND.format(home=home, evidence=_indented(written.policy, 4)) if written.policy else "")
        + _EVIDENCE.format(
            home=f"  namespace: {home}\n" if home else "",
            model=_MODEL,
            image=_IMAGE,
            groups=groups,
            value=_MEASURED["value"],
            threshold=_MEASURED["threshold"],
            attestations=_attestations(written.attestations),
        )
    )


def write(folder: Path) -> None:
    """Write every example into a folder."""
    for rule, make in EXAMPLES.items():
        path = folder / f"{rule.replace('/', '-')}.yaml"
        path.write_text(text(rule, make()), encoding="utf-8")


def _attestations(items: tuple[Signed, ...]) -> str:
    return ("  attestations:\n" if items else "") + "".join(
        f"  - name: {item.name}\n"
        "    envelope:\n"
        f"      payloadType: {predicates.STATEMENT_MEDIA_TYPE}\n"
        f"      payload: {base64.b64encode(item.payload).decode()}\n"
        "      signatures:\n"
        + "".join(f'      - {{keyid: "{made["keyid"]}", sig: "{made["sig"]}"}}\n' for made in item.signatures)
        for item in items
    )


def _measured(*, selected: int, value: float) -> Json:
    """Return the measurement with another number of selected men, and the value that this gives."""
    changed = copy.deepcopy(_MEASURED)
    changed["groups"][1]["selected"] = selected
    return changed | {"value": value}


def _indented(lines: str | None, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" for line in (lines or "").splitlines())


if __name__ == "__main__":
    write(_FOLDER)
