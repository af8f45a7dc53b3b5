"""What is asked about: a ModelDeployment, a workload, or a manifest by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from actgate.decision.logged import Logged
from actgate.decision.manifest import Manifest, ModelIdentity, Region

MODEL_DEPLOYMENT: Final = "ModelDeployment"
"""The kind of a subject that names its model by itself; any other one is a workload."""


@dataclass(frozen=True, slots=True)
class SubjectProblem:
    """A field of the subject that could not be read, and the rule that therefore fails."""

    rule: str
    path: str
    message: str
    remediation: str


@dataclass(frozen=True, slots=True)
class Link:
    """A reference to a ComplianceManifest of the subject's own namespace, about one of its models."""

    manifest: str
    """Name of the ComplianceManifest."""
    model: str | None = None
    """Name of the model that it is about, where the reference says so; else the subject's own model."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The object that answers for a subject: the top of its verified chain of owners."""

    group: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Added:
    """A container, or an image volume, that a pod has and the template of its owner has not."""

    path: str
    """The field of its image."""
    name: str
    """Its name; of a volume after ``volumes/``, which no container's name is."""
    image: str


@dataclass(frozen=True, slots=True)
class Lent:
    """What the top of a verified chain of owners lends: the link, the model's identity, how it is logged."""

    owner: Owner
    links: tuple[Link, ...]
    model: ModelIdentity | None
    declared: bool
    """Whether the owner is judged for what it is, or because of a mark."""
    reference_path: str
    """Field of the owner that holds the links."""
    model_path: str
    """Field of the owner that names the model."""
    added: tuple[Added, ...] = ()
    """What it runs besides the templates of its owners; unless all of that is injected, nothing is lent."""
    compared: bool = False
    """Whether every owner up to this one holds a template of pods, and the subject runs what they state,
    with the arguments and variables that name a model. Else an Exemption of the owner is not about it."""
    unchanged: bool = False
    """Whether the subject runs what those templates state that there are."""
    logging: Logged | None = None
    """How the owner says that the use of its model is logged; None where it states nothing."""
    logging_path: str = "spec.logging"
    """Field in which it would state that."""


@dataclass(frozen=True, slots=True)
class ModelReference:
    """What an object says it loads as a model: the value of a field, an argument or a variable."""

    path: str
    """The field, such as ``spec.predictor.model.storageUri``."""
    value: str
    """A URI, or the name of a model or of a repository."""


class SignalTier(StrEnum):
    """How far the signals of an object show that it serves a model; the strongest first."""

    STRONG = "Strong"
    LIKELY = "Likely"
    WEAK = "Weak"


@dataclass(frozen=True, slots=True)
class Signal:
    """One fact by which a workload looks like a model server."""

    id: str
    """Id of the rule of ``subjects/signals.yaml``, such as ``image/vllm``."""
    path: str
    """The field that shows it."""
    value: str
    """What of it was matched, cut to what a message can hold."""


@dataclass(frozen=True, slots=True)
class Detection:
    """What the signals of an object add up to."""

    tier: SignalTier
    signals: tuple[Signal, ...]
    """Those of this tier, in the order of their paths; for ``Likely`` the hints of either family."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that wants to run, reduced to what decisions need."""

    kind: str
    namespace: str
    name: str
    links: tuple[Link, ...]
    """The ComplianceManifests that it refers to, one for each model that it serves; empty for none."""
    model: ModelIdentity | None
    """The model that it names by itself."""
    images: tuple[tuple[str, str], ...] = ()
    """Images that it runs: (field, reference), init containers and image volumes included."""
    placement: tuple[tuple[str, Region], ...] | None = None
    """Where it declares to run: (field, region); None when it declares nothing."""
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of its namespace, by which policies select it."""
    group: str = ""
    """API group of its kind."""
    owner: Owner | None = None
    """The object whose Exemptions are about it; None where those of its own name are."""
    lent: Lent | None = None
    """What a verified chain of owners lends to it, if the policies agree; None where it has none."""
    alone: str = ""
    """Why it stands alone although it names an owner, in a clause."""
    template_since: datetime | None = None
    """Since when, by the API server's clock, the owner of a pod makes pods from the template of this one, and
    has some; None where that is not certain, and for anything but a pod."""
    references: tuple[ModelReference, ...] = ()
    """What it loads as a model wherever it says so: URIs, arguments and variables; besides ``model``."""
    unstated: tuple[str, ...] = ()
    """Fields whose value another object holds, such as a variable from a ConfigMap: not stated here."""
    declared: bool = True
    """Whether it is judged for what it is, or because of a mark; else for its signals alone."""
    was_declared: bool = False
    """Whether this update takes away the last mark that declared it: it is judged as if it still had it."""
    detection: Detection | None = None
    """What its signals add up to; None where there are none."""
    problems: tuple[SubjectProblem, ...] = ()
    reference_path: str = "spec.complianceManifestRef.name"
    """Field that holds the links."""
    model_path: str = "spec.model"
    """Field that names the model."""
    governed_change: bool = True
    """False when an update leaves every governed field as it was."""
    dry_run: bool = False
    """Whether the request only asks what would happen."""
    logging: Logged | None = None
    """How its use is logged; None where it states nothing."""
    recorders: tuple[tuple[str, str], ...] = ()
    """Native sidecars in which a recorder may run: (field, image) as in ``images``."""
    logging_path: str = "spec.logging"
    """Field in which it would state how its use is logged."""

    @property
    def manifest_names(self) -> list[str]:
        """The names of the ComplianceManifests that it links, or its owner for it, each once."""
        links = self.links or (self.lent.links if self.lent is not None else ())
        names = [link.manifest for link in links]
        return names if len(names) < 2 else list(dict.fromkeys(names))

    @classmethod
    def of_manifest(cls, manifest: Manifest, namespace_labels: Mapping[str, str] | None = None) -> "Subject":
        """Return a subject that asks whether a manifest would pass for its own model."""
        return cls(
            kind="ComplianceManifest",
            namespace=manifest.namespace,
            name=manifest.name,
            links=(Link(manifest.name),),
            model=manifest.model,
            images=tuple(
                (f"spec.model.images[{index}]", image) for index, image in enumerate(manifest.images)
            ),
            namespace_labels=namespace_labels or {},
        )
