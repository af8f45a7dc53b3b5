"""The status of a ModelDeployment: what was observed, as conditions that people and tools can rely on.

- ``observation``: what one pass observed;
- ``conditions``: what that means;
- ``report``: the whole status, with the times of what did not change kept.

Pure: the caller says what time it is, and writes.

Rules: every condition says for which generation it was set. ``Ready`` sums up; it is True when the evidence
holds and what the spec says is what serves. ``Reconciling`` and ``Stalled`` are there only while True, as
kstatus reads them: Stalled waits for a person, Reconciling only for time.
"""

from actgate_operator.status.observation import Judgement, Observation, Obstacle, Pass, Stop
from actgate_operator.status.report import condition_of, is_same, message_of, report

__all__ = [
    "Judgement",
    "Observation",
    "Obstacle",
    "Pass",
    "Stop",
    "condition_of",
    "is_same",
    "message_of",
    "report",
]
