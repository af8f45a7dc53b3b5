"""What one pass observed of a model."""

from dataclasses import dataclass, field, replace

from actgate.decision import Manifest, Verdict
from actgate_operator.pod_records import Running
from actgate_operator.pods import Problem
from actgate_operator.rollout import Rollout


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a model, what it rests on, and what follows from it for what runs."""

    verdict: Verdict
    manifest_name: str
    manifest: Manifest | None
    """None where there is no such manifest."""
    scale_to_zero: bool = False
    """Whether the evidence does not hold and a policy wants nothing to run then."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps the operator from doing what the plan says."""

    reason: str
    """CamelCase."""
    message: str
    permanent: bool
    """Whether only a person can remove it; else time may."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop by ``spec.suspend``; neither is required, and neither is proven."""

    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that the status speaks of."""

    generation: int
    judgement: Judgement | None = None
    """None where it was not judged, which an obstacle explains."""
    suspended: bool = False
    violated: bool = False
    """Whether the evidence does not hold and the policies want the model scaled to zero."""
    rollout: Rollout | None = None
    """The Deployment's; None where there is none."""
    growing: bool = False
    """Whether the count was raised, and the new pods do not serve yet."""
    running: Running = field(default_factory=Running)
    """The pods that carry the model's label."""
    problem: Problem | None = None
    """Why pods do not serve."""
    autoscaled: bool = False
    scaling: Problem | None = None
    """Why the autoscaler cannot work; None where it does."""
    obstacle: Obstacle | None = None
    held: int | None = None
    """The most replicas that may run, while the evidence does not hold."""
    url: str | None = None
    selector: str | None = None
    logging: str | None = None
    """Mode of ``spec.logging``; None where it states none."""
    recorder: str | None = None
    """Image of the recorder that is planned into the pods."""
    model_port: str | None = None
    """Whether the model can be asked past its recorder, in words."""
    stop: Stop | None = None
    """While the model is suspended: what is stated of the stop."""


@dataclass(slots=True)
class Pass:
    """What one pass observed and did."""

    observed: Observation
    repaired: list[str] = field(default_factory=list)
    """What others had done to children, in words."""
    failure: Exception | None = None
    """What has to be tried again."""

    def set_stalled(self, reason: str, error: Exception) -> None:
        """Note what only a person can fix."""
        self.observed = replace(self.observed, obstacle=Obstacle(reason, str(error), permanent=True))

    def set_retrying(self, reason: str, error: Exception) -> None:
        """Note what time may fix, and that it has to be retried."""
        self.observed = replace(self.observed, obstacle=Obstacle(reason, str(error), permanent=False))
        self.failure = error
