"""Chains of owners as Kubernetes' own controllers make them, read with the rights that deploy/ grants.

The webhook runs with its own service account before a real API server. The policy refuses whatever looks like
a model server and has no evidence, so that a pod which is admitted has a link: its own, or that of an owner.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from actgate_sandbox.kubeconfig import write_kubeconfig
from actgate_sandbox.rest import MERGE_PATCH, Reply, Rest, install_crds
from tests.deploy.accounts import token_of
from tests.deploy.conftest import Cluster
from tests.deploy.installing import apply_kinds
from tests.deploy.rendering import DEPLOY
from tests.support import kserve
from tests.support.crds import create
from tests.support.fault_proxy import FaultProxy, Seen, Silence, proxied
from tests.support.kubectl import Outcome
from tests.support.waiting import wait_until
from tests.webhook.build import ASSESSED_IMAGE, MANIFEST, manifest_object
from tests.webhook.guarding import registered
from tests.webhook.process import WebhookProcess, running

pytestmark = pytest.mark.needs_kubectl

Json = dict[str, Any]

NAMESPACE: Final = "chains"
ELSEWHERE: Final = "elsewhere"
ACCOUNT: Final = "actgate-webhook"
BINDING: Final = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/actgate-webhook-subjects"
RIGHTS: Final = ("namespace.yaml", "webhook-rbac.yaml", "subject-rbac.yaml")
PROXY_IMAGE: Final = "registry.example/istio/proxyv2"
LINK: Final = "metadata.annotations[actgate.dev/compliance-manifest]"
POLICY: Final[Json] = {
    "detection": {"strong": "Deny", "likely": "Deny"},
    "injectedContainers": [{"name": "istio-proxy", "image": PROXY_IMAGE}],
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
}
NO_UID: Final = "7f1c8a9e-3c57-4a54-9d0c-0d4f2a4f4f10"


@dataclass(frozen=True, slots=True)
class Place:
    """A guarded namespace with real controllers."""

    cluster: Cluster
    webhook: WebhookProcess
    proxy: FaultProxy

    @property
    def rest(self) -> Rest:
        """The API server, asked by a cluster administrator."""
        return self.cluster.rest

    def kubectl(self, *arguments: str) -> Outcome:
        """Run kubectl in the namespace."""
        return self.cluster.kubectl(f"--namespace={NAMESPACE}", *arguments)

    def ask(self, obj: Json, namespace: str = NAMESPACE, **query: str) -> Reply:
        """Create an object; every answer is returned."""
        root = "apis" if "/" in obj["apiVersion"] else "api"
        path = f"/{root}/{obj['apiVersion']}/namespaces/{namespace}/{obj['kind'].lower()}s"
        return self.rest("POST", path, obj, **query)

    def create(self, obj: Json, namespace: str = NAMESPACE) -> Json:
        """Create an object that must be admitted, and return it as stored."""
        reply = self.ask(obj, namespace)
        assert reply.status == 201, (obj["kind"], reply)
        return dict(reply.body)

    def try_pod(self, pod: Json) -> Reply:
        """Ask for a pod, and leave none behind that a controller would adopt or delete."""
        return self.ask(pod, dryRun="All")

    def pods(self, app: str) -> list[Json]:
        """Return the pods that controllers have made."""
        path = f"/api/v1/namespaces/{NAMESPACE}/pods"
        return list(self.rest("GET", path, labelSelector=f"app={app}").body["items"])

    def replica_set(self, app: str) -> Json:
        """Return the ReplicaSet that the controller of Deployments makes."""
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets"
        (found,) = wait_until(lambda: self.rest("GET", path, labelSelector=f"app={app}").body["items"])
        return {"apiVersion": "apps/v1", "kind": "ReplicaSet", **found}

    def refused(self, pod: Json) -> str:
        """Return why a pod is not admitted."""
        reply = self.ask(pod)
        assert reply.status == 403, reply
        return str(reply.message)

    def job_of(self, cron_job: Json) -> Json:
        """Create a CronJob and a Job of it; return the Job."""
        name = self.create(cron_job)["metadata"]["name"]
        done = self.kubectl("create", "job", f"{name}-1", f"--from=cronjob/{name}")
        assert done.code == 0, done.err
        path = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs/{name}-1"
        return {"apiVersion": "batch/v1", "kind": "Job", **self.rest("GET", path).body}

    def evidence(self, name: str) -> None:
        """Create evidence, and return when the webhook knows it."""
        spec = manifest_object()["spec"]
        assert create(self.rest, "ComplianceManifest", name, spec, NAMESPACE).status == 201
        probe = deployment(f"probe-{name}", link=name)

        def known() -> bool:
            reply = self.ask(probe, dryRun="All")
            assert reply.status == 201, reply
            return True

        wait_until(known)

    def withdraw(self, name: str) -> None:
        """Delete evidence, and return when the webhook knows that."""
        path = f"/apis/actgate.dev/v1alpha1/namespaces/{NAMESPACE}/compliancemanifests/{name}"
        assert self.rest("DELETE", path).status == 200
        probe = deployment(f"probe-{name}", link=name)
        wait_until(lambda: "link/manifest" in str(self.ask(probe, dryRun="All").warnings))


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A guarded namespace with evidence; the webhook has the rights of deploy/base and reads by a proxy."""
    folder, rest, kubectl = tmp_path_factory.mktemp("chains"), cluster.rest, cluster.kubectl
    files = [flag for name in RIGHTS for flag in ("-f", str(DEPLOY / "base" / name))]
    apply_kinds(cluster)
    install_crds(rest, kserve.DEFINITIONS)
    assert kubectl("apply", *files).code == 0
    for name in (NAMESPACE, ELSEWHERE):
        assert rest("POST", "/api/v1/namespaces", {"metadata": {"name": name}}).status == 201
    assert create(rest, "CompliancePolicy", NAMESPACE, POLICY).status == 201
    with proxied(cluster.plane, folder) as proxy:
        kubeconfig = folder / ACCOUNT
        write_kubeconfig(kubeconfig, proxy.url, cluster.plane.ca, token_of(cluster, ACCOUNT))
        with running(folder / "webhook", kubeconfig) as webhook:
            webhook.wait_until_ready()
            with registered(rest, NAMESPACE, webhook.port, webhook.authority.certificate):
                found = Place(cluster, webhook, proxy)
                wait_until(lambda: found.ask(deployment("probe", link=None), dryRun="All").status == 403)
                found.evidence(MANIFEST)
                yield found
    for name in (NAMESPACE, ELSEWHERE):
        rest("DELETE", f"/api/v1/namespaces/{name}")
    rest("DELETE", f"/apis/actgate.dev/v1alpha1/compliancepolicies/{NAMESPACE}")
    for one in kserve.DEFINITIONS:
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        rest("DELETE", f"{path}/{one['metadata']['name']}")
    assert kubectl("delete", *files, "--ignore-not-found", "--timeout=120s").code == 0


def template(app: str, link: str | None = None) -> Json:
    """Return a pod template that declares a model, and links evidence or none."""
    annotations = {"actgate.dev/compliance-manifest": link, "actgate.dev/model": "CreditRiskScorer"}
    return {
        "metadata": {
            "labels": {"app": app, "actgate.dev/inference": "true"},
            "annotations": annotations if link else {},
        },
        "spec": {
            "containers": [{"name": "server", "image": ASSESSED_IMAGE}],
            "nodeSelector": {"topology.kubernetes.io/region": "eu-west-3"},
        },
    }


def deployment(app: str, *, link: str | None = MANIFEST, replicas: int = 0) -> Json:
    """Return a Deployment; its pods carry its link, since that is where it belongs."""
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": app}}, "template": template(app, link)}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": app}, "spec": spec}


def cron_job(app: str, link: str) -> Json:
    """Return a CronJob that is never due."""
    pods = template(app, link)
    pods["spec"]["restartPolicy"] = "Never"
    spec = {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": {"template": pods}}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": app}, "spec": spec}


def child_of_service(top: Json, replicas: int) -> Json:
    """Return the Deployment of an InferenceService without its annotations, as KServe can be set up."""
    made = copy.deepcopy(kserve.deployment(top))
    made["metadata"].pop("annotations")
    made["spec"]["replicas"] = replicas
    pods = made["spec"]["template"]["metadata"]
    pods.pop("annotations")
    for one in (made["metadata"], pods):
        one["labels"] |= {"app": made["spec"]["selector"]["matchLabels"]["app"]}
    return made


def pod_of(owner: Json | None, app: str, **reference: object) -> Json:
    """Return a pod without a link that names an owner, with other values for some of the reference."""
    made = template(app)
    metadata = {"name": f"{app}-x", **made["metadata"]}
    pod: Json = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": made["spec"]}
    if owner is not None:
        pod = kserve.owned(pod, owner)
        pod["metadata"]["ownerReferences"][0] |= reference
    return pod


def owned_by_each_other(place: Place, *apps: str) -> Json:
    """Create ReplicaSets each of which names the next one as its controller; return the first."""
    made = []
    for app in apps:
        containers = [{"name": "app", "image": "registry.example/app:1"}]
        pods = {"metadata": {"labels": {"app": app}}, "spec": {"containers": containers}}
        spec = {"replicas": 0, "selector": {"matchLabels": {"app": app}}, "template": pods}
        body = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": app}, "spec": spec}
        made.append(place.create(body))
    for one, owner in zip(made, (*made[1:], made[0]), strict=True):
        change = {"metadata": {"ownerReferences": kserve.owned(one, owner)["metadata"]["ownerReferences"]}}
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets/{one['metadata']['name']}"
        assert place.rest("PATCH", path, change, MERGE_PATCH).status == 200
    return made[0]


def test_pods_of_a_deployment_have_its_link(place: Place) -> None:
    """By way of a ReplicaSet that a controller made; without that owner the same pod is refused."""
    place.create(deployment("plain", replicas=1))
    wait_until(lambda: place.pods("plain"))
    assert place.try_pod(pod_of(place.replica_set("plain"), "plain")).status == 201
    refused = place.try_pod(pod_of(None, "plain"))
    assert refused.status == 403
    assert "link/manifest" in refused.message


def test_pods_of_a_cron_job_have_its_link(place: Place) -> None:
    """Through the Job that `kubectl create job --from` makes, as its controller does when it is due."""
    job = place.job_of(cron_job("nightly", MANIFEST))
    assert place.try_pod(pod_of(job, "nightly")).status == 201
    assert place.try_pod(pod_of(job, "nightly", uid=NO_UID)).status == 403


def test_pods_of_an_inference_service_have_its_link(place: Place) -> None:
    """Through three owners: none of what is below it carries the link."""
    top = place.create(kserve.inference_service())
    place.create(child_of_service(top, replicas=1))
    (pod,) = wait_until(lambda: place.pods("isvc.scorer-predictor"))
    assert "annotations" not in pod["metadata"]


def test_an_owner_that_is_not_one_exempts_nothing(place: Place) -> None:
    """The API server stores any reference; the real owner is admitted, to show what the others lack."""
    place.create(deployment("real"))
    real = place.replica_set("real")
    foreign = copy.deepcopy(real)
    foreign["metadata"] = {"name": "foreign", "labels": real["metadata"]["labels"]}
    foreign = place.create(foreign, ELSEWHERE)
    assert place.try_pod(pod_of(real, "real")).status == 201
    for what, pod, why in (
        ("forged", pod_of(real, "real", uid=NO_UID), "it has another uid"),
        ("missing", pod_of(real, "real", name="nothing"), "does not exist in its namespace"),
        ("foreign", pod_of(foreign, "real"), "does not exist in its namespace"),
        ("cyclic", pod_of(owned_by_each_other(place, "one", "two"), "real"), "owns itself"),
        ("not the controller", pod_of(real, "real", controller=False), "Required value"),
        ("unknown", pod_of(real, "real", apiVersion="example.com/v1", kind="Model"), "Required value"),
    ):
        reply = place.try_pod(pod)
        assert reply.status == 403, what
        assert "link/manifest" in reply.message, what
        assert why in reply.message, (what, reply.message)


def test_what_is_injected_into_pods_is_known_by_name_and_image(place: Place) -> None:
    """To the policy; anything else takes the link of its owner from the whole pod."""
    place.create(deployment("meshed"))
    owner = place.replica_set("meshed")
    for name, image, status in (
        ("istio-proxy", f"{PROXY_IMAGE}:1.29", 201),
        ("istio-proxy", "registry.example/other/proxyv2:1.29", 403),
        ("other", f"{PROXY_IMAGE}:1.29", 403),
    ):
        pod = pod_of(owner, "meshed")
        pod["spec"]["containers"].append({"name": name, "image": image})
        reply = place.try_pod(pod)
        assert reply.status == status, (name, image, reply)
        assert status == 201 or "nor an injected container" in reply.message
    swapped = pod_of(owner, "meshed")
    swapped["spec"]["containers"][0]["image"] = "registry.example/other:1"
    assert "is not the image that ReplicaSet" in place.try_pod(swapped).message


def test_the_refusal_of_a_child_names_the_top_object_and_the_place_of_its_link(place: Place) -> None:
    """In the Event of a controller, after evidence was withdrawn, and for each kind as that has it."""
    link = "withdrawn"
    place.evidence(link)
    annotations = {**kserve.LINK, "actgate.dev/compliance-manifest": link}
    top = place.create(kserve.inference_service(name="late", annotations=annotations))
    place.create(child_of_service(top, replicas=0))
    place.replica_set("isvc.late-predictor")
    job = place.job_of(cron_job("late", link))
    place.withdraw(link)
    assert place.kubectl("scale", "deployment/late-predictor", "--replicas=1").code == 0

    def events() -> list[str]:
        path = f"/api/v1/namespaces/{NAMESPACE}/events"
        found = place.rest("GET", path, fieldSelector="reason=FailedCreate").body["items"]
        return [
            item["message"] for item in found if item["involvedObject"]["name"].startswith("late-predictor")
        ]

    message = wait_until(events)[0]
    assert 'of InferenceService "late", which owns the Pod' in message
    assert LINK in message
    message = place.refused(pod_of(job, "late"))
    assert 'of CronJob "late", which owns the Pod' in message
    assert f"spec.jobTemplate.spec.template.{LINK}" in message


def test_an_owner_that_cannot_be_read_is_no_missing_owner(place: Place) -> None:
    """For want of a right, or of an answer: a 503, after which a controller asks again."""
    owners = []
    for app in ("silent", "forbidden"):
        place.create(deployment(app))
        owners.append(place.replica_set(app))

    def silent(seen: Seen) -> Silence | None:
        return Silence() if "/replicasets/" in seen.path else None

    place.proxy.fault = silent
    try:
        reply = place.try_pod(pod_of(owners[0], "silent"))
    finally:
        place.proxy.fault = lambda _: None
    assert (reply.status, "did not answer" in reply.message) == (503, True), reply
    subjects = place.rest("GET", BINDING).body["subjects"]
    assert place.rest("PATCH", BINDING, {"subjects": []}, MERGE_PATCH).status == 200
    try:
        # The API server's authorizer hears of it a moment later; what was read by then is kept.
        forged = pod_of(owners[1], "forbidden", uid=NO_UID)
        wait_until(lambda: "cannot be read" in place.try_pod(forged).message)
        assert place.try_pod(pod_of(owners[1], "forbidden")).status == 503
    finally:
        assert place.rest("PATCH", BINDING, {"subjects": subjects}, MERGE_PATCH).status == 200
    wait_until(lambda: place.try_pod(pod_of(owners[1], "forbidden")).status == 201)
