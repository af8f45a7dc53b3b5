"""``python -m actgate_operator``: run until SIGTERM; see ``--help``."""

from actgate.kube.errors import Misconfigured
from actgate.runtime.main import run
from actgate_operator.serving import serve
from actgate_operator.settings import Settings


def main() -> None:
    """Run, and end the process with an exit code."""
    run(Settings, serve, (Misconfigured,))


if __name__ == "__main__":
    main()
