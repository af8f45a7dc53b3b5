"""actgate: compliance evidence for AI models, honoured by the cluster that runs them."""

__version__ = "0.1.0"
