"""The part of an object that is judged, read with its types; everything else is skipped unread.

The API server sends objects of the right shape. Whoever does not gets a refusal, since a field that
is skipped because it has the wrong type is a field that nobody looked at. What values mean is the
decision's business. A test holds these types against every field that the decision asks for.
"""

from typing import Any, Final, TypedDict

import msgspec
from msgspec import UNSET

from actgate.api.quoting import cut, quoted
from actgate_webhook.review import Json, Review

Object = dict[str, Any]
Anything = dict[str, Any] | None

_LONGEST: Final = 250


class Metadata(TypedDict, total=False):
    """Of an object or a pod template; ``managedFields`` is most of it and none of our business."""

    name: str | None
    generateName: str | None
    namespace: str | None
    labels: Anything
    annotations: Anything


class Container(TypedDict, total=False):
    """A container of any sort, or the server of a ModelDeployment."""

    image: str | None


class ImageSource(TypedDict, total=False):
    """An image that is mounted as a volume."""

    reference: str | None


class Volume(TypedDict, total=False):
    """A volume."""

    image: ImageSource | None


class PodSpec(TypedDict, total=False):
    """What runs, and on which nodes."""

    initContainers: list[Container] | None
    containers: list[Container] | None
    ephemeralContainers: list[Container] | None
    volumes: list[Volume] | None
    nodeSelector: Anything
    affinity: Anything


class Template(TypedDict, total=False):
    """A pod template."""

    metadata: Metadata | None
    spec: PodSpec | None


class ModelSpec(TypedDict, total=False):
    """The spec of a ModelDeployment."""

    model: Anything
    complianceManifestRef: Anything
    placement: Anything
    server: Container | None
    podTemplate: Template | None


class TemplatedSpec(TypedDict, total=False):
    """The spec of everything that makes pods from a template."""

    template: Template | None


class Job(TypedDict, total=False):
    """The job template of a CronJob."""

    metadata: Metadata | None
    spec: TemplatedSpec | None


class CronJobSpec(TypedDict, total=False):
    """The spec of a CronJob."""

    jobTemplate: Job | None


class Identity(TypedDict):
    """What every object has."""

    apiVersion: str
    kind: str
    metadata: Metadata


class ModelDeployment(Identity, total=False):
    """A ModelDeployment."""

    spec: ModelSpec | None


class Templated(Identity, total=False):
    """A Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController or Job."""

    spec: TemplatedSpec | None


class CronJob(Identity, total=False):
    """A CronJob."""

    spec: CronJobSpec | None


class Pod(Identity, total=False):
    """A Pod."""

    spec: PodSpec | None


_IDENTITY: Final = msgspec.json.Decoder(Identity)
_TEMPLATED: Final = msgspec.json.Decoder(Templated)
_DECODERS: Final[dict[tuple[str, str], msgspec.json.Decoder[Any]]] = {
    ("actgate.dev", "ModelDeployment"): msgspec.json.Decoder(ModelDeployment),
    ("apps", "Deployment"): _TEMPLATED,
    ("apps", "StatefulSet"): _TEMPLATED,
    ("apps", "DaemonSet"): _TEMPLATED,
    ("apps", "ReplicaSet"): _TEMPLATED,
    ("batch", "Job"): _TEMPLATED,
    ("batch", "CronJob"): msgspec.json.Decoder(CronJob),
    ("", "ReplicationController"): _TEMPLATED,
    ("", "Pod"): msgspec.json.Decoder(Pod),
}


class MalformedError(Exception):
    """The object cannot be judged; one sentence that says where and what is expected."""


def read(review: Review) -> Object:
    """Return what is judged of the object that a review is about.

    Raises:
        MalformedError: It is no object of the kind and namespace that the review speaks of, or a
            level of it has a type that hides what is below it.
    """
    return _read(review, "request.object", review.object, _decoder(review))


def read_old(review: Review) -> Object | None:
    """Return what is judged of the object as it is; None where only its identity can be read.

    An object that was stored in a bad shape must not stand in the way of its own repair.

    Raises:
        MalformedError: It is no object of the kind and namespace that the review speaks of.
    """
    try:
        return _read(review, "request.oldObject", review.old_object, _decoder(review))
    except MalformedError:
        _read(review, "request.oldObject", review.old_object, _IDENTITY)
        return None


def _decoder(review: Review) -> msgspec.json.Decoder[Any]:
    return _DECODERS.get((review.kind.group, review.kind.kind), _IDENTITY)


def _read(review: Review, field: str, json: Json, decoder: msgspec.json.Decoder[Any]) -> Object:
    if json is UNSET:
        raise MalformedError(f"{field} is missing, and operation {review.operation} is about one")
    try:
        obj: Object = decoder.decode(json)
    except RecursionError:
        raise MalformedError(f"{field} is nested too deeply") from None
    except ValueError as error:
        raise MalformedError(_sentence(field, str(error))) from None
    if obj["apiVersion"] != review.kind.api_version or obj["kind"] != review.kind.kind:
        raise MalformedError(
            f"{field} must be of the kind that request.kind names, "
            f"{quoted(review.kind.kind)} of {quoted(review.kind.api_version)}"
        )
    stated = obj["metadata"].get("namespace")
    if stated is not None and stated != review.namespace:
        raise MalformedError(f"{field}.metadata.namespace must be request.namespace")
    return obj


def _sentence(field: str, problem: str) -> str:
    """Put the path first: ``Expected `array`, got `object` - at `$.spec.containers```."""
    words, _, path = problem.partition(" - at `$")
    return cut(f"{field}{path.rstrip('`')}: {words}", _LONGEST)
