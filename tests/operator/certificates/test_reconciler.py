from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from actgate.kube.errors import ClusterError
from actgate.kube.resources import VALIDATING_WEBHOOK_CONFIGURATIONS
from actgate_operator.certificates import pki, stored
from actgate_operator.certificates.reconciler import MANAGER
from actgate_operator.writer import NotLeadingError
from actgate_sandbox.control_plane import ControlPlane
from actgate_sandbox.rest import Rest
from tests.operator.certificates.reconciled import (
    AUTHORITIES,
    LEAF,
    Json,
    Kept,
    reconciling,
    static_registration,
)
from tests.support.kubectl import Kubectl

DAY = 86400.0


@pytest.fixture
async def kept(control_plane: ControlPlane, rest: Rest, namespace: str) -> AsyncIterator[Kept]:
    """A registration as installed, and a reconciler that has not run yet."""
    async with reconciling(control_plane.kubeconfig, rest, namespace) as found:
        found.install()
        yield found


def whole(kept: Kept) -> bool:
    """Return whether there is a leaf for all names that every webhook is called with trust in."""
    state = kept.state()
    assert state.leaf is not None
    assert state.registration is not None
    assert state.registration.bundles
    leaf = state.leaf.pair.certificate
    now = kept.clocks.now()
    return pki.names_of(leaf) == set(kept.names) and all(
        pki.trusted(leaf, bundle or frozenset(), now) for bundle in state.registration.bundles.values()
    )


async def test_a_new_cluster_gets_certificates_in_one_reconcile(kept: Kept) -> None:
    """Two Secrets of the usual types and keys, and a caBundle that trusts them."""
    await kept.reconciler.reconcile()
    assert whole(kept)
    leaf, authorities = kept.get(kept.secret_path(LEAF)), kept.get(kept.secret_path(AUTHORITIES))
    assert leaf is not None
    assert authorities is not None
    assert leaf["type"] == "kubernetes.io/tls"
    assert set(leaf["data"]) == {"tls.crt", "tls.key", "ca.crt"}
    assert kept.value("certificate_rotations_total", certificate="leaf") == 1
    assert kept.value("certificate_rotations_total", certificate="authority") == 1
    state = kept.state()
    assert state.leaf is not None
    assert (
        kept.value("certificate_expiration_timestamp_seconds", certificate="leaf")
        == state.leaf.pair.ends.timestamp()
    )


async def test_of_a_registration_only_cabundle_is_written(kept: Kept) -> None:
    """All else stays as it was installed, and our field manager owns nothing else."""
    before = kept.install()
    await kept.reconciler.reconcile()
    after = kept.get(kept.registration_path)
    assert after is not None
    for item in after["webhooks"]:
        assert item["clientConfig"].pop("caBundle")
    assert after["webhooks"] == before["webhooks"]
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    (entry,) = [item for item in after["metadata"]["managedFields"] if item["manager"] == MANAGER]
    owned = entry["fieldsV1"]
    assert set(owned) == {"f:webhooks"}
    for item in owned["f:webhooks"].values():
        assert {key: value for key, value in item.items() if key not in (".", "f:name")} == {
            "f:clientConfig": {"f:caBundle": {}}
        }


async def test_what_is_as_it_has_to_be_is_only_read(kept: Kept) -> None:
    """A second reconcile, and every one after it, writes nothing."""
    await kept.reconciler.reconcile()
    kept.requests.clear()
    await kept.reconciler.reconcile()
    assert {item.verb for item in kept.requests} == {"get"}


async def test_applying_the_registration_again_keeps_cabundle(kept: Kept) -> None:
    """The file has none, so that an installation by server-side apply neither drops it nor conflicts."""
    await kept.reconciler.reconcile()
    before = kept.get(kept.registration_path)
    assert before is not None
    assert kept.install()["webhooks"] == before["webhooks"]
    kept.requests.clear()
    await kept.reconciler.reconcile()
    assert {item.verb for item in kept.requests} == {"get"}


@pytest.mark.needs_kubectl
async def test_kubectl_apply_keeps_cabundle_and_sees_no_difference(
    kept: Kept, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Client-side, as `kubectl apply -k` does it, and as a GitOps tool compares."""
    file = tmp_path_factory.mktemp("registration") / "registration.json"
    file.write_text(json.dumps(static_registration(kept.namespace)), encoding="utf-8")
    kept.rest("DELETE", kept.registration_path)
    kubectl("apply", "-f", str(file))
    await kept.reconciler.reconcile()
    before = kept.get(kept.registration_path)
    assert before is not None
    kubectl("apply", "-f", str(file))
    after = kept.get(kept.registration_path)
    assert after is not None
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert all(item["clientConfig"]["caBundle"] for item in after["webhooks"])


def _emptied(kept: Kept) -> None:
    found = kept.get(kept.registration_path)
    assert found is not None
    for item in found["webhooks"]:
        item["clientConfig"].pop("caBundle")
    assert kept.rest("PUT", kept.registration_path, found).status == 200


def _another_bundle(kept: Kept) -> None:
    found = kept.get(kept.registration_path)
    assert found is not None
    stranger = pki.write_certificates([pki.new_authority(kept.clocks.now()).certificate])
    found["webhooks"][0]["clientConfig"]["caBundle"] = base64.b64encode(stranger).decode()
    assert kept.rest("PUT", kept.registration_path, found).status == 200


def _deleted(name: str) -> Callable[[Kept], None]:
    def delete(kept: Kept) -> None:
        assert kept.rest("DELETE", kept.secret_path(name)).status == 200

    return delete


def _annotated(kept: Kept) -> None:
    annotations = {stored.NEXT_SINCE: "yesterday", stored.PREVIOUS_UNTIL: "2026-11-23"}
    kept.patch(kept.secret_path(AUTHORITIES), {"metadata": {"annotations": annotations}})


def _another_key(kept: Kept) -> None:
    stranger = pki.new_authority(kept.clocks.now())
    kept.spoil(LEAF, tls_key=stranger.key_pem)


DAMAGES: dict[str, Callable[[Kept], None]] = {
    "caBundle emptied": _emptied,
    "one caBundle of another authority": _another_bundle,
    "leaf deleted": _deleted(LEAF),
    "authorities deleted": _deleted(AUTHORITIES),
    "leaf garbage": lambda kept: kept.spoil(LEAF, tls_crt=b"garbage"),
    "leaf half": lambda kept: kept.spoil(LEAF, tls_crt=b"-----BEGIN CERTIFICATE-----\nMIIB"),
    "leaf with another key": _another_key,
    "ca.crt garbage": lambda kept: kept.spoil(LEAF, ca_crt=b"garbage"),
    "authority without its key": lambda kept: kept.spoil(AUTHORITIES, current_key=b""),
    "authority garbage": lambda kept: kept.spoil(AUTHORITIES, current_crt=b"garbage"),
    "previous garbage": lambda kept: kept.spoil(AUTHORITIES, previous_crt=b"garbage"),
    "next garbage": lambda kept: kept.spoil(AUTHORITIES, next_crt=b"garbage", next_key=b"garbage"),
    "times garbage": _annotated,
    "a year later": lambda kept: kept.offset.__setitem__(0, 366 * DAY),
    "ten years later": lambda kept: kept.offset.__setitem__(0, 3650 * DAY),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
async def test_what_others_broke_is_repaired_by_the_next_reconcile(
    kept: Kept, damage: Callable[[Kept], None]
) -> None:
    """And the reconcile after that finds nothing more to do."""
    await kept.reconciler.reconcile()
    damage(kept)
    await kept.reconciler.reconcile()
    assert whole(kept)
    kept.requests.clear()
    await kept.reconciler.reconcile()
    assert {item.verb for item in kept.requests} == {"get"}
    assert kept.value("certificate_errors_total", reason="NotConverged") is None


async def test_a_registration_that_is_not_there_is_not_created(kept: Kept) -> None:
    """Nor is one that was deleted, or replaced, between reading and writing."""
    seen = kept.get(kept.registration_path)
    assert seen is not None
    assert kept.rest("DELETE", kept.registration_path).status == 200
    await kept.reconciler.reconcile()
    assert kept.get(kept.registration_path) is None
    assert kept.state().leaf is not None
    bundle = stored.write_bundles(kept.state().authorities.trust, seen)
    with pytest.raises(ClusterError, match=r"\(4(09|22) "):
        await _apply(kept, bundle)
    assert kept.get(kept.registration_path) is None
    kept.install()
    with pytest.raises(ClusterError, match=r"\(4(09|22) "):
        await _apply(kept, bundle)


async def _apply(kept: Kept, bundle: Json) -> None:
    await kept.writer.apply(VALIDATING_WEBHOOK_CONFIGURATIONS, bundle, manager=MANAGER)


async def test_certificates_of_others_are_left_alone(
    control_plane: ControlPlane, rest: Rest, namespace: str
) -> None:
    """With cert-manager, nothing of ours is read but the registration, and nothing is written."""
    async with reconciling(control_plane.kubeconfig, rest, namespace, writes=False) as kept:
        before = kept.install()
        await kept.reconciler.reconcile()
        assert [(item.verb, item.resource) for item in kept.requests] == [
            ("get", "validatingwebhookconfigurations")
        ]
        assert kept.get(kept.registration_path) == before


async def test_taking_over_from_cert_manager_leaves_no_gap(kept: Kept) -> None:
    """What its leaf needs stays in caBundle, and its Secrets become ours under the same names."""
    theirs = pki.new_authority(kept.clocks.now())
    leaf = pki.new_leaf(theirs, kept.names, kept.clocks.now())
    for name, pair in ((AUTHORITIES, theirs), (LEAF, leaf)):
        data = {"tls.crt": pair.certificate_pem, "tls.key": pair.key_pem, "ca.crt": theirs.certificate_pem}
        coded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "kubernetes.io/tls"}
        reply = kept.rest("POST", kept.secret_path("").rstrip("/"), {**body, "data": coded})
        assert reply.status == 201, reply
    found = kept.get(kept.registration_path)
    assert found is not None
    for item in found["webhooks"]:
        item["clientConfig"]["caBundle"] = base64.b64encode(theirs.certificate_pem).decode()
    assert kept.rest("PUT", kept.registration_path, found, fieldManager="cainjector").status == 200
    await kept.reconciler.reconcile()
    assert whole(kept)
    state = kept.state()
    assert state.registration is not None
    assert state.authorities.previous == {theirs.certificate}
    assert state.registration.trusts(theirs.certificate)
    assert state.leaf is not None
    assert not pki.issued_by(state.leaf.pair.certificate, theirs.certificate)


async def test_who_leads_no_more_writes_nothing(
    control_plane: ControlPlane, rest: Rest, namespace: str
) -> None:
    """The end of the lease ends the reconcile."""
    async with reconciling(control_plane.kubeconfig, rest, namespace, leading=lambda: False) as kept:
        kept.install()
        with pytest.raises(NotLeadingError):
            await kept.reconciler.reconcile()
        assert kept.get(kept.secret_path(AUTHORITIES)) is None


async def test_a_failure_is_counted_and_the_next_reconcile_succeeds(
    control_plane: ControlPlane, rest: Rest, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a refusal by the API server nor a defect of ours ends the operator."""
    absent = f"{namespace}-later"
    async with reconciling(control_plane.kubeconfig, rest, absent) as kept:
        with monkeypatch.context() as broken:
            broken.setattr(kept.reconciler, "_places", None)
            await kept.reconciler.reconcile()
        assert kept.value("certificate_errors_total", reason="Defect") == 1
        kept.install()
        await kept.reconciler.reconcile()
        assert kept.value("certificate_errors_total", reason="NotFound") == 1
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": absent}}
        assert rest("POST", "/api/v1/namespaces", body).status == 201
        await kept.reconciler.reconcile()
        assert whole(kept)
        rest("DELETE", f"/api/v1/namespaces/{absent}")


async def test_an_authority_waits_before_it_signs(
    control_plane: ControlPlane, rest: Rest, namespace: str
) -> None:
    """Both stand in caBundle meanwhile; a second operator goes on where the first one ended."""
    settling, due = timedelta(seconds=300), pki.AUTHORITY_LIFETIME.total_seconds() * 2 / 3
    async with (
        reconciling(control_plane.kubeconfig, rest, namespace, settling=settling) as kept,
        reconciling(control_plane.kubeconfig, rest, namespace, settling=settling) as successor,
    ):
        kept.install()
        await kept.reconciler.reconcile()
        old = kept.state().authorities.current
        assert old is not None
        kept.offset[0] = due
        await kept.reconciler.reconcile()
        state = kept.state()
        assert state.authorities.current is not None
        assert state.authorities.current.certificate == old.certificate
        assert state.authorities.next is not None
        assert state.registration is not None
        assert state.registration.holds(state.authorities.trust)
        successor.offset[0] = due + 400
        await successor.reconciler.reconcile()
        after = successor.state()
        assert after.authorities.current is not None
        assert after.authorities.current.certificate == state.authorities.next.certificate
        assert whole(successor)
