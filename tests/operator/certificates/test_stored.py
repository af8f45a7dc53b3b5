from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest

from actgate_operator.certificates import pki, stored
from actgate_operator.certificates.probe import address
from actgate_operator.certificates.state import Authorities, Leaf, Registration
from demo import registration
from tests.operator.certificates.cluster import NAMES, START
from tests.operator.certificates.reconciled import REGISTRATION_FILE

Json = dict[str, Any]

CURRENT, NEXT, OLD = (pki.new_authority(START) for _ in range(3))
FULL = Authorities(CURRENT, NEXT, START, frozenset({OLD.certificate}), START + timedelta(days=90))


def written(kept: Authorities) -> Json:
    """Return the Secret as it is stored."""
    return stored.write_authorities(kept, "ca", "actgate-system", None)


def spoiled(secret: Json, **data: bytes) -> Json:
    """Return a Secret with other keys; ``_`` stands for the dot in their names."""
    coded = {key.replace("_", "."): base64.b64encode(value).decode() for key, value in data.items()}
    return {**secret, "data": {**secret["data"], **coded}}


@pytest.mark.parametrize("kept", [Authorities(), Authorities(CURRENT), Authorities(None, NEXT), FULL])
def test_authorities_are_read_as_they_were_written(kept: Authorities) -> None:
    """With their keys, and with the times to the second."""
    read = stored.read_authorities(written(kept))
    assert read.trust == kept.trust
    assert (read.next_trusted_since, read.previous_needed_until) == (
        kept.next_trusted_since,
        kept.previous_needed_until,
    )
    for pair, same in ((read.current, kept.current), (read.next, kept.next)):
        assert (pair is None) == (same is None)
        assert pair is None or same is None or pair.key_pem == same.key_pem


def test_every_key_is_always_written() -> None:
    """One that is left out of an apply would stay where another field manager has changed it."""
    assert set(written(Authorities())["data"]) == set(written(FULL)["data"])
    assert set(written(Authorities())["metadata"]["annotations"]) == set(
        written(FULL)["metadata"]["annotations"]
    )


def test_what_is_damaged_is_missing_and_the_rest_is_there() -> None:
    """One broken part does not cost the others."""
    read = stored.read_authorities(spoiled(written(FULL), current_key=b"garbage"))
    assert read.current is None
    assert read.next is not None
    assert read.previous == FULL.previous
    read = stored.read_authorities(spoiled(written(FULL), next_crt=b"garbage", previous_crt=b"garbage"))
    assert read.current is not None
    assert (read.next, read.next_trusted_since, read.previous) == (None, None, frozenset())


def test_a_leaf_cannot_pass_for_an_authority() -> None:
    """Not even with its key beside it."""
    leaf = pki.new_leaf(CURRENT, NAMES, START)
    secret = spoiled(written(FULL), current_crt=leaf.certificate_pem, current_key=leaf.key_pem)
    assert stored.read_authorities(secret).current is None


def test_an_authority_has_one_role() -> None:
    """A next one that signs already, or did so before, is no next one."""
    secret = spoiled(written(FULL), next_crt=CURRENT.certificate_pem, next_key=CURRENT.key_pem)
    assert stored.read_authorities(secret).next is None
    secret = spoiled(written(FULL), next_crt=OLD.certificate_pem, next_key=OLD.key_pem)
    assert stored.read_authorities(secret).next is None


def test_a_secret_without_data_is_an_empty_one() -> None:
    """As a user may have created it."""
    bare = {"metadata": {"name": "ca"}, "data": None}
    assert stored.read_authorities(bare) == Authorities()
    assert stored.read_leaf(bare) is None
    assert stored.read_leaf({"metadata": {}, "data": {"tls.crt": "%%%", "tls.key": ""}}) is None


def test_a_leaf_is_stored_with_its_chain() -> None:
    """The leaf first, who signed it next, and that one alone as what to trust."""
    leaf = Leaf(pki.new_leaf(CURRENT, NAMES, START), CURRENT.certificate)
    secret = stored.write_leaf(leaf, "tls", "actgate-system", None)
    chain = pki.read_certificates(base64.b64decode(secret["data"]["tls.crt"]))
    assert chain == (leaf.pair.certificate, CURRENT.certificate)
    read = stored.read_leaf(secret)
    assert read is not None
    assert (read.pair.certificate, read.authority) == (leaf.pair.certificate, CURRENT.certificate)


def test_the_type_of_a_secret_that_exists_is_kept() -> None:
    """It can never change; the keys are what is mounted."""
    seen = {"metadata": {"uid": "u", "resourceVersion": "7"}, "type": "Opaque"}
    leaf = Leaf(pki.new_leaf(CURRENT, NAMES, START), CURRENT.certificate)
    secret = stored.write_leaf(leaf, "tls", "actgate-system", seen)
    assert secret["type"] == "Opaque"
    assert (secret["metadata"]["uid"], secret["metadata"]["resourceVersion"]) == ("u", "7")


def test_of_a_registration_nothing_but_cabundle_is_written() -> None:
    """By name, for each webhook, and for the very object that was read."""
    seen = registration.read(REGISTRATION_FILE)
    seen["metadata"] |= {"uid": "u", "resourceVersion": "7"}
    patch = stored.write_bundles(frozenset({CURRENT.certificate}), seen)
    assert patch["metadata"] == {"name": "actgate", "uid": "u", "resourceVersion": "7"}
    assert [sorted(item) for item in patch["webhooks"]] == [["clientConfig", "name"]] * 3
    assert stored.read_registration(patch) == Registration(
        dict.fromkeys(
            ("serving.actgate.dev", "declared.actgate.dev", "detected.actgate.dev"),
            frozenset({CURRENT.certificate}),
        )
    )


def test_the_names_of_webhooks_are_for_ever() -> None:
    """We own a field of each: an installer that applies server-side could neither rename nor remove one."""
    read = stored.read_registration(registration.read(REGISTRATION_FILE))
    assert read == Registration(
        {f"{name}.actgate.dev": frozenset() for name in ("serving", "declared", "detected")}
    )


@pytest.mark.parametrize(
    ("config", "url"),
    [
        ({"url": "https://127.0.0.1:8443/validate"}, "https://127.0.0.1:8443/validate"),
        (
            {"service": {"name": "w", "namespace": "n", "path": "/validate", "port": 443}},
            "https://w.n.svc:443/validate",
        ),
        ({"service": {"name": "w", "namespace": "n"}}, "https://w.n.svc:443/"),
    ],
)
def test_the_probe_asks_where_the_api_server_asks(config: Json, url: str) -> None:
    """By the name that the API server expects in the certificate."""
    assert address(config) == url
