"""A model is used: one decision is followed by its id, from the HTTP answer to the signed evidence.

Server and recorder run as processes, since nothing runs pods here. What the recorder is started with is what
the operator plans into a pod: the digest of the manifest is the one on the Deployment that it made.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import urllib3

from actgate_sandbox.errors import SandboxError
from actgate_sandbox.keeper import KeptProcess
from actgate_sandbox.rest import Rest
from demo.lifecycle import Step
from demo.service import Service, free_port
from demo.service.waiting import READY_SECONDS, wait_until_ready

_DEPLOYMENT: Final = "/apis/apps/v1/namespaces/credit/deployments/income"
_DIGEST: Final = "actgate.dev/manifest-digest"
_TOKEN: Final = "a-token-of-the-review-desk"  # noqa: S105 - of the demo
_INFER: Final = "/v2/models/IncomeScorer/infer"


def steps(root: Path, evidence: Path, rest: Rest, webhook: Service) -> Iterator[Step]:
    """Use the income scorer, which the cluster let in, and follow one decision.

    Args:
        root: The checkout.
        evidence: Where the model's manifest and its policy are.
        rest: The cluster.
        webhook: Its decision log has the verdict.
    """
    deployment: Any = rest("GET", _DEPLOYMENT).body
    digest = deployment["metadata"]["annotations"][_DIGEST]
    manifest, policy = str(evidence / "income-manifest.yaml"), str(evidence / "policy.yaml")
    with tempfile.TemporaryDirectory(prefix="actgate-serving-") as directory:
        folder = Path(directory)
        log, proof = str(folder / "log"), str(folder / "proof.zip")
        with _recorded(root, folder, digest) as (url, health):
            request = json.loads((root / "examples" / "serving" / "request.json").read_text("utf-8"))
            answer = _post(url + _INFER, request)
            decision = answer.headers["Actgate-Record-Id"]
            score = json.loads(answer.data)["outputs"][0]["data"][0]
            seen = f"score {score:.3f}, Actgate-Record-Id: {decision}"
            yield Step(
                "a person is scored over HTTP", seen, "200, and the id of its record", answer.status == 200
            )
            override = {"action": "overridden", "decision": decision, "reason": "income was misread"}
            taken = _post(f"{url}/_actgate/events", override, Authorization=f"Bearer {_TOKEN}")
            seen = f"its record is {json.loads(taken.data)['id']}"
            yield Step("the review desk overrides the decision", seen, "201", taken.status == 201)
            _wait_until_signed(health)
        asked = _actgate("trace", "query", "--id", decision, "-o", "json", log)
        events = ", ".join(json.loads(line)["event"] for line in asked.stdout.splitlines())
        expected = "inference, oversight"
        yield Step(f"actgate trace query --id {decision}", events, expected, events == expected)
        packed = _actgate(
            *("trace", "export", "--id", decision, "--manifest", manifest, "--output-file", proof, log)
        )
        seen = packed.stdout.splitlines()[-1]
        yield Step("actgate trace export", seen, "a proof of both records", "2 records" in seen)
        proven = json.loads(_actgate("trace", "verify", "-o", "json", proof).stdout)
        seen = str(proven["records"][0]["manifest_digest"])
        right = proven["verified"] and seen == digest
        yield Step(
            "actgate trace verify proof.zip", seen, "proven, under the manifest of the Deployment", right
        )
        seen = _verdict(webhook.log, digest)
        yield Step("the gate's decision log, by that digest", seen, "Pass", seen.startswith("Pass"))
        signed = _actgate("verify", manifest, "--policy", policy, "-n", "credit")
        line = next(line for line in signed.stdout.splitlines() if digest in line)
        yield Step("actgate verify of that manifest", line, "PASS", line.startswith("PASS"))


@contextmanager
def _recorded(root: Path, folder: Path, digest: str) -> Iterator[tuple[str, str]]:
    """Run the scorer behind a recorder until the block ends; yields its address, and that of its pages."""
    keys, tokens = folder / "keys", folder / "tokens"
    for directory, name, content in ((keys, "demo", "k" * 32), (tokens, "review-desk", _TOKEN)):
        directory.mkdir()
        (directory / name).write_text(content, encoding="utf-8")
    port, health_port, model_port = free_port(), free_port(), free_port()
    flags = {
        "port": port, "health-port": health_port, "upstream": f"127.0.0.1:{model_port}",
        "bind-address": "127.0.0.1", "log-dir": folder / "log", "log-name": "credit/income/demo",
        "keys-dir": keys, "event-tokens-dir": tokens, "fields": "score=response:/outputs/0/data/0",
        "model-name": "IncomeScorer", "model-version": "1", "manifest-digest": digest,
        "shutdown-delay-duration": "0s",
    }  # fmt: skip
    scorer = [sys.executable, str(root / "examples" / "serving" / "scorer.py"), str(model_port)]
    recorder = [
        sys.executable,
        "-m",
        "actgate_recorder",
        *(f"--{name}={value}" for name, value in flags.items()),
    ]
    server = KeptProcess(scorer, folder / "scorer.txt")
    try:
        sidecar = KeptProcess(recorder, folder / "recorder.txt")
        try:
            url, health = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{health_port}"
            wait_until_ready("the recorder", sidecar, lambda path: _get(health + path))
            wait_until_ready("the scorer", server, lambda _path: _get(f"{url}/v2/health/ready"))
            yield url, health
        finally:
            sidecar.stop()
    finally:
        server.stop()


def _wait_until_signed(health: str) -> None:
    """Return once a checkpoint covers every record, which is so a second after the last one.

    Raises:
        SandboxError: When it is not.
    """
    deadline = time.monotonic() + READY_SECONDS
    while "\nactgate_recorder_checkpoint_age_seconds 0.0\n" not in _get(f"{health}/metrics")[1]:
        if time.monotonic() > deadline:
            raise SandboxError("the recorder wrote no checkpoint")
        time.sleep(0.05)


def _post(url: str, document: object, **headers: str) -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager(timeout=urllib3.Timeout(10), retries=False) as pool:
        return pool.request("POST", url, json=document, headers=headers)


def _get(url: str) -> tuple[int, str]:
    with urllib3.PoolManager(timeout=urllib3.Timeout(10), retries=False) as pool:
        reply = pool.request("GET", url)
        return reply.status, reply.data.decode()


def _actgate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "actgate.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    if done.returncode > 1 or not done.stdout:
        raise SandboxError(f"actgate {' '.join(arguments[:2])} failed: {done.stderr.strip()}")
    return done


def _verdict(log: Path, digest: str) -> str:
    """Return the last verdict of a webhook that rests on a manifest, in words."""
    for line in reversed(log.read_text(encoding="utf-8").splitlines()):
        if digest not in line:
            continue
        entry = json.loads(line)
        asked, manifest = entry["object"], entry["manifest"]
        if manifest["digest"] == digest:
            signed = ", ".join(f"{one['name']} by {one['authority']}" for one in manifest["attestations"])
            what = f"{entry['outcome']} for {asked['kind']} {asked['name']}"
            return f"{what}, review {entry['uid']}; signed: {signed}"
    return "no verdict rests on it"
