"""How the use of a model is logged: facts that a subject states, or that its pods show."""

from dataclasses import dataclass
from datetime import timedelta

from actgate.api.inference_log import LogMode, MaxPayload, RequiredDurability
from actgate.decision.manifest import Region
from actgate.decision.problem import Problem


@dataclass(frozen=True, slots=True)
class Logged:
    """What is known of the log of a model's use; what is not known is None."""

    mode: LogMode
    path: str
    """Field that says so, such as ``spec.logging``."""
    durability: RequiredDurability = RequiredDurability.AT_MOST_ONCE
    payload: MaxPayload = MaxPayload.FULL
    retention: timedelta | None = None
    """How long it is kept."""
    stated_retention: str = ""
    """The same as it is stated."""
    region: Region | None = None
    """Where it is kept."""
    stays_with_pods: bool = False
    """Whether it is kept on a volume of the cluster, so that the placement of the pods is its place."""
    problem: Problem | None = None
    """Why what is stated cannot be read; then nothing else of it counts."""
