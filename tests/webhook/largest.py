"""Objects as large as an API server takes them, for what the match conditions of the registration cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tests.webhook import corpus
from tests.webhook.build import Json, model_deployment
from tools.registration_signals import MOST

MOST_BYTES: Final = 1_400_000
"""Of an object: an API server takes 1.5 MiB from etcd, and a request of 3 MiB."""
_BOUNDED: Final = MOST["containers"]


def many(count: int, **fields: Any) -> list[Json]:  # noqa: ANN401 - JSON
    """Return so many containers with the same fields."""
    return [corpus.container(**fields) for _ in range(count)]


def just_bounded() -> Json:
    """Return a PodSpec that is as large as what the conditions still read: every bound nearly reached."""

    def share(what: str) -> int:
        return MOST[what] // _BOUNDED

    words, variables, mounts = share("words"), share("variables"), share("mounts")
    devices = share("devices") // 2
    return corpus.pod_of(
        [
            {
                "image": f"r.example/{'x' * (share('image characters') - 11)}",
                "args": ["y" * (share("command characters") // words - 1)] * words,
                "env": [
                    {
                        "name": "Q" * (share("variable characters") // variables - 4) + f"_{index:02}",
                        "value": "",
                    }
                    for index in range(variables)
                ],
                "volumeMounts": [
                    {
                        "name": f"v{index}",
                        "mountPath": f"/{'w' * (share('mount characters') // mounts - 5)}{index:02}",
                    }
                    for index in range(mounts)
                ],
                "resources": {
                    part: {f"example.com/{'d' * 50}{index}": "1" for index in range(devices)}
                    for part in ("limits", "requests")
                },
                "readinessProbe": {
                    "httpGet": {"path": f"/{'p' * (share('probe characters') - 2)}", "port": 80}
                },
            }
            for _ in range(_BOUNDED)
        ]
    )


def pods() -> Iterator[tuple[str, Json]]:
    """Yield PodSpecs, each large in another respect, with what it is."""
    yield "just what is read", just_bounded()
    yield "a long argument", corpus.pod_of(many(1, args=["a" * MOST_BYTES]))
    yield "many arguments", corpus.pod_of(many(1, args=["-v"] * (MOST_BYTES // 8)))
    yield "many containers", corpus.pod_of(many(3000))
    yield "many containers with arguments", corpus.pod_of(many(1000, args=["a" * 100] * 5))
    yield "many init containers", corpus.pod_of(many(1), initContainers=many(3000))
    yield "many variables", corpus.pod_of(many(1, env={f"V{index}": "x" for index in range(10_000)}))
    yield "a long variable", corpus.pod_of(many(1, env={"V": "x" * MOST_BYTES}))
    yield "many mounts", corpus.pod_of(many(1, mounts=[f"/m/{index}" for index in range(3000)]))
    yield (
        "many volumes",
        corpus.pod_of(many(1), volumes=[{"name": f"v{index}", "emptyDir": {}} for index in range(8000)]),
    )
    yield (
        "many labels of nodes",
        corpus.pod_of(many(1), nodeSelector={f"example.com/{index}": "x" for index in range(15_000)}),
    )


def workloads() -> Iterator[tuple[str, Json]]:
    """Yield Deployments and Pods with them, and with much metadata."""
    for what, pod in pods():
        yield f"Deployment: {what}", corpus.of_kind("Deployment", pod)
    yield "CronJob: just what is read", corpus.of_kind("CronJob", just_bounded())
    plain = corpus.pod_of(many(1))
    yield "Pod: many labels", corpus.of_kind("Pod", plain, {f"l{index}": "x" for index in range(10_000)})
    noted = corpus.of_kind("Deployment", plain)
    noted["spec"]["template"]["metadata"]["annotations"] = {f"a{index}": "x" for index in range(4000)}
    yield "Deployment: many annotations", noted
    owned = corpus.of_kind("Pod", plain)
    owned["metadata"]["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": f"c{index}", "uid": f"u{index}"}
        for index in range(4000)
    ]
    yield "Pod: many owners", owned


def models() -> Iterator[tuple[str, Json]]:
    """Yield ModelDeployments and objects of a serving kind."""
    yield "ModelDeployment: pod template", model_deployment(podTemplate={"spec": just_bounded()})
    yield "ModelDeployment: containers", model_deployment(podTemplate={"spec": {"containers": many(6000)}})
    body: Json = {
        "predictor": {"model": {"storageUri": "s3://m"}, "x": {f"k{i}": "v" * 100 for i in range(10_000)}}
    }
    yield (
        "InferenceService",
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": "scorer"},
            "spec": body,
        },
    )
