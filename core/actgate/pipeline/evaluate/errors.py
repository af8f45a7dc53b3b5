"""Why an evaluation cannot be made."""

from actgate.manifests.errors import EvidenceError


class EvaluationError(EvidenceError):
    """A model, data, a report or arguments that cannot be evaluated: one sentence per line."""


class ModelFailedError(Exception):
    """The model cannot predict for this input. The message names no value of the data."""
