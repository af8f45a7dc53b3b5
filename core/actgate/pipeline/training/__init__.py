"""Evidence about a training run: when, where, from which code, data and models (``training.json``)."""

from actgate.pipeline.training.run import FILE, TrainingRun, training_run

__all__ = ["FILE", "TrainingRun", "training_run"]
