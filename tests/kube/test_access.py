"""Which API server is asked, as whom, and what is said when that cannot be found out."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from actgate.kube import access
from actgate.kube.client import Cluster
from actgate.kube.errors import Misconfigured, NotFound
from tests.kube.fake_api import WIDGETS, FakeApi


def write_kubeconfig(path: Path, server: str, **user: str) -> None:
    """Write a kubeconfig with one context."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(yaml.safe_dump(content))


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment that knows no API server."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


async def test_without_any_hint_it_says_what_to_do() -> None:
    """One sentence with the ways out."""
    with pytest.raises(Misconfigured, match="name a kubeconfig, set KUBECONFIG, or run in a pod"):
        await access.find()


async def test_what_is_named_comes_before_what_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kubeconfig that was named, `$KUBECONFIG`, then the usual place."""
    for name in ("named", "set", "usual"):
        (tmp_path / ".kube").mkdir(exist_ok=True)
        write_kubeconfig(tmp_path / ".kube" / name, f"http://{name}")
    (tmp_path / ".kube" / "usual").rename(tmp_path / ".kube" / "config")
    assert (await access.find()).host == "http://usual"
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / ".kube" / "set"))
    assert (await access.find()).host == "http://set"
    assert (await access.find(tmp_path / ".kube" / "named")).host == "http://named"


@pytest.mark.parametrize(
    "content",
    ["", "[", "[]", "a: b", "current-context: c\ncontexts: []\nclusters: []", "clusters: 3"],
)
async def test_a_kubeconfig_that_cannot_be_used_is_named(tmp_path: Path, content: str) -> None:
    """Whatever kubernetes.aio stumbles over."""
    path = tmp_path / "kubeconfig"
    path.write_text(content)
    with pytest.raises(Misconfigured, match=f"{path}.* cannot be used: .+"):
        await access.find(path)


async def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Not taken for an empty one."""
    with pytest.raises(Misconfigured, match="absent' does not exist"):
        async with Cluster.from_environment(tmp_path / "absent"):
            pytest.fail("it was opened")


async def test_a_token_is_looked_up_again(api: FakeApi, tmp_path: Path) -> None:
    """A kubeconfig's token file was replaced while we run."""
    token, path = tmp_path / "token", tmp_path / "kubeconfig"
    token.write_text("first")
    write_kubeconfig(path, f"http://127.0.0.1:{api.port}", tokenFile=str(token))
    cluster = Cluster(lambda: access.from_kubeconfig(str(path), token_seconds=0.0))
    assert await tokens_seen(api, cluster, token) == ["Bearer first", "Bearer second"]


async def test_a_token_is_used_for_its_time(api: FakeApi, tmp_path: Path) -> None:
    """The file is not read for each request."""
    token, path = tmp_path / "token", tmp_path / "kubeconfig"
    token.write_text("first")
    write_kubeconfig(path, f"http://127.0.0.1:{api.port}", tokenFile=str(token))
    cluster = Cluster.from_environment(path)
    assert await tokens_seen(api, cluster, token) == ["Bearer first", "Bearer first"]


def rotate(token: Path) -> None:
    """Replace the token, as the kubelet does."""
    token.write_text("second")


async def tokens_seen(api: FakeApi, cluster: Cluster, token: Path) -> list[str | None]:
    """Ask twice, and replace the token in between."""
    api.put("a")
    async with cluster:
        await cluster.get(WIDGETS, "a", "default")
        rotate(token)
        await cluster.get(WIDGETS, "a", "default")
    return api.authorizations


async def test_a_token_that_cannot_be_looked_up_stays_in_use(api: FakeApi, tmp_path: Path) -> None:
    """The files may be in the middle of being replaced."""
    path = tmp_path / "kubeconfig"
    write_kubeconfig(path, f"http://127.0.0.1:{api.port}", token="first")
    async with Cluster(lambda: access.from_kubeconfig(str(path), token_seconds=0.0)) as cluster:
        path.unlink()
        with pytest.raises(NotFound):
            await cluster.get(WIDGETS, "a", "default")
    assert api.authorizations == ["Bearer first"]


async def test_a_pods_service_account_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Host from the environment, token and authority from files; the token is read again."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("first")
    authority.write_text("a certificate")
    found = await access.from_service_account(str(token), str(authority), token_seconds=0.0)
    assert (found.host, found.ssl_ca_cert) == ("https://10.0.0.1:443", str(authority))
    assert found.api_key["BearerToken"] == "bearer first"
    token.write_text("second")
    assert (await found.auth_settings())["BearerToken"]["value"] == "bearer second"


def test_the_namespace_is_that_of_the_pod_or_of_the_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As kubectl has it: a kubeconfig comes before the pod, and a context may name none."""
    own = tmp_path / "namespace"
    monkeypatch.setattr(access, "SERVICE_NAMESPACE_FILENAME", str(own))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert access.namespace() is None
    own.write_text("team-credit\n")
    assert access.namespace() == "team-credit"
    write_kubeconfig(tmp_path / "config", "http://named")
    assert access.namespace(tmp_path / "config") is None


async def test_a_context_is_one_of_a_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in a pod, whose service account has no contexts."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    with pytest.raises(Misconfigured, match="no API server is known"):
        await access.find(context="c")
    (tmp_path / ".kube").mkdir()
    write_kubeconfig(tmp_path / ".kube" / "config", "http://usual")
    assert (await access.find(context="c")).host == "http://usual"
    with pytest.raises(Misconfigured, match=r"cannot be used: .*other"):
        await access.find(context="other")


async def test_a_pod_without_a_service_account_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """AutomountServiceAccountToken may be off."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    with pytest.raises(Misconfigured, match=r"the pod's service account cannot be used: .+"):
        await access.find()
