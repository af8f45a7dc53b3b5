"""Ways to change what was admitted, and ways to write a change."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from actgate_sandbox.rest import MERGE_PATCH
from tests.e2e.bypasses.objects import (
    IMAGE,
    INFERENCE,
    LINK,
    NOTHING,
    OTHER_IMAGE,
    VLLM,
    links,
    server,
    undeclared,
    workload,
)
from tests.e2e.bypasses.place import Answer, Expected, Json, Place, Way
from tests.support.waiting import wait_until

UNDECLARED: Final = "inference/undeclared"
MODEL_RULE: Final = "link/model"
OTHER: Final = [{"name": "server", "image": OTHER_IMAGE}]
BARE: Final[Json] = {
    "labels": {INFERENCE: None},
    "annotations": dict.fromkeys(links()),
}


def _of(
    change: Callable[[Place, str], Answer],
    kind: str = "Deployment",
    **pod: Any,  # noqa: ANN401 - JSON
) -> Callable[[Place, str], Answer]:
    """Change a workload that was admitted."""

    def tried(place: Place, name: str) -> Answer:
        place.admitted(workload(name, kind, **pod))
        return change(place, name)

    return tried


def _kubectl(*line: str) -> Callable[[Place, str], Answer]:
    """Run kubectl on a Deployment that was admitted; NAME is its name."""
    return _of(lambda place, name: place.run(*(part.replace("NAME", name) for part in line)))


def _pods(**spec: Any) -> Json:  # noqa: ANN401
    return {"spec": {"template": {"spec": spec}}}


def _without_marks(place: Place, name: str) -> Answer:
    return place.merge("Deployment", name, {"spec": {"template": {"metadata": BARE}}})


def _replaced(place: Place, name: str) -> Answer:
    def put() -> Answer | None:
        obj = place.stored("Deployment", name)
        obj["spec"]["template"]["spec"]["containers"][0]["image"] = OTHER_IMAGE
        answer = place.replace(obj)
        # Its controller may just have written its status.
        return None if "has been modified" in answer.text else answer

    answer = wait_until(put)
    assert answer is not None
    return answer


def _recreated(place: Place, name: str) -> Answer:
    path = place.folder / f"{name}.json"
    path.write_text(json.dumps(undeclared(name)), "utf-8")
    return place.run("replace", "--force", "-f", str(path))


def _applied_bare(place: Place, name: str) -> Answer:
    """The marks are taken out of a file, as three-way apply removes them."""
    assert place.run("apply", "-f", "-", stdin=_text(workload(name))).admitted
    return place.run("apply", "-f", "-", stdin=_text(workload(name, template=NOTHING)))


def _applied_by_managers(place: Place, name: str) -> Answer:
    """The manager that owned the marks applies none; another one owns the rest."""
    obj = workload(name)
    assert place.apply(obj, "marks").admitted
    bare = workload(name, template=NOTHING)
    assert place.apply(workload(name), "rest").admitted
    assert place.apply(bare, "marks").admitted
    return place.apply(bare, "rest")


def _text(obj: Json) -> str:
    return json.dumps(obj)


def _terminating(place: Place, name: str) -> Answer:
    """A finalizer keeps what is deleted; it is changed meanwhile."""
    obj = workload(name, own={"finalizers": ["example.com/wait"]})
    place.admitted(obj)
    place.user("DELETE", place.path("Deployment", name))
    answer = place.strategic("Deployment", name, _pods(containers=OTHER))
    place.user(
        "PATCH",
        place.path("Deployment", name),
        {"metadata": {"finalizers": None}},
        MERGE_PATCH,
    )
    return answer


def _in_two_steps(place: Place, name: str) -> Answer:
    """Each step alone changes nothing that is governed: paused first, then the image."""
    assert place.merge("Deployment", name, {"spec": {"paused": True}}).admitted
    assert place.merge("Deployment", name, {"metadata": {"labels": {"step": "1"}}}).admitted
    return place.strategic("Deployment", name, _pods(containers=OTHER))


def _volume(place: Place, name: str) -> Answer:
    claim = {"name": "w", "persistentVolumeClaim": {"claimName": "other"}}
    return place.strategic("Deployment", name, _pods(volumes=[claim]))


def _config_map(place: Place, name: str) -> Answer:
    """The content is changed; the workload is not."""
    source = {"configMapKeyRef": {"name": name, "key": "id"}}
    path = f"/api/v1/namespaces/{place.namespace}/configmaps"
    assert place.user("POST", path, {"metadata": {"name": name}, "data": {"id": "bank/credit"}}).status == 201
    place.admitted(workload(name, containers=[server(env=[{"name": "MODEL_ID", "valueFrom": source}])]))
    swapped = place.user("PATCH", f"{path}/{name}", {"data": {"id": "bank/other"}}, MERGE_PATCH)
    answer = place.reported(Answer(swapped.status == 200, ""), name)
    assert "is not stated here" in answer.text, answer
    return answer


def _other_config_map(place: Place, name: str) -> Answer:
    """The workload takes its model from elsewhere from now on."""
    source = {"configMapKeyRef": {"name": name, "key": "id"}}
    container = {"name": "server", "env": [{"name": "MODEL_ID", "valueFrom": source}]}
    place.admitted(workload(name, containers=[server(env=[{"name": "MODEL_ID", "value": "bank/credit"}])]))
    answer = place.strategic(
        "Deployment",
        name,
        _pods(containers=[{**container, "env": [{"$patch": "replace"}, *container["env"]]}]),
    )
    return place.reported(answer, name)


def _dry_run(place: Place, name: str) -> Answer:
    """What is only asked about is not stored."""
    answer = place.create(workload(name, template={"annotations": links("nowhere")}), dryRun="All")
    assert place.admin("GET", place.path("Deployment", name)).status == 404
    return answer


def _resized(place: Place, name: str) -> Answer:
    containers = [{"name": "server", "image": OTHER_IMAGE, "resources": {"requests": {"cpu": "1m"}}}]
    answer = place.strategic("Pod", name, {"spec": {"containers": containers}}, "resize")
    assert place.stored("Pod", name)["spec"]["containers"][0]["image"] == IMAGE
    return answer if not answer.admitted else Answer(True, "")


def _scaled(place: Place, name: str) -> Answer:
    change = {"spec": {"replicas": 2, **_pods(containers=OTHER)["spec"]}}
    answer = place.merge("Deployment", name, change, "scale")
    spec = place.stored("Deployment", name)["spec"]
    assert (spec["replicas"], spec["template"]["spec"]["containers"][0]["image"]) == (2, IMAGE), answer
    return answer


CHANGED: Final = [
    Way(
        "another variable: `kubectl set env`",
        _kubectl("set", "env", "deployment/NAME", "MODEL_ID=bank/other"),
        MODEL_RULE,
    ),
    Way(
        "another image: `kubectl set image`",
        _kubectl("set", "image", "deployment/NAME", f"server={OTHER_IMAGE}"),
        MODEL_RULE,
    ),
    Way(
        "the tag in place of the digest: `kubectl set image`",
        _kubectl("set", "image", "deployment/NAME", "server=registry.example/server:1"),
        MODEL_RULE,
    ),
    Way(
        "other arguments: `kubectl patch`",
        _kubectl(
            "patch",
            "deployment/NAME",
            "--patch",
            _text(_pods(containers=[{"name": "server", "args": ["--model", "bank/other"]}])),
        ),
        MODEL_RULE,
    ),
    Way(
        "a container more: `kubectl patch`",
        _kubectl(
            "patch",
            "deployment/NAME",
            "--patch",
            _text(_pods(containers=[{"name": "b", "image": OTHER_IMAGE}])),
        ),
        MODEL_RULE,
    ),
    Way(
        "an init container more: `kubectl patch`",
        _kubectl(
            "patch",
            "deployment/NAME",
            "--patch",
            _text(
                _pods(
                    initContainers=[
                        {"name": "i", "image": IMAGE, "command": ["hf", "download", "bank/other"]}
                    ]
                )
            ),
        ),
        MODEL_RULE,
    ),
    Way(
        "the mark removed: `kubectl label`, on a pod",
        _of(
            lambda place, name: place.run("label", "pod", name, f"{INFERENCE}-"),
            "Pod",
            template={"labels": {INFERENCE: "true"}, "annotations": links()},
        ),
        "",
        Expected.LET_IN,
        "the link is left, and declares as well",
    ),
    Way(
        "the link removed: `kubectl annotate`, on a pod",
        _of(lambda place, name: place.run("annotate", "pod", name, f"{LINK}-"), "Pod"),
        "link/manifest",
    ),
    Way("all marks removed: merge patch", _of(_without_marks), "link/manifest"),
    Way("all marks removed from a file: `kubectl apply`", _applied_bare, "link/manifest"),
    Way("all marks given up by the field managers that own them", _applied_by_managers, "link/manifest"),
    Way(
        "all marks removed, and the image changed",
        _of(
            lambda place, name: place.strategic(
                "Deployment",
                name,
                {
                    "spec": {
                        "template": {
                            "metadata": BARE,
                            "spec": {"containers": [{"name": "server", "image": VLLM}]},
                        }
                    }
                },
            )
        ),
        "link/manifest",
    ),
    Way(
        'the label set to `"false"` and the link removed',
        _of(
            lambda place, name: place.merge(
                "Deployment",
                name,
                {"spec": {"template": {"metadata": {**BARE, "labels": {INFERENCE: "false"}}}}},
            )
        ),
        "link/manifest",
    ),
    Way(
        "JSON patch",
        _of(
            lambda place, name: place.patch(
                "Deployment",
                name,
                {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": OTHER_IMAGE},
            )
        ),
        MODEL_RULE,
    ),
    Way(
        "strategic merge patch that replaces the list",
        _of(
            lambda place, name: place.strategic(
                "Deployment", name, _pods(containers=[{"$patch": "replace"}, *OTHER])
            )
        ),
        MODEL_RULE,
    ),
    Way(
        "merge patch",
        _of(lambda place, name: place.merge("Deployment", name, _pods(containers=OTHER))),
        MODEL_RULE,
    ),
    Way("replace: PUT", _of(_replaced), MODEL_RULE),
    Way("`kubectl replace --force`: deleted and made anew", _of(_recreated), UNDECLARED),
    Way(
        "apply by force as `kube-controller-manager`",
        _of(
            lambda place, name: place.apply(
                workload(name, containers=[server(image=OTHER_IMAGE)]), "kube-controller-manager"
            )
        ),
        MODEL_RULE,
    ),
    Way(
        "apply creates what is not there",
        lambda place, name: place.apply(undeclared(name), "anyone"),
        UNDECLARED,
    ),
    Way("changed while it is being deleted", _terminating, MODEL_RULE),
    Way("paused first", _of(_in_two_steps), MODEL_RULE),
    Way(
        "the nodes of another country",
        _of(
            lambda place, name: place.merge(
                "Deployment", name, _pods(nodeSelector={"topology.kubernetes.io/region": "us-east-1"})
            )
        ),
        "residency/serving",
    ),
    Way(
        "the image of a running pod",
        _of(lambda place, name: place.strategic("Pod", name, {"spec": {"containers": OTHER}}), "Pod"),
        MODEL_RULE,
    ),
    Way(
        "an ephemeral container in an admitted pod: `kubectl debug`",
        _of(
            lambda place, name: place.run(
                "debug", f"pod/{name}", f"--image={OTHER_IMAGE}", "--container=d", "--quiet", "--attach=false"
            ),
            "Pod",
        ),
        MODEL_RULE,
    ),
    Way(
        "a copy of an admitted pod with another image: `kubectl debug --copy-to`",
        _of(
            lambda place, name: place.run(
                "debug",
                f"pod/{name}",
                f"--copy-to={name}-copy",
                f"--set-image=server={VLLM}",
                "--quiet",
                "--attach=false",
            ),
            "Pod",
        ),
        MODEL_RULE,
    ),
    Way(
        "`pods/resize` with another image",
        _of(_resized, "Pod", containers=[server(resources={"requests": {"cpu": "2m"}})]),
        "",
        Expected.LET_IN,
        "nothing but resources is written: the image stays",
    ),
    Way(
        "`deployments/scale` with a template",
        _of(_scaled),
        "",
        Expected.LET_IN,
        "nothing but the number is written",
    ),
    Way(
        "`pods/status`",
        _of(lambda place, name: place.merge("Pod", name, {"status": {"phase": "Failed"}}, "status"), "Pod"),
        "RBAC",
    ),
    Way(
        "`deployments/status`",
        _of(
            lambda place, name: place.merge(
                "Deployment", name, {"metadata": {"annotations": {LINK: ""}}}, "status"
            )
        ),
        "RBAC",
    ),
    Way(
        "`pods/binding` with annotations",
        _of(
            lambda place, name: place.run(
                "create",
                "--raw",
                place.path("Pod", name, "binding"),
                "-f",
                "-",
                stdin=_text(
                    {
                        "apiVersion": "v1",
                        "kind": "Binding",
                        "metadata": {"name": name},
                        "target": {"kind": "Node", "name": "n"},
                    }
                ),
            ),
            "Pod",
        ),
        "RBAC",
    ),
    Way("only asked: `--dry-run=server`", _dry_run, "link/manifest", Expected.WARNED, "nothing is stored"),
    Way(
        "a volume in place of the assessed one",
        _of(_volume),
        "",
        Expected.LET_IN,
        "known: no rule reads what a volume holds ([threat model](threat-model.md#what-is-not-governed))",
    ),
    Way(
        "a program of the assessed image that no rule knows",
        _of(
            lambda place, name: place.strategic(
                "Deployment", name, _pods(containers=[{"name": "server", "command": ["/opt/other"]}])
            )
        ),
        "",
        Expected.LET_IN,
        "known: a script that computes or downloads a name",
    ),
    Way(
        "the ConfigMap swapped from which a variable comes",
        _config_map,
        MODEL_RULE,
        Expected.REPORTED,
        'admission does not see it: "is not stated here"',
    ),
    Way(
        "a variable that comes from a ConfigMap from now on",
        _other_config_map,
        MODEL_RULE,
        Expected.REPORTED,
        '"is not stated here"',
    ),
]
