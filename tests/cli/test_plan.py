"""What ``actgate plan`` fixes, refuses and writes."""

import base64
import json
from pathlib import Path

import pytest

from actgate.api.canonical import sha256
from tests.cli.signing import key_file, loaded, unsigned
from tests.cli.support import Json, actgate, write

DIGEST = f"sha256:{'a' * 64}"


def plan(**changed: object) -> Json:
    """Return a plan that can be used."""
    bias = [{"attribute": "sex", "metric": "demographic_parity_difference", "threshold": 0.05}]
    return {"model": {"name": "CreditRiskScorer", "digest": DIGEST}, "bias": bias, **changed}


def one(**changed: object) -> Json:
    """Return one planned measurement."""
    return {"attribute": "sex", "metric": "demographic_parity_difference", "threshold": 0.05, **changed}


def measured() -> tuple[Json, Json]:
    """Return a manifest without signatures, and the plan that its measurement keeps to."""
    manifest = unsigned()
    manifest["spec"]["bias"][0]["threshold"] = 0.05
    stated = manifest["spec"]["bias"][0]
    model = {key: manifest["spec"]["model"][key] for key in ("name", "digest")}
    bias = [{key: stated[key] for key in ("attribute", "metric", "threshold")}]
    return manifest, plan(model=model, bias=bias)


def test_the_digest_is_that_of_what_attest_signs_of_the_same_plan(tmp_path: Path) -> None:
    """One home: ``planDigest`` is the digest of the payload, for every signer and key."""
    manifest, planned = measured()
    file = write(tmp_path / "plan.yaml", planned)
    printed = json.loads(actgate("plan", "-f", str(file), "-o", "json").stdout)["planDigest"]
    run = tmp_path / "run"
    done = actgate("plan", "-f", str(file), "--run-dir", str(run), "--key", key_file(tmp_path, "model-risk"))
    assert done.stdout.endswith(f"planDigest {printed}\n")
    payload = base64.b64decode(json.loads((run / "plan.dsse.json").read_text())["payload"])
    assert sha256(payload) == printed
    signed = actgate(
        "attest",
        str(write(tmp_path / "m.yaml", manifest)),
        *("--type", "plan", "--predicate", str(run / "plan.json"), "--key", key_file(tmp_path, "office")),
    )
    assert signed.stderr.startswith(f"payload {printed}\n")


def test_the_envelope_is_added_to_the_manifest_as_it_is(tmp_path: Path) -> None:
    """Signed before the evaluation, attached after it: the bytes are those that were signed."""
    manifest, planned = measured()
    file = write(tmp_path / "plan.yaml", planned)
    envelope = tmp_path / "plan.dsse.json"
    done = actgate(
        *("plan", "-f", str(file), "--key", key_file(tmp_path, "model-risk"), "--output-file", str(envelope))
    )
    assert done.returncode == 0, done.stderr
    with_plan = tmp_path / "signed.yaml"
    added = actgate(
        "attest",
        str(write(tmp_path / "m.yaml", manifest)),
        *("--envelope", str(envelope), "--output-file", str(with_plan)),
    )
    assert added.returncode == 0, added.stderr
    (item,) = loaded(with_plan)["spec"]["attestations"]
    assert (item["name"], item["envelope"]["payload"]) == (
        "plan",
        json.loads(envelope.read_text())["payload"],
    )


def test_a_manifest_whose_plan_is_not_attached_yet_takes_it_as_an_envelope(tmp_path: Path) -> None:
    """`planDigest` may come first; other statements wait for the plan, and the refusal has the command."""
    manifest, planned = measured()
    key = key_file(tmp_path, "model-risk")
    envelope = str(tmp_path / "plan.dsse.json")
    done = actgate(
        *("plan", "-f", str(write(tmp_path / "plan.yaml", planned)), "--key", key, "-o", "json"),
        *("--output-file", envelope),
    )
    manifest["spec"]["bias"][0]["planDigest"] = json.loads(done.stdout)["planDigest"]
    file = str(write(tmp_path / "m.yaml", manifest))
    early = actgate("attest", file, "--key", key)
    assert early.returncode == 2
    assert "actgate attest MANIFEST --envelope plan.dsse.json" in early.stderr
    signed = tmp_path / "signed.yaml"
    added = actgate("attest", file, "--envelope", envelope, "--output-file", str(signed))
    assert (added.returncode, added.stdout) == (0, ""), added.stderr
    assert actgate("attest", str(signed), "--key", key).returncode == 0
    other = write(tmp_path / "other.yaml", {**planned, "seeds": {"split": 1}})
    assert actgate("plan", "-f", str(other), "--key", key, "--output-file", envelope).returncode == 0
    wrong = actgate("attest", file, "--envelope", envelope)
    assert (wrong.returncode, "spec.bias[0].planDigest: Invalid value" in wrong.stderr) == (2, True)


def test_the_model_is_named_by_its_bytes(tmp_path: Path) -> None:
    """A plan without a digest says how to get one; a model that is another one is refused."""
    (tmp_path / "model.bin").write_bytes(b"weights")
    file = str(write(tmp_path / "plan.yaml", plan(model={"name": "CreditRiskScorer"})))
    without = actgate("plan", "-f", file)
    assert (without.returncode, "planDigest" in without.stdout) == (0, False)
    assert "--model" in without.stderr
    bound = actgate("plan", "-f", file, "--model", str(tmp_path / "model.bin"), "-o", "json")
    assert json.loads(bound.stdout)["plan"]["model"]["digestDomain"] == "file"
    other = str(write(tmp_path / "other.yaml", plan()))
    assert actgate("plan", "-f", other, "--model", str(tmp_path / "model.bin")).returncode == 2
    unbound = actgate("plan", "-f", file, "--key", key_file(tmp_path, "model-risk"))
    assert (unbound.returncode, "name it with --model" in unbound.stderr) == (2, True)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"bias": [one(metric="demografic_parity")]}, "bias[0].metric: Unsupported value"),
        ({"bias": [one(threshold=1.5)]}, "bias[0].threshold: Invalid value: 1.5: must be <= 1"),
        ({"bias": [one(threshold="0.05")]}, "bias[0].threshold: Invalid value"),
        ({"bias": [one(), one(attribute="Sex")]}, 'bias[1].attribute: Duplicate value: "Sex"'),
        ({"bias": [{"attribute": "sex", "metric": "disparate_impact"}]}, "bias[0].threshold: Required value"),
        ({"bias": []}, "bias: Required value: must plan at least one measurement"),
        ({"bais": []}, "bais: Invalid value: a list of 0 items: unknown field"),
        ({"confidence": 95}, "confidence: Invalid value: 95"),
        ({"datasets": [{"name": "test", "digest": "1b2c"}]}, "datasets[0].digest: Invalid value"),
        ({"evaluations": [{"kind": "robustness", "comparator": "=<"}]}, "evaluations[0].comparator"),
        (
            {"evaluations": [{"kind": "accuracy", "metric": "f1", "threshold": 0.7}]},
            "evaluations[0].comparator: Required value",
        ),
        (
            {"evaluations": [{"kind": "accuracy", "comparator": ">=", "threshold": 0.7}]},
            "evaluations[0].metric: Required value",
        ),
        (
            {"evaluations": [{"kind": "accuracy", "metric": "f1"}, {"kind": "accuracy", "metric": "f1"}]},
            'evaluations[1].metric: Duplicate value: "f1"',
        ),
        ({"seeds": {"split": "7"}}, "seeds.split: Invalid value"),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused_in_a_sentence(
    tmp_path: Path, changed: Json, sentence: str
) -> None:
    """Before anything is measured, with the place in the file; nothing is written."""
    file = write(tmp_path / "plan.yaml", plan(**changed))
    done = actgate("plan", "-f", str(file), "--run-dir", str(tmp_path / "run"))
    assert (done.returncode, done.stdout, (tmp_path / "run").exists()) == (2, "", False)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {file}:")
    assert sentence in line


def test_a_plan_that_is_written_again_is_the_same_file(tmp_path: Path) -> None:
    """Fields are sorted and no time is in it: a step that is run again changes nothing."""
    file = write(tmp_path / "plan.yaml", plan(seeds={"split": 7}, confidence=0.95))
    written = []
    for name in ("one", "two"):
        actgate("plan", "-f", str(file), "--run-dir", str(tmp_path / name))
        written.append((tmp_path / name / "plan.json").read_bytes())
        file = tmp_path / name / "plan.json"
    assert written[0] == written[1]
