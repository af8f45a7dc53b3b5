"""What a training pipeline writes: the governance logger, ``from actgate import EUAIActGovernanceLogger``."""
