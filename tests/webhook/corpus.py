"""Objects of every kind that the API server asks about, as they stand in clusters."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path
from typing import Any, Final

import yaml

from actgate.subjects.fields import CONTAINERS
from actgate.subjects.reading import package_table
from tests.subjects.objects import TEMPLATE_PATHS
from tests.webhook.build import Json, workload

ROOT: Final = Path(__file__).parents[2]
_TABLES: Final = ROOT / "tests" / "subjects"


def _read(name: str) -> Any:  # noqa: ANN401 - JSON
    return yaml.load((_TABLES / name).read_text("utf-8"), Loader=yaml.CSafeLoader)


def container(**fields: Any) -> Json:  # noqa: ANN401 - JSON
    """Return a container from what the tables say in short: variables as a map, mounts as paths."""
    made: Json = {"image": "registry.example/house:1", **fields}
    if isinstance(made.get("env"), dict):
        made["env"] = [{"name": name, "value": str(value)} for name, value in made["env"].items()]
    mounts = made.pop("mounts", ())
    if mounts:
        made["volumeMounts"] = [{"name": f"v{index}", "mountPath": path} for index, path in enumerate(mounts)]
    if "resources" in made:
        limits = {name: str(value) for name, value in made["resources"].items()}
        made["resources"] = {"limits": limits, "requests": limits}
    return made


def pod_of(containers: list[Json], **fields: Any) -> Json:  # noqa: ANN401 - JSON
    """Return a PodSpec that the API server takes: names, and a volume for each mount."""
    found = copy.deepcopy({"containers": containers, **fields})
    names = count()
    mounted: set[str] = set()
    for field in CONTAINERS:
        for item in found.get(field, ()):
            item["name"] = f"c{next(names)}"
            mounted |= {mount["name"] for mount in item.get("volumeMounts", ())}
    volumes = found.pop("volumes", [])
    volumes += [{"name": name, "emptyDir": {}} for name in sorted(mounted - {one["name"] for one in volumes})]
    return {**found, "volumes": volumes} if volumes else found


def of_kind(kind: str, pod: Json, labels: Json | None = None) -> Json:
    """Return a workload without a mark whose pods are of a PodSpec."""
    made = workload(kind, labels={"app": "scorer", **(labels or {})}, annotations={})
    found = made
    for step in TEMPLATE_PATHS[kind]:
        found = found[step]
    restart = {"restartPolicy": "Never"} if kind in ("Job", "CronJob") else {}
    found["spec"] = {**pod, **restart}
    if kind == "Job":
        del made["spec"]["selector"]
    if kind in ("ReplicationController",):
        made["spec"]["selector"] = {"app": "scorer"}
    made["metadata"] = {
        key: made["metadata"][key] for key in ("name", "namespace", "labels") if key in made["metadata"]
    }
    return made


def containers() -> Iterator[Json]:
    """Yield containers of model servers, and of ordinary workloads."""
    servers, ordinary = _read("model_servers.yaml"), _read("ordinary_workloads.yaml")
    for images in servers["images"].values():
        yield from (container(image=image) for image in images)
    for commands in servers["commands"].values():
        yield from (container(command=command) for command in commands)
    for fields in ordinary:
        yield container(**{key: value for key, value in fields.items() if key not in ("what", "tier")})


def workloads() -> Iterator[Json]:
    """Yield a workload for each container, in turn of each kind, and with what else shows a server."""
    kinds = cycle(TEMPLATE_PATHS)
    for found in containers():
        yield of_kind(next(kinds), pod_of([found]))
        yield of_kind(next(kinds), pod_of([container()], initContainers=[found]))
    plain = [container()]
    for labels in (
        {"serving.kserve.io/inferenceservice": "m"},
        {"ray.io/node-type": "head"},
        {"team": "credit"},
    ):
        yield of_kind("Pod", pod_of(plain), labels)
        yield of_kind("Deployment", pod_of(plain), labels)
    probe = {"httpGet": {"path": "/v1/models", "port": 8000}}
    yield of_kind("Pod", pod_of([{**container(), "readinessProbe": probe}]))
    yield of_kind(
        "Pod", pod_of(plain, volumes=[{"name": "w", "image": {"reference": "r.example/weights:1"}}])
    )


def serving() -> Iterator[Json]:
    """Yield an object of each serving kind that is judged."""
    for sample in _read("serving_objects.yaml"):
        version, _, kind = sample["kind"].partition(" ")
        metadata = {"name": "scorer", "namespace": "credit"}
        yield {"apiVersion": version, "kind": kind, "metadata": metadata, **copy.deepcopy(sample["body"])}


def examples() -> Iterator[Json]:
    """Yield every workload and model of examples/."""
    rows = package_table().rows
    for path in sorted((ROOT / "examples").rglob("*.yaml")):
        for obj in yaml.load_all(path.read_text("utf-8"), Loader=yaml.CSafeLoader):
            if (
                isinstance(obj, dict)
                and (obj.get("apiVersion", "").rpartition("/")[0], obj.get("kind")) in rows
            ):
                yield obj


def corpus() -> list[Json]:
    """Return all of them."""
    return [*workloads(), *serving(), *examples()]
