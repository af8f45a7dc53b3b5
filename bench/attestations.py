"""Signed evidence: what a verification, a sync and a review of it cost, and how long the event loop waits."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from time import process_time, thread_time
from typing import Any, Final, cast

import orjson
from starlette.types import Message

from actgate.attestations import Anchors, Verifier
from actgate.kube.client import Cluster
from actgate.lookup.cache import PAGE, EvidenceCache
from actgate.manifests import read_policy
from actgate_webhook.app import create_app
from actgate_webhook.decision_log import DecisionLog, open_sink
from actgate_webhook.metrics import Metrics
from actgate_webhook.review import PATH
from actgate_webhook.validate import Validate
from bench.attested_sync import Pages
from bench.manifests import manifest, model_deployment
from bench.report import ROOT, Section
from tests.attestations.pki import chain, root, signer, trusting_roots, under
from tests.support.attested import Party, ed25519_key, p256, p384, rsa_pss, signed, trusting

COUNT: Final = 10_000
LARGE: Final = 500
ROUNDS: Final = 40
REVIEWS: Final = 200
_NAMESPACE: Final = "team-0"

Json = dict[str, Any]


def run() -> Section:
    """Measure everything in one run; what is compared takes turns."""
    rows = [*_algorithms(), *_syncs(), _reviews()]
    return Section(
        "Signed evidence",
        "CPU time to read and verify one envelope that was not seen before (payload of about 1 KB); what "
        f"a sync of {COUNT:,} manifests with one envelope each takes more than of declared ones, for each; "
        "for how long the event loop does not come back meanwhile, at the longest, and while "
        f"{LARGE} manifests with eight envelopes of 10 KB each are tried with 32 keys; and a review of a "
        "signed manifest against one of a declared one: the request as the ASGI server hands it on, with "
        "its line of the decision log.",
        ("what", "measured", "goal"),
        rows,
        "Medians of interleaved rounds. An event loop also waits for the machine; what our code holds it up "
        "for is its own CPU time between two turns.",
    )


def _algorithms() -> Iterable[tuple[str, str, str]]:
    parties = [
        ("P-256", Party("a", p256()), 0.4),
        ("Ed25519", Party("a", ed25519_key()), 0.4),
        ("RSA-3072", Party("a", rsa_pss(3072)), 0.4),
        ("P-384", Party("a", p384()), 1.5),
    ]
    for name, party, goal in parties:
        anchors = _anchors(trusting(party))
        yield _verified(f"verify {name}", anchors, signed(_spec(0), party), goal)
    top = root()
    issuing = under(top, "Issuing")
    party, certificate = signer(issuing)
    spec = signed(_spec(0), party)
    spec["attestations"][0]["chain"] = chain(certificate, issuing)
    anchors = _anchors({"authorities": [trusting_roots(top)]})
    yield _verified("verify a chain of three certificates", anchors, spec, 1.5)


def _verified(name: str, anchors: Anchors, spec: Json, goal: float) -> tuple[str, str, str]:
    items, bare = spec["attestations"], {key: spec[key] for key in spec if key != "attestations"}
    taken = []
    for _ in range(200):
        verifier = Verifier(anchors)
        start = thread_time()
        (found,) = verifier.read(items, bare)
        taken.append(thread_time() - start)
        assert found.signers, found
    return name, f"{median(taken) * 1000:.2f} ms", f"<= {goal} ms"


def _syncs() -> Iterable[tuple[str, str, str]]:
    one, two = Party("one"), Party("two")
    with tempfile.TemporaryDirectory() as folder:
        declared, attested, large = (Path(folder) / name for name in ("declared", "attested", "large"))
        for place in (declared, attested, large):
            place.mkdir()
        policy = trusting(one, two)
        _write(declared, map(_manifest, range(COUNT)), policy)
        _write(attested, (_manifest(number, one) for number in range(COUNT)), policy)
        keys = [Party(f"key-{number}") for number in range(32)]
        _write(large, (_large(number, keys[31]) for number in range(LARGE)), trusting(*keys, require=[]))
        pairs = [(_synced(declared), _synced(attested)) for _ in range(3)]
        most = _synced(large)
    assert pairs[0][1]["signers"] == COUNT
    assert most["signers"] == 8 * LARGE
    more = median((signed["cpu"] - plain["cpu"]) / COUNT for plain, signed in pairs)
    memory = median((signed["after"] - plain["after"]) / COUNT for plain, signed in pairs)
    yield f"sync of {COUNT:,}: CPU more for each envelope", f"{more * 1000:.2f} ms", "<= 0.5 ms"
    yield f"sync of {COUNT:,}: memory more for each manifest", f"{memory:,.0f} bytes", "no envelope"
    shown = (
        (f"sync of {COUNT:,} declared", pairs[0][0]),
        (f"sync of {COUNT:,}", pairs[0][1]),
        (f"sync of {LARGE} large", most),
    )
    for name, found in shown:
        yield (
            f"{name}: longest wait of the event loop",
            f"{found['gap'] * 1000:.0f} ms, {found['own'] * 1000:.0f} ms of its own",
            "< 50 ms",
        )
    yield (
        f"sync of {LARGE} large: CPU for each envelope",
        f"{most['cpu'] / LARGE / 8 * 1000:.2f} ms",
        "",
    )
    yield f"sync of {LARGE} large: peak of memory", f"{most['peak'] / 2**20:.0f} MiB", ""


def _synced(folder: Path) -> Json:
    command = [sys.executable, "-m", "bench.attested_sync", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    return cast(Json, json.loads(done.stdout))


def _reviews() -> tuple[str, str, str]:
    with tempfile.TemporaryDirectory() as folder:
        party = Party("one")
        policy = trusting(party, require=[])
        _write(Path(folder), [_manifest(0), _manifest(100, party)], policy)
        ratio = asyncio.run(_compared(Path(folder)))
    return "a review, signed / declared", f"{ratio:.3f}", "<= 1.05"


async def _compared(folder: Path) -> float:
    cache, metrics = EvidenceCache(cast(Cluster, Pages(folder))), Metrics()
    running = asyncio.create_task(cache.run())
    for reflector in cache.reflectors:
        await reflector.synced.wait()
    ratios = []
    async with DecisionLog(open_sink(os.devnull), metrics, "bench") as decisions:
        app = create_app(cache, metrics, decisions=decisions)
        for _ in range(ROUNDS):
            plain, signed = [await _round(app, _review(number)) for number in (0, 100)]
            again, other = [await _round(app, _review(number)) for number in (100, 0)]
            ratios.append((signed + again) / (plain + other))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return median(ratios)


async def _round(app: Validate, body: bytes) -> float:
    """Return the CPU seconds of so many requests, as the ASGI server hands them on."""
    answers: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        answers.append(message.get("body", b""))

    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "query_string": b"timeout=5s",
        "headers": headers,
    }
    start = process_time()
    for _ in range(REVIEWS):
        await app(dict(scope), receive, send)
    taken = process_time() - start
    assert sum(b'"allowed":true' in answer for answer in answers) == REVIEWS, answers[-1]
    return taken


def _review(number: int) -> bytes:
    created = model_deployment(number)
    kind = {"group": "actgate.dev", "version": "v1alpha1", "kind": "ModelDeployment"}
    request = {"uid": "1", "kind": kind, "operation": "CREATE", "namespace": _NAMESPACE, "object": created}
    envelope = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    return orjson.dumps(envelope)


def _spec(number: int) -> Json:
    return cast(Json, manifest(number)["spec"])


def _manifest(number: int, *parties: Party) -> Json:
    obj = manifest(number)
    return {**obj, "spec": signed(obj["spec"], *parties)} if parties else obj


def _large(number: int, party: Party) -> Json:
    """Return a manifest of about 110 KB of payloads, as eight parties with long reports have it."""
    obj = manifest(number)
    spec = {**obj["spec"], "datasets": [{"name": f"{index:0250d}"} for index in range(36)]}
    for index in range(8):
        spec = signed(spec, party, name=f"item-{index}")
    return {**obj, "spec": spec}


def _anchors(evidence: Json) -> Anchors:
    return Anchors.of([read_policy(_policy(evidence)).spec])


def _policy(evidence: Json) -> Json:
    return {
        "apiVersion": "actgate.dev/v1alpha1",
        "kind": "CompliancePolicy",
        "metadata": {"name": "house", "uid": "p", "resourceVersion": "1"},
        "spec": {"evidence": evidence},
    }


def _write(folder: Path, manifests: Iterable[Json], evidence: Json) -> None:
    labels = {"kubernetes.io/metadata.name": _NAMESPACE}
    metadata = {"name": _NAMESPACE, "uid": "n", "resourceVersion": "1", "labels": labels}
    _dump(folder / "namespaces-0.json", [{"kind": "Namespace", "apiVersion": "v1", "metadata": metadata}])
    _dump(folder / "compliancepolicies-0.json", [_policy(evidence)])
    page: list[Json] = []
    pages = 0
    for obj in manifests:
        page.append(obj)
        if len(page) == PAGE:
            _dump(folder / f"compliancemanifests-{pages}.json", page)
            page, pages = [], pages + 1
    if page:
        _dump(folder / f"compliancemanifests-{pages}.json", page)


def _dump(path: Path, items: list[Json]) -> None:
    path.write_bytes(orjson.dumps(items))
