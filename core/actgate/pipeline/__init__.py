"""What a training pipeline writes: the governance logger, training evidence, audits, cards and packs.

``from actgate import EUAIActGovernanceLogger`` and ``actgate.pipeline.training_run``.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actgate.pipeline.training import training_run
    from actgate.pipeline.training.run import TrainingRun

__all__ = ["TrainingRun", "training_run"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public object
    """Import what records a training run when it is asked for."""
    if name == "training_run":
        from actgate.pipeline.training import training_run

        return training_run
    if name == "TrainingRun":
        from actgate.pipeline.training.run import TrainingRun

        return TrainingRun
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
