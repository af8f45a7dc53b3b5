"""What the manifests say, held against what the services are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from actgate_operator.settings import Settings as OperatorSettings
from actgate_webhook.settings import Settings as WebhookSettings
from tests.deploy.rendering import (
    COMPONENTS,
    DEPLOY,
    NAMESPACE,
    OVERLAYS,
    ROOT,
    SERVICES,
    Json,
    compose,
    container_of,
    environment_of,
    named,
    of_kind,
    pod_of,
    render,
)
from tests.operator.plan.restricted import violations

pytestmark = pytest.mark.needs_kubectl

FOLDERS = [DEPLOY / "base", *(DEPLOY / "overlays" / name for name in OVERLAYS)]


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def objects(request: pytest.FixtureRequest) -> Sequence[Json]:
    """What each folder that can be applied comes to."""
    return render(request.param)


@pytest.fixture
def base() -> Sequence[Json]:
    """What the base comes to."""
    return render(DEPLOY / "base")


def webhook_settings(objects: Sequence[Json], monkeypatch: pytest.MonkeyPatch) -> WebhookSettings:
    """Return the settings that the webhook reads in its pod."""
    container = container_of(objects, "actgate-webhook")
    for name, value in environment_of(container).items():
        monkeypatch.setenv(name, value)
    return WebhookSettings.read(container["args"])


def operator_settings(objects: Sequence[Json], monkeypatch: pytest.MonkeyPatch) -> OperatorSettings:
    """Return the settings that the operator reads in its pod."""
    container = container_of(objects, "actgate-operator")
    for name, value in environment_of(container).items():
        monkeypatch.setenv(name, value)
    return OperatorSettings.read(container["args"])


def test_every_component_is_part_of_an_overlay_that_can_be_applied() -> None:
    """None lies there that no other test reads."""
    used = set()
    for name in OVERLAYS:
        kustomization = yaml.safe_load((DEPLOY / "overlays" / name / "kustomization.yaml").read_text("utf-8"))
        used |= {Path(path).name for path in kustomization["components"]}
    assert used == set(COMPONENTS)


def test_components_can_be_combined(tmp_path: Path) -> None:
    """All of them together build, from a folder outside the repository."""
    kinds = {item["kind"] for item in render(compose(tmp_path))}
    assert {"Certificate", "CompliancePolicy", "PrometheusRule", "ServiceMonitor"} <= kinds


def test_the_definitions_are_those_that_are_generated(base: Sequence[Json]) -> None:
    """The base installs crds/, all of it."""
    files = sorted((ROOT / "crds").glob("*.yaml"))
    assert list(of_kind(base, "CustomResourceDefinition")) == [
        yaml.safe_load(path.read_text("utf-8")) for path in files
    ]


def test_every_object_says_where_it_belongs(objects: Sequence[Json]) -> None:
    """What lives in a namespace lives in ours, and everything but the kinds is labelled as a part."""
    for item in objects:
        assert item["metadata"].get("namespace", NAMESPACE) == NAMESPACE, item
        if item["kind"] != "CustomResourceDefinition":
            assert item["metadata"]["labels"]["app.kubernetes.io/part-of"] == "actgate", item


@pytest.mark.parametrize("service", SERVICES)
def test_pods_are_closed(objects: Sequence[Json], service: str) -> None:
    """Restricted, by a number that is not root, over a root file system that nothing can write."""
    pod = pod_of(objects, service)
    assert violations(pod) == []
    assert pod["securityContext"]["runAsUser"] == 65534
    context = container_of(objects, service)["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert {volume["name"] for volume in pod["volumes"] if "emptyDir" in volume} == {"tmp"}


@pytest.mark.parametrize("service", SERVICES)
def test_no_environment_holds_a_secret(objects: Sequence[Json], service: str) -> None:
    """Every variable is written out, and is a setting of the service."""
    container = container_of(objects, service)
    assert "envFrom" not in container
    settings = OperatorSettings if service == "actgate-operator" else WebhookSettings
    for name in environment_of(container):
        assert name.removeprefix(settings.model_config["env_prefix"]).lower() in settings.model_fields


@pytest.mark.parametrize("service", SERVICES)
def test_memory_is_asked_for_and_limited(objects: Sequence[Json], service: str) -> None:
    """A leak ends the leaking process and no other; a CPU limit would only slow reviews down."""
    resources = container_of(objects, service)["resources"]
    assert resources["requests"].keys() == {"cpu", "memory"}
    assert resources["limits"].keys() == {"memory"}


def test_the_webhook_listens_where_it_is_called(
    objects: Sequence[Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Port, path of the certificate, Service and registration fit together."""
    settings = webhook_settings(objects, monkeypatch)
    container = container_of(objects, "actgate-webhook")
    assert container["ports"] == [{"name": "https", "containerPort": settings.secure_port}]
    (mount,) = (item for item in container["volumeMounts"] if item["name"] == "tls")
    assert {str(settings.tls_cert_file.parent), str(settings.tls_private_key_file.parent)} == {
        mount["mountPath"]
    }
    (port,) = named(objects, "Service", "actgate-webhook")["spec"]["ports"]
    assert port["targetPort"] == "https"
    for webhook in named(objects, "ValidatingWebhookConfiguration", "actgate")["webhooks"]:
        service = webhook["clientConfig"]["service"]
        assert (service["name"], service["port"]) == ("actgate-webhook", port["port"])


def test_the_webhook_has_time_to_drain(objects: Sequence[Json], monkeypatch: pytest.MonkeyPatch) -> None:
    """The kubelet kills later than the webhook ends by itself."""
    settings = webhook_settings(objects, monkeypatch)
    grace = pod_of(objects, "actgate-webhook")["terminationGracePeriodSeconds"]
    assert grace >= settings.shutdown_delay_duration + settings.shutdown_timeout + 5


def test_the_operator_is_probed_where_it_answers(
    objects: Sequence[Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The port of its pages is the one of its flags."""
    settings = operator_settings(objects, monkeypatch)
    assert container_of(objects, "actgate-operator")["ports"] == [
        {"name": "health", "containerPort": settings.health_port}
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_probes_name_ports_that_exist(objects: Sequence[Json], service: str) -> None:
    """None asks a port on which no process listens."""
    container = container_of(objects, service)
    ports = {port["name"] for port in container["ports"]}
    probes = [value for key, value in container.items() if key.endswith("Probe")]
    assert len(probes) >= 2
    assert {probe["httpGet"]["port"] for probe in probes} <= ports


@pytest.mark.parametrize("service", SERVICES)
def test_selectors_select_the_pods(objects: Sequence[Json], service: str) -> None:
    """Of the Deployment, of its budget and of every spread."""
    deployment = named(objects, "Deployment", service)
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    selectors = [
        deployment["spec"]["selector"],
        named(objects, "PodDisruptionBudget", service)["spec"]["selector"],
        *(item["labelSelector"] for item in pod_of(objects, service)["topologySpreadConstraints"]),
    ]
    for selector in selectors:
        assert selector["matchLabels"].items() <= labels


def test_replicas_outlive_a_node(objects: Sequence[Json]) -> None:
    """Three webhooks, two operators; one may go at a time, and an update takes none away."""
    for service, least in (("actgate-webhook", 3), ("actgate-operator", 2)):
        spec = named(objects, "Deployment", service)["spec"]
        assert spec["replicas"] >= least
        assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert named(objects, "PodDisruptionBudget", service)["spec"]["maxUnavailable"] == 1


def test_our_namespace_is_restricted_and_never_judged(objects: Sequence[Json]) -> None:
    """Nor are those of Kubernetes that hold its own: none of them can be locked out."""
    labels = named(objects, "Namespace", NAMESPACE)["metadata"]["labels"]
    assert {labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")} == {
        "restricted"
    }
    for webhook in named(objects, "ValidatingWebhookConfiguration", "actgate")["webhooks"]:
        (expression,) = (
            item
            for item in webhook["namespaceSelector"]["matchExpressions"]
            if item["key"] == "kubernetes.io/metadata.name"
        )
        assert expression["operator"] == "NotIn"
        assert {"kube-system", "kube-node-lease", NAMESPACE} == set(expression["values"])


def test_no_right_is_granted_by_a_wildcard(objects: Sequence[Json]) -> None:
    """Every rule names groups, resources and verbs."""
    for kind in ("Role", "ClusterRole"):
        for role in of_kind(objects, kind):
            for rule in role["rules"]:
                assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]


def test_no_ca_bundle_is_written_here(objects: Sequence[Json]) -> None:
    """It belongs to the operator or to cert-manager: another apply must not take it away."""
    for webhook in named(objects, "ValidatingWebhookConfiguration", "actgate")["webhooks"]:
        assert "caBundle" not in webhook["clientConfig"]


def test_with_cert_manager_the_operator_cannot_write_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its flag says so, it has no right to Secrets, and the annotations are cert-manager's."""
    objects = render(DEPLOY / "overlays" / "cert-manager")
    assert operator_settings(objects, monkeypatch).certificates == "External"
    rules = [
        rule for kind in ("Role", "ClusterRole") for role in of_kind(objects, kind) for rule in role["rules"]
    ]
    assert not [rule for rule in rules if "secrets" in rule["resources"]]
    assert not [
        rule
        for rule in rules
        if "validatingwebhookconfigurations" in rule["resources"]
        and rule["verbs"] != ["get", "list", "watch"]
    ]
    annotations = named(objects, "ValidatingWebhookConfiguration", "actgate")["metadata"]["annotations"]
    assert annotations == {"cert-manager.io/inject-ca-from": f"{NAMESPACE}/actgate-webhook"}
    certificate = named(objects, "Certificate", "actgate-webhook")["spec"]
    assert certificate["secretName"] == "actgate-webhook-tls"
    assert f"actgate-webhook.{NAMESPACE}.svc" in certificate["dnsNames"]


def test_without_cert_manager_nothing_speaks_of_it(base: Sequence[Json]) -> None:
    """No annotation makes a cainjector that happens to be there write our registration."""
    assert "cert-manager" not in yaml.safe_dump_all(base)


def test_the_first_week_refuses_nothing() -> None:
    """Every webhook fails open, and a policy for all namespaces only records."""
    objects = render(DEPLOY / "overlays" / "audit-first")
    registration = named(objects, "ValidatingWebhookConfiguration", "actgate")
    assert {webhook["failurePolicy"] for webhook in registration["webhooks"]} == {"Ignore"}
    assert [policy["spec"] for policy in of_kind(objects, "CompliancePolicy")] == [{"enforcement": "Audit"}]


def test_after_the_first_week_nothing_gets_in_unjudged(base: Sequence[Json]) -> None:
    """The base fails closed, but for what declares nothing: every pod would depend on the webhook."""
    registration = named(base, "ValidatingWebhookConfiguration", "actgate")
    assert {webhook["name"]: webhook["failurePolicy"] for webhook in registration["webhooks"]} == {
        "serving.actgate.dev": "Fail",
        "declared.actgate.dev": "Fail",
        "detected.actgate.dev": "Ignore",
    }
