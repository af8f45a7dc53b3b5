"""Ways to mark a workload that a careless reader would miss, and to load what the link does not speak of."""

from __future__ import annotations

from typing import Final

from tests.e2e.bypasses.objects import (
    IMAGE,
    INFERENCE,
    LINK,
    MODEL,
    NOTHING,
    OTHER_IMAGE,
    SCORER,
    linked,
    links,
    server,
    workload,
)
from tests.e2e.bypasses.place import Answer, Expected, Json, Place, Way

MANIFEST: Final = "link/manifest"


def _spelt(value: str) -> Way:
    template = {"labels": {INFERENCE: value}}
    return Way(
        f"the label `{value!r}`, and no link".replace("'", '"'),
        lambda place, name: place.create(workload(name, template=template)),
        MANIFEST,
    )


def _key(what: str, key: str, value: str = "true", field: str = "labels", by: str = MANIFEST) -> Way:
    template = {field: {key: value}}
    return Way(what, lambda place, name: place.create(workload(name, template=template)), by)


def _marked(what: str, by: str, template: Json, own: Json | None = None) -> Way:
    return Way(what, lambda place, name: place.create(workload(name, own=own, template=template)), by)


def _job_template(place: Place, name: str) -> Answer:
    obj = workload(name, "CronJob", template=NOTHING)
    obj["spec"]["jobTemplate"]["metadata"] = {"annotations": links(), "labels": {INFERENCE: "true"}}
    return place.create(obj)


MARKS: Final = [
    *map(_spelt, ("True", "yes", "1", "", "FALSE", "False", "no", "0")),
    _key("the label under a name in capitals", "actgate.dev/INFERENCE"),
    _key("the label with another separator", "actgate.dev/in-ference"),
    _key("an annotation in place of the label", INFERENCE, field="annotations"),
    _key("a prefix spelt nearly so: `act-gate.dev`", "act-gate.dev/inference"),
    _key(
        "an annotation in capitals: `ActGate.dev`", "ActGate.dev/Compliance-Manifest", SCORER, "annotations"
    ),
    _key("a prefix with a letter of another alphabet", "actgat\u0435.dev/inference", by="API server"),
    _key("a label's value in another alphabet", INFERENCE, "tru\u0435", by="API server"),
    _marked("the link as a label", MANIFEST, {"labels": {INFERENCE: "true", LINK: SCORER}}),
    _marked("the link on the workload alone", MANIFEST, NOTHING, {"annotations": links()}),
    _marked("the label on the workload alone", MANIFEST, NOTHING, {"labels": {INFERENCE: "true"}}),
    _marked(
        "the label on its pods, the link on the workload",
        MANIFEST,
        {"labels": {INFERENCE: "true"}},
        {"annotations": links()},
    ),
    Way("label and link on the job template alone", _job_template, MANIFEST),
    _marked(
        "another link on the workload than on its pods",
        MANIFEST,
        {"annotations": links()},
        {"annotations": links("other")},
    ),
    _marked("an empty link", MANIFEST, {"annotations": links("")}),
    _marked("an empty model", "link/model", {"annotations": links(model="")}),
    _marked("no model", "link/model", {"annotations": links(model=None)}),
    Way(
        "no digest of the model, where the policy asks for one",
        lambda place, name: place.create(workload(name, template=linked(model_digest=None))),
        "",
        Expected.LET_IN,
        "the manifest binds the image by its digest",
    ),
    _marked("another model", "link/model", {"annotations": links(model="FraudDetector")}),
    _marked("another version", "link/model", {"annotations": links(model_version="3")}),
    _marked("another digest", "link/model", {"annotations": links(model_digest=f"sha256:{'9' * 64}")}),
    _marked("evidence that does not exist", MANIFEST, {"annotations": links("nowhere")}),
    _marked("evidence of another namespace", MANIFEST, {"annotations": links(f"../default/{SCORER}")}),
    _marked("the name in capitals", MANIFEST, {"annotations": links(SCORER.upper())}),
    _marked(
        "the name with a character that is not shown", MANIFEST, {"annotations": links(f"{SCORER}\u200b")}
    ),
    _marked("a link of a hundred kilobytes", MANIFEST, {"annotations": links("x" * 100_000)}),
    _marked(
        "a link for a model that the workload does not run",
        "link/model",
        {"annotations": links(f"FraudDetector={SCORER}")},
    ),
    Way("a label longer than labels are", _spelt("x" * 64).tried, "API server"),
    Way(
        "YAML that merges the link over another one",
        lambda place, name: place.run("create", "-f", "-", stdin=_merged(name)),
        MANIFEST,
    ),
]


def _merged(name: str) -> str:
    """Return YAML in which a merge key gives the link, and the key beside it takes it away."""
    return f"""
apiVersion: v1
kind: Pod
metadata:
  name: {name}
  labels: {{actgate.dev/inference: "true"}}
  annotations:
    <<: {{{LINK}: {SCORER}, {MODEL}: CreditRiskScorer}}
    {LINK}: ""
spec:
  containers:
  - {{name: server, image: "{IMAGE}"}}
"""


def _loading(what: str, pod: Json) -> Way:
    return Way(what, lambda place, name: place.create(workload(name, **pod)), "link/model")


LOADED: Final = [
    _loading(what, pod)
    for what, pod in {
        "another argument": {"containers": [server(args=["--model", "bank/other"])]},
        "another argument after the assessed one": {
            "containers": [server(args=["--model", "bank/credit", "--model=bank/other"])]
        },
        "another variable": {"containers": [server(env=[{"name": "MODEL_ID", "value": "bank/other"}])]},
        "another variable in the argument": {
            "containers": [server(args=["--model=$(M)"], env=[{"name": "M", "value": "bank/other"}])]
        },
        "an init container that fetches other weights": {
            "initContainers": [
                {"name": "i", "image": IMAGE, "command": ["aws", "s3", "cp", "s3://models/fraud/w.bin", "/m"]}
            ]
        },
        "an init container that fetches them in a script": {
            "initContainers": [
                {"name": "i", "image": IMAGE, "command": ["sh", "-c", "aws s3 cp s3://models/fraud/w.bin /m"]}
            ]
        },
        "an init container that leaves the assessed folder": {
            "initContainers": [
                {"name": "i", "image": IMAGE, "args": ["cp", "s3://models/credit/../fraud/w.bin", "/m"]}
            ]
        },
        "a hook that fetches other weights": {
            "containers": [
                server(
                    lifecycle={
                        "postStart": {
                            "exec": {"command": ["aws", "s3", "cp", "s3://models/fraud/w.bin", "/m"]}
                        }
                    }
                )
            ]
        },
        "a tag that can move": {"containers": [server(image="registry.example/server:1")]},
        "another image under the assessed name": {
            "containers": [server(image=f"registry.example/server@sha256:{'3' * 64}")]
        },
        "a tag beside the assessed digest of another": {
            "containers": [server(image=f"registry.example/server:1@sha256:{'3' * 64}")]
        },
        "a second container": {"containers": [server(), {"name": "b", "image": OTHER_IMAGE}]},
        "an image as a volume": {"volumes": [{"name": "w", "image": {"reference": OTHER_IMAGE}}]},
    }.items()
]
