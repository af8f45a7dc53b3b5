"""actgate: compliance evidence for AI models, honoured by the cluster that runs them."""

from typing import TYPE_CHECKING, Any

from actgate.version import VERSION

if TYPE_CHECKING:
    from actgate.manifests.errors import EvidenceError
    from actgate.pipeline.logger import EUAIActGovernanceLogger

__version__ = VERSION

__all__ = ["EUAIActGovernanceLogger", "EvidenceError", "__version__"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public object
    """Import a public name when it is asked for: ``import actgate`` loads nothing by itself."""
    if name == "EUAIActGovernanceLogger":
        from actgate.pipeline.logger import EUAIActGovernanceLogger

        return EUAIActGovernanceLogger
    if name == "EvidenceError":
        from actgate.manifests.errors import EvidenceError

        return EvidenceError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
