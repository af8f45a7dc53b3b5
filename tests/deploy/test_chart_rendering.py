"""What the chart comes to, held against the base and the overlays object by object."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from actgate.version import VERSION
from actgate_sandbox.pki import Authority
from tests.deploy.charting import (
    CHART,
    EVERYTHING,
    KUBERNETES,
    OVERLAY_VALUES,
    RELEASE,
    Values,
    helm,
    needs_helm,
    rendered,
    set_values,
)
from tests.deploy.rendering import (
    COMPONENTS,
    DEPLOY,
    NAMESPACE,
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
from tests.deploy.test_gitops import WAVE
from tests.operator.plan.restricted import violations

pytestmark = needs_helm

RELEASE_LABELS: Final[Mapping[str, str]] = {
    "app.kubernetes.io/instance": RELEASE,
    "app.kubernetes.io/managed-by": "Helm",
    "app.kubernetes.io/version": VERSION,
    "helm.sh/chart": f"actgate-{VERSION}",
}
WITHOUT_LABELS: Final = frozenset({"CustomResourceDefinition"})
"""Kinds that Helm installs as they are, before it renders anything."""


def by_name(objects: Iterable[Json]) -> dict[str, Json]:
    """Return objects by kind and name, each once."""
    found: dict[str, Json] = {}
    for item in objects:
        name = f"{item['kind']}/{item['metadata']['name']}"
        assert name not in found, f"{name} is there twice"
        found[name] = item
    return found


def of_the_chart(values: Values) -> dict[str, Json]:
    """Return what the chart comes to, without the labels of the release, which everything has."""
    found = by_name(rendered(values))
    for name, item in found.items():
        if item["kind"] in WITHOUT_LABELS:
            continue
        labels = item["metadata"]["labels"]
        assert {key: labels.get(key) for key in RELEASE_LABELS} == RELEASE_LABELS, name
        kept = {key: value for key, value in labels.items() if key not in RELEASE_LABELS}
        found[name] = {**item, "metadata": {**item["metadata"], "labels": kept}}
    return found


def of_the_folder(folder: Path) -> dict[str, Json]:
    """Return what a folder comes to, but for what docs/install.md says is different with Helm.

    The namespace is the release's, and the kinds are in no wave of Argo CD, which applies them first.
    """
    found = by_name(item for item in render(folder) if item["kind"] != "Namespace")
    for name, item in found.items():
        if item["kind"] == "CustomResourceDefinition":
            metadata = dict(item["metadata"])
            if WAVE in metadata.get("annotations", {}):
                metadata["annotations"] = {
                    key: value for key, value in metadata["annotations"].items() if key != WAVE
                }
                if not metadata["annotations"]:
                    del metadata["annotations"]
            found[name] = {**item, "metadata": metadata}
    return found


def equal(chart: dict[str, Json], folder: dict[str, Json]) -> None:
    """Hold one against the other, object by object."""
    assert sorted(chart) == sorted(folder)
    for name, item in folder.items():
        assert unbroken(chart[name]) == unbroken(item), name


def unbroken(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a value without blank lines in its texts: kustomize prints more of them in folded ones."""
    match value:
        case dict():
            return {key: unbroken(item) for key, item in value.items()}
        case list():
            return [unbroken(item) for item in value]
        case str():
            return re.sub(r"\n+", "\n", value)
        case _:
            return value


@pytest.mark.needs_kubectl
def test_the_defaults_are_the_base() -> None:
    """Every object, every field; only the labels of the release come to it."""
    equal(of_the_chart({}), of_the_folder(DEPLOY / "base"))


@pytest.mark.needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAY_VALUES)
def test_the_values_of_an_overlay_come_to_the_overlay(overlay: str) -> None:
    """A change from one to the other changes nothing."""
    equal(of_the_chart(OVERLAY_VALUES[overlay]), of_the_folder(DEPLOY / "overlays" / overlay))


@pytest.mark.needs_kubectl
def test_all_values_together_come_to_all_components(tmp_path: Path) -> None:
    """They can be combined as the components can."""
    # Waves last: a component changes what those before it have brought.
    components = sorted(COMPONENTS, key="argocd-waves".__eq__)
    equal(of_the_chart(EVERYTHING), of_the_folder(compose(tmp_path, components)))


def test_helm_lint_has_nothing_to_say() -> None:
    """Neither an error nor a warning, whatever is switched on."""
    for values in ({}, EVERYTHING):
        flags = ("--strict", "--quiet", f"--namespace={NAMESPACE}", KUBERNETES)
        helm("lint", str(CHART), *flags, *set_values(values))


def test_helm_says_where_a_value_is_wrong() -> None:
    """Before anything reaches the cluster; the table of what is refused is in test_chart.py."""
    for flag, words in (
        ("--set=baseline.enforcement=audit", ("/baseline/enforcement", "'Deny', 'Warn', 'Audit'")),
        ("--set=webhook.replica=3", ("/webhook", "'replica' not allowed")),
        ("--set=certificates.source=Secret", ("/certificates/caBundle", "minLength")),
    ):
        done = helm("template", RELEASE, str(CHART), KUBERNETES, flag, check=False)
        assert done.returncode == 1
        assert done.stdout == ""
        for word in words:
            assert word in done.stderr


def test_an_older_kubernetes_is_refused() -> None:
    """The policies about the operator's account need 1.31 or newer."""
    done = helm("template", RELEASE, str(CHART), "--kube-version=1.30.0", check=False)
    assert done.returncode == 1
    assert "1.30.0" in done.stderr


@pytest.mark.parametrize("namespace", ["compliance", "123"])
def test_the_namespace_is_that_of_the_release(namespace: str) -> None:
    """Whatever its name: nothing speaks of the usual one, and a number stays a text."""
    objects = rendered(EVERYTHING, namespace=namespace)
    assert NAMESPACE not in yaml.safe_dump_all(
        item for item in objects if item["kind"] not in ("CustomResourceDefinition", "ConfigMap")
    )
    assert {item["metadata"].get("namespace", namespace) for item in objects} == {namespace}
    for webhook in named(objects, "ValidatingWebhookConfiguration", "actgate")["webhooks"]:
        assert webhook["clientConfig"]["service"]["namespace"] == namespace
        (names,) = (
            item["values"]
            for item in webhook["namespaceSelector"]["matchExpressions"]
            if item["key"] == "kubernetes.io/metadata.name"
        )
        assert names == ["kube-system", "kube-node-lease", namespace]
    for binding in of_kind(objects, "ClusterRoleBinding"):
        assert [subject["namespace"] for subject in binding["subjects"]] == [namespace]


def test_a_digest_is_taken_instead_of_a_tag() -> None:
    """And a tag instead of the version of the chart."""
    digest = "sha256:" + "0" * 64
    image = {
        "repository": "registry.example:5000/team/webhook",
        "digest": digest,
        "tag": "1",
        "pullPolicy": "Always",
    }
    objects = rendered(
        {
            "webhook": {"image": image},
            "operator": {"image": {"tag": "2"}},
            "imagePullSecrets": [{"name": "pull"}],
        }
    )
    webhook, operator = container_of(objects, "actgate-webhook"), container_of(objects, "actgate-operator")
    assert (webhook["image"], webhook["imagePullPolicy"]) == (f"{image['repository']}@{digest}", "Always")
    assert operator["image"] == "actgate-operator:2"
    for service in SERVICES:
        assert pod_of(objects, service)["imagePullSecrets"] == [{"name": "pull"}]


@pytest.mark.parametrize("service", ["webhook", "operator"])
def test_a_service_runs_where_and_how_its_values_say(service: str) -> None:
    """And the other one as before."""
    spread = {"maxSkew": 2, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}
    toleration = {"key": "infra", "operator": "Exists"}
    affinity: Json = {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}
    }
    values: Json = {
        "replicas": 5,
        "resources": {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}},
        "extraArgs": ["--log-level=DEBUG"],
        "env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317"},
        "podLabels": {"team": "platform"},
        "podAnnotations": {"example.com/note": "1"},
        "nodeSelector": {"pool": "infra"},
        "tolerations": [toleration],
        "affinity": affinity,
        "topologySpreadConstraints": [spread],
    }
    objects, before = rendered({service: values}), rendered({})
    name = f"actgate-{service}"
    pod, container = pod_of(objects, name), container_of(objects, name)
    template = named(objects, "Deployment", name)["spec"]["template"]["metadata"]
    assert named(objects, "Deployment", name)["spec"]["replicas"] == 5
    assert container["resources"] == values["resources"]
    assert container["args"] == [*container_of(before, name)["args"], "--log-level=DEBUG"]
    assert environment_of(container) == values["env"]
    assert template["labels"].items() >= {"team": "platform", "app.kubernetes.io/name": name}.items()
    assert template["annotations"] == values["podAnnotations"]
    assert (pod["nodeSelector"], pod["tolerations"], pod["affinity"]) == (
        values["nodeSelector"], [toleration], affinity,
    )  # fmt: skip
    assert pod["topologySpreadConstraints"] == [spread]
    assert violations(pod) == []
    (other,) = {*SERVICES} - {name}
    assert named(objects, "Deployment", other) == named(before, "Deployment", other)


def test_high_availability_takes_no_replica_away() -> None:
    """It asks for at least three of each."""
    objects = rendered({"highAvailability": {"enabled": True}, "webhook": {"replicas": 6}})
    replicas = {item["metadata"]["name"]: item["spec"]["replicas"] for item in of_kind(objects, "Deployment")}
    assert replicas == {"actgate-webhook": 6, "actgate-operator": 3}


def test_a_priority_class_of_the_cluster_can_be_used() -> None:
    """Then none is made."""
    objects = rendered({"priorityClass": {"create": False, "name": "platform"}})
    assert list(of_kind(objects, "PriorityClass")) == []
    assert {pod_of(objects, service)["priorityClassName"] for service in SERVICES} == {"platform"}


def test_a_supplied_certificate_is_trusted_and_left_alone() -> None:
    """The API server trusts its authority, the webhook serves it, and the operator may write neither."""
    authority = Authority("supplied").certificate.decode()
    objects = rendered(
        {
            "certificates": {"source": "Secret", "secretName": "mine", "caBundle": authority},
            "monitoring": {"enabled": True},
        }
    )
    for webhook in named(objects, "ValidatingWebhookConfiguration", "actgate")["webhooks"]:
        assert base64.b64decode(webhook["clientConfig"]["caBundle"]).decode() == authority
    volumes = {item["name"]: item for item in pod_of(objects, "actgate-webhook")["volumes"]}
    assert volumes["tls"]["secret"]["secretName"] == "mine"
    assert environment_of(container_of(objects, "actgate-operator")) == {
        "ACTGATE_OPERATOR_CERTIFICATES": "External"
    }
    assert not [item for item in objects if item["metadata"]["name"] == "actgate-operator-certificates"]
    (endpoint,) = named(objects, "ServiceMonitor", "actgate-webhook")["spec"]["endpoints"]
    assert endpoint["tlsConfig"]["ca"] == {"secret": {"name": "mine", "key": "ca.crt"}}


def test_an_issuer_of_the_cluster_is_used_instead_of_an_authority_of_our_own() -> None:
    """Its certificate is then the only object of cert-manager."""
    issuer = {"kind": "ClusterIssuer", "name": "company"}
    objects = rendered({"certificates": {"source": "CertManager", "certManager": {"issuerRef": issuer}}})
    (found,) = (item for item in objects if item["apiVersion"].startswith("cert-manager.io/"))
    assert found["spec"]["issuerRef"] == {**issuer, "group": "cert-manager.io"}


def test_exempt_namespaces_are_left_out_of_both_webhooks() -> None:
    """Beside those that always are."""
    objects = rendered({"registration": {"exemptNamespaces": ["build", "42"], "timeoutSeconds": 10}})
    for webhook in named(objects, "ValidatingWebhookConfiguration", "actgate")["webhooks"]:
        expression = webhook["namespaceSelector"]["matchExpressions"][-1]
        assert expression["values"] == ["kube-system", "kube-node-lease", NAMESPACE, "build", "42"]
        assert webhook["timeoutSeconds"] == 10


def test_what_happens_without_a_webhook_follows_the_enforcement_unless_it_is_set() -> None:
    """A baseline that only warns blocks nothing when no replica answers."""
    for enforcement, stated, expected in (
        ("Deny", "", "Fail"),
        ("Warn", "", "Ignore"),
        ("Audit", "Fail", "Fail"),
        ("Deny", "Ignore", "Ignore"),
    ):
        objects = rendered(
            {"baseline": {"enforcement": enforcement}, "registration": {"failurePolicy": stated}}
        )
        registration = named(objects, "ValidatingWebhookConfiguration", "actgate")
        *declared, detected = [webhook["failurePolicy"] for webhook in registration["webhooks"]]
        assert (set(declared), detected) == ({expected}, "Ignore")
        policies = [policy["spec"]["enforcement"] for policy in of_kind(objects, "CompliancePolicy")]
        assert policies == ([] if enforcement == "Deny" else [enforcement])


def test_the_way_out_can_be_made_narrower_and_wider() -> None:
    """Ports and addresses of the API server, and one more rule."""
    rule = {"ports": [{"protocol": "TCP", "port": 4317}]}
    values = {"apiServer": {"ports": [16443], "cidrs": ["10.0.0.0/28"]}, "extraEgress": [rule]}
    policy = named(rendered({"networkPolicies": values}), "NetworkPolicy", "actgate-api-server")
    assert policy["spec"]["egress"] == [
        {"ports": [{"protocol": "TCP", "port": 16443}], "to": [{"ipBlock": {"cidr": "10.0.0.0/28"}}]},
        rule,
    ]


def test_what_is_switched_off_is_not_there() -> None:
    """And nothing that belongs to it."""
    objects = rendered(
        {
            "networkPolicies": {"enabled": False},
            "userRoles": {"create": False},
            "monitoring": {"enabled": True, "alerts": False, "dashboard": False},
        }
    )
    kinds = {item["kind"] for item in objects}
    assert kinds.isdisjoint({"NetworkPolicy", "PrometheusRule", "ConfigMap"})
    assert "ServiceMonitor" in kinds
    assert not [
        item for item in of_kind(objects, "ClusterRole") if "aggregate" in str(item["metadata"]["labels"])
    ]


def test_a_prometheus_finds_monitors_and_alerts_by_its_labels() -> None:
    """And is let in from its namespace."""
    values = {
        "enabled": True,
        "labels": {"release": "prometheus"},
        "namespace": "observability",
        "interval": "1m",
    }
    objects = rendered({"monitoring": values})
    selected = [item for item in objects if item["metadata"].get("labels", {}).get("release") == "prometheus"]
    assert {item["kind"] for item in selected} == {"ServiceMonitor", "PrometheusRule"}
    assert {item["spec"]["endpoints"][0]["interval"] for item in of_kind(objects, "ServiceMonitor")} == {"1m"}
    (rule,) = named(objects, "NetworkPolicy", "actgate-operator-metrics")["spec"]["ingress"]
    assert rule["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "observability"}}}
    ]


def test_placeholders_of_alerts_are_left_to_prometheus() -> None:
    """Helm has the same braces."""
    rules = named(rendered({"monitoring": {"enabled": True}}), "PrometheusRule", "actgate")
    summaries = [
        rule["annotations"]["summary"] for group in rules["spec"]["groups"] for rule in group["rules"]
    ]
    assert [text for text in summaries if re.search(r"\{\{ \$(value|labels)", text)]
