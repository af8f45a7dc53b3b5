"""Ways through the kinds of serving systems, ModelDeployments, and kinds of which nothing is known."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Final

from actgate_sandbox.rest import MERGE_PATCH
from tests.e2e.bypasses.objects import (
    IMAGE,
    LINK,
    MODEL,
    OTHER_IMAGE,
    VLLM,
    inference_service,
    model,
    owner,
    undeclared,
)
from tests.e2e.bypasses.place import Answer, Expected, Json, Place, Way
from tests.support.waiting import wait_until

UNDECLARED: Final = "inference/undeclared"
MODEL_RULE: Final = "link/model"
EXEMPT: Final = "actgate.dev/exempt"


def _changed_model(change: Json) -> Callable[[Place, str], Answer]:
    def tried(place: Place, name: str) -> Answer:
        place.admitted(model(name))
        return place.merge("ModelDeployment", name, change)

    return tried


def _scaled_model(place: Place, name: str) -> Answer:
    place.admitted(model(name))
    return place.merge("ModelDeployment", name, {"spec": {"replicas": 3}}, "scale")


def _service(change: Json) -> Callable[[Place, str], Answer]:
    def tried(place: Place, name: str) -> Answer:
        place.admitted(inference_service(name))
        return place.merge("InferenceService", name, change)

    return tried


def _other_version(place: Place, name: str) -> Answer:
    obj = {**inference_service(name, "s3://models/fraud/1"), "apiVersion": "serving.kserve.io/v1alpha1"}
    path = place.path("InferenceService").replace("v1beta1", "v1alpha1")
    reply = place.user("POST", path, obj)
    return Answer(reply.status == 201, reply.message)


def _without_row(place: Place, name: str) -> Answer:
    """A kind of which nothing is known: it is let in, and so is what it says; its pods are judged."""
    obj = {
        "apiVersion": "models.example.com/v1",
        "kind": "LanguageModel",
        "metadata": {"name": name},
        "spec": {"image": VLLM},
    }
    stored = place.admitted(obj)
    child = undeclared(f"{name}-server")
    child["metadata"]["ownerReferences"] = [owner(stored)]
    path = place.path("Deployment")
    # As it would be where the gate came later.
    reply = place.admin(
        "PATCH",
        f"/api/v1/namespaces/{place.namespace}",
        {"metadata": {"labels": {EXEMPT: "test"}}},
        MERGE_PATCH,
    )
    assert reply.status == 200, reply
    try:
        wait_until(lambda: place.admin("POST", path, copy.deepcopy(child)).status in (201, 409))
    finally:
        place.admin(
            "PATCH",
            f"/api/v1/namespaces/{place.namespace}",
            {"metadata": {"labels": {EXEMPT: None}}},
            MERGE_PATCH,
        )
    wait_until(lambda: not place.create(undeclared(f"{name}-probe"), dryRun="All").admitted)
    controllers = place.scanned()["controllers"]
    assert any("LanguageModel" in str(one) for one in controllers), controllers
    return place.reported(Answer(True, ""), name)


def _child_without_row(place: Place, name: str) -> Answer:
    obj = {
        "apiVersion": "models.example.com/v1",
        "kind": "LanguageModel",
        "metadata": {"name": name},
        "spec": {"image": VLLM},
    }
    child = undeclared(f"{name}-server")
    child["metadata"]["ownerReferences"] = [owner(place.admitted(obj))]
    return place.create(child)


SERVING: Final = [
    Way(
        "ModelDeployment: another image",
        _changed_model({"spec": {"server": {"image": OTHER_IMAGE}}}),
        MODEL_RULE,
    ),
    Way(
        "ModelDeployment: other arguments",
        _changed_model({"spec": {"server": {"args": ["--model", "bank/other"]}}}),
        MODEL_RULE,
    ),
    Way("ModelDeployment: another model", _changed_model({"spec": {"model": {"version": "3"}}}), MODEL_RULE),
    Way(
        "ModelDeployment: another URI",
        _changed_model({"spec": {"model": {"uri": "s3://models/fraud/1"}}}),
        MODEL_RULE,
    ),
    Way(
        "ModelDeployment: a container beside the server",
        _changed_model(
            {"spec": {"podTemplate": {"spec": {"containers": [{"name": "b", "image": OTHER_IMAGE}]}}}}
        ),
        MODEL_RULE,
    ),
    Way(
        "ModelDeployment: an init container that fetches other weights",
        _changed_model(
            {
                "spec": {
                    "podTemplate": {
                        "spec": {
                            "initContainers": [
                                {"name": "i", "image": IMAGE, "command": ["hf", "download", "bank/other"]}
                            ]
                        }
                    }
                }
            }
        ),
        MODEL_RULE,
    ),
    Way(
        "ModelDeployment: its scale subresource",
        _scaled_model,
        "",
        Expected.LET_IN,
        "more of what was admitted; the operator holds the number while evidence fails",
    ),
    Way(
        "ModelDeployment: its status",
        lambda place, name: (
            place.admitted(model(name)),
            place.merge("ModelDeployment", name, {"status": {"conditions": []}}, "status"),
        )[1],
        "RBAC",
    ),
    Way(
        "InferenceService without a link",
        lambda place, name: place.create(inference_service(name, link={})),
        "link/manifest",
    ),
    Way(
        "InferenceService that loads another model",
        lambda place, name: place.create(inference_service(name, "s3://models/fraud/1")),
        MODEL_RULE,
    ),
    Way(
        "InferenceService: another URI later",
        _service({"spec": {"predictor": {"model": {"storageUri": "s3://models/fraud/1"}}}}),
        MODEL_RULE,
    ),
    Way(
        "InferenceService: a canary with another URI",
        _service({"spec": {"canary": [{"predictor": {"model": {"storageUri": "s3://models/fraud/1"}}}]}}),
        MODEL_RULE,
    ),
    Way(
        "InferenceService: an image anywhere",
        _service({"spec": {"explainer": {"containers": [{"name": "e", "image": OTHER_IMAGE}]}}}),
        MODEL_RULE,
    ),
    Way(
        "InferenceService: the link removed later",
        _service({"metadata": {"annotations": {LINK: None, MODEL: None}}}),
        "link/manifest",
    ),
    Way("InferenceService in another of its versions", _other_version, MODEL_RULE),
    Way(
        "a kind without a row",
        _without_row,
        UNDECLARED,
        Expected.REPORTED,
        "the kind is named as one that controls servers, and its workloads are judged",
    ),
    Way("the workload that the controller of such a kind makes", _child_without_row, UNDECLARED),
]
